# Every family of system calls that is refused under any policy is refused
# inside a session, each tried by raw call, and had no effect outside.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cp "$BUILD/regress/attack/try_refused" "$W/" || fatal "not built"

tail -f /dev/null &
outside=$!
host=$(hostname)
mounts=$(wc -l </proc/mounts)
check "each is refused with its errno" in_session "$W/try_refused" "$outside" "$W"

check "the process outside lives" kill -0 "$outside"
check "the host name is the same" [ "$(hostname)" = "$host" ]
check "no mount came or went" [ "$(wc -l </proc/mounts)" -eq "$mounts" ]
check_not "no device node was made" sh -c "ls '$W'/dev-*"
check "nobody traces the process outside" grep -q '^TracerPid:	0$' "/proc/$outside/status"
check "its core limit is untouched" sh -c "! grep -q '^Max core file size *1 ' /proc/$outside/limits"
kill "$outside"

events >"$TESTTMP/ev"
check "refusals are recorded" grep -q builtin-syscall "$TESTTMP/ev"
check "refused signals are recorded" grep -q builtin-session "$TESTTMP/ev"
