# The service, for those who run it in a container: mount a data folder and Docker's socket.
FROM trainyard/base:bookworm
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git \
 && rm -rf /var/lib/apt/lists/*
COPY trainyard /usr/local/bin/trainyard
ENTRYPOINT ["trainyard"]
CMD ["serve"]
