#!/usr/bin/env bash
# Prepares this machine: tools, a Docker engine that answers, and the base image. Does only what is
# missing, so it may be run as often as one likes, also twice at once. With `browser` it adds what the
# tests of the pages drive.
set -euo pipefail
cd "$(dirname "$0")/.."

BASE=trainyard/base:bookworm
SOCKET="${DOCKER_HOST:-unix:///var/run/docker.sock}"
LOCK="${XDG_RUNTIME_DIR:-/tmp}/trainyard-setup-$(id -u).lock"

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

exec 9>"$LOCK"
flock 9

# A client without an engine answers too: only the engine itself counts.
engine_answers() { have docker && docker --host "$SOCKET" version --format '{{.Server.Version}}' >/dev/null 2>&1; }

can_install() { [ "$(id -u)" = 0 ] && have apt-get; }

install() {
  can_install || fail "missing: $*; install them (on Debian: apt-get install $*), then start again"
  say "installing $*"
  if [ -z "${APT_FRESH:-}" ]; then
    apt-get update -qq || fail "the package lists cannot be read: check the network and /etc/apt/sources.list"
    APT_FRESH=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null \
    || fail "installing $* failed: run apt-get install $* and read what it says"
}

need_tools() {
  local missing=()
  have git || missing+=(git)
  have cc || missing+=(gcc libc6-dev)
  have curl || missing+=(curl)
  have python3 || missing+=(python3)
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
  # The tests start a PostgreSQL of their own.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb || missing+=(postgresql)
  [ ${#missing[@]} = 0 ] || install "${missing[@]}"
}

need_browser() {
  local missing=()
  have chromium || have google-chrome || missing+=(chromium)
  have chromedriver || missing+=(chromium-driver)
  [ ${#missing[@]} = 0 ] || install "${missing[@]}"
}

# A killed dockerd leaves its pid file; if another program has that pid by now, the next start refuses.
forget_stale_pid() {
  local file=$1 name=$2 pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file" 2>/dev/null || true)
  if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" = "$name" ]; then return 0; fi
  rm -f "$file"
}

need_engine() {
  engine_answers && return 0
  [ "$SOCKET" = unix:///var/run/docker.sock ] || fail "no Docker engine answers at $SOCKET: start it, or unset DOCKER_HOST"
  [ "$(id -u)" = 0 ] || fail "no Docker engine answers at /var/run/docker.sock: install and start Docker, and join its group"
  have dockerd && have docker && have iptables || install docker.io iptables
  if [ -d /run/systemd/system ]; then
    systemctl start docker || fail "systemctl start docker failed: see journalctl -u docker"
  else
    say "starting dockerd (its log is /var/log/dockerd.log)"
    forget_stale_pid /var/run/docker.pid dockerd
    forget_stale_pid /var/run/docker/containerd/containerd.pid containerd
    setsid nohup dockerd >>/var/log/dockerd.log 2>&1 </dev/null 9>&- &
  fi
  for _ in $(seq 150); do
    engine_answers && return 0
    sleep 0.2
  done
  fail "dockerd did not answer within 30s: $(tail -n 1 /var/log/dockerd.log 2>/dev/null || echo 'see its log')"
}

# The official image where a registry answers, else one made from the distribution's packages.
need_debian() {
  docker image inspect debian:bookworm-slim >/dev/null 2>&1 && return 0
  if timeout 20 docker pull --quiet debian:bookworm-slim >/dev/null 2>&1; then return 0; fi
  say "no image registry answers: making the base image with debootstrap (about half a minute)"
  have debootstrap || install debootstrap
  local root
  root=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder is known now
  trap "rm -rf '$root'" EXIT
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$root.log" 2>&1 \
    || fail "debootstrap failed: $(tail -n 1 "$root.log")"
  rm -f "$root.log" "$root"/var/cache/apt/archives/*.deb
  tar -C "$root" -c . | docker import --change 'CMD ["/bin/sh"]' - debian:bookworm-slim >/dev/null
}

# What this machine trusts and where it finds packages, for the inside of a build.
stage_machine() {
  local folder=$1
  mkdir -p "$folder/certificates" "$folder/apt" "$folder/pip"
  cp /usr/local/share/ca-certificates/*.crt "$folder/certificates/" 2>/dev/null || true
  local bundle=${PIP_CERT:-${SSL_CERT_FILE:-}}
  if [ -f "$bundle" ]; then cp "$bundle" "$folder/certificates/bundle.pem"; fi
  [ -f /etc/apt/apt.conf.d/90proxy ] && cp /etc/apt/apt.conf.d/90proxy "$folder/apt/" || true
  { echo '[global]'; pip3 config list 2>/dev/null | sed -n "s/^global\.\(index-url\|extra-index-url\|proxy\|trusted-host\)='\(.*\)'$/\1 = \2/p"; } >"$folder/pip/pip.conf"
}

need_base() {
  local key
  key=$(cat dockerfiles/base.Dockerfile dockerfiles/setup.sh | sha256sum | cut -c1-16)
  [ "$(docker image inspect --format '{{index .Config.Labels "io.trainyard.setup"}}' $BASE 2>/dev/null || true)" = "$key" ] && return 0
  need_debian
  say "building $BASE"
  local context
  context=$(mktemp -d)
  stage_machine "$context"
  DOCKER_BUILDKIT=0 docker build --quiet --label "io.trainyard.setup=$key" --tag $BASE \
    --file dockerfiles/base.Dockerfile "$context" >"$context.log" 2>&1 || { tail -n 20 "$context.log" >&2; fail "building $BASE failed"; }
  rm -rf "$context" "$context.log"
}

need_tools
[ "${1:-}" != browser ] || need_browser
need_engine
need_base
