# The standard components: one static program, nothing else.
FROM scratch
COPY trainyard-components /trainyard-components
ENTRYPOINT []
