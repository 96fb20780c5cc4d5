# `bootstrap run` runs a command in a session and tells what was refused, also on a
# kernel from before 5.19, and leaves nothing behind.
: "${TOP:=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)}"
: "${BUILD:=$TOP/build-test}"
fail=0
bad()
{
	echo "BAD: $*"
	tail -n 15 "$TESTTMP/err" | sed 's/^/	/'
	fail=1
}
mkdir "$TESTTMP/w" "$TESTTMP/tmp" && cd "$TESTTMP/w" || exit 1
AGENTSH_BUILD=$BUILD
TMPDIR=$TESTTMP/tmp
export AGENTSH_BUILD TMPDIR
for before in "" "$BUILD/regress/run/nofeature 5.15"; do
	echo "--- ${before##*/}"
	$before "$TOP/bootstrap" run -- sh -c 'echo out; cat /etc/shadow; exit 7' >"$TESTTMP/out" 2>"$TESTTMP/err" </dev/null
	rc=$?
	[ $rc -eq 7 ] || bad "exit status $rc"
	[ "$(cat "$TESTTMP/out")" = out ] || bad "output: $(cat "$TESTTMP/out")"
	grep -q 'deny  *file_open  *default-deny-files .*/etc/shadow' "$TESTTMP/err" || bad "the refusal is not in the table"
	said=$(grep -c 'this run sets sandbox.allow_degraded' "$TESTTMP/err")
	case $before in
	"") [ "$said" -eq 0 ] || bad "degraded without need" ;;
	*) [ "$said" -eq 1 ] || bad "degraded without a word" ;;
	esac
	[ -z "$(ls "$TESTTMP/tmp")" ] || bad "left behind: $(ls "$TESTTMP/tmp")"
	left=$(grep -l "$TESTTMP" /proc/[0-9]*/mountinfo 2>/dev/null | grep -v "^/proc/self/" | head -n 3)
	[ -z "$left" ] || bad "a mount namespace is left: $left"
done
exit $fail
