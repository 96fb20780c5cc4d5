# lib.sh: what faults.sh and exhaust.sh share: a policy, counted load, and the
# comparison of what a session counted with what was recorded.  Sourced after
# regress/run/lib.sh.

MADE=/etc/agentsh/made
SECRET=/etc/agentsh/secret
KEPT=$W/kept
cp "$BUILD/regress/attack/fault_load" "$W/" || fatal "not built"

# fault_policy [TEXT]: all is allowed but three names; TEXT is appended.
fault_policy()
{
	cat >/etc/agentsh/policies/default.yaml <<EOF
version: 1
name: default
file_rules:
  - {name: no-secret, paths: ["$SECRET", "$MADE", "$MADE.*"], operations: ["*"], decision: deny}
  - {name: keep-kept, paths: ["$KEPT"], operations: ["write", "delete", "rename"], decision: deny}
  - {name: all-files, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: all-networks, cidrs: ["0.0.0.0/0", "::/0"], decision: allow}
unix_socket_rules:
  - {name: all-sockets, paths: ["/**", "@**"], decision: allow}
command_rules:
  - {name: all-commands, commands: ["*"], decision: allow}
${1-}
EOF
	echo secret >$SECRET
	echo kept >"$KEPT"
}

# pid of the daemon's child NAME
pid_of()
{
	for _p in $(cat /proc/"$daemon"/task/*/children); do
		read -r _c <"/proc/$_p/comm" || continue
		# a name in /proc has 15 letters
		[ "$_c" = "$(printf %.15s "agentsh-$1")" ] && echo "$_p"
	done 2>/dev/null | head -n 1
}

tracer_of()
{
	agentsh session info "$1" --json | sed -n 's/.*"tracer_pid": *\([0-9]*\).*/\1/p' | head -n 1
}

# load NAME SESSION [MICROSECONDS]: counted work; its pid in $load_pid
load()
{
	agentsh exec "$2" -- "$W/fault_load" "$W/n.$1" $SECRET $MADE "$KEPT" "$W/work.$1" ${3-2000} \
	    </dev/null >>"$TESTTMP/load.$1" 2>&1 &
	load_pid=$!
	wait_until 10 advances "$1" || bad "$1: the load does not start: $(cat "$TESTTMP/load.$1")"
}

# counted NAME N: the N-th of its numbers: 0 refused, 1 rounds, 2 escaped, 3 odd
counted()
{
	_v=$(od -An -td8 -w8 -v -j$(($2 * 8)) -N8 "$W/n.$1" 2>/dev/null)
	echo $((${_v:-0}))
}

# the rounds of NAME grow; tried again by wait_until
advances()
{
	_was=$(counted "$1" 1)
	sleep 0.1
	[ "$(counted "$1" 1)" -gt "$_was" ]
}

# end_load NAME PID: it ends by itself and well
end_load()
{
	printf '\001' | dd of="$W/n.$1" bs=1 seek=32 conv=notrunc 2>/dev/null
	wait "$2"
	_rc=$?
	[ $_rc -eq 0 ] || bad "$1: the load ended with $_rc"
}

# ended PID: no such process, or a zombie
ended()
{
	! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

# records in the trail
count()
{
	agentshctl audit verify 2>/dev/null | sed -n 's/^Verified \([0-9]*\) entries.*/\1/p'
}

works()
{
	_s=$(timeout 20 "$ROOT/bin/agentsh" session create --workspace "$W" --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p') || return 1
	[ -n "$_s" ] &&
	    [ "$(timeout 20 "$ROOT/bin/agentsh" exec "$_s" -- sh -c 'echo works' 2>/dev/null)" = works ] &&
	    ! timeout 20 "$ROOT/bin/agentsh" exec "$_s" -- cat $SECRET >/dev/null 2>&1 &&
	    agentsh session destroy "$_s" >/dev/null
}

goes_on()
{
	[ "$(timeout 20 "$ROOT/bin/agentsh" exec "$1" -- echo on 2>/dev/null)" = on ]
}

# nothing_forbidden: by the load's numbers and by what is on the disk
nothing_forbidden()
{
	for _f in "$W"/n.*; do
		_n=${_f##*/n.}
		[ "$(counted "$_n" 2)" -eq 0 ] || bad "$_n: $(counted "$_n" 2) forbidden calls succeeded"
		[ "$(counted "$_n" 3)" -eq 0 ] || bad "$_n: $(counted "$_n" 3) refusals had another errno, last $(counted "$_n" 5)"
	done
	check_not "nothing forbidden was made" sh -c "ls $MADE* 2>/dev/null"
	check "what is kept is as it was" [ "$(cat "$KEPT")" = kept ]
}

# refusals SESSION: how many refusals of it are recorded, from the files of a house that is not running
refusals()
{
	python3 - "$1" $SECRET $MADE "$KEPT" <<'EOF'
import sqlite3, sys
db = sqlite3.connect('/var/lib/agentsh/events.db')
print(db.execute('''SELECT ifnull(sum(r.count), 0) FROM records r
    JOIN sessions s ON s.num = r.session WHERE s.session_id = ? AND r.allowed = 0
    AND r.path IN (?, ?, ?)''', sys.argv[1:]).fetchone()[0])
EOF
}

# compare NAME SESSION [SLACK]: recorded is counted, and at most SLACK more
compare()
{
	_r=$(refusals "$2")
	_c=$(counted "$1" 0)
	if [ "$_r" -ge "$_c" ] && [ "$_r" -le $((_c + ${3:-0})) ] && [ "$_c" -gt 0 ]; then
		echo "ok: $1: $_c refusals counted, $_r recorded"
	else
		bad "$1: $_c refusals counted, $_r recorded"
	fi
}
