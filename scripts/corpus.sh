#!/usr/bin/env bash
# Runs the behaviour corpus (tests/corpus) through the built nuncio and a real Envoy, after asking `nuncio check` about its manifests.
# usage: scripts/corpus.sh [run.py options, such as --only tls or --keep DIR]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

nuncio=${NUNCIO:-target/debug/nuncio}
[[ -x $nuncio ]] || {
  printf 'corpus: error: %s is missing: cargo build --workspace\n' "$nuncio" >&2
  exit 1
}

python=.tools/venv/bin/python
"$python" tests/corpus/problems.py --check "$nuncio check -o json {dir}" --jobs "$(nproc)" tests/corpus/cases

# One worker an Envoy: the cases run side by side.
exec "$python" tests/corpus/run.py \
  --target "$nuncio up {dir} --admin 127.0.0.1:{p1} --concurrency 1 --envoy .tools/bin/envoy" \
  --ready-url 'http://127.0.0.1:{p1}/ambassador/v0/check_ready' \
  --jobs "${CORPUS_JOBS:-$(nproc)}" "$@" tests/corpus/cases
