# A session's limits hold or are said not to: cgroups, clocks, how many sessions there
# may be; core files are never written.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
D=/etc/agentsh/policies
sed -e 's/session_timeout: .*/session_timeout: 2s/' -e 's/  idle_timeout: .*/  idle_timeout: 1h/' $D/default.yaml >$D/short.yaml
sed -e 's/  idle_timeout: .*/  idle_timeout: 4s/' $D/default.yaml >$D/idle.yaml
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
check "processes are in the group" wait_until 15 sh -c "[ \$(cat '$(group_of cgroup.procs)' | wc -l) -ge 2 ]"
agentsh session destroy "$sid" >/dev/null
wait $job
check "no group is left" [ -z "$(group_of cgroup.procs)" ]

# what is over a limit does not happen, and others do not feel it
cat >$D/tight.yaml <<Y
version: 1
name: tight
file_rules:
  - {name: all, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: all, commands: ["*"], decision: allow}
resource_limits: {pids_max: 12, max_memory_mb: 64}
Y
agentshctl reload >/dev/null || bad "no reload"
sid=$(new_session "$W" --policy tight)
in_session python3 -c 'b = bytearray(300 << 20)' 2>"$TESTTMP/err"
check "too much memory: killed" [ $? -eq 137 ]
check "as much as allowed: not" in_session python3 -c 'b = bytearray(20 << 20)'
in_session python3 -c 'import os, time
n = 0
try:
    while n < 40:
        if os.fork() == 0:
            time.sleep(1000)
        n += 1
except BlockingIOError:
    print(n, flush=True)
os._exit(0)' >"$TESTTMP/out" 2>"$TESTTMP/err"
check "too many processes: the rest are not made" grep -qx 11 "$TESTTMP/out"
check "those there are make no more room" [ "$(members)" -eq 11 ]
agentsh session destroy "$sid" >/dev/null
check "they end with the session" [ -z "$(group_of cgroup.procs)" ]

third=$(new_session)
[ -n "$(new_session)" ] && [ -n "$(new_session)" ] && [ -n "$third" ] || bad "three sessions fit"
check "a fourth does not" [ -z "$(new_session 2>/dev/null)" ]
agentsh session list --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | grep -vx "$third" |
    while read -r s; do agentsh session destroy "$s" >/dev/null; done
gone() { ! agentsh session info "$1" >/dev/null 2>&1; }
short=$(new_session "$W" --policy short)
check "a session's time ends" wait_until 30 gone "$short"
sid=$(new_session "$W" --policy idle)
in_session sleep 5
check "a session that works is not idle" agentsh session info "$sid"
check "one that does nothing is" wait_until 30 gone "$sid"
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
wait_until 15 [ -s "$W/pid" ]
child=$(cat "$W/pid" 2>/dev/null)
kill -9 "$(agentsh session info "$sid" --json | sed -n 's/.*"tracer_pid": *\([0-9]*\).*/\1/p')"
wait $job
dead() { ! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null; }
[ -z "$child" ] || check "its children are killed too" wait_until 15 dead "$child"
