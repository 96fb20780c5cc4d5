# Real programs behave in a session, under a permissive policy, exactly as outside:
# the same output and exit status for the same work in two equal folders.
# limit: 600
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
HOME=$TESTTMP/home
mkdir -p "$HOME"
export HOME

n=0
# same NAME: the script on standard input gives the same here and there; it finds
# what it wants in an empty folder of its own, $D, which both see under the same name.
same()
{
	n=$((n + 1))
	cat >"$W/case.sh"
	D=$W/d
	export D
	for where in native session; do
		rm -rf "$D"
		mkdir "$D"
		if [ $where = native ]; then
			(cd "$D" && timeout 240 sh "$W/case.sh") >"$TESTTMP/$where" 2>&1 </dev/null
		else
			(cd "$D" && timeout 240 "$ROOT/bin/agentsh" exec "$sid" -- sh "$W/case.sh") >"$TESTTMP/$where" 2>&1 </dev/null
		fi
		printf '\nexit %d\n' $? >>"$TESTTMP/$where"
	done
	if [ "$(tail -n 1 "$TESTTMP/native")" != "exit 0" ]; then
		tail -n 15 "$TESTTMP/native" >&2
		bad "$1 does not work outside"
	elif cmp -s "$TESTTMP/native" "$TESTTMP/session"; then
		echo "ok: $1"
	else
		diff "$TESTTMP/native" "$TESTTMP/session" | head -n 30 >&2
		bad "$1 differs"
	fi
}

# need PROGRAM...: fail (in CI) or pass over a case whose program is missing.
need()
{
	for _p in "$@"; do
		command -v "$_p" >/dev/null 2>&1 && continue
		[ -z "${AGENTSH_MUST_WORK-}" ] || bad "$_p is not installed"
		return 1
	done
}

need git && same "git clone, commit, gc" <<'X'
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
export GIT_CONFIG_GLOBAL=/dev/null
g="git -c user.name=t -c user.email=t@t.test -c init.defaultBranch=main"
set -e
$g init -q a && cd a
for i in 1 2 3 4 5; do mkdir d$i; seq $i 300 >d$i/f; $g add -A; $g commit -qm c$i; done
cd .. && $g clone -q a b && cd b && echo x >>d1/f && $g commit -qam x && $g status --porcelain
$g gc -q && $g log --oneline | cat && $g fsck && $g diff HEAD~1 --stat
X

need gcc make && same "gcc and make" <<'X'
set -e
cat >m.c <<'C'
#include <stdio.h>
int f(int);
int main(void) { printf("%d\n", f(20)); return 0; }
C
echo 'int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }' >f.c
printf 'all: m\nm: m.o f.o\n\tgcc -o $@ $^\n%%.o: %%.c\n\tgcc -O2 -g -c -o $@ $<\nclean:\n\trm -f *.o m\n' >Makefile
make -j2 >/dev/null && ./m && make clean >/dev/null && ls
X

need python3 && same "python: venv, subprocess, asyncio" <<'X'
set -e
python3 -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'
python3 - <<'P'
import asyncio, os, subprocess, tempfile, threading, multiprocessing, sqlite3, shutil
print(subprocess.run(["sh", "-c", "echo $((6*7)); exit 3"], capture_output=True))
async def main():
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    print(await p.communicate(b"hello"))
    s = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    r, w = await asyncio.open_connection(*s.sockets[0].getsockname())
    print(await r.read()); w.close(); s.close()
asyncio.run(main())
with tempfile.TemporaryDirectory(dir=".") as d:
    for i in range(200):
        open(f"{d}/{i}", "w").write("x" * i)
    print(sorted(os.listdir(d))[:3], sum(os.stat(f"{d}/{i}").st_size for i in range(200)))
def f(x): return x * x
with multiprocessing.Pool(3) as p: print(p.map(f, range(8)))
ts = [threading.Thread(target=lambda: open("/dev/null").close()) for _ in range(50)]
[t.start() for t in ts]; [t.join() for t in ts]
os.makedirs("a/b/c"); os.symlink("a/b", "l"); print(os.path.realpath("l/c")[-6:], os.readlink("l"))
os.chmod("a", 0o750); os.utime("a", (1, 2)); print(oct(os.stat("a").st_mode), os.stat("a").st_mtime)
os.rename("a/b", "a/z"); print(os.listdir("a")); shutil.rmtree("a")
P
X

need node && same "node" <<'X'
node -e '
const fs=require("fs"),cp=require("child_process"),net=require("net");
fs.mkdirSync("x");fs.writeFileSync("x/f","hi");fs.renameSync("x/f","x/g");
console.log(fs.readdirSync("x"),fs.readFileSync("x/g","utf8"),cp.execSync("echo $((1+2))").toString());
const s=net.createServer(c=>c.end("bye")).listen(0,"127.0.0.1",()=>{
 net.connect(s.address().port,"127.0.0.1").on("data",d=>{console.log(d.toString());s.close()})});
fs.promises.readFile("x/g","utf8").then(console.log);'
X

need npm node && same "npm install from a local folder" <<'X'
set -e
export npm_config_cache=$D/cache npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_offline=true
mkdir dep app && echo '{"name":"dep","version":"1.0.0","main":"i.js"}' >dep/package.json && echo 'module.exports=7' >dep/i.js
echo '{"name":"app","version":"1.0.0"}' >app/package.json
cd app && npm install --silent ../dep >/dev/null && node -e 'console.log(require("dep"))' && cat package.json
X

same "tar" <<'X'
set -e
mkdir -p t/a/b && seq 1000 >t/a/f && ln -s f t/a/l && ln t/a/f t/a/h && mkfifo t/p && chmod 640 t/a/f && touch -d @1000 t/a/f
tar cf t.tar t && mkdir o && tar xpf t.tar -C o && ls -lnR --time-style=+%s o/t/a | sed 's/ [0-9]* f$//' | grep -v ^total | awk '{print $1, $2, $5, $7, $8, $9}' | grep -v ' b *$' && cmp t/a/f o/t/a/h && test -p o/t/p
X

need rsync && same "rsync" <<'X'
set -e
mkdir -p s/a && seq 500 >s/a/f && ln -s f s/a/l && rsync -a s/ d/ && rsync -a --delete s/ d/ && diff -r s d && rsync -ai s/ d/
X

need sqlite3 && same "sqlite3" <<'X'
sqlite3 t.db "pragma journal_mode=wal; create table t(x); with recursive c(i) as (select 1 union all select i+1 from c where i<5000) insert into t select i from c; select count(*), sum(x) from t; pragma integrity_check;"
ls
X

same "find, xargs, sort" <<'X'
find /usr/include -name '*.h' | sort | head -n 500 | xargs wc -l | tail -n 1
find /usr/share -maxdepth 2 -type d | sort | md5sum
X

same "shell: redirections, pipes, here-documents, substitution" <<'X'
set -e
f() { echo "$1" >&2; cat; }
echo one | f two 2>err | tr a-z A-Z
cat err && cat <<E | while read -r a b; do echo "$b $a"; done
1 2
3 4
E
mkfifo p && (echo through >p &) && cat p
bash -c 'diff <(seq 3) <(seq 4) || echo differ; echo $BASHPID | grep -c .; exec 3<>/dev/null; ls /dev/fd | head -3'
(cd / && pwd) && umask 077 && : >m && stat -c %a m && mkdir dd && stat -c %a dd
trap 'echo got it; exit 0' USR1; kill -USR1 $$; sleep 1
X

cat >"$W/jobs.py" <<'PY'
# bash's job control in a pseudo terminal, driven as a person would
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "READY>"
    os.environ["TERM"] = "dumb"
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
def until(text, limit=20):
    out, end = b"", time.time() + limit
    while text not in out:
        if time.time() > end or not select.select([fd], [], [], end - time.time())[0]:
            print("timeout waiting for", text, out); sys.exit(1)
        out += os.read(fd, 4096)
    return out
until(b"READY>")
for send, want in ((b"sleep 100 &\n", b"[1]"), (b"jobs\n", b"Running"), (b"fg\n", b"sleep 100")):
    os.write(fd, send); until(want)
def press(key, text):
    """press key until text comes: the one who should get it may not be there yet"""
    out, end = b"", time.time() + 20
    while text not in out and time.time() < end:
        os.write(fd, key)
        while select.select([fd], [], [], 0.2)[0] and text not in out:
            out += os.read(fd, 4096)
    if text not in out:
        print("timeout pressing", key, out); sys.exit(1)
press(b"\x1a", b"Stopped")
os.write(fd, b"bg\n"); until(b"sleep 100 &")
os.write(fd, b"kill %1; wait; echo ended $?\n"); until(b"ended 0")
os.write(fd, b"tty >/dev/null && echo has-a-tty\n"); until(b"has-a-tty\r")
os.write(fd, b"sh -c 'read x; echo got-$x; cat'\n"); os.write(fd, b"it\n"); until(b"got-it")
press(b"\x03", b"READY>")
os.write(fd, b"exit 5\n")
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
same "bash job control in a pty" <<'X'
python3 "$D/../jobs.py"
X

need script setsid && same "who takes a terminal: script, setsid -c, python's pty, a getty" <<'X'
cat >say.sh <<'S'
tty >/dev/null && echo x >/dev/tty && ps -o tty= -p $$ | grep -qv '?' && echo taken
S
script -qec "sh say.sh; exit 3" /dev/null; echo $?
cat >term.py <<'S'
import os, pty
def run(child, *argv):
    m, s = os.openpty()
    pid = os.fork()
    if pid == 0:
        os.setsid(); name = os.ttyname(s); os.close(m); os.close(s)
        child(name)
        os.execvp(argv[0], argv)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(s, b"@")
    out = b""
    while b"@" not in out: out += os.read(m, 999)
    print(out.replace(b"\r", b""), status, flush=True)
def getty(name, flags=0):
    fd = os.open(name, os.O_RDWR | flags)
    for i in range(3): os.dup2(fd, i)
def quiet(name):
    getty(name, os.O_NOCTTY)
run(getty, "sh", "say.sh")
run(quiet, "sh", "say.sh")
run(quiet, "setsid", "-c", "-w", "sh", "say.sh")
print(pty.spawn(["sh", "say.sh"]))
S
python3 term.py
X

V=$(command -v vim || command -v vim.tiny || command -v vi) && export V && same "vim -es" <<'X'
printf 'a\nb\n' >f && "$V" -u NONE -es -c '%s/a/xyz/' -c 'wq' f; cat f; ls -A
X

need ssh-keygen && same "ssh-keygen" <<'X'
ssh-keygen -q -t ed25519 -N '' -f k && ssh-keygen -l -f k.pub | awk '{print $1, $4}' && stat -c '%a %n' k k.pub
X

same "exit status, signals, environment" <<'X'
sh -c 'exit 7'; echo $?
sh -c 'kill -TERM $$'; echo $?
sh -c 'kill -9 $$' 2>/dev/null; echo $?
/no/such/program 2>/dev/null; echo $?
echo x >noexec; ./noexec 2>/dev/null; echo $?
A=b env | grep '^A='
printf '#!/bin/sh\necho script "$@"\n' >s && chmod +x s && ./s 1 2
printf '#!/usr/bin/env -S sh -e\necho env-script\n' >t && chmod +x t && ./t
X

# gdb cannot trace inside a session: it says so, ends, and leaves nothing behind.
if need gdb; then
	timeout 60 "$ROOT/bin/agentsh" exec "$sid" -- gdb -nx -batch -ex run /bin/true >"$TESTTMP/gdb" 2>&1 </dev/null
	rc=$?
	check "gdb ends by itself" [ $rc -ne 124 ]
	check "gdb says that it may not" grep -qiE 'not permitted|ptrace|cannot|could not' "$TESTTMP/gdb"
fi

if need meson ninja gcc; then
	cp -r "$TOP" "$W/src" 2>/dev/null
	rm -rf "$W"/src/build*
	cd "$W/src" || exit 1
	check "agentsh builds itself" sh -c "
	    timeout 400 '$ROOT/bin/agentsh' exec '$sid' -- sh -c \
		'cd $W/src && meson setup self -Dtests=false >/dev/null && ninja -C self >/dev/null && self/supervisor/agentshd -V' >'$TESTTMP/self' 2>&1 || { tail -n 5 '$TESTTMP/self'; false; }"
fi
[ $n -ge 12 ] || bad "only $n programs were tried"
