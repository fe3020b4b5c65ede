# The image of the gateway: docker build -t ghcr.io/serin-gateway/serin:0.1.0 .
# NODE is the newest Node with long-term support that both images have.
ARG NODE=24

# Everything in it is JavaScript, so it is built once, on the machine's own platform, for all platforms.
FROM --platform=$BUILDPLATFORM docker.io/library/node:${NODE}-trixie-slim AS build
WORKDIR /app
# What seldom changes comes first: these layers are kept. No package's script is run.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/copy-assets.mjs scripts/
COPY src src
RUN npm run build \
 && find dist \( -name '*.d.ts' -o -name '*.map' \) -delete
# Without the compiler and everything else that only building and testing need.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

# No shell, no package manager, no root: /nodejs/bin/node and its libraries.
FROM gcr.io/distroless/nodejs${NODE}-debian13:nonroot
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="Serin" \
      org.opencontainers.image.description="A canary-release gateway for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
WORKDIR /app
# They stay root's: the gateway cannot change its own program.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY LICENSE ./
# By number: runAsNonRoot is decided by it.
USER 65532:65532
EXPOSE 8080 8443 8877
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/cli/main.js"]
CMD ["run", "--kubernetes"]
