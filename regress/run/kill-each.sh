# kill -9 of each process of the house, idle and under load: no acknowledged
# record is lost, no forbidden effect happens, sessions that did not depend on
# the dead go on, new sessions work after.
# limit: 300
HOUSE_MAY_DIE=1
. "$TOP/regress/run/lib.sh"

house_files exe.dev
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

# pid of the daemon's child NAME
pid_of()
{
	for _p in $(cat /proc/"$daemon"/task/*/children); do
		if tr '\0' ' ' <"/proc/$_p/cmdline" | grep -q "agentsh-$1"; then
			echo "$_p"
			return
		fi
	done
}

# records in the trail, of all sessions; a query shows at most 5,000
count()
{
	agentshctl audit verify | sed -n 's/^Verified \([0-9]*\) entries.*/\1/p'
}

has_event()
{
	# by type: a busy session has more events than one query gives
	agentshctl events query --session "$1" --type "$2" --json | grep -q "\"$2\""
}

works()
{
	_s=$(new_session "$W") && [ -n "$_s" ] &&
	    [ "$(agentsh exec "$_s" -- sh -c 'echo works' 2>/dev/null)" = works ] &&
	    ! agentsh exec "$_s" -- sh -c 'cat /etc/shadow' >/dev/null 2>&1
}

# load: opens, writes, refused reads, until killed; touches /etc/agentsh-escaped
# if anything forbidden ever succeeds
cat >"$W/load.sh" <<'X'
while :; do
	echo x >f; cat f >/dev/null; mkdir -p d; rm -f f
	cat /etc/shadow >/dev/null 2>&1 && echo read-shadow >>escaped
	(echo x >/etc/agentsh-escaped) 2>/dev/null && echo wrote >>escaped
done
X

for load in idle busy; do
	for victim in control policyd auditd; do
		pid=$(pid_of $victim)
		[ -n "$pid" ] || { bad "no $victim"; continue; }
		in_session sh -c 'cat /etc/shadow' >/dev/null 2>&1
		job=
		if [ $load = busy ]; then
			in_session sh load.sh >/dev/null 2>&1 &
			job=$!
		fi
		wait_until 5 house_answers
		before=$(count)
		[ "$before" -gt 0 ] || bad "$victim, $load: nothing recorded"
		kill -9 "$pid"
		replaced() { _new=$(pid_of $victim); [ -n "$_new" ] && [ "$_new" != "$pid" ] && house_answers; }
		check "$victim, $load: is replaced" wait_until 20 replaced
		check "$victim, $load: the old session goes on" [ "$(in_session sh -c 'echo on' 2>/dev/null)" = on ]
		check "$victim, $load: a new session works" wait_until 20 works
		after=$(count)
		check "$victim, $load: no record lost ($before, $after)" [ "$after" -ge "$before" ]
		if [ -n "$job" ]; then
			kill "$job" 2>/dev/null
			wait "$job" 2>/dev/null
		fi
	done
done

for load in idle busy; do
	s2=$(new_session)
	sid_keep=$sid
	sid=$s2
	in_session sh -c 'echo $$ >pid; exec tail -f /dev/null' >/dev/null 2>&1 &
	job=$!
	check "a command runs" wait_until 10 [ -s "$W/pid" ]
	load_job=
	if [ $load = busy ]; then
		in_session sh load.sh >/dev/null 2>&1 &
		load_job=$!
	fi
	before=$(count)
	work=$(cat "$W/pid")
	rm -f "$W/pid"
	tr=$(agentsh session info "$s2" --json | sed -n 's/.*"tracer_pid": *\([0-9]*\).*/\1/p' | head -n 1)
	[ -n "$tr" ] || bad "session info names no tracer_pid"
	kill -9 "$tr"
	gone() { ! kill -0 "$work" 2>/dev/null; }
	check "tracer, $load: its workload is killed" wait_until 10 gone
	wait "$job" 2>/dev/null
	[ -z "$load_job" ] || wait "$load_job" 2>/dev/null
	check "tracer, $load: no record lost" [ "$(count)" -ge "$before" ]
	check "tracer, $load: a record says so" has_event "$s2" tracer_died
	sid=$sid_keep
	check "tracer, $load: other sessions go on" [ "$(in_session sh -c 'echo on' 2>/dev/null)" = on ]
	check "tracer, $load: a new session works" works
done

in_session sh -c 'echo $$ >pid; exec tail -f /dev/null' >/dev/null 2>&1 &
wait_until 10 [ -s "$W/pid" ]
work=$(cat "$W/pid")
kids=$(cat /proc/"$daemon"/task/*/children)
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
gone() { ! kill -0 "$work" 2>/dev/null; }
check "monitor: the workload is killed" wait_until 10 gone
# a zombie has ended: some containers' init reaps nobody
nobody() { for _k in $kids; do grep -q '^State:.[^ZX]' "/proc/$_k/status" 2>/dev/null && return 1; done; return 0; }
check "monitor: its children end" wait_until 10 nobody
daemon=
start_house
check "monitor: a new one works" works
check "the audit chain holds" agentshctl audit verify

check_not "nothing forbidden happened" [ -e "$W/escaped" ]
check_not "nothing forbidden was made" [ -e /etc/agentsh-escaped ]
