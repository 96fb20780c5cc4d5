# Yama's ptrace_scope, real or shown: at 0 and 1 a user's session holds, also against a child that
# asked not to be traced; at 2 only sessions of root are made, at 3 none, and the refusal says why.
# limit: 200
. "$TOP/regress/run/lib.sh"

file=/proc/sys/kernel/yama/ptrace_scope
levels=$(cat $file 2>/dev/null)
real=$levels
if [ -z "$real" ]; then
	mkdir -p "$STATE/kernel/yama"
	cp /proc/sys/kernel/cap_last_cap /proc/sys/kernel/pid_max /proc/sys/kernel/ngroups_max \
	    /proc/sys/kernel/osrelease /proc/sys/kernel/core_pattern "$STATE/kernel/"
	echo 0 >"$STATE/kernel/yama/ptrace_scope"
	chmod -R a+rX "$STATE/kernel"
	mount --bind "$STATE/kernel" /proc/sys/kernel || fatal "cannot show another Yama"
	levels="0 1 2 3"
fi
chown 65534:65534 "$W" && chmod 711 "$TESTTMP" "$(dirname "$TESTTMP")" || fatal "no workspace for another user"
cp "$ROOT/bin/agentsh" "$TESTTMP/agentsh"
theirs()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$TESTTMP/agentsh" "$@"
}

house_files exe.dev
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: yama
file_rules:
  - {name: secret, paths: ["$W/secret"], operations: ["*"], decision: deny}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: no-uname, commands: [uname], decision: deny}
  - {name: rest, commands: ["*"], decision: allow}
Y

# As a fork, but with CLONE_UNTRACED; the parent says whether the child is traced, the child
# what it may do.  What it writes to is open already.
cat >"$TESTTMP/untraced.py" <<'P'
import ctypes, errno, os, platform, re
libc = ctypes.CDLL(None, use_errno=True)
nr = {"x86_64": 56, "aarch64": 220}[platform.machine()]
def say(what, f, *a):
    try: f(*a); how = "done"
    except OSError as e: how = "refused" if e.errno in (errno.EACCES, errno.EPERM, errno.EFAULT) else errno.errorcode[e.errno]
    os.write(1, f"{what} {how}\n".encode())
r, w = os.pipe()
pid = libc.syscall(nr, 0x00800000 | 17, 0, 0, 0, 0)
if pid == 0:
    os.read(r, 1)
    say("open", os.open, "ok", os.O_RDONLY)
    say("create", os.open, "made", os.O_CREAT | os.O_WRONLY)
    say("secret", os.open, "secret", os.O_RDONLY)
    say("unlink", os.unlink, "secret")
    say("move", os.rename, "secret", "s2")
    say("uname", os.execv, "/bin/uname", ["uname"])
    say("exec", os.execv, "/bin/sh", ["sh", "-c", "echo exec done"])
    os._exit(0)
if pid == -1:
    print("clone refused"); raise SystemExit
print("tracer", re.search(r"TracerPid:\s*(\d+)", open(f"/proc/{pid}/status").read())[1], flush=True)
os.write(w, b"x")
os.waitpid(pid, 0)
P
cp "$TESTTMP/untraced.py" "$W/"
echo ok >"$W/ok"
echo SECRET >"$W/secret"
chown 65534:65534 "$W"/*
cd "$W" || fatal "no workspace"

# said WORD: an untraced child's line of it
said()
{
	sed -n "s/^$1 //p" "$TESTTMP/out"
}

# held LEVEL: a user's session at 0 or 1
held()
{
	sid=$(theirs session create --workspace "$W" --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1)
	[ -n "$sid" ] || fatal "yama $1: no session"
	check "yama $1: a command" [ "$(theirs exec "$sid" -- sh -c 'echo $((6 * 7)); uname' 2>/dev/null)" = 42 ]
	rm -f made
	theirs exec "$sid" -- python3 untraced.py >"$TESTTMP/out" 2>"$TESTTMP/err"
	check "yama $1: an untraced child can be had" [ "$(said tracer)" = 0 ]
	for what in secret unlink move uname; do
		check "yama $1: an untraced child: $what" [ "$(said $what)" = refused ]
	done
	check "yama $1: what is secret stays" [ "$(cat secret)" = SECRET ]
	# Nobody may read it: nothing is judged, so nothing is done.
	case $1:$real in
	1:1)
		for what in open create exec; do
			check "yama 1: an untraced child: $what" [ "$(said $what)" = refused ]
		done
		check_not "yama 1: it made nothing" [ -e made ]
		;;
	1:) check "yama 1: an untraced child: exec" [ "$(said exec)" = refused ] ;;
	0:*) check "yama 0: an untraced child: exec" [ "$(said exec)" = "done" ] ;;
	esac
	sed "s/^/yama $1: /" "$TESTTMP/out" "$TESTTMP/err"
	check "yama $1: an orderly end" theirs session destroy "$sid"
}

for y in $levels; do
	[ -n "$real" ] || echo "$y" >"$STATE/kernel/yama/ptrace_scope"
	start_house
	case $y in
	[01]) held "$y" ;;
	*)
		theirs session create --workspace "$W" >"$TESTTMP/out" 2>&1
		check "yama $y: a session that would not be governed is not made" [ $? -ne 0 ]
		check "yama $y: it says why" grep -q "ptrace_scope is $y" "$TESTTMP/out"
		;;
	esac
	case $y in
	3)
		agentsh session create --workspace "$W" >"$TESTTMP/out" 2>&1
		check "yama 3: nor one of root" grep -q "ptrace_scope is 3" "$TESTTMP/out"
		;;
	*)
		sid=$(new_session)
		check "yama $y: root's commands run" [ "$(in_session sh -c 'echo $((6 * 7))')" = 42 ]
		check_not "yama $y: root's are judged" in_session cat secret
		agentsh session destroy "$sid" >/dev/null
		;;
	esac
	stop_house
done
