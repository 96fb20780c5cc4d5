# A session that tries cannot exhaust its supervisor: every process of the house stays
# under 96 MiB (the tracer's ring and image included), another session's median
# latency stays within a factor that is printed (2 is wanted, 5 fails), and each
# refusal is in the trail.
# limit: 300
. "$TOP/regress/run/lib.sh"
. "$TOP/regress/attack/lib.sh"
cp "$BUILD/regress/attack/exhaust_load" "$W/" || fatal "not built"

limit_kb=98304
threads=300
paths=20000
argvs=100
argv_bytes=5000000
depth=1500
seconds=5
if [ "$SOAK" = 1 ]; then
	threads=5000 paths=1000000 argvs=200 argv_bytes=6000000 depth=5000 seconds=30
fi
house_files exe.dev
sed -i 's/max_processes: .*/max_processes: 10000/' /etc/agentsh/config.yaml
fault_policy "resource_limits: {pids_max: 400, max_memory_mb: 1024}"
sed 's/pids_max: 400/pids_max: 6000/; s/^name: default/name: wide/' \
    /etc/agentsh/policies/default.yaml >/etc/agentsh/policies/wide.yaml
start_house
other=$(new_session)
[ -n "$other" ] || fatal "no session"
mkdir -p "$W/deep"

# bytes that only it holds, and those it shares with its kind, in KiB
private_kb()
{
	awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup" 2>/dev/null
}

# the highest Pss of each process of the house, by name, into $TESTTMP/peaks
watch_memory()
{
	while [ ! -e "$TESTTMP/enough" ]; do
		for _p in "$daemon" $(cat /proc/"$daemon"/task/*/children); do
			_kb=$(private_kb "$_p")
			read -r _c <"/proc/$_p/comm" && echo "${_kb:-0} $_c"
		done
		sleep 0.2
	done >>"$TESTTMP/memory" 2>/dev/null
}

latency()
{
	agentsh exec "$other" -- "$W/exhaust_load" latency 300 "$W/kept"
}

quiet=$(latency)
quiet=${quiet%% *}
echo "another session, quiet: $quiet ns"
[ "${quiet:-0}" -gt 0 ] || fatal "no latency"
watch_memory &
watcher=$!

# busy NAME SESSION ARGUMENTS...: in that session; what it prints is $answer
busy()
{
	_name=$1
	_sid=$2
	shift 2
	agentsh exec "$_sid" -- sh -c 'cd deep && exec ../exhaust_load "$@"' sh "$@" \
	    >"$TESTTMP/out.$_name" 2>"$TESTTMP/err.$_name" </dev/null &
	_job=$!
	sleep 0.5
	now=$(latency)
	wait $_job
	_rc=$?
	answer=$(cat "$TESTTMP/out.$_name")
	now=${now%% *}
	awk -v n="$_name" -v q="$quiet" -v b="${now:-0}" 'BEGIN {
		printf "%s: another session: %d ns, %.1f times the quiet one%s\n", n, b, b / q, (b > 2 * q) ? " (more than 2)" : "" }'
	[ "${now:-0}" -gt 0 ] && [ "$now" -lt $((quiet * 5)) ] || slow=$((slow + 1))
	[ $_rc -eq 0 ] || bad "$_name ended with $_rc: $(head -n 3 "$TESTTMP/err.$_name")"
}

slow=0
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
busy fork "$sid" fork $seconds
echo "fork: $answer at the top"
group=$(find /sys/fs/cgroup -type d -name "agentsh-$sid.*" 2>/dev/null | while read -r d; do
	[ -e "$d/pids.max" ] && echo "$d" && break
done)
check "the limit is in force" [ "$(cat "$group/pids.max")" = 400 ]
check "the bomb met it" [ "$(awk '$1 == "max" { print $2 }' "$group/pids.events")" -gt 0 ]
nobody_left() { [ "$(wc -l <"$group/cgroup.procs")" -eq 0 ]; }
check "the bomb ends" wait_until 20 nobody_left
check "its session goes on" goes_on "$sid"

wide=$(new_session "$W" --policy wide)
busy pending "$wide" pending $threads $SECRET $seconds
asked=$answer
check "pending: $asked refusals of $threads threads" [ "${asked:-0}" -ge $threads ]
busy paths "$wide" paths $paths $MADE.
check "paths: each is refused" [ "${answer:-0}" -eq $paths ]
busy argv "$wide" argv $argvs $argv_bytes
check "argv: each exec comes to an end" [ "${answer:-0}" -eq $argvs ]
busy deep "$wide" deep $depth
check "deep: each folder is made and removed" [ "${answer:-0}" -eq $depth ]

check "a new session works" wait_until 20 works
check "the attackers' sessions go on" goes_on "$wide"
: >"$TESTTMP/enough"
wait $watcher
echo "peak of each process, KiB:"
sort -rn "$TESTTMP/memory" | awk '!seen[$2]++'
most=$(sort -rn "$TESTTMP/memory" | head -n 1)
check "each stays under $limit_kb KiB" [ "${most%% *}" -lt $limit_kb ]
check "another session was never 5 times as slow" [ $slow -eq 0 ]
check "the trail holds" agentshctl audit verify
check_not "nothing forbidden was made" sh -c "ls $MADE* 2>/dev/null"
stop_house

# refused under PREFIX*, in the session
recorded()
{
	python3 - "$1" "$2" <<'EOF'
import sqlite3, sys
db = sqlite3.connect('/var/lib/agentsh/events.db')
print(db.execute('''SELECT count(*) FROM records r JOIN sessions s ON s.num = r.session
    WHERE s.session_id = ? AND r.allowed = 0 AND r.count = 1 AND r.path GLOB ?''', sys.argv[1:]).fetchone()[0])
EOF
}
got=$(recorded "$wide" "$SECRET")
check "pending: $asked refused, $got recorded" [ "$got" -eq "${asked:-0}" ]
got=$(recorded "$wide" "$MADE.*")
check "paths: $paths refused, $got recorded" [ "$got" -eq $paths ]
