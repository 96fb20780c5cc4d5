# Root inside a session whose policy allows everything reaches none of the house's
# files, sockets or processes, by no other name and not by moving what lies above.
# limit: 120
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
# where no mount point keeps it from being moved, by a name that is not its own
mkdir -p "$TESTTMP/above/state"
chmod 755 "$TESTTMP/above"
ln -s "$TESTTMP/above" "$TESTTMP/link"
sed -i "s|/var/lib/agentsh|$TESTTMP/link/state|" /etc/agentsh/config.yaml
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
db=$TESTTMP/above/state/events.db
[ -e "$db" ] || fatal "no database at $db"

# refused WHAT COMMAND...: it works outside (or would), and fails inside with EPERM
refused()
{
	_what=$1
	shift
	if in_session "$@" >"$TESTTMP/out" 2>&1; then
		sed 's/^/	/' "$TESTTMP/out"
		bad "$_what"
	elif grep -q 'not permitted' "$TESTTMP/out"; then
		echo "ok: $_what"
	else
		sed 's/^/	/' "$TESTTMP/out"
		bad "$_what: another error"
	fi
}

mkdir "$W/empty"
refused "the database is read" cat "$db"
refused "by a relative name" sh -c "cd '$TESTTMP/above' && cat state/events.db"
refused "by the root in /proc" cat "/proc/self/root$db"
refused "its directory is moved" mv "$TESTTMP/above/state" "$TESTTMP/away"
refused "what is above it is moved" mv -T "$TESTTMP/above" "$TESTTMP/away"
refused "what is above it is exchanged" python3 -c "
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, b'$TESTTMP/above', -100, b'$W/empty', 2) == -1:
    sys.exit(os.strerror(ctypes.get_errno()))"
refused "the configuration is written" sh -c 'echo >>/etc/agentsh/config.yaml'
refused "a policy is made" sh -c ': >/etc/agentsh/policies/new.yaml'
refused "the control socket is unlinked" rm -f /run/agentsh/control.sock
for s in /run/agentsh/control.sock /proc/self/root/run/agentsh/control.sock /../run/./agentsh//control.sock; do
	refused "connect to $s" python3 -c "
import socket
socket.socket(socket.AF_UNIX).connect('$s')"
done
ln -s /run/agentsh/control.sock "$W/link"
refused "connect through a link" python3 -c "
import socket
socket.socket(socket.AF_UNIX).connect('$W/link')"
check "the database is where it was" [ -e "$db" ]
