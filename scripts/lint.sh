#!/usr/bin/env bash
# Every static check, each at its strictest; `make lint` sets up the tools first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check() {
  printf 'lint: %s\n' "$*" >&2
  "$@"
}

mapfile -t scripts < <(git ls-files '*.sh' .ci/run)

check cargo fmt --all --check
check shellcheck "${scripts[@]}"
check .tools/bin/cargo-deny --log-level warn check bans licenses sources
check cargo clippy --workspace --all-targets -- -D warnings
RUSTDOCFLAGS='-D warnings' check cargo doc --quiet --workspace --no-deps
