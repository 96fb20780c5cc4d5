# agentsh exec is the command itself: its terminal, input, output, descriptors, directory,
# process group, signals and exit code are native; what waits for it says what happened; and
# nothing runs unprotected.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cd "$W" || fatal "no workspace"

# same WHAT GOT WANTED
same()
{
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
	else
		bad "$1: got '$2', want '$3'"
	fi
}

# json KEY...: a member of the object on standard input
json()
{
	python3 -c 'import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1:]:
    v = v[int(k)] if isinstance(v, list) else v.get(k)
print(str(v).rstrip())' "$@"
}

# ---- in place ----
same "exit code" "$(in_session sh -c 'exit 37'; echo $?)" 37
same "standard input" "$(echo words | in_session cat)" words
same "large input whole" "$(head -c 3000000 /dev/zero | in_session wc -c)" 3000000
same "standard error apart" "$(in_session sh -c 'echo out; echo err >&2' 2>/dev/null)" out
same "a descriptor" "$(in_session sh -c 'cat <&7' 7<<-E
	seven
	E
)" seven
same "no descriptor of ours" "$(in_session sh -c 'ls /proc/self/fd | wc -l' 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-)" \
    "$(sh -c 'ls /proc/self/fd | wc -l' 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-)"
same "the directory" "$(mkdir -p d && cd d && in_session pwd)" "$W/d"
same "the workspace from elsewhere" "$(cd / && in_session pwd)" "$W"
same "from what is only called so" "$(mkdir -p "$W-not" && cd "$W-not" && in_session pwd)" "$W"
same "from a directory that is gone" "$(mkdir gone && cd gone && rmdir ../gone && in_session pwd)" "$W"
printf '#!/bin/sh\necho here\n' >prog && chmod 755 prog
same "a program of the workspace from elsewhere" "$(cd / && in_session ./prog)" here
same "none there" "$(cd / && in_session ./no-prog 2>&1; echo $?)" "agentsh: ./no-prog: No such file or directory
127"
same "none there, asked for by who stands beside one" "$(mkdir -p "$W-not" && cp prog "$W-not/no-prog" && cd "$W-not" &&
    in_session ./no-prog 2>&1; echo $?)" "agentsh: ./no-prog: No such file or directory
127"
same "the session's name" "$(in_session sh -c 'echo $AGENTSH_SESSION_ID')" "$sid"
same "the same process" \
    "$(sh -c 'echo $$; exec "$0/bin/agentsh" exec "$1" -- sh -c "echo \$\$"' "$ROOT" "$sid" | uniq | wc -l)" 1
same "a process killed by a signal" "$(in_session sh -c 'kill -KILL $$' 2>/dev/null; echo $?)" 137
same "argv[0]" "$(agentsh exec "$sid" --argv0 other -- cat /proc/self/cmdline | tr '\0' ' ')" "other /proc/self/cmdline "
same "no new privileges" "$(in_session sh -c 'grep NoNewPrivs: /proc/self/status | tr -d "[:space:]"')" NoNewPrivs:1
same "one filter" "$(in_session grep Seccomp_filters: /proc/self/status | tr -d '[:space:]')" Seccomp_filters:1

# ---- sessions ----
a=$(agentsh exec -- sh -c 'echo $AGENTSH_SESSION_ID')
b=$(agentsh exec -- sh -c 'echo $AGENTSH_SESSION_ID')
same "one session for one directory" "$a" "$b"
same "a session that is named is made" "$(agentsh exec made-now -- sh -c 'echo $AGENTSH_SESSION_ID')" made-now
check "it is listed" sh -c "'$ROOT/bin/agentshctl' session list | grep -q '^made-now  *ready'"
AGENTSH_NO_AUTO=1 agentsh exec not-there -- touch nono 2>/dev/null
same "AGENTSH_NO_AUTO: not made, not run" "$?:$(ls nono 2>/dev/null)" 1:
same "the environment names the session" \
    "$(AGENTSH_SESSION_ID=made-now agentsh exec -- sh -c 'echo $AGENTSH_SESSION_ID')" made-now
agentsh session destroy made-now >/dev/null || bad "destroy"
check_not "destroyed is gone" sh -c "'$ROOT/bin/agentsh' session info made-now 2>/dev/null"

# ---- inside ----
cp "$ROOT/bin/agentsh" "$W/agentsh"
same "exec inside is a plain exec" "$(in_session ./agentsh exec -- grep Seccomp_filters: /proc/self/status | tr -d '[:space:]')" Seccomp_filters:1
same "whatever name it gives" "$(in_session ./agentsh exec other-name -- echo in)" in
in_session ./agentsh session list >/dev/null 2>"$TESTTMP/err"
same "the control socket is out of reach" "$?" 1

# ---- waited for ----
agentsh exec "$sid" --timeout 1s -- sh -c 'echo first; setsid sleep 99 & echo $! >pid; sleep 99' >"$TESTTMP/out" 2>"$TESTTMP/err"
same "timed out" "$?:$(cat "$TESTTMP/out")" 124:first
same "says so" "$(head -n 2 "$TESTTMP/err" | tr '\n' '|')" 'command timed out|agentsh: command timed out|'
check "what it left is killed" wait_until 5 sh -c '! kill -0 "$(cat pid)" 2>/dev/null'
"$ROOT/bin/agentsh" exec "$sid" --timeout 60s -- sh -c 'trap "exit 9" TERM; : >up; while :; do sleep 0.1; done' 2>/dev/null &
waiter=$!
wait_until 10 [ -e up ] || bad "the command does not start"
kill -TERM "$waiter"
wait "$waiter"
same "a signal to who waits reaches the command" "$?" 9
same "in time" "$(agentsh exec "$sid" --timeout 20s -- sh -c 'cat; exit 3' </dev/null; echo $?)" 3
same "with SIGCHLD ignored" "$(trap '' CHLD; agentsh exec "$sid" --timeout 20s -- sh -c 'exit 3' 2>/dev/null; echo $?)" 3
same "without standard descriptors" "$(agentsh exec "$sid" --timeout 20s -- sh -c 'echo x' 2>/dev/null <&-)" x
same "in place without them" "$(in_session sh -c 'echo x' 2>&- <&-)" x
agentsh exec "$sid" -o json -- sh -c 'echo out; echo err >&2; exit 4' >"$TESTTMP/json"
same "JSON: exit status" "$?" 4
for t in 'result exit_code:4' 'result stdout:out' 'result stderr:err' 'guidance status:failed' \
    "session_id:$sid" 'request command:sh' 'request args 0:-c'; do
	# shellcheck disable=SC2086
	same "JSON: $t" "$(json ${t%%:*} <"$TESTTMP/json")" "${t#*:}"
done
check "JSON: the trail's command" sh -c "grep -q '\"command_id\": \"cmd-[0-9]*\"' '$TESTTMP/json'"
agentsh exec "$sid" --events all -o json -- cat /etc/hostname >"$TESTTMP/json" 2>/dev/null
check "JSON: its file operations" sh -c "grep -q '\"path\": \"/etc/hostname\"' '$TESTTMP/json'"
same "a request" "$(agentsh exec "$sid" --json '{"command":"sh","args":["-c","cat; echo $X"],"stdin":"in ","env":{"X":"y"}}')" "in y"
same "a request from a file" "$(echo '{"command":"pwd"}' >r; cd / && agentsh exec "$sid" --json "@$W/r")" "$W"
same "a request's directory" "$(agentsh exec "$sid" --json '{"command":"pwd","working_dir":"/workspace/d"}')" "$W/d"
agentsh exec "$sid" --json '{"command":"pwd","working_dir":"/etc"}' >/dev/null 2>"$TESTTMP/err"
same "a directory elsewhere" "$?:$(cat "$TESTTMP/err")" "2:working_dir must be under $W"
agentsh exec "$sid" --json '{"command":"pwd","working_dir":"../../etc"}' >/dev/null 2>&1
same "a directory by dots" "$?" 2
same "large output cut and counted" "$(agentsh exec "$sid" -o json -- head -c 3000000 /dev/zero | json result stdout_total_bytes)" 3000000

# ---- events ----
# more than auditd gives at once, each once
in_session python3 -c '
import os
for i in range(5200):
    try: os.open("many/%d" % i, os.O_RDONLY)
    except OSError: pass'
many()
{
	events --path-like "$W/many/" | sed 's/.*"id": "\([^"]*\)".*/\1/' | sort -u | wc -l
}
has_many()
{
	[ "$(many)" -eq 5200 ]
}
wait_until 30 has_many
check "more events than are given at once" [ "$(many)" -eq 5200 ]
check "the chain holds" agentshctl audit verify
"$ROOT/bin/agentshctl" events tail "$sid" --json >"$TESTTMP/tail" 2>/dev/null &
tail=$!
check "tail shows what happens" wait_until 10 sh -c \
    "'$ROOT/bin/agentsh' exec '$sid' -- cat /etc/hostname; grep -q '\"path\":\"/etc/hostname\"' '$TESTTMP/tail'"
kill "$tail"

# ---- users ----
chmod 711 "$TESTTMP"
mkdir "$W/u" && chown 65534:65534 "$W/u" || bad "a folder for another user"
other()
{
	(cd "$W/u" && setpriv --reuid=65534 --regid=65534 --clear-groups "$W/agentsh" "$@")
}
same "another user's command is that user's" "$(other exec -- id -u)" 65534
same "a user sees own sessions only" "$(other session list | grep -c '"id"')" 1
other exec "$sid" -- touch theirs 2>/dev/null
same "and enters no other" "$?:$(ls "$W/u")" 1:
check_not "nor ends one" sh -c "setpriv --reuid=65534 --regid=65534 --clear-groups '$W/agentsh' session destroy '$sid' 2>/dev/null"
theirs=$(other session list | sed -n 's/.*"id": "\([^"]*\)".*/\1/p')
agentsh exec "$theirs" -- true 2>"$TESTTMP/err"
same "root does not enter theirs" "$?:$(grep -c "another user's" "$TESTTMP/err")" 1:1
same "root ends theirs" "$(agentsh session destroy "$theirs")" ok

# ---- a terminal ----
cat >term.py <<'EOP'
import os, pty, select, sys, time

buf = b""

# Read until want has come; say key again and again meanwhile, if there is one.
def expect(fd, want, key=None):
    global buf
    end = time.time() + 20
    while want not in buf:
        if time.time() > end:
            sys.exit("no %r in %r" % (want, buf))
        if select.select([fd], [], [], 0.2)[0]:
            buf += os.read(fd, 4096)
        elif key:
            os.write(fd, key)
    buf = buf[buf.index(want) + len(want):]

pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "PR> "
    os.execv(sys.argv[1], [sys.argv[1], "exec", sys.argv[2], "--", "bash", "--norc", "-i"])
expect(fd, b"PR> ")
os.write(fd, b"tty && echo is-$((1+1))-tty\n")
expect(fd, b"is-2-tty")
os.write(fd, b"sleep 99\n")
expect(fd, b"Stopped", b"\x1a")
os.write(fd, b"bg; echo job-$((1+1))\n")
expect(fd, b"job-2")
expect(fd, b"PR> ")
os.write(fd, b"fg\n")
expect(fd, b"PR> ", b"\x03")
os.write(fd, b"echo int-$?\n")
expect(fd, b"int-130")
os.write(fd, b"exit 6\n")
_, st = os.waitpid(pid, 0)
sys.exit(0 if os.waitstatus_to_exitcode(st) == 6 else "exit status %d" % st)
EOP
check "job control in a terminal" python3 term.py "$ROOT/bin/agentsh" "$sid"

# ---- no daemon ----
stop_house
for how in "" "--timeout 5s" "-o json"; do
	# shellcheck disable=SC2086
	agentsh exec "$sid" $how -- touch unprotected >/dev/null 2>"$TESTTMP/err"
	same "no daemon, $how: exit 1" "$?" 1
	check_not "no daemon, $how: nothing ran" [ -e unprotected ]
done
