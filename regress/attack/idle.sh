# With 1,000 sessions' worth of connections that idle, read or write slowly or never
# finish a head, netproxy's memory is bounded and another session is served at once; short of
# descriptors, who has most gives way; killed in the middle, nothing leaks and all goes on.
# limit: 300
if [ -z "${NET_NS-}" ]; then
	NET_NS=1
	export NET_NS
	exec unshare --net sh "$0" "$@"
fi
. "$TOP/regress/run/lib.sh"
. "$TOP/regress/run/netlib.sh"

net_up
net_config
net_policy <<'Y'
  - {name: allow-port, domains: ["port.test"], decision: allow}
  - {name: deny-evil, domains: ["evil.test"], decision: deny}
  - {name: allow-loopback, cidrs: ["127.0.0.0/8"], decision: allow}
Y
start_house

# A session costs netproxy its image, its facts and its connections, and is known by
# its source address alone.  A thousand tracers would measure tracers: here are eight sessions with
# 500 connections each, four for each of a thousand, made where the monitor makes sessions' sockets, in
# the mirror, and a ninth beside them that must notice nothing.
cat >"$W/where.py" <<'P'
import os, socket
s = socket.create_connection(("127.0.0.1", int(os.environ["HTTP_PROXY"].rsplit(":", 1)[1])))
print(*s.getpeername(), s.getsockname()[0])
P
for i in 1 2 3 4 5 6 7 8 9; do
	sid=$(new_session)
	in_session python3 where.py </dev/null >>"$TESTTMP/where" || fatal "session $i has no proxy"
done
np=$(pgrep -P "$daemon" -f agentsh-netproxy) || fatal "no netproxy"
mirror=$(net_mirror)
[ -n "$mirror" ] || fatal "no mirror"
HOUSE_MAY_DIE=1
python3 "$TOP/regress/attack/idle.py" "$np" "$mirror" "$TESTTMP/where" || bad "the crowd"

# the ninth session, by itself
wait_until 30 sh -c "p=\$(pgrep -P $daemon -f agentsh-netproxy) && [ \"\$p\" != $np ]" || bad "netproxy does not come back"
says()
{
	_got=$(in_session curl -sS --max-time 20 -o /dev/null -w '%{http_code}' "$2" 2>&1 </dev/null)
	[ "$_got" = "$1" ] || bad "$2: $_got, not $1"
}
says 200 http://port.test/
says 403 http://evil.test/
check "the log says who gave way" grep -q 'descriptors are scarce: session' "$LOG"
stop_house
