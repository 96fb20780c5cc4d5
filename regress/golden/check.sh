#!/bin/sh
# Every malformed file gets exactly its diagnostics from policyd's tool mode too, confined, and a
# pattern that cannot be compiled is told with its place; none crashes or hangs it.
#
# usage: check.sh POLICYD DIR [-u]     -u writes pattern/*.err anew

set -u
policyd=$1
dir=$2
update=${3:-}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
bad=0 n=0

complain()
{
	echo "FAIL: $*"
	bad=$((bad + 1))
}

# check FILE: what check or config-check says of it, on standard error
check()
{
	name=${1##*/}
	case $name in
	c-*) timeout 60 "$policyd" -T config-check -c "5:$name" 5<"$1" ;;
	s-*) timeout 60 "$policyd" -T config-check -s -c "5:$name" 5<"$1" ;;
	*) timeout 60 "$policyd" -T check -p "5:$name" 5<"$1" ;;
	esac
}

for f in "$dir"/bad/*.yaml "$dir"/pattern/*.yaml; do
	n=$((n + 1))
	check "$f" >"$tmp/stdout" 2>"$tmp/out"
	rc=$?
	[ $rc -eq 1 ] || complain "$f: exit $rc, expected 1"
	[ ! -s "$tmp/stdout" ] || complain "$f: called ok"
	if [ "$update" = -u ] && [ "${f%/*}" = "$dir/pattern" ]; then
		cp "$tmp/out" "${f%.yaml}.err"
	fi
	diff -u "${f%.yaml}.err" "$tmp/out" || complain "$f"
	grep -q '^[^:]*:[0-9]*:[0-9]*: error: ' "$tmp/out" ||
		complain "$f: no line and column"
done

for f in "$dir"/good/*.yaml "$dir"/../deployments/*/default.yaml; do
	n=$((n + 1))
	check "$f" >"$tmp/stdout" 2>"$tmp/out" || complain "$f: $(cat "$tmp/out")"
	grep -q ': ok$' "$tmp/stdout" || complain "$f: not called ok"
done

echo "$n files, $bad wrong"
[ $bad -eq 0 ]
