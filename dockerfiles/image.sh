#!/usr/bin/env bash
# Builds one image family: `image.sh NAME[:TAG] [PROGRAM]`. Docker's layer cache makes it quick when
# nothing changed. PROGRAM is copied into the build context (components, service, stage).
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1%%:*}
program=${2:-}
case $name in
  trainer) context=pipelines/flights ;;
  components | service | stage)
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    cp "$program" "$context/"
    touch --date=@0 "$context/$(basename "$program")"
    ;;
  *) context=. ;;
esac
log=$(mktemp)
if ! DOCKER_BUILDKIT=0 docker build --tag "trainyard/$1" --file "dockerfiles/$name.Dockerfile" "$context" >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  rm -f "$log"
  printf 'setup: building the image trainyard/%s failed (dockerfiles/%s.Dockerfile)\n' "$name" "$name" >&2
  exit 1
fi
rm -f "$log"
