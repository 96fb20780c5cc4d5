# lib.sh: a house for one test.  Sourced first by every script of run/, sandbox/,
# attack/ and bench/ that needs the daemon:
#
#	. "$TOP/regress/run/lib.sh"	(re-executes the script in a mount namespace)
#	start_house [DEPLOYMENT]	config and policy of regress/deployments/DEPLOYMENT, or
#					what the test put into /etc/agentsh before
#	sid=$(new_session DIR)
#	in_session COMMAND...		agentsh exec $sid -- COMMAND
#	stop_house			also done at exit; fails the test if a daemon died
#
# Variables: W, an empty workspace of the test's own, cleaned afterwards.

set -u
: "${TOP:=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)}"
: "${BUILD:=$TOP/build-test}"
: "${ROOT:=$BUILD/root}"
: "${SOAK:=0}"
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export TOP BUILD ROOT SOAK PATH

fatal()
{
	echo "fatal: $*" >&2
	exit 1
}

# skip WHY: this machine cannot; a failure in CI.
skip()
{
	echo "skipped: $*" >&2
	exit 77
}

failures=0
# bad WHAT: note a failure and go on; the test fails at the end.
bad()
{
	echo "BAD: $*" >&2
	failures=$((failures + 1))
}

# check WHAT COMMAND...: COMMAND must succeed.
check()
{
	_what=$1
	shift
	if "$@"; then
		echo "ok: $_what"
	else
		bad "$_what"
	fi
}

# check_not WHAT COMMAND...: COMMAND must fail.
check_not()
{
	_what=$1
	shift
	if "$@"; then
		bad "$_what"
	else
		echo "ok: $_what"
	fi
}

# wait_until SECONDS COMMAND...: poll until COMMAND succeeds.
wait_until()
{
	_n=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		_n=$((_n - 1))
		[ $_n -gt 0 ] || return 1
		sleep 0.05
	done
}

if [ "$(id -u)" -ne 0 ]; then
	skip "needs root"
fi
if [ -z "${AGENTSH_NS-}" ]; then
	AGENTSH_NS=1
	export AGENTSH_NS
	exec unshare --mount --propagation private sh "$0" "$@"
fi

: "${TESTTMP:=$(mktemp -d /var/tmp/agentsh-test.XXXXXX)}"
. "$TOP/regress/run/ns.sh"
STATE=$TESTTMP/state
W=$TESTTMP/w
mkdir -p "$STATE" "$W" && chmod 755 "$STATE" "$W"
ns_enter "$STATE" || fatal "cannot set up the mount namespace"
[ -n "${HOUSE_KEEP_STATE-}" ] || mount -t tmpfs -o mode=0700 none "$STATE" || fatal "cannot cover $STATE"
BASE=$(free_uids) || exit 1
LOG=/var/log/agentsh/agentshd.log
daemon=
house_pids=

agentsh()
{
	"$ROOT/bin/agentsh" "$@"
}

agentshctl()
{
	"$ROOT/bin/agentshctl" "$@"
}

# house_files DEPLOYMENT: its files where the daemon looks for them.
house_files()
{
	mkdir -p /etc/agentsh/policies
	cp "$TOP/regress/deployments/$1/config.yaml" /etc/agentsh/config.yaml &&
	    cp "$TOP/regress/deployments/$1/default.yaml" /etc/agentsh/policies/default.yaml
}

# open_policy: the default policy allows all that can be allowed.
open_policy()
{
	cp "$TOP/regress/run/policies/open.yaml" /etc/agentsh/policies/default.yaml
}

# children of the daemon that must outlive a test: name and pid, a line each
house_children()
{
	for _p in $(cat /proc/"$daemon"/task/*/children 2>/dev/null); do
		_c=$(tr '\0' ' ' </proc/"$_p"/cmdline 2>/dev/null)
		case $_c in
		*agentsh-tracer*) ;;
		*) echo "$_p" ;;
		esac
	done | sort -n | tr '\n' ' '
}

house_answers()
{
	agentshctl session list >/dev/null 2>&1
}

start_house()
{
	[ $# -eq 0 ] || house_files "$1" || fatal "no deployment $1"
	# shellcheck disable=SC2086
	setsid ${HOUSE_UNDER-} "$ROOT/sbin/agentshd" -F -f /etc/agentsh/config.yaml -u "$BASE" \
	    ${HOUSE_FLAGS-} </dev/null >>"$LOG" 2>&1 &
	daemon=$!
	wait_until 15 house_answers || {
		cat "$LOG" >&2
		fatal "agentshd does not answer"
	}
	house_pids=$(house_children)
}

# stop_house: ends the daemon; a process of the house that died or was replaced
# meanwhile fails the test, unless HOUSE_MAY_DIE is set.
stop_house()
{
	[ -n "$daemon" ] || return 0
	if [ -z "${HOUSE_MAY_DIE-}" ] && kill -0 "$daemon" 2>/dev/null &&
	    { [ "$(house_children)" != "$house_pids" ] || grep -qE 'was ended by signal (4|6|7|8|11|31) ' "$LOG"; }; then
		bad "a process of the house died: had $house_pids, has $(house_children)"
		tail -n 30 "$LOG" >&2
	fi
	kill -TERM "$daemon" 2>/dev/null
	_d=$daemon
	daemon=
	wait "$_d"
	_rc=$?
	[ $_rc -eq 0 ] || [ -n "${HOUSE_MAY_DIE-}" ] || {
		bad "agentshd ended with $_rc"
		tail -n 30 "$LOG" >&2
	}
}

# new_session [DIR [OPTION...]]: a session for DIR (W), its id on standard output.
new_session()
{
	_dir=${1:-$W}
	[ $# -gt 0 ] && shift
	agentsh session create --workspace "$_dir" --json "$@" |
	    sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1
}

in_session()
{
	agentsh exec "$sid" -- "$@"
}

# events_of SESSION [OPTION...]: its events, oldest first, one JSON object a line.
events_of()
{
	_s=$1
	shift
	agentshctl events query --session "$_s" --limit 100000 --order asc --json "$@" |
	    python3 -c 'import json, sys
for e in json.load(sys.stdin) or []:
    print(json.dumps(e))'
}

# events [OPTION...]: the events of $sid, one JSON object a line.
events()
{
	events_of "$sid" "$@"
}

finish()
{
	_end=$?
	trap - EXIT
	stop_house
	[ $_end -ne 0 ] && [ -s "$LOG" ] && { echo "--- $LOG"; tail -n 40 "$LOG"; } >&2
	[ $failures -eq 0 ] || { echo "$failures checks failed" >&2; _end=1; }
	exit $_end
}
trap finish EXIT
trap 'exit 1' INT TERM HUP
