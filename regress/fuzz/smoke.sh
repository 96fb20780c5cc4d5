#!/bin/sh
# A fuzz target survives its seeds, and FUZZ_SECONDS (15) of their descendants.
#	smoke.sh TARGET SEEDS
# An input that fails is kept in the folder that this is run from, which is the build's.
set -eu
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export UBSAN_OPTIONS
# Seeds first and to the end, however slow the machine is.
find "$2" -type f -print0 | xargs -0 "$1" -timeout=60
"$1" -max_total_time="${FUZZ_SECONDS:-15}" -timeout=60 -rss_limit_mb=2048 \
    -artifact_prefix="${1##*/}-failed-" "$corpus" "$2"
