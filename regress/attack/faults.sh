# The house is killed, stopped and starved at random moments under load: nothing
# acknowledged is lost, no forbidden effect happens, sessions that did not depend
# on the dead go on, new sessions work after.
# limit: 420
HOUSE_MAY_DIE=1
. "$TOP/regress/run/lib.sh"
. "$TOP/regress/attack/lib.sh"

seed=${SEED-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
echo "seed $seed"
parts=${PARTS-kill stop wake full eio fds memory pids}
rounds=${ROUNDS-10}
stop=1.5
tries=1
extra='0 3'
[ "$SOAK" = 1 ] && rounds=100 stop=10 tries='1 2 3' extra='0 1 2 3 4 6 8'
house_files exe.dev
fault_policy

# ---- kill -9, 20 a round: 4 of each child, 7 tracers, the monitor ----

# plan ROUND: who and after how many ms, in random order
plan()
{
	awk -v seed=$((seed + $1)) 'BEGIN {
		srand(seed)
		split("control policyd auditd control policyd auditd control policyd auditd control policyd auditd 1 2 3 4 5 6 7", w, " ")
		for (i = 19; i > 0; i--) { j = int(rand() * i) + 1; printf "%s %.3f\n", w[j], rand() * 0.12; w[j] = w[i] }
	}'
}

kill_child()
{
	_k=
	for _try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		_k=$(pid_of "$1")
		[ -n "$_k" ] && break
		sleep 0.1
	done
	[ -n "$_k" ] || { bad "round $round: $1 did not come back"; return; }
	kill -9 "$_k" && killed=$((killed + 1))
}

kill_round()
{
	start_house
	steady=$(new_session)
	[ -n "$steady" ] || fatal "no session"
	load steady$round "$steady"
	steady_load=$load_pid
	for i in 1 2 3 4 5 6 7; do
		eval "victim$i=\$(new_session) && tracer$i=\$(tracer_of \"\$victim$i\")"
		eval "load v$round.$i \"\$victim$i\" 4000; vload$i=\$load_pid"
	done
	while read -r who pause; do
		sleep "$pause"
		case $who in
		[0-9])
			eval "kill -9 \$tracer$who && killed=\$((killed + 1))"
			;;
		*)
			kill_child "$who"
			;;
		esac
	done <<EOF
$(plan $round)
EOF
	wait_until 20 house_answers || bad "round $round: no answer after the kills"
	for i in 1 2 3 4 5 6 7; do
		eval "p=\$vload$i s=\$victim$i"
		wait_until 10 ended "$p" || bad "round $round: the workload of a dead tracer lives"
		wait_until 20 sh -c "! '$ROOT/bin/agentsh' session info $s" || bad "round $round: $s does not end"
		wait "$p" 2>/dev/null
	done
	wait_until 10 advances steady$round || bad "round $round: the session that depended on no dead one stands still"
	wait_until 10 goes_on "$steady" || bad "round $round: it takes no command"
	wait_until 20 works || bad "round $round: no new session works"
	end_load steady$round $steady_load
	[ "$(counted steady$round 6)" -eq 0 ] || bad "round $round: $(counted steady$round 6) allowed calls failed"
	before=$(count)
	[ "${before:-0}" -gt 0 ] || bad "round $round: the trail does not verify"
	agentsh exec "$steady" -- sleep 100 >/dev/null 2>&1 &
	sleeper=$!
	sleep 0.1
	kids=$(cat /proc/"$daemon"/task/*/children)
	kill -9 "$daemon" && killed=$((killed + 1))
	wait "$daemon" 2>/dev/null
	daemon=
	for p in $kids $sleeper; do
		wait_until 10 ended "$p" || bad "round $round: process $p outlives the monitor"
	done
	wait $sleeper 2>/dev/null
	compare steady$round "$steady"
	for i in 1 2 3 4 5 6 7; do
		eval "s=\$victim$i"
		compare v$round.$i "$s" 1
	done
	start_house
	after=$(count)
	[ "${after:-0}" -ge "$before" ] || bad "round $round: $before records before the monitor's death, $after after"
	stop_house
}

part_kill()
{
	killed=0
	round=0
	while [ $round -lt $rounds ]; do
		round=$((round + 1))
		kill_round
	done
	echo "$killed processes killed"
	check "enough were killed" [ $killed -ge $((rounds * 20 * 95 / 100)) ]
	nothing_forbidden
	rm -f "$W"/n.* "$W"/work.*
}

# ---- SIGSTOP ----

part_stop()
{
	start_house
	sid=$(new_session)
	other=$(new_session)
	load stop "$sid"
	stop_load=$load_pid
	load other "$other"
	other_load=$load_pid
	for who in control policyd auditd monitor tracer; do
		case $who in
		monitor) pid=$daemon ;;
		tracer) pid=$(tracer_of "$other") ;;
		*) pid=$(pid_of $who) ;;
		esac
		kill -STOP "$pid"
		check "$who stopped: a session goes on" wait_until 5 advances stop
		sleep $stop
		if [ $who = tracer ]; then
			check_not "tracer stopped: its own session waits" advances other
		else
			check "$who stopped: and another" wait_until 5 advances other
		fi
		kill -CONT "$pid"
		check "$who goes on: a new session works" wait_until 20 works
		check "$who goes on: the old ones do" goes_on "$sid"
		wait_until 10 advances other || bad "$who goes on: the other stands still"
	done
	[ "$(house_children)" = "$house_pids" ] || bad "a stopped process was ended: $house_pids, $(house_children)"
	end_load stop $stop_load
	end_load other $other_load
	stop_house
	compare stop "$sid"
	compare other "$other"
	nothing_forbidden
}

# ---- records put while auditd was dead, and after it came back and slept ----

# committed: records the database holds now, read from a copy and asking nobody
committed()
{
	python3 - "$1" <<'EOF'
import shutil, sqlite3, sys, tempfile, os
d = tempfile.mkdtemp()
for n in ('events.db', 'events.db-wal'):
    if os.path.exists('/var/lib/agentsh/' + n):
        shutil.copy('/var/lib/agentsh/' + n, d)
db = sqlite3.connect(d + '/events.db')
n = db.execute("SELECT count(*) FROM records WHERE path LIKE '%' || ?", (sys.argv[1],)).fetchone()[0]
db.close()
shutil.rmtree(d)
sys.exit(0 if n else 1)
EOF
}

part_wake()
{
	start_house
	sid=$(new_session)
	goes_on "$sid" || bad "no command"
	pid=$(pid_of auditd)
	kill -9 "$pid"
	# before it is back: backoff is 50 ms at the least
	agentsh exec "$sid" -- sh -c 'exec 3<while-dead' 2>/dev/null
	check "a record put while auditd was dead arrives" wait_until 5 committed /while-dead
	back() { _p=$(pid_of auditd); [ -n "$_p" ] && [ "$_p" != "$pid" ]; }
	check "auditd is back" wait_until 5 back
	sleep 1
	agentsh exec "$sid" -- sh -c 'exec 3<while-asleep' 2>/dev/null
	# nothing asks auditd anything: only the old wake socket can have woken it
	check "an old session wakes the new auditd" wait_until 3 committed /while-asleep
	stop_house
}

# ---- the disk under auditd ----

# disk_load: many records, until the rings are full and calls are refused
disk_part()
{
	what=$1
	start_house
	sid=$(new_session)
	load $what "$sid" 100
	one=$load_pid
	load $what.2 "$sid" 100
	two=$load_pid
	# one that is refused all the time fills its ring to the last slot
	loud=$(new_session)
	load $what.loud "$loud" -200
	three=$load_pid
	# judged already: it waits for a line, then it opens one more file
	rm -f "$TESTTMP/go"
	mkfifo "$TESTTMP/go"
	agentsh exec "$sid" -- sh -c 'echo >ready; read -r line; echo x >unrecorded' <>"$TESTTMP/go" >/dev/null 2>&1 &
	writer=$!
	wait_until 10 [ -e "$W/ready" ] || bad "$what: no writer"
	fill_disk
	stands() { grep -q 'events cannot be stored' "$LOG"; }
	check "$what: it is said" wait_until 30 stands
	stuck() { ! advances $what; }
	check "$what: judged calls wait" wait_until 30 stuck
	# it waits for 5 s, then it is refused: no allowed one may happen unrecorded
	echo >"$TESTTMP/go"
	check "$what: a call without a record is refused" wait_until 20 ended $writer
	wait $writer
	check_not "$what: and said so" [ $? -eq 0 ]
	check_not "$what: what cannot be recorded does not happen" [ -e "$W/unrecorded" ]
	was=$(pid_of auditd)
	kill -9 "$was"
	free_disk
	check "$what: calls go on when there is room again" wait_until 30 advances $what
	check "$what: new sessions work" wait_until 20 works
	holds() { agentshctl audit verify >"$TESTTMP/verify" 2>&1 || { cat "$TESTTMP/verify" >>"$TESTTMP/unverified"; return 1; }; }
	check "$what: the trail holds" wait_until 30 holds
	cat "$TESTTMP/unverified" "$TESTTMP/verify" 2>/dev/null
	end_load $what $one
	end_load $what.2 $two
	end_load $what.loud $three
	stop_house
	compare $what.loud "$loud"
	_a=$(counted $what 0)
	_b=$(counted $what.2 0)
	_r=$(refusals "$sid")
	# works() and the refused command are sessions of their own
	check "$what: $((_a + _b)) refusals counted, $_r recorded" [ "$_r" -eq $((_a + _b)) ]
	[ $((_a + _b)) -gt 1000 ] || bad "$what: hardly anything was refused"
	nothing_forbidden
	: >"$LOG"
}

part_full()
{
	mount -t tmpfs -o size=24m,mode=0755 none /var/lib/agentsh || fatal "no tmpfs"
	fill_disk() { dd if=/dev/zero of=/var/lib/agentsh/filler bs=64k 2>/dev/null; }
	free_disk() { rm -f /var/lib/agentsh/filler; mount -o remount,size=512m /var/lib/agentsh; }
	disk_part full
	umount /var/lib/agentsh
}

# A file system in a sparse file on a tmpfs: when that is full, writes fail with EIO.
part_eio()
{
	under=$TESTTMP/under
	mkdir -p "$under"
	mount -t tmpfs -o size=24m none "$under"
	truncate -s 1g "$under/image"
	mkfs.ext2 -q -m 0 "$under/image" || fatal "mkfs.ext2"
	if ! mount -o loop,sync "$under/image" /var/lib/agentsh; then
		umount "$under"
		echo "no loop devices here: EIO is not tried"
		return
	fi
	fill_disk() { dd if=/dev/zero of="$under/filler" bs=64k 2>/dev/null; }
	free_disk() { rm -f "$under/filler"; mount -o remount,size=1g "$under"; }
	disk_part eio
	umount /var/lib/agentsh
	umount "$under"
}

# ---- no descriptors, no memory, no pids ----

# open descriptors of PID: the next one would have this number or a lower one
fds_of()
{
	ls /proc/"$1"/fd | wc -l
}

who_pid()
{
	case $1 in
	monitor) echo "$daemon" ;;
	tracer) tracer_of "$sid" ;;
	*) pid_of "$1" ;;
	esac
}

cpu_of()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat" 2>/dev/null || echo 0
}

# limit PID RESOURCE VALUE: the soft one, set as the user that PID is
limit()
{
	_u=$(awk '/^Uid:/ { print $2 }' "/proc/$1/status")
	_g=$(awk '/^Gid:/ { print $2 }' "/proc/$1/status")
	setpriv --reuid "$_u" --regid "$_g" --clear-groups prlimit --pid "$1" --"$2"="$3":
}

soft()
{
	awk -v k="^$2" '$0 ~ k { print $4 }' "/proc/$1/limits"
}

# starve WHAT RESOURCE WHO VALUE: with that limit on it, the rest holds; then all works
starve()
{
	pid=$(who_pid "$3")
	[ -n "$pid" ] || { bad "no $3"; return; }
	limit "$pid" "$2" "$4" || { bad "prlimit $2 of $3"; return; }
	before=$(cpu_of "$pid")
	for _i in $tries; do
		timeout 3 "$ROOT/bin/agentsh" exec "$sid" -- sh -c "echo x >$MADE.probe" >/dev/null 2>&1
		_s=$(timeout 3 "$ROOT/bin/agentsh" session create --workspace "$W" --json 2>/dev/null | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p')
		[ -n "$_s" ] || continue
		timeout 3 "$ROOT/bin/agentsh" exec "$_s" -- cat $SECRET >"$TESTTMP/read" 2>/dev/null
		[ ! -s "$TESTTMP/read" ] || bad "$1 of $3: the secret was read"
		timeout 3 "$ROOT/bin/agentsh" session destroy "$_s" >/dev/null 2>&1
	done
	if [ "$3" = monitor ]; then
		# it must bring a child back when it can again
		kill -9 "$(pid_of auditd)" "$(pid_of policyd)"
		sleep 1
	fi
	spent=$(($(cpu_of "$pid") - before))
	limit "$pid" "$2" "$5" 2>/dev/null || ! kill -0 "$pid" 2>/dev/null || bad "prlimit $2 of $3"
	wait_until 40 works || bad "$1 of $3 at $4: no new session works after"
	[ "$3" = tracer ] || goes_on "$sid" || bad "$1 of $3 at $4: the old session does not go on"
	[ "$3" = tracer ] || advances $1 || bad "$1 of $3 at $4: its load does not go on"
	wait_until 5 advances $1.other || bad "$1 of $3 at $4: another session does not go on"
	[ "$3" != monitor ] || kill -0 "$daemon" 2>/dev/null || bad "$1: the monitor died"
	# waiting for what is missing costs nothing; the tracer has its load to serve
	[ "$3" = tracer ] || [ "$spent" -lt 100 ] || bad "$1 of $3 at $4: it spins, $spent ticks of CPU"
	echo "ok: $1 of $3 at $4, $spent ticks"
}

starve_part()
{
	what=$1
	start_house
	sid=$(new_session)
	other=$(new_session)
	load $what "$sid"
	one=$load_pid
	load $what.other "$other"
	two=$load_pid
	starve_all
	end_load $what.other $two
	if kill -0 $one 2>/dev/null; then
		end_load $what $one
	fi
	wait $one 2>/dev/null
	stop_house
	compare $what.other "$other"
	# what failed for want of something has no effect and may be recorded
	_odd=$(counted $what 3)
	compare $what "$sid" $((1 + _odd))
	printf '\0\0\0\0\0\0\0\0' | dd of="$W/n.$what" bs=1 seek=24 conv=notrunc 2>/dev/null
	nothing_forbidden
}

part_fds()
{
	starve_all()
	{
		for who in control policyd auditd; do
			pid=$(pid_of $who)
			starve fds nofile $who "$(fds_of "$pid")" "$(soft "$pid" 'Max open files')"
		done
		for more in $extra; do
			starve fds nofile monitor $(($(fds_of "$daemon") + more)) "$(soft "$daemon" 'Max open files')"
		done
		pid=$(tracer_of "$sid")
		starve fds nofile tracer "$(fds_of "$pid")" "$(soft "$pid" 'Max open files')"
	}
	starve_part fds
}

part_memory()
{
	starve_all()
	{
		for who in control policyd auditd monitor tracer; do
			pid=$(who_pid $who)
			size=$(awk '/^VmSize:/ { print $2 * 1024 }' "/proc/$pid/status")
			starve memory as $who "$size" "$(soft "$pid" 'Max address space')"
		done
	}
	starve_part memory
}

part_pids()
{
	root=$(awk '$3 == "cgroup" && $4 ~ /pids/ { print $2 }' /proc/mounts | head -n 1)
	[ -n "$root" ] || { echo "no pids controller of its own here: not tried"; return; }
	group=$root/agentsh-faults.$$
	mkdir "$group" || fatal "no cgroup"
	starve_all()
	{
		# the monitor alone: what it forks counts, what it has does not
		echo "$daemon" >"$group/cgroup.procs"
		echo 1 >"$group/pids.max"
		(sleep 6 && echo max >"$group/pids.max") &
		giver=$!
		starve pids core monitor 0 0
		wait $giver
		check "it could not fork" grep -q 'cannot fork' "$LOG"
	}
	starve_part pids
	rmdir "$group" 2>/dev/null
}

for part in $parts; do
	echo "--- $part"
	from=$(date +%s)
	part_$part
	echo "--- $part took $(($(date +%s) - from)) s"
	rm -f "$W"/n.* "$W"/work.* "$W"/unrecorded "$W"/ready
done
