# A refusal explains itself: one line at the front door with rule, file, line and message, an
# errno and an event below it, each with the rule that decided.
. "$TOP/regress/run/lib.sh"

start_house exe.dev
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

in_session dd if=/dev/zero of=/dev/null count=1 >"$TESTTMP/out" 2>"$TESTTMP/err"
check "front door: exit 126" [ $? -eq 126 ]
check "front door: one line with rule, file and line" \
    grep -Eq '^agentsh: dd: refused by policy \(rule=block-system-commands, default\.yaml:[0-9]+\)' "$TESTTMP/err"
line=$(sed -n 's/.*default\.yaml:\([0-9]*\)).*/\1/p' "$TESTTMP/err" | head -n 1)
check "the line is the rule's" sh -c "sed -n '${line:-0}p' /etc/agentsh/policies/default.yaml | grep -q block-system-commands"

in_session rm -r none >/dev/null 2>"$TESTTMP/err"
check "the rule's message" grep -q 'Recursive delete blocked' "$TESTTMP/err"

in_session cat /etc/shadow >/dev/null 2>"$TESTTMP/err"
check "below: cat exits 1" [ $? -eq 1 ]
check "below: EACCES" grep -q 'Permission denied' "$TESTTMP/err"
in_session sh -c 'cat /root/.ssh/id_rsa; cat "$PWD/.env"' >/dev/null 2>"$TESTTMP/err"

in_session /no/such/program 2>/dev/null
check "no such program: 127" [ $? -eq 127 ]
in_session sh -c 'exit 9'
check "exit status is the command's" [ $? -eq 9 ]
in_session sh -c 'kill -TERM $$'
check "death by signal is native" [ $? -eq 143 ]
agentsh exec "$sid" --timeout 1s -- sh -c 'sleep 30' 2>"$TESTTMP/err"
check "--timeout: 124" [ $? -eq 124 ]
check "--timeout: says so" grep -q 'timed out' "$TESTTMP/err"
# as the original does, a session of that name is made; nothing runs outside of one
check_not "an unknown session does not run unprotected" agentsh exec no-such-session -- cat /etc/shadow

mkdir -p "$W/d"
echo keep >"$W/d/f"
check "rm succeeds" in_session rm "$W/d/f"
check_not "the file is gone" [ -e "$W/d/f" ]
check "it is in the trash" sh -c "grep -rqx keep /var/lib/agentsh/sessions/*/trash"
check "rmdir succeeds" in_session rmdir "$W/d"
check_not "the folder is gone" [ -e "$W/d" ]

events >"$TESTTMP/ev"
for pat in block-system-commands block-rm-recursive default-deny-files approve-env-files soft-delete-workspace /etc/shadow; do
	check "event: $pat" grep -q "$pat" "$TESTTMP/ev"
done
check "the chain holds" agentshctl audit verify

# the daemon is not there: nothing runs unprotected
stop_house
agentsh exec "$sid" -- touch "$W/unprotected" 2>"$TESTTMP/err"
check "no daemon: fails" [ $? -ne 0 ]
check_not "no daemon: nothing ran" [ -e "$W/unprotected" ]
check "no daemon: says what to do" grep -qi 'agentshd' "$TESTTMP/err"
