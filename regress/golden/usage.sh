#!/bin/sh
# What a program prints as its usage is the SYNOPSIS of its man page.
#
# usage.sh MANDIR PROGRAM...; the page is MANDIR/NAME.1 or .8.

command -v mandoc >/dev/null 2>&1 || {
	echo "skip: no mandoc"
	[ -n "$AGENTSH_MUST_WORK" ] && exit 1
	exit 77
}

man=$1
shift
fail=0

# One line, single blanks, no blank around "|" nor in front of "...".
squeeze() {
	tr '\n\t' '  ' | sed -e 's/   */ /g' -e 's/ | /|/g' -e 's/^ //' \
	    -e 's/ $//'
}

synopsis() {
	mandoc -Tascii -Owidth=1000 "$1" | col -bx |
	    sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed -e '1d' -e '$d' | squeeze
}

# Programs of the daemon answer an option that none of them has.
usage() {
	case ${1##*/} in
	agentsh | agentshctl) "$1" 2>&1 ;;
	*) "$1" '-?' 2>&1 ;;
	esac | grep -v 'invalid option' | sed -e 's/^usage: //' | squeeze
}

[ $# -gt 0 ] || { echo "usage: usage.sh MANDIR PROGRAM..."; exit 1; }
for prog; do
	name=${prog##*/}
	page=
	for s in 1 8; do
		[ -f "$man/$name.$s" ] && page=$man/$name.$s
	done
	if [ -z "$page" ]; then
		echo "$name: no man page in $man"
		fail=1
		continue
	fi
	said=$(usage "$prog")
	want=$(synopsis "$page")
	if [ -z "$said" ] || [ "$said" != "$want" ]; then
		echo "$name: usage and SYNOPSIS differ"
		echo "usage:    $said"
		echo "SYNOPSIS: $want"
		fail=1
	fi
done
exit $fail
