# On older kernels sessions work: with everything from 5.19, on 5.15 but for
# what a signal may repeat; tested by refusing what is newer to the whole house, test
# included.  So do sessions of others than root where Yama is 1, real or shown.
# limit: 600
: "${TOP:=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)}"
: "${BUILD:=$TOP/build-test}"
if [ -z "${FEATURES-}" ]; then
	failed=0
	top_tmp=${TESTTMP:-$(mktemp -d /var/tmp/agentsh-test.XXXXXX)}
	for FEATURES in ${FEATURE_SETS-5.15,landlock 5.19 6.1 6.6,getfd now+user now+user+yama 5.15+user+yama}; do
		TESTTMP=$top_tmp/$FEATURES
		mkdir -p "$TESTTMP" && chmod 755 "$TESTTMP"
		export TOP BUILD FEATURES TESTTMP
		echo "--- as on $FEATURES"
		case $FEATURES in
		now*) sh "$0" ;;
		*) "$BUILD/regress/run/nofeature" "${FEATURES%%+*}" sh "$0" ;;
		esac
		rc=$?
		[ $rc -ne 77 ] || exit 77
		[ $rc -eq 0 ] || failed=$((failed + 1))
	done
	[ $failed -eq 0 ]
	exit
fi
. "$TOP/regress/run/lib.sh"

# +yama: where this kernel has none, the file that says what it is set to.
case $FEATURES in
*+yama*)
	[ -e /proc/sys/kernel/yama ] || {
		mkdir "$STATE/kernel"
		cp /proc/sys/kernel/cap_last_cap /proc/sys/kernel/pid_max /proc/sys/kernel/ngroups_max \
		    /proc/sys/kernel/osrelease /proc/sys/kernel/core_pattern "$STATE/kernel/"
		mkdir "$STATE/kernel/yama"
		echo 1 >"$STATE/kernel/yama/ptrace_scope"
		chmod -R a+rX "$STATE/kernel"
		mount --bind "$STATE/kernel" /proc/sys/kernel || fatal "cannot show another Yama"
	}
	;;
esac
# theirs FILE...: belong to who asks
theirs()
{
	case $FEATURES in
	*+user*) chown 65534:65534 "$@" ;;
	esac
}
# +user: who asks, and whose the workspace is
case $FEATURES in
*+user*)
	chown 65534:65534 "$W" && chmod 711 "$TESTTMP" "$(dirname "$TESTTMP")" || fatal "no workspace for another user"
	cp "$ROOT/bin/agentsh" "$TESTTMP/agentsh"
	agentsh()
	{
		setpriv --reuid=65534 --regid=65534 --clear-groups "$TESTTMP/agentsh" "$@"
	}
	;;
esac

house_files exe.dev
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: features
file_rules:
  - {name: secret, paths: ["$W/secret"], operations: ["*"], decision: deny}
  - {name: trash, paths: ["$W/kept/**"], operations: [delete, rmdir], decision: soft_delete}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: no-port, cidrs: ["127.0.0.0/8"], ports: [9], decision: deny}
  - {name: loopback, cidrs: ["127.0.0.0/8"], decision: allow}
unix_socket_rules:
  - {name: sockets, paths: ["/**", "@**"], decision: allow}
command_rules:
  - {name: no-uname, commands: [uname], decision: deny, message: "no uname"}
  - {name: rest, commands: ["*"], decision: allow}
Y
degraded=
case $FEATURES in
5.15*)
	degraded=1
	start_house
	agentsh session create --workspace "$W" --json >"$TESTTMP/out" 2>&1
	check "a session that is less is not made unasked" grep -q WAIT_KILLABLE_RECV "$TESTTMP/out"
	case $FEATURES in
	*,landlock*) check "nor one without Landlock" grep -q 'no Landlock' "$TESTTMP/out" ;;
	esac
	stop_house
	sed -i 's/allow_degraded: false.*/allow_degraded: true/' /etc/agentsh/config.yaml
	;;
esac
start_house
yama=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null)
case $FEATURES:$yama in
*+user*:[23])
	agentsh session create --workspace "$W" >"$TESTTMP/out" 2>&1
	check "a session that Yama leaves ungoverned is not made" grep -q ptrace_scope "$TESTTMP/out"
	exit
	;;
esac
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cd "$W" || fatal "no workspace"

# ---- the working set is logged ----
set_line=$(grep -o 'have user-notif .*' "$LOG" | tail -n 1)
[ -n "$set_line" ] || bad "the working set is not logged"
echo "$set_line"
# in the machines of vm/: what agentshd.8 says of this kernel
known=$(sed -n "s/^$(uname -r | cut -d. -f1,2)	//p" "${KERNELS-/dev/null}")
[ -z "$known" ] || check "the working set is the known one" [ "$(echo "$set_line" | sed 's/ yama=[0-9]//')" = "$known" ]
case $FEATURES in
5.15*) lack="wait-killable sync-wake-up pidfd-thread pidfd-info fchmodat2 mseal" ;;
5.19 | 6.1) lack="sync-wake-up pidfd-thread pidfd-info fchmodat2 mseal" ;;
*getfd) lack="pidfd-getfd pidfd-thread pidfd-info mseal" ;;
*) lack= ;;
esac
case $FEATURES in
*,landlock*) lack="$lack landlock" ;;
esac
for f in $lack; do
	case "${set_line#*; lack}" in
	*" $f("*) echo "ok: known to lack $f" ;;
	*) bad "not known to lack $f: $set_line" ;;
	esac
done
for f in user-notif addfd addfd-send vm-read ptrace-seize openat2; do
	case "${set_line%%; lack*} " in
	*" $f "*) ;;
	*) bad "not known to have $f: $set_line" ;;
	esac
done
if [ -n "$degraded" ]; then
	check "the session says what it lacks" sh -c "'$ROOT/bin/agentsh' session info '$sid' | grep -q WAIT_KILLABLE_RECV"
else
	check_not "nothing is lost" sh -c "'$ROOT/bin/agentsh' session info '$sid' | grep -q WAIT_KILLABLE_RECV"
fi

# same WHAT GOT WANTED
same()
{
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
	else
		bad "$1: got '$2', want '$3'"
	fi
}

# same_out WHAT: the command before wrote what is wanted.
same_out()
{
	if cmp -s "$TESTTMP/want" "$TESTTMP/out"; then
		echo "ok: $1"
	else
		bad "$1"
		diff "$TESTTMP/want" "$TESTTMP/out" >&2
		cat "$TESTTMP/err" >&2
	fi
}

# ---- commands ----
same "a command" "$(in_session sh -c 'echo out; exit 37'; echo $?)" "out
37"
in_session uname >"$TESTTMP/out" 2>"$TESTTMP/err"
same "one refused at the front door" "$?:$(cat "$TESTTMP/out")" 126:
check "the rule is named" grep -q 'rule=no-uname' "$TESTTMP/err"
same "one refused below" "$(in_session sh -c 'uname; echo $?' 2>/dev/null)" 126
same "no such command" "$(in_session /no/such/thing 2>/dev/null; echo $?)" 127
same "no such command below" "$(in_session sh -c '/no/such/thing; echo $?' 2>/dev/null)" 127
printf '#!/bin/sh\nexec "$(dirname "$0")/two" "$@"\n' >one
printf '#!/usr/bin/env sh\necho "$0 $*"\n' >two
printf 'echo no interpreter\n' >three
printf '#!%s/one\n' "$W" >refused
chmod 755 one two three refused
same "a chain of scripts" "$(in_session ./one a 'b c')" "./two a b c"
same "a script without #!" "$(in_session sh -c ./three)" "no interpreter"
same "a hundred commands" "$(in_session sh -c 'i=0; while [ $i -lt 100 ]; do /bin/true || echo $?; i=$((i + 1)); done; echo $i')" 100
same "many at once" "$(in_session sh -c 'for i in 1 2 3 4 5 6 7 8; do (/bin/true; /bin/echo $i) & done; wait' | sort -n | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "

# ---- files ----
echo SECRET >secret
same "a file that is refused" "$(in_session sh -c 'cat secret; : >secret; mv secret s2; rm secret' 2>/dev/null; cat secret)" SECRET
mkdir kept
echo keep >kept/f
theirs kept kept/f
check "rm under soft_delete" in_session rm kept/f
check_not "the file is gone" [ -e kept/f ]
check "it is in the trash" sh -c 'grep -rqx keep /var/lib/agentsh/sessions/*/trash'
same "modes and times" "$(in_session sh -c 'echo x >m; chmod 640 m; touch -d @1000000000 m; ln -s m l; mkdir d; mv m d/n; ln d/n d/o; stat -c "%a %Y %h" d/n')" "640 1000000000 2"
cat >calls.py <<'P'
# Newer calls answer as on the kernel that the program thinks it is on.
import ctypes, errno, os, sys
l = ctypes.CDLL(None, use_errno=True)
def call(nr, *a):
    return "ok" if l.syscall(nr, *a) == 0 else errno.errorcode[ctypes.get_errno()]
open("c", "w").close()
print(call(452, -100, b"c", 0o600, 0), call(463, -100, b"c", 0, b"user.x", 0, 0))
print(call(452, -100, b"secret", 0o777, 0))
P
case $FEATURES in
6.6*) want="ok ENOSYS EACCES " ;;
now*) want="$(cd "$TESTTMP" && python3 w/calls.py | sed -n 1p) EACCES " ;;
*) want="ENOSYS ENOSYS ENOSYS " ;;
esac
got=$(in_session python3 calls.py | tr '\n' ' ')
# What this kernel lacks the tracer may do for it.
case $FEATURES:$got in
now*:"ok E2BIG EACCES ") ;;
*) same "calls that are newer" "$got" "$want" ;;
esac

# ---- threads, signals ----
cat >threads.py <<'P'
import os, signal, subprocess, threading, time

# threads that open files, each its own
def work(i, out):
    for k in range(50):
        with open(f"t{i}", "w") as f: f.write(str(k))
        with open(f"t{i}") as f: out[i] = f.read()
out = {}
ts = [threading.Thread(target=work, args=(i, out)) for i in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print("threads", sorted(out.values()) == ["49"] * 8)

# a call that blocks ends with a signal, and goes on where that is asked for
os.mkfifo("fifo")
class Out(Exception): pass
def handler(s, f): raise Out
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.3)
try: os.open("fifo", os.O_RDONLY); print("fifo opened")
except Out: print("fifo interrupted")
hits = []
signal.signal(signal.SIGALRM, lambda s, f: hits.append(s))
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
# the writer stays: on 5.15 an open that a signal ends just as it succeeds is made once more
writer = []
t = threading.Timer(1, lambda: writer.append(os.open("fifo", os.O_WRONLY))); t.start()
fd = os.open("fifo", os.O_RDONLY); t.join(); os.close(fd); os.close(writer[0])
signal.setitimer(signal.ITIMER_REAL, 0)
print("fifo restarted", len(hits) >= 1)

# the same in many threads, when one signal is for all: none sees how a call is restarted
os.mkfifo("crowd")
got = []
def reader():
    try: got.append(os.close(os.open("crowd", os.O_RDONLY)))
    except OSError as e: got.append(e.errno)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
ts = [threading.Thread(target=reader) for i in range(6)]
[t.start() for t in ts]
end = time.time() + 0.7
while time.time() < end: time.sleep(0.01)
fd = os.open("crowd", os.O_RDWR); [t.join() for t in ts]; os.close(fd)
signal.setitimer(signal.ITIMER_REAL, 0)
print("crowd", got == [None] * 6 or got)

# stopped and continued, and its parent is told
pid = os.fork()
if pid == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os.execv("/bin/sh", ["sh", "-c", "kill -STOP $$; exit 5"])
for i in range(2):
    _, st = os.waitpid(pid, os.WUNTRACED)
    print("stopped", os.WIFSTOPPED(st) and os.WSTOPSIG(st) == signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)
print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

# commands and opens in a storm of signals
signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
good = sum(subprocess.run(["/bin/true"]).returncode == 0 for _ in range(40))
for i in range(300):
    with open("storm", "a") as f: f.write("x")
signal.setitimer(signal.ITIMER_REAL, 0)
print("storm", good, os.path.getsize("storm"))

# a thread that execs becomes the process
ends = set()
for i in range(20):
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=lambda: os.execv("/bin/sh", ["sh", "-c", "exit 21"])).start()
        time.sleep(20); os._exit(1)
    ends.add(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print("exec by a thread", *ends)
P
in_session timeout 100 python3 threads.py >"$TESTTMP/out" 2>"$TESTTMP/err"
cat >"$TESTTMP/want" <<E
threads True
fifo interrupted
fifo restarted True
crowd True
stopped True
stopped True
ended 5
storm 40 300
exec by a thread 21
E
same_out "threads and signals"

# ---- sockets ----
cat >sockets.py <<'P'
import ctypes, socket, threading
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
a, _ = s.accept(); c.sendall(b"hello"); print("tcp", a.recv(9))
try: socket.create_connection(("127.0.0.1", 9)); print("port 9")
except OSError as e: print("refused", e.errno)
u = socket.socket(socket.AF_UNIX); u.bind("sock"); u.listen()
v = socket.socket(socket.AF_UNIX); v.connect("sock"); print("unix", v.getpeername())
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); d.bind(("127.0.0.1", 0))
e = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); e.sendto(b"datagram", d.getsockname())
print("udp", d.recv(9))
# a thread whose descriptors are its own
def own():
    l = ctypes.CDLL(None)
    assert l.unshare(0x400) == 0
    x = socket.socket()
    try: x.connect(s.getsockname()); print("own table", x.getpeername() == s.getsockname())
    except OSError as e: print("own table", e.errno)
t = threading.Thread(target=own); t.start(); t.join()
P
own=13
case $set_line in
*"lack "*pidfd-thread*) ;;
*) own=True ;;
esac
cat >"$TESTTMP/want" <<E
tcp b'hello'
refused 13
unix sock
udp b'datagram'
own table $own
E
# Before 6.9 the descriptors of a thread with a table of its own are out of reach; without
# pidfd_getfd all are, and no address is bound or connected to.
case $FEATURES in
*getfd)
	in_session timeout 100 python3 sockets.py >"$TESTTMP/out" 2>"$TESTTMP/err"
	check "sockets out of reach: nothing is bound" grep -q 'PermissionError: .Errno 13.' "$TESTTMP/err"
	;;
*)
	in_session timeout 100 python3 sockets.py >"$TESTTMP/out" 2>"$TESTTMP/err"
	same_out "sockets"
	;;
esac

# ---- who traces ----
traced=$(in_session sh -c 'sed -n "s/^TracerPid:	//p" /proc/self/status; exec sed -n "s/^TracerPid:	//p" /proc/self/status' | sort -u | tr '\n' ' ')
tracer=$(sed -n 's/.* uid .* tracer \([0-9]*\)$/\1/p' "$LOG" | tail -n 1)
case $FEATURES:$yama in
*+user*:1) check "all are traced, for Yama" [ -d "/proc/$tracer/task/${traced% }" ] ;;
*) same "nobody is traced but in an exec" "$traced" "0 " ;;
esac

# ---- a controlling terminal ----
# Before 5.19 who opens one does not get it.
case $FEATURES in
5.15*) ;;
*)
	cp "$BUILD/regress/run/behave" behave
	for t in ctty-open ctty-none ctty-getty; do
		./behave $t "$W" >"$TESTTMP/want" 2>"$TESTTMP/err"
		in_session timeout 60 ./behave $t "$W" >"$TESTTMP/out" 2>"$TESTTMP/err"
		same_out "$t"
	done
	;;
esac

# ---- work ----
cat >work.sh <<'S'
set -e
mkdir g && cd g
git init -q . && git config user.name t && git config user.email t@t.test
i=0; while [ $i -lt 5 ]; do i=$((i + 1)); seq $i 200 >f$i; git add -A; git commit -qm c$i; done
git gc -q && git fsck 2>/dev/null && git log --oneline | wc -l
printf '#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n' >m.c
gcc -O1 -o m m.c && ./m
S
same "git and gcc" "$(HOME=$W in_session sh work.sh 2>&1 | tr '\n' ' ')" "5 built "

# ---- another user ----
mkdir u && chown 65534:65534 u && chmod 711 "$TESTTMP" "$(dirname "$TESTTMP")"
same "another user" "$(cd u && setpriv --reuid=65534 --regid=65534 --clear-groups "$ROOT/bin/agentsh" exec -- sh -c 'id -u; /bin/true && echo x >f && cat f; cat ../secret' 2>/dev/null | tr '\n' ' ')" "65534 x "

refused=no-port
case $FEATURES in
*getfd) refused="socket cannot be had" ;;
esac
# auditd commits in batches, which may take long where the disk is busy; a query gives 5,000 at most
all_there()
{
	{ events && events --order desc; } >"$TESTTMP/ev"
	for pat in no-uname '"secret"' "$refused" soft_delete; do
		grep -q "$pat" "$TESTTMP/ev" || return 1
	done
}
wait_until 30 all_there
for pat in no-uname '"secret"' "$refused" soft_delete; do
	grep -q "$pat" "$TESTTMP/ev" || grep '"effective_action": "blocked"' "$TESTTMP/ev"
	check "event: $pat" grep -q "$pat" "$TESTTMP/ev"
done
# 180 are asked for; an exec that is withdrawn and made again is judged again
n=$(sort -u "$TESTTMP/ev" | grep '"type": "execve"' | grep -c '"comm": "sh"')
check "no exec was made again and again ($n)" [ "$n" -lt 360 ]
check "the chain holds" agentshctl audit verify
check "an orderly end" agentsh session destroy "$sid"
