# With file_monitor.metadata on, stat, access, readlink, statx and getxattr are judged
# like everything else, and programs behave as outside where the policy allows.
# limit: 300
. "$TOP/regress/run/lib.sh"

house_files exe.dev
python3 - <<'P'
p = "/etc/agentsh/config.yaml"
s = open(p).read()
s = s.replace("    file_monitor:\n      enabled: true\n", "    file_monitor:\n      enabled: true\n      metadata: true\n", 1)
assert "metadata: true" in s
open(p, "w").write(s)
P
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: meta
file_rules:
  - {name: no-stat, paths: ["$W/secret/**"], operations: [stat, readlink], decision: deny}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: net, cidrs: ["127.0.0.0/8"], decision: allow}
command_rules:
  - {name: cmd, commands: ["*"], decision: allow}
Y
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
mkdir "$W/secret" "$W/ok"
echo x >"$W/secret/f"
echo y >"$W/ok/f"
ln -s f "$W/secret/l"
ln -s f "$W/ok/l"
ln -s ../secret/f "$W/ok/to-secret"
cat >"$W/meta.py" <<'P'
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def raw(nr, *a):
    ctypes.set_errno(0)
    r = libc.syscall(nr, *a)
    return "ok" if r >= 0 else errno.errorcode[ctypes.get_errno()]
buf = ctypes.create_string_buffer(4096)
AT = -100
def each(p):
    b = p.encode()
    fd = os.open(p, os.O_RDONLY)
    out = {
        "stat": raw(4, b, buf), "lstat": raw(6, b, buf), "newfstatat": raw(262, AT, b, buf, 0),
        "newfstatat-dirfd": raw(262, fd, b"", buf, 0x1000), "fstat": raw(5, fd, buf),
        "statx": raw(332, AT, b, 0, 0xfff, buf), "statx-fd": raw(332, fd, b"", 0x1000, 0xfff, buf),
        "access": raw(21, b, 4), "faccessat": raw(269, AT, b, 4), "faccessat2": raw(439, AT, b, 4, 0),
        "getxattr": raw(191, b, b"user.none", buf, 100), "listxattr": raw(194, b, buf, 100),
        "readlink": raw(89, b, buf, 100), "readlinkat": raw(267, AT, b, buf, 100), "statfs": raw(137, b, buf),
    }
    os.close(fd)
    return out
for p in sys.argv[1:]:
    for k, v in each(p).items():
        print(os.path.basename(os.path.dirname(p)), os.path.basename(p), k, v)
print(os.stat(sys.argv[1]).st_size if sys.argv[1].find("secret") < 0 else "")
P
(cd "$W" && python3 meta.py "$W/ok/f" "$W/ok/l") >"$TESTTMP/native"
in_session python3 "$W/meta.py" "$W/ok/f" "$W/ok/l" >"$TESTTMP/session" 2>&1
diff "$TESTTMP/native" "$TESTTMP/session" || bad "allowed metadata calls differ"
[ "$(wc -l <"$TESTTMP/native")" -gt 25 ] || bad "the program tried too little"
in_session python3 "$W/meta.py" "$W/secret/f" "$W/secret/l" "$W/ok/to-secret" >"$TESTTMP/session" 2>&1
# fstat of a descriptor that was allowed to be opened passes; the link beside it is not secret
grep -E ' ok$' "$TESTTMP/session" | grep -vE ' (fstat|statx-fd|newfstatat-dirfd|statfs) ok$|^ok to-secret (lstat|readlink|readlinkat) ok$' >"$TESTTMP/leaks"
[ ! -s "$TESTTMP/leaks" ] || { cat "$TESTTMP/leaks" >&2; bad "denied metadata was told"; }
grep -q ' stat EACCES' "$TESTTMP/session" || bad "stat was not refused"

# what a program of calls gets is what it gets outside
mkdir "$W/out" "$W/in"
cp "$BUILD/regress/attack/native" "$W/native" || fatal "not built"
for group in metadata numbers; do
	"$W/native" "$W/out" $group >"$TESTTMP/native" 2>&1
	in_session "$W/native" "$W/in" $group >"$TESTTMP/session" 2>&1
	check "$group" diff "$TESTTMP/native" "$TESTTMP/session"
	rm -rf "$W/out"/* "$W/in"/*
done

# programs still work
cat >"$W/work.sh" <<'X'
set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
cd "$1" && rm -rf g && git -c init.defaultBranch=main init -q g && cd g
for i in 1 2 3 4 5 6 7 8 9; do echo $i >f$i; done
git add -A && git -c user.name=t -c user.email=t@t.test commit -qm x && git status --porcelain && git ls-files | wc -l
find /usr/include -maxdepth 1 -name 's*.h' | sort | head -5
ls -l /dev/null | cut -c1-10 && test -d /proc/self && readlink /proc/self/exe && test -e /dev/stdin
python3 -c 'import os, json; print(os.path.exists("/usr"), os.path.islink("/bin"))'
X
sh "$W/work.sh" "$W" >"$TESTTMP/native" 2>&1 || bad "the work does not work outside"
in_session sh "$W/work.sh" "$W" >"$TESTTMP/session" 2>&1 || bad "the work fails in a session"
diff "$TESTTMP/native" "$TESTTMP/session" || bad "the work differs"
events --type file_stat >"$TESTTMP/ev"
grep -q '"no-stat"' "$TESTTMP/ev" || bad "refused stats are not recorded"
