# agentshd starts as it was asked to or not at all, says why, and ends everything
# it started.
HOUSE_MAY_DIE=1
. "$TOP/regress/run/lib.sh"

house_files exe.dev
C=/etc/agentsh/config.yaml
P=/etc/agentsh/policies/default.yaml
cp $C "$TESTTMP/config"
cp $P "$TESTTMP/policy"
A=$ROOT/sbin/agentshd
# refused WHAT PATTERN [OPTION...]: it does not start, and says PATTERN
refused()
{
	_what=$1
	_pat=$2
	shift 2
	timeout 20 "$A" -F -u "$BASE" "$@" >"$TESTTMP/out" 2>&1 </dev/null
	_rc=$?
	if [ $_rc -eq 1 ] && grep -q "$_pat" "$TESTTMP/out"; then
		echo "ok: $_what"
	else
		bad "$_what: exit $_rc"
		tail -n 3 "$TESTTMP/out" >&2
	fi
	[ ! -e /run/agentsh/control.sock ] || bad "$_what: a socket is left"
	cp "$TESTTMP/config" $C
	cp "$TESTTMP/policy" $P
	chmod 644 $C $P
}
check "-n accepts the shipped files" "$A" -n -u "$BASE"
refused "no config" 'No such file' -f /etc/agentsh/none.yaml
echo 'x: [' >>$C
refused "malformed config" 'config.yaml:[0-9]*:[0-9]*: error'
echo 'nonsense: 1' >>$P
refused "malformed policy" 'default.yaml:[0-9]*:[0-9]*: error'
chmod 666 $C
refused "config that others can write" 'lets others write it'
chown 12345 $P
refused "foreign policy" 'belongs to uid 12345'
chown 0 $P
sed -i 's,sqlite_path:.*,sqlite_path: "/etc/events.db",' $C
refused "audit directory in use" 'holds other things'
sed -i 's,output: .*,output: "/nowhere/x.log",' $C
refused "log that cannot be written" 'cannot write the log'
sed -i 's,base_dir:.*,base_dir: "relative",' $C
refused "relative state directory" 'relative\|absolute'
timeout 20 setpriv --reuid "$BASE" --clear-groups "$A" -F >"$TESTTMP/out" 2>&1
check "not root" grep -q 'must be started by root' "$TESTTMP/out"
timeout 20 "$A" -x >/dev/null 2>&1
check "usage is exit 2" [ $? -eq 2 ]

start_house
refused_second() { "$A" -F -u "$BASE" 2>&1 | grep -q 'another agentshd runs already'; }
check "a second one is refused" refused_second
check "and the first is not disturbed" house_answers
sid=$(new_session)
in_session sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' &
job=$!
in_session sh -c 'echo $$ >pid; exec sleep 1000' &
wait_until 5 [ -s "$W/pid" ]
kids=$(cat /proc/"$daemon"/task/*/children)
kill -TERM "$daemon"
wait "$daemon"
check "SIGTERM: exit 0" [ $? -eq 0 ]
daemon=
wait $job
check "the workload was killed" [ $? -ge 128 ]
ended() { for _k in $kids; do [ ! -e "/proc/$_k" ] || return 1; done; }
check "its children have ended" ended
check "the sockets are gone" [ ! -e /run/agentsh/entry.sock ]

# in the background
sed -i 's,output: .*,output: "/var/log/agentsh/background.log",' $C
check "returns when it serves" "$A" -u "$BASE"
check "and answers" house_answers
check "its log is where the config says" grep -q ready /var/log/agentsh/background.log
daemon=$(cat /run/agentsh/agentshd.pid)
kill -TERM "$daemon"
kill -TERM "$daemon" 2>/dev/null
over() { ! kill -0 "$daemon" 2>/dev/null || grep -q '^State:.Z' "/proc/$daemon/status"; }
check "SIGTERM ends it" wait_until 15 over
daemon=
