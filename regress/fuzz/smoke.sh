#!/bin/sh
# A fuzz target survives its seeds and a few thousand descendants of them.
#   smoke.sh TARGET SEEDS [RUNS]
set -eu
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
"$1" -runs="${3:-2000}" -timeout=20 -rss_limit_mb=1024 "$corpus" "$2"
