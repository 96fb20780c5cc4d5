# Landlock as the second layer: real work goes on under it, and with a tracer that
# lets every file and command continue unjudged, what is still refused is
# exactly what explain says Landlock refuses.
# limit: 240
. "$TOP/regress/run/lib.sh"

TEETH=$BUILD-teeth/root
[ -x "$TEETH/libexec/agentsh/agentsh-tracer-unjudged" ] || skip "no insecure build in $TEETH"

# ---- the world: trees, files, a hole, things that are missing ----
make_world()
{
	for _d in tree tree/sub tree/hole ro ro/sub lit mk del far top later dp other bin; do
		mkdir -p "$W/$_d"
		echo text >"$W/$_d/f"
		echo text >"$W/$_d/src"
		mkdir "$W/$_d/d"
		cp /bin/true "$W/$_d/true"
	done
	echo text >"$W/lit/g"
	echo text >"$W/lit/h"
	echo text >"$W/mk/new"
	ln -s far "$W/link"
	rmdir "$W/top/d" && rm "$W/top/true" "$W/top/f" "$W/top/src"
}
make_world
mkdir "$W/cwd"

house_files exe.dev
sed -i '/^landlock:/,/^# Security mode/d' /etc/agentsh/config.yaml
cat >>/etc/agentsh/config.yaml <<Y
landlock:
  enabled: true
  deny_paths: ["$W/dp"]
Y
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: landlock
file_rules:
  - {name: hole, paths: ["$W/tree/hole/**"], operations: ["*"], decision: deny}
  - {name: trees, paths: ["$W/tree/**", "$W/top/**", "$W/cwd/**", "/tmp/**"], operations: ["*"], decision: allow}
  - {name: read-only, paths: ["$W/ro/**", "$W/bin/**", "$W/link/**", "$W/dp/**"], operations: [read], decision: allow}
  - {name: files, paths: ["$W/lit/{f,true}", "$W/lit/[g]"], operations: [read, write], decision: allow}
  - {name: may-make, paths: ["$W/mk/new"], operations: [create], decision: allow}
  - {name: may-delete, paths: ["$W/del/*"], operations: [delete], decision: allow}
  - {name: later, paths: ["$W/later/gone/**"], operations: ["*"], decision: allow}
  - {name: list, paths: ["$W"], operations: [list], decision: allow}
  - {name: system, paths: ["/usr/**"], operations: [read], decision: allow}
  - {name: etc, paths: ["/etc/{passwd,group,nsswitch.conf,localtime,ld.so.cache}", "/etc/alternatives/**"], operations: [read], decision: allow}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: deny}
command_rules:
  - {name: all, commands: ["*"], decision: allow}
Y

# ---- what a command can tell: OP PATH lines in, OP PATH WORD out ----
cat >"$W/bin/probe.py" <<'P'
import errno, os, sys

def opened(flags):
    return lambda p: os.close(os.open(p, flags, 0o644))

def run(p):
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(p, [p])
        except OSError as e:
            os._exit(e.errno)
    e = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if e != 0:
        raise OSError(e, "exec")

DO = {
    "read": opened(os.O_RDONLY),
    "list": opened(os.O_RDONLY | os.O_DIRECTORY),
    "write": opened(os.O_WRONLY),
    "truncate": lambda p: os.truncate(p, 0),
    "create": opened(os.O_CREAT | os.O_EXCL | os.O_WRONLY),
    "symlink": lambda p: os.symlink("x", p),
    "link": lambda p: os.link(os.path.dirname(p) + "/src", p),
    "mkdir": os.mkdir,
    "rename": lambda p: os.rename(p, p + ".new"),
    "delete": os.unlink,
    "rmdir": os.rmdir,
    "chmod": lambda p: os.chmod(p, 0o755),
    "exec": run,
}
for line in sys.stdin:
    op, path = line.split()
    try:
        DO[op](path)
        word = "permits"
    except OSError as e:
        word = "refuses" if e.errno == errno.EACCES else errno.errorcode[e.errno]
    print(op, path, word)
P

# Things that change nothing first; every directory is asked everything.
pairs()
{
	for _op in chmod read write exec truncate; do
		for _d in tree tree/sub tree/hole ro ro/sub lit mk del far later dp other bin; do
			_n=f
			[ $_op = exec ] && _n=true
			echo "$_op $W/$_d/$_n"
		done
	done
	echo "read $W/lit/g"
	echo "read $W/lit/h"
	echo "read /etc/passwd"
	echo "read /etc/shadow"
	echo "read /usr/bin/env"
	echo "read /dev/null"
	echo "write /dev/null"
	echo "write /dev/kmsg"
	echo "write /etc/passwd"
	echo "exec /usr/bin/true"
	for _d in tree ro lit mk del far later other; do
		echo "list $W/$_d"
		for _op in create symlink link mkdir; do
			echo "$_op $W/$_d/new.$_op"
		done
		echo "rename $W/$_d/true"
		echo "delete $W/$_d/f"
		echo "rmdir $W/$_d/d"
	done
	echo "list /"
	echo "list /dev"
	echo "list $W"
	echo "rmdir $W/top"
	echo "mkdir $W/new"
}

# explained OP PATH: the word that explain has for it
explained()
{
	agentshctl policy explain -D PROJECT_ROOT="$W" --json "$@" </dev/null 2>/dev/null |
	    sed -n 's/.*"landlock": "\([a-z]*\)".*/\1/p'
}

# says OP PATH: what must come of it when nothing else refuses
says()
{
	_w=$(explained "$1" "$2")
	[ "$1" = rename ] && [ "$_w" = permits ] && _w=$(explained rename_to "$2.new")
	[ "$_w" = none ] && _w=permits
	echo "$_w"
}

# explain_all: the questions of a probe's answers, with explain's word for each
explain_all()
{
	while read -r op path word; do
		echo "$op $path $(says "$op" "$path")"
	done
}

# ---- a tracer that judges nothing ----
KEPT=$ROOT
ROOT=$TESTTMP/root
cp -a "$TEETH" "$ROOT" || fatal "cannot copy the insecure build"
mv "$ROOT/libexec/agentsh/agentsh-tracer-unjudged" "$ROOT/libexec/agentsh/agentsh-tracer"
start_house
cd "$W/cwd" || fatal "no folder to work in"
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
abi=$(agentsh session info --json "$sid" | sed -n 's/.*"landlock": "ABI \([0-9]*\)".*/\1/p')
[ -n "$abi" ] || fatal "session info does not say that Landlock is on"
echo "ABI $abi"

pairs >"$TESTTMP/pairs"
# What is missing stands for the directory above it; here nothing is.
mkdir "$W/later/gone"
in_session python3 "$W/bin/probe.py" <"$TESTTMP/pairs" >"$TESTTMP/did" 2>"$TESTTMP/err"
[ "$(wc -l <"$TESTTMP/did")" -eq "$(wc -l <"$TESTTMP/pairs")" ] ||
    { cat "$TESTTMP/err" >&2; fatal "the probe did not end"; }
[ "$abi" -ge 3 ] || sed -i '/^truncate/d' "$TESTTMP/did"
explain_all <"$TESTTMP/did" >"$TESTTMP/said"
check "what Landlock alone refuses is what explain says" diff "$TESTTMP/said" "$TESTTMP/did"
# Both answers must have come, or nothing was shown.
for _w in permits refuses; do
	_n=$(grep -c " $_w\$" "$TESTTMP/did")
	check "$_n $_w" [ "$_n" -ge 30 ]
done

# holes cannot be refused, files are exact, /dev/null is not broken
for _l in "read $W/tree/hole/f permits" "read $W/lit/g permits" "read $W/lit/h refuses" \
    "write /dev/null permits" "read /etc/shadow refuses" "write $W/ro/f refuses" \
    "exec $W/other/true refuses" "rmdir $W/top refuses"; do
	check "$_l" grep -qx "$_l" "$TESTTMP/did"
done

# one OP PATH: the same of a single call
one()
{
	echo "$1 $2" | in_session python3 "$W/bin/probe.py" | sed 's/.* //'
}

# between directories: what may go, goes; nothing gains a right by it
mkdir "$W/tree/a" "$W/tree/b" && echo text >"$W/tree/a/m"
check "a move inside a tree" in_session mv "$W/tree/a/m" "$W/tree/b/m"
check_not "a move out of it" in_session python3 -c "import os; os.rename('$W/tree/b/m', '$W/other/m')"

# what is missing when a command starts and can be made by it may be executed
rm -rf "$W/later/gone"
check "a missing path opens the directory above for what continues" [ "$(one exec "$W/later/true")" = permits ]
check "and for nothing else" [ "$(one write "$W/later/f")" = refuses ]
check "and explain says so" sh -c "'$ROOT/bin/agentshctl' policy explain -D PROJECT_ROOT='$W' exec '$W/later/true' |
    grep -q 'missing when a command starts.*$W/later/gone'"

# each command has a domain of its own, and lives beside the others
check "a second command sees the first" in_session sh -c 'kill -0 $$ && test -d /proc/self && ls /proc/self/fd >/dev/null'

stop_house
rm -f /var/log/agentsh/agentshd.log

# ---- the real one: performed on behalf, and what goes on under Landlock ----
ROOT=$KEPT
cd / && rm -rf "$W/tree" "$W/top"
mkdir -p "$W/tree" "$W/top"
start_house
cd "$W/cwd" || fatal "no folder to work in"
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
check "the top of a tree is removed on behalf" in_session rmdir "$W/top"
mkdir "$W/top" || fatal "no $W/top" # a rule for what is missing would stand above it
check "landlock.deny_paths: a file is read on behalf" in_session cat "$W/dp/f"
check_not "and not executed, as that continues" in_session "$W/dp/true"
check "the same file elsewhere is" in_session "$W/bin/true"
check "/dev/null" in_session sh -c 'echo x >/dev/null && cat /dev/null && : </dev/zero && exec 3<>/dev/null'
check "pipes, memory files and deleted ones by /proc/self/fd" in_session python3 -c '
import os, tempfile
r, w = os.pipe()
os.write(w, b"x")
assert os.read(os.open("/proc/self/fd/%d" % r, os.O_RDONLY), 1) == b"x"
m = os.memfd_create("m")
os.close(os.open("/proc/self/fd/%d" % m, os.O_RDWR))
f = tempfile.TemporaryFile(dir="/tmp")
f.write(b"y"); f.flush()
assert open("/proc/self/fd/%d" % f.fileno(), "rb").read() == b"y"
f.truncate(0)
d = os.open("/tmp", os.O_PATH)
os.chdir("/proc/self/fd/%d" % d)
'
check "a program that was built here" in_session sh -c '
printf "int main(void) { return 0; }\n" >t.c && gcc -o t t.c && ./t && cp t t2 && mv t2 t3 && ./t3'
check "a script and its interpreter" in_session sh -c 'printf "#!/usr/bin/env python3\nprint(1)\n" >s && chmod 755 s && ./s'
check "git" in_session sh -c 'export HOME=$PWD GIT_CONFIG_NOSYSTEM=1; git init -q g && cd g && echo x >f && git add f &&
    git -c user.name=t -c user.email=t@t.test commit -qm m && git gc -q && git log --oneline | grep -q m'
check "job control on a terminal" in_session python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["bash", "--norc", "-i"])
os.write(fd, b"sleep 1000 &\nfg\n\x1a")
os.write(fd, b"echo j$((1))ob; jobs; kill %1; wait; echo do$((1))ne; exit\n")
out = b""
while True:
    try:
        b = os.read(fd, 4096)
    except OSError:
        break
    if not b:
        break
    out += b
sys.stdout.buffer.write(out)
os.waitpid(pid, 0)
assert b"j1ob" in out and b"do1ne" in out and b"no job control" not in out
'
[ "$failures" -eq 0 ]
