# What a command started does not outlast the time that the policy gives it, be it
# that it never asked for anything.
# limit: 60
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
cat >>/etc/agentsh/policies/default.yaml <<Y
resource_limits:
  command_timeout: 1s
Y
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cp "$BUILD/regress/attack/outlast" "$W/outlast" || fatal "not built"

# those of it that run; a zombie has no arguments
running()
{
	ps -C outlast -o pid=,args= | sed -n "s|^ *\([0-9]*\) $W/outlast .*|\1|p"
}

none_runs()
{
	[ -z "$(running)" ]
}

# ended PID
ended()
{
	! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

# Outside they stay, and the orphan makes its file.
"$W/outlast" "$W/out" 1 >"$TESTTMP/pid" &
p=$!
check "outside the orphan comes to it" wait_until 20 [ -e "$W/out" ]
kill -9 $p
check_not "outside the child stays" ended "$(cat "$TESTTMP/pid")"
for p in $(running); do
	kill -9 "$p"
done
check "they are gone" wait_until 10 none_runs

timeout 60 "$ROOT/bin/agentsh" exec "$sid" -- "$W/outlast" "$W/in" 4 </dev/null >"$TESTTMP/pid"
check "the command is killed" [ $? -eq 137 ]
check "its child is" wait_until 10 ended "$(cat "$TESTTMP/pid")"
check "the orphan is when it asks" wait_until 30 none_runs
check_not "the orphan came to it" [ -e "$W/in" ]
