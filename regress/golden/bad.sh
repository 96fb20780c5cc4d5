#!/bin/sh
# Every malformed policy and config file is refused with exactly its diagnostics, and every
# well-formed one loads; none crashes or hangs the loaders.
#
# usage: bad.sh YAMLCHECK DIR [-u]     -u writes the .err files anew

set -u
yamlcheck=$1
dir=$2
update=${3:-}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
bad=0 n=0

# kind FILE: by the first letter of its name.
kind()
{
	case ${1##*/} in
	c-*) echo config ;;
	s-*) echo strict ;;
	*) echo policy ;;
	esac
}

complain()
{
	echo "FAIL: $*"
	bad=$((bad + 1))
}

for f in "$dir"/bad/*.yaml; do
	n=$((n + 1))
	timeout 20 "$yamlcheck" "$(kind "$f")" "$f" >"$tmp/out" 2>&1
	rc=$?
	[ $rc -eq 1 ] || complain "$f: exit $rc, expected 1"
	[ "$update" != -u ] || cp "$tmp/out" "${f%.yaml}.err"
	diff -u "${f%.yaml}.err" "$tmp/out" || complain "$f"
	grep -q '^[^:]*:[0-9]*:[0-9]*: error: ' "$tmp/out" ||
		complain "$f: no line and column"
done
[ "$n" -ge 45 ] || complain "only $n malformed files"

for f in "$dir"/good/*.yaml; do
	n=$((n + 1))
	timeout 20 "$yamlcheck" "$(kind "$f")" "$f" >"$tmp/out" 2>&1
	rc=$?
	[ $rc -eq 0 ] || complain "$f: exit $rc, expected 0"
	[ "$update" != -u ] || cp "$tmp/out" "${f%.yaml}.out"
	diff -u "${f%.yaml}.out" "$tmp/out" || complain "$f"
done

for f in "$dir"/../deployments/*/default.yaml; do
	n=$((n + 1))
	"$yamlcheck" policy "$f" >"$tmp/out" 2>&1 || complain "$f"
	[ ! -s "$tmp/out" ] || complain "$f: $(cat "$tmp/out")"
done
for f in "$dir"/../deployments/*/config.yaml; do
	n=$((n + 1))
	"$yamlcheck" config "$f" >"$tmp/out" 2>&1 || complain "$f"
	if grep -e 'unknown key' -e ' error: ' "$tmp/out"; then
		complain "$f"
	fi
done

echo "$n files, $bad wrong"
[ $bad -eq 0 ]
