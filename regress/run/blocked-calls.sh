# System calls that the configuration blocks are refused with EPERM and recorded, in
# every program of a session; all others work as before.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
sed -i '/^  seccomp:/a\    syscalls: {block: [sysinfo, flock, ioprio_get, umount, vm86]}' /etc/agentsh/config.yaml
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

check_not "nobody says that it is not built" grep -q 'syscalls.block.*not built' "$LOG"
check "blocked calls are refused" in_session python3 -c '
import ctypes, errno, fcntl
libc = ctypes.CDLL(None, use_errno=True)
assert libc.sysinfo(ctypes.create_string_buffer(512)) == -1
assert ctypes.get_errno() == errno.EPERM
try:
    fcntl.flock(0, fcntl.LOCK_SH)
    raise SystemExit("flock")
except PermissionError:
    pass
'
check "and others are not" in_session sh -c 'uname >/dev/null && ls / >/dev/null && python3 -c "import os; os.getpgid(0)"'
n=$(events_of "$sid" | grep -c '"builtin-syscall".*sysinfo\|sysinfo.*"builtin-syscall"')
check "each refusal is recorded ($n)" [ "$n" -ge 1 ]

# one that must not be blocked: the old configuration stays in force
sed -i 's/block: \[sysinfo/block: [execve/' /etc/agentsh/config.yaml
check_not "a configuration that would let nothing start is refused" agentshctl reload
check "and the old one goes on" in_session true
[ "$failures" -eq 0 ]
