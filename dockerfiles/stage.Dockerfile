# What stands beside a step's program in a pod: one static program, and the certificates by which it knows the store.
FROM trainyard/base:bookworm AS base
FROM scratch
COPY --from=base /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY trainyard-stage /trainyard-stage
ENTRYPOINT []
