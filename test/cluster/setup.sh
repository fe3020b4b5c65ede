#!/usr/bin/env bash
# Builds what test/cluster runs into .peers/cluster/, as far as it is missing: Kubernetes' own programs and helm from
# pinned Go modules, the tests' backend from this folder. A first build takes about 8 minutes on two cores.
# Says plainly what else is missing, and fails then.
set -u
cd "$(dirname "$0")" || exit 1
out=$(cd ../.. && pwd)/.peers/cluster
# What the programs say that they are; what they are stands in the modules' go.mod.
version=v1.35.4
helm_version=v3.19.5
missing=0
say() {
  echo "test/cluster: $*" >&2
  missing=1
}

[ "$(uname -s)" = Linux ] || say "needs Linux: each pod gets a network namespace"
[ "$(id -u)" = 0 ] || say "needs root: each pod gets a network namespace"
for program in etcd:etcd-server etcdctl:etcd-client ip:iproute2 openssl:openssl nsenter:util-linux setpriv:util-linux; do
  command -v "${program%%:*}" >/dev/null || say "${program%%:*} is missing: apt-get install ${program##*:}"
done
command -v go >/dev/null || say "Go is missing: https://go.dev/dl (1.25 or later)"
[ "$missing" = 0 ] || exit 1

mkdir -p "$out"
# Each program is written aside and renamed, so that a build which was cut off leaves none that looks finished.
build() { # build FOLDER NAME PACKAGE [LDFLAGS]
  echo "test/cluster: building $2" >&2
  (cd "$1" && CGO_ENABLED=0 nice -n 10 go build -trimpath -ldflags "-s -w ${4:-}" -o "$out/.$2.new" "$3") &&
    mv "$out/.$2.new" "$out/$2" || exit 1
}

stamp() { # stamp NAME FILES...: whether NAME was built from what the files say now
  local sum
  sum=$({ cat "${@:2}" && echo "$version $helm_version"; } | sha256sum)
  [ -x "$out/$1" ] && [ "$(cat "$out/.$1.sum" 2>/dev/null)" = "$sum" ] && return 0
  printf '%s\n' "$sum" >"$out/.$1.next"
  return 1
}

flags=""
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags="$flags -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=35 -X $package.gitTreeState=clean"
done
for program in kube-apiserver kube-controller-manager kubectl; do
  stamp $program tools/kubernetes/go.mod tools/kubernetes/go.sum && continue
  build tools/kubernetes $program k8s.io/kubernetes/cmd/$program "$flags"
  mv "$out/.$program.next" "$out/.$program.sum"
done
if ! stamp helm tools/helm/go.mod tools/helm/go.sum; then
  build tools/helm helm helm.sh/helm/v3/cmd/helm "-X helm.sh/helm/v3/internal/version.version=$helm_version"
  mv "$out/.helm.next" "$out/.helm.sum"
fi
# Always: it is quick, and it changes.
build backend backend .
