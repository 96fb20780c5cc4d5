# Moving or exchanging what lies above a forbidden thing neither frees it nor
# plants one, and a move that changes no answer is an ordinary rename.
# limit: 120
. "$TOP/regress/run/lib.sh"

house_files exe.dev
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: move
file_rules:
  - {name: secret, paths: ["\${PROJECT_ROOT}/a/secret/**", "**/.key"], operations: ["*"], decision: deny}
  - {name: hooks, paths: ["\${PROJECT_ROOT}/repo/git/hooks/**"], operations: [write, create, rename], decision: deny}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
command_rules:
  - {name: rest, commands: ["*"], decision: allow}
Y
mkdir -p "$W/a/secret" "$W/empty" "$W/plain/deep" "$W/evil/hooks" "$W/repo"
echo SECRET >"$W/a/secret/f"
echo KEY >"$W/plain/deep/.key"
echo evil >"$W/evil/hooks/run"
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

# move FROM TO [FLAGS]: the errno of one renameat2 inside
move()
{
	in_session python3 -c "
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
r = libc.renameat2(-100, b'$W/$1', -100, b'$W/$2', ${3-0})
print(errno.errorcode[ctypes.get_errno()] if r else 'moved')"
}

check "above the secret: as to another file system" [ "$(move a b)" = EXDEV ]
check "exchanged" [ "$(move a empty 2)" = EXDEV ]
check "exchanged the other way" [ "$(move empty a 2)" = EXDEV ]
check "the secret itself" [ "$(move a/secret b)" = EACCES ]
check "what would be hooks" [ "$(move evil repo/git)" = EXDEV ]
check "keys are keys everywhere: moved" [ "$(move plain other)" = moved ]
check "a file beside" [ "$(in_session sh -c "echo x >'$W/t' && mv '$W/t' '$W/u' && cat '$W/u'")" = x ]
check_not "mv copies what it may, and not the secret" in_session mv "$W/a" "$W/c"
check_not "the key under its new name" in_session cat "$W/other/deep/.key"
check_not "no copy of the secret" sh -c "grep -rl SECRET '$W' | grep -v '^$W/a/secret/f\$'"
check "it is where it was" [ "$(cat "$W/a/secret/f")" = SECRET ]
check "and told" sh -c "'$ROOT/bin/agentshctl' events query --session '$sid' --limit 1000 --json | grep -q '\"secret\"'"
