# What every image of ours stands on: Debian, Python, the machine's certificates, a user of no rank.
FROM debian:bookworm-slim
COPY . /tmp/machine/
RUN mkdir -p /usr/local/share/ca-certificates \
 && cp /tmp/machine/certificates/*.crt /usr/local/share/ca-certificates/ 2>/dev/null || true
RUN cp /tmp/machine/apt/* /etc/apt/apt.conf.d/ 2>/dev/null || true
RUN cp /tmp/machine/pip/pip.conf /etc/pip.conf
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      ca-certificates libgomp1 python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && update-ca-certificates \
 && if [ -f /tmp/machine/certificates/bundle.pem ]; then cp /tmp/machine/certificates/bundle.pem /etc/ssl/certs/ca-certificates.crt; fi \
 && rm -rf /tmp/machine \
 && groupadd --gid 10001 trainyard \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin trainyard \
 && python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
