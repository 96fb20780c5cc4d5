#!/bin/sh
# The message table and the rights table in the man pages are those of the program.
#
# tables.sh [-g] [AGENTSHD MANDIR ABI]; ABI is the directory of msg.ok.  -g writes what the
# program says into the pages and msg.ok instead.  Without names: what is installed in
# $ROOT, from the top of the sources.

generate=
[ "${1-}" = -g ] && { generate=1; shift; }
[ $# -eq 0 ] && set -- "${ROOT:?}/sbin/agentshd" man regress/golden/abi
[ $# -eq 3 ] || { echo "usage: tables.sh [-g] AGENTSHD MANDIR ABI" >&2; exit 1; }
agentshd=$1
man=$2
abi=$3
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rc=0

messages()
{
	"$agentshd" -nM | awk -F '\t' '
	BEGIN { printf "%-2s %-16s %-16s %-15s %5s %5s %3s %s\n", "#", "type",
	    "from", "to", "bytes", "tail", "fds", "phase" }
	{ printf "%-2s %-16s %-16s %-15s %5s %5s %3s %s\n", $1, $2, $3, $4,
	    $5, $6, $7, $8 }'
}

rights()
{
	"$agentshd" -nG | awk -F '\t' '
	function esc(s) { gsub(/\\/, "\\e", s); return s }
	$1 != p { if (p != "") print ".El"; print ".Ss " $1
	    print ".Bl -tag -width Ds"; p = $1 }
	{ v = $3; if (v == "") v = "-"
	    gsub(/"/, "", v); print ".It Li \"" $2 " " esc(v) "\""; print esc($4) "." }
	END { print ".El" }'
}

# between PAGE NAME: what stands between the markers
between()
{
	sed -n "/^\\.\\\\\" BEGIN $2\$/,/^\\.\\\\\" END $2\$/p" "$1" | sed '1d;$d'
}

# put PAGE NAME FILE: FILE goes between the markers
put()
{
	awk -v b=".\\\\\" BEGIN $2" -v e=".\\\\\" END $2" -v f="$3" '
	$0 == e { skip = 0 }
	!skip { print }
	$0 == b { skip = 1; while ((getline line <f) > 0) print line }' \
	    "$1" >"$tmp/page" && cp "$tmp/page" "$1"
}

# compare WHAT WANT GOT
compare()
{
	diff -u "$2" "$3" || { echo "$1 differs: tables.sh -g writes it"; rc=1; }
}

"$agentshd" -nM >"$tmp/msg" || exit 1
messages >"$tmp/messages" || exit 1
rights >"$tmp/rights" || exit 1
[ -s "$tmp/messages" ] && [ -s "$tmp/rights" ] || exit 1
if [ -n "$generate" ]; then
	cp "$tmp/msg" "$abi/msg.ok"
	put "$man/agentsh-protocol.7" messages "$tmp/messages"
	put "$man/agentshd.8" rights "$tmp/rights"
	exit
fi
between "$man/agentsh-protocol.7" messages >"$tmp/got.messages"
between "$man/agentshd.8" rights >"$tmp/got.rights"
compare "$abi/msg.ok" "$abi/msg.ok" "$tmp/msg"
compare agentsh-protocol.7 "$tmp/got.messages" "$tmp/messages"
compare agentshd.8 "$tmp/got.rights" "$tmp/rights"
exit $rc
