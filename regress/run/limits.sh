# A session's limits hold or are said not to: cgroups, clocks, how many sessions there
# may be; core files are never written.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
D=/etc/agentsh/policies
sed -e 's/session_timeout: .*/session_timeout: 2s/' -e 's/  idle_timeout: .*/  idle_timeout: 1h/' $D/default.yaml >$D/short.yaml
sed -e 's/  idle_timeout: .*/  idle_timeout: 1s/' $D/default.yaml >$D/idle.yaml
sed -i 's/max_sessions: .*/max_sessions: 3/' /etc/agentsh/config.yaml
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

# in which directory of controller NAME the session's processes are, "" if in none
group_of()
{
	find /sys/fs/cgroup -type d -name "agentsh-$sid.*" 2>/dev/null | while read -r d; do
		[ -e "$d/$1" ] && echo "$d/$1" && break
	done
}
value() { f=$(group_of "$1"); [ -n "$f" ] && cat "$f"; }
check "memory" [ "$(value memory.max || value memory.limit_in_bytes)" = 2147483648 ]
check "processes" [ "$(value pids.max)" = 100 ]
check "cpu" [ "$(value cpu.max || value cpu.cfs_quota_us)" = "$(value cpu.max >/dev/null && echo 50000 100000 || echo 50000)" ]
check "no core files" [ "$(in_session sh -c 'ulimit -c')" = 0 ]
members() { cat "$(group_of cgroup.procs)" | wc -l; }
in_session sh -c 'sleep 30 & sleep 30' >/dev/null 2>&1 &
job=$!
check "processes are in the group" wait_until 5 sh -c "[ \$(cat '$(group_of cgroup.procs)' | wc -l) -ge 2 ]"
agentsh session destroy "$sid" >/dev/null
wait $job
check "no group is left" [ -z "$(group_of cgroup.procs)" ]

short=$(new_session "$W" --policy short)
idle=$(new_session "$W" --policy idle)
third=$(new_session)
[ -n "$short" ] && [ -n "$idle" ] && [ -n "$third" ] || bad "three sessions fit"
check "a fourth does not" [ -z "$(new_session 2>/dev/null)" ]
gone() { ! agentsh session info "$1" >/dev/null 2>&1; }
sid=$idle
in_session sleep 2
check "a session that works is not idle" agentsh session info "$idle"
check "one that does nothing is" wait_until 5 gone "$idle"
check "a session's time ends" wait_until 5 gone "$short"
check "a record says so" [ "$(agentshctl events query --type session_expired --json | grep -c session_expired)" -eq 2 ]
check "others go on" agentsh session info "$third"
stop_house

mount -t tmpfs none /sys/fs/cgroup
start_house
check "no cgroups, not degraded: refused" [ -z "$(new_session 2>/dev/null)" ]
sed -i 's/allow_degraded: .*/allow_degraded: true/' /etc/agentsh/config.yaml
agentshctl reload >/dev/null 2>&1
sid=$(new_session)
check "degraded: allowed" [ -n "$sid" ]
check "and said" sh -c "'$ROOT/bin/agentsh' session info $sid --json | grep -q 'cannot be set by cgroups'"
# without a cgroup the dead tracer's processes are found by the table it shared
in_session sh -c 'sleep 1000 & echo $! >pid; sleep 1000' >/dev/null 2>&1 &
job=$!
wait_until 5 [ -s "$W/pid" ]
child=$(cat "$W/pid" 2>/dev/null)
kill -9 "$(agentsh session info "$sid" --json | sed -n 's/.*"tracer_pid": *\([0-9]*\).*/\1/p')"
wait $job
dead() { ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }
[ -z "$child" ] || check "its children are killed too" wait_until 5 dead "$child"
