# The operator's image: one static file on a base that has certificates and a user, and no shell.
#
#   docker build --tag devops-agent-operator .
#
# It is built on a machine of its own architecture; .github/workflows/release.yaml does amd64 and arm64.
# Both bases are named by the digest of their index for all architectures; `docker buildx imagetools inspect` shows what
# a tag is now.
FROM rust:1.95.0-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS tools
RUN apt-get update \
    && apt-get install --yes --no-install-recommends musl-tools \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY build/static-binary.sh build/
RUN build/static-binary.sh tools

FROM tools AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

# What the dependencies compile to is a layer of its own: it stays until Cargo.lock changes.
FROM tools AS build
COPY --from=plan /source/recipe.json recipe.json
RUN build/static-binary.sh dependencies
COPY . .
RUN build/static-binary.sh binary /out/devops-agent-operator

FROM gcr.io/distroless/static:nonroot@sha256:e2e927ec666bae08560abb3c55d0659eceabb657f56b6782ab500a9fc7f555e3
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="devops-agent-operator" \
      org.opencontainers.image.description="A Kubernetes operator for AWS DevOps Agent" \
      org.opencontainers.image.source="https://github.com/devops-agent-operator/devops-agent-operator" \
      org.opencontainers.image.documentation="https://devops-agent-operator.github.io/devops-agent-operator/" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /out/devops-agent-operator /usr/local/bin/devops-agent-operator
# By number, so that `runAsNonRoot` can be checked.
USER 65532:65532
ENV LOG_FORMAT=json
ENTRYPOINT ["/usr/local/bin/devops-agent-operator"]
CMD ["run"]
