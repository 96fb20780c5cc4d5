#!/bin/sh
# The examples in agentsh-policy.5 and agentsh.conf.5 load without a word.
#
# examples.sh MANDIR POLICYD

man=$1
policyd=$2
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
fail=0

# The literal block of a page's EXAMPLES.
example() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$1" |
	    sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.'
}

# try PAGE WORD FLAG: quiet on standard error, and ok.
try() {
	example "$man/$1" >"$tmp/example"
	[ -s "$tmp/example" ] || { echo "$1: no example"; fail=1; return; }
	if ! "$policyd" -T "$2" -s "$3" "3:$1" 3<"$tmp/example" \
	    >"$tmp/out" 2>"$tmp/err" || [ -s "$tmp/err" ]; then
		echo "$1: the example is refused or draws a warning:"
		cat "$tmp/err"
		fail=1
	fi
}

try agentsh-policy.5 check -p
try agentsh.conf.5 config-check -c
exit $fail
