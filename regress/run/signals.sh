# A session signals its own processes and nothing else; inside it the policy's
# signal rules decide, and a process may always signal itself and its children.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
cat >>/etc/agentsh/policies/default.yaml <<'Y'
signal_rules:
  - {name: no-usr1, signals: ["USR1"], target: {type: siblings}, decision: deny, message: "no USR1"}
  - {name: swallow-usr2, signals: ["SIGUSR2"], target: {type: siblings}, decision: absorb}
  - {name: hup-is-term, signals: ["HUP"], target: {type: siblings}, decision: redirect, redirect_to: TERM}
  - {name: ask, signals: ["@job"], target: {type: siblings}, decision: allow}
  - {name: fatal-ok, signals: ["@fatal"], target: {type: session}, decision: allow}
Y
cat >"$TESTTMP/sig.py" <<'P'
import os, signal, subprocess, sys, time
outside = int(sys.argv[1])
def child():
    """a process that writes what it gets, and is ready when this returns"""
    p = subprocess.Popen([sys.executable, "-c", """
import signal, sys, time
def got(s, f): print(signal.Signals(s).name, flush=True)
for s in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTERM): signal.signal(s, got)
print("ready", flush=True)
while True: signal.pause()
"""], stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "ready\n"
    return p
def attempt(pid, sig):
    """what kill(2) says when a sibling of pid calls it"""
    r = subprocess.run([sys.executable, "-c", f"""
import os, errno
try: os.kill({pid}, {int(sig)}); print("ok")
except OSError as e: print(errno.errorcode[e.errno])
"""], capture_output=True, text=True)
    return r.stdout.strip()
def show(*a): print(*a, flush=True)
p = child()
show("sibling usr1", attempt(p.pid, signal.SIGUSR1))
show("sibling usr2", attempt(p.pid, signal.SIGUSR2))
show("sibling hup", attempt(p.pid, signal.SIGHUP), p.stdout.readline().strip())
show("sibling winch", attempt(p.pid, signal.SIGWINCH))
show("outside 0", attempt(outside, 0))
show("outside kill", attempt(outside, signal.SIGKILL))
show("group of outside", attempt(-os.getpgid(outside), signal.SIGKILL) if os.getpgid(outside) != os.getpgid(0) else "EPERM")
show("nobody", attempt(4194303, signal.SIGTERM))
p.send_signal(signal.SIGUSR1)                      # a child, always
show("child usr1", p.stdout.readline().strip())
signal.signal(signal.SIGUSR1, lambda s, f: show("self usr1 delivered"))
os.kill(os.getpid(), signal.SIGUSR1)
os.kill(p.pid, signal.SIGKILL); p.wait()
q = child()
show("sibling kill", attempt(q.pid, signal.SIGKILL), q.wait())
signal.signal(signal.SIGTERM, signal.SIG_IGN)
r = child()
r_pid = r.pid
os.kill(-1, signal.SIGTERM)                        # everybody that is ours
show("kill all reached a child", r.stdout.readline().strip())
os.kill(r_pid, signal.SIGKILL)
P
cp "$TESTTMP/sig.py" "$W/"
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
tail -f /dev/null &
outside=$!
timeout 60 "$ROOT/bin/agentsh" exec "$sid" -- python3 "$W/sig.py" "$outside" >"$TESTTMP/got" 2>&1
cat >"$TESTTMP/want" <<'E'
sibling usr1 EPERM
sibling usr2 ok
sibling hup ok SIGTERM
sibling winch EPERM
outside 0 EPERM
outside kill EPERM
group of outside EPERM
nobody ESRCH
child usr1 SIGUSR1
self usr1 delivered
sibling kill ok -9
kill all reached a child SIGTERM
E
diff "$TESTTMP/want" "$TESTTMP/got" || bad "signals differ"
check "the process outside lives" kill -0 "$outside"
kill "$outside"
events >"$TESTTMP/ev"
for rule in no-usr1 swallow-usr2 hup-is-term default-deny-signals builtin-session; do
	check "$rule is recorded" grep -q "\"$rule\"" "$TESTTMP/ev"
done
