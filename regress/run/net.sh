# A session resolves and reaches what its policy allows by name, whatever client
# it uses; nothing else leaves.
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
  - {name: allow-good, domains: ["good.test", "*.good.test"], ports: [80, 443], decision: allow}
  - {name: deny-evil, domains: ["evil.test", "*.evil.test"], decision: deny, message: "{{.Domain}} is evil"}
  - {name: allow-port, domains: ["port.test"], ports: [8080], decision: allow}
  - {name: allow-short, domains: ["short.test"], decision: allow}
  - {name: private-name, domains: ["rebind.test"], decision: allow}
  - {name: allow-listed, cidrs: ["93.184.216.99/32"], ports: [80, 9000], decision: allow}
  - {name: allow-loopback, cidrs: ["127.0.0.0/8", "0.0.0.0/32"], decision: allow}
Y
cc -O1 -static -w -D_GNU_SOURCE -o "$W/netclient" "$TOP/regress/run/netclient.c" || fatal "cc"
start_house
sid=$(new_session)
[ -n "$sid" ] || { cat "$LOG" >&2; fatal "no session"; }

# says WANT COMMAND...: COMMAND in the session prints WANT
says()
{
	_want=$1
	shift
	_got=$(in_session "$@" 2>&1 </dev/null)
	if [ "$_got" = "$_want" ]; then
		echo "ok: $*: $_got"
	else
		bad "$*: got \"$_got\", want \"$_want\""
	fi
}

# an event of the session has every one of the texts
event()
{
	agentsh events query --session "$sid" --limit 5000 >"$TESTTMP/events" 2>&1
	python3 - "$TESTTMP/events" "$@" <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
d = d if isinstance(d, list) else d.get("events", [])
sys.exit(not any(all(t in json.dumps(e) for t in sys.argv[2:]) for e in d))
P
}

# A fact ends, at its time and no earlier (a TTL of 1 is the floor's 60 s): what is connected goes
# on, a new connection is refused, by the tracer and by the proxy.  Begun here, looked at below.
cat >"$W/expire.py" <<'P'
import os, socket, time
TO = ("93.184.216.37", 9000)
def proxied():
    s = socket.create_connection(("127.0.0.1", int(os.environ["HTTP_PROXY"].rsplit(":", 1)[1])))
    s.sendall(b"CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (TO[0].encode(), TO[1], TO[0].encode(), TO[1]))
    return s, s.recv(4096).split(b" ")[1].decode()
def echo(s):
    s.sendall(b"x")
    return s.recv(1) == b"x"
try:
    socket.create_connection(TO)
    print("reached before it had a name")
except PermissionError:
    pass
begin = time.clock_gettime(time.CLOCK_BOOTTIME)
old = socket.create_connection(("short.test", 9000))
tunnel, st = proxied()
print("has a name:", echo(old), st, echo(tunnel), flush=True)
while True:
    took = time.clock_gettime(time.CLOCK_BOOTTIME) - begin
    try:
        socket.create_connection(TO).close()
    except PermissionError:
        break
    time.sleep(0.5)
print("expired:", took > 59, proxied()[1])
print("old ones:", echo(old), echo(tunnel))
old.close()
try:
    print("again:", echo(socket.create_connection(("short.test", 9000))))
except OSError as e:
    print("again:", e)
P
net_bg in_session python3 expire.py >"$TESTTMP/expire" 2>&1
wait_until 20 grep -q 'has a name' "$TESTTMP/expire" || bad "no name: $(cat "$TESTTMP/expire")"

# before anything was resolved
says "connect EACCES" ./netclient tcp 93.184.216.34 80
says "connect EACCES" ./netclient tcp 2001:db8::34 80
says "reached 93.184.216.99 80" ./netclient tcp 93.184.216.99 80

# every way to ask, any server: our resolver answers, as who was asked
for how in sendto sendmsg sendmmsg connect write bound nonblock tcp53 fastopen; do
	for server in 8.8.8.8 203.0.113.250 127.0.0.53 10.9.9.9; do
		says "from $server rcode 0 93.184.216.34" ./netclient $how $server good.test 1
	done
done
for how in sendto sendmsg connect tcp53; do
	says "from 2001:db8::8888 rcode 0 2001:db8::34" ./netclient $how 2001:db8::8888 good.test 28
	says "from ::ffff:8.8.8.8 rcode 0 93.184.216.34" ./netclient $how ::ffff:8.8.8.8 good.test 1
	says "from 8.8.8.8 rcode 3" ./netclient $how 8.8.8.8 evil.test 1
	says "from 8.8.8.8 rcode 3" ./netclient $how 8.8.8.8 a.evil.test 28
	says "from 8.8.8.8 rcode 3" ./netclient $how 8.8.8.8 unlisted.test 1
done
says "8.8.8.8 0 93.184.216.99 0 8.8.8.8 0 93.184.216.99 0 " ./netclient both 8.8.8.8 good.test 1
if upstream_log | grep -q evil; then
	bad "a denied name went upstream"
fi
check "a denied name is an event" event dns_query evil.test deny-evil
check "an allowed name is an event" event dns_query '"good.test"' allow-good
check "a name in no rule is an event" event dns_query unlisted.test default-deny-network

# names and addresses
says "reached 93.184.216.34 80" ./netclient tcp 93.184.216.34 80
says "reached 2001:db8::34 443" ./netclient tcp 2001:db8::34 443
says "reached ::ffff:93.184.216.34 80" sh -c './netclient tcp ::ffff:93.184.216.34 80 | sed "s/reached 93/reached ::ffff:93/"'
says "connect EACCES" ./netclient tcp 93.184.216.34 8080
says "connect EACCES" ./netclient tcp ::ffff:93.184.216.34 8080
says "connect EACCES" ./netclient tcp 93.184.216.35 80
says "sendto EACCES" ./netclient udp 93.184.216.34 9000
check "a refused connection is an event" event net_connect 93.184.216.35:80 default-deny-network
check "its event has the name" event net_connect 93.184.216.34:80 '"good.test"' allow-good

# a name of an alias: the address is that of the name that was asked
says "from 8.8.8.8 rcode 0 93.184.216.34" ./netclient sendto 8.8.8.8 www.good.test 1

# rebinding: a private address for an allowed name
says "from 8.8.8.8 rcode 0 10.1.2.3" ./netclient sendto 8.8.8.8 rebind.test 1
says "connect EACCES" ./netclient tcp 10.1.2.3 80
says "from 8.8.8.8 rcode 0 10.1.2.3" ./netclient sendto 8.8.8.8 rebind.good.test 1
says "connect EACCES" ./netclient tcp 10.1.2.3 80

# two names of one address: each brings what its rules allow
says "connect EACCES" ./netclient tcp 93.184.216.36 8080
says "from 8.8.8.8 rcode 0 93.184.216.36" ./netclient sendto 8.8.8.8 port.test 1
says "reached 93.184.216.36 8080" ./netclient tcp 93.184.216.36 8080
says "connect EACCES" ./netclient tcp 93.184.216.36 80
says "from 8.8.8.8 rcode 0 93.184.216.36" ./netclient sendto 8.8.8.8 shared.good.test 1
says "reached 93.184.216.36 80" ./netclient tcp 93.184.216.36 80
says "reached 93.184.216.36 8080" ./netclient tcp 93.184.216.36 8080

# another session knows none of it
other=$(new_session)
_got=$(agentsh exec "$other" -- ./netclient tcp 93.184.216.34 80 2>&1 </dev/null)
[ "$_got" = "connect EACCES" ] || bad "facts of another session: $_got"

# a socket that was registered with epoll before it moved, and moved back
cat >"$W/ep.py" <<'P'
import select, socket
q = b"\0\1\1\0\0\1" + b"\0" * 6 + b"\4good\4test\0\0\1\0\1"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setblocking(False)
eps = [select.epoll(), select.epoll()]
for e in eps:
    e.register(s.fileno(), select.EPOLLIN)
for to in (("8.8.8.8", 53), ("93.184.216.99", 9000), ("8.8.8.8", 53)):
    s.sendto(q, to)
    print([e.poll(10) == [(s.fileno(), select.EPOLLIN)] for e in eps], s.recvfrom(999)[1] == to)
for e in eps:
    e.modify(s.fileno(), select.EPOLLOUT)
    e.unregister(s.fileno())
P
says "[True, True] True
[True, True] True
[True, True] True" python3 ep.py

# a session of another user
chmod 755 "$W"
user=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$ROOT/bin/agentsh" session create --workspace "$W" --json |
    sed -n 's/.*"id": *"\([^"]*\)".*/\1/p')
for try in "connect EACCES:tcp 93.184.216.34 80" "from 8.8.8.8 rcode 0 93.184.216.34:sendmsg 8.8.8.8 good.test 1" \
    "from 8.8.8.8 rcode 0 93.184.216.34:tcp53 8.8.8.8 good.test 1" "reached 93.184.216.34 80:tcp 93.184.216.34 80" \
    "8.8.8.8 0 93.184.216.99 0 8.8.8.8 0 93.184.216.99 0 :both 8.8.8.8 good.test 1"; do
	# shellcheck disable=SC2086
	_got=$(cd "$W" && setpriv --reuid 65534 --regid 65534 --clear-groups "$ROOT/bin/agentsh" exec "$user" -- \
	    ./netclient ${try##*:} 2>&1 </dev/null)
	[ "$_got" = "${try%:*}" ] || bad "as a user: $try: got $_got"
done

# clients as people use them
net_python='import socket,sys
try:
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
    s.sendall(b"?")
    print(s.recv(99).decode().strip())
except OSError as e:
    print(type(e).__name__, e.errno)'
says "reached 2001:db8::34 80" python3 -c "$net_python" good.test 80
says "gaierror -2" python3 -c "$net_python" evil.test 80
says "PermissionError 13" python3 -c "$net_python" good.test 8080
if command -v curl >/dev/null; then
	says "reached 93.184.216.34 80
Host: good.test" curl -4 -sS --noproxy '*' --max-time 20 http://good.test/
	says 000 curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 20 http://evil.test/
fi
if command -v dig >/dev/null; then
	says 93.184.216.34 dig +short +tries=1 +time=10 good.test @8.8.8.8
	says 93.184.216.34 dig +tcp +short +tries=1 +time=10 good.test @203.0.113.250
	says "" dig +tcp +short +tries=1 +time=10 evil.test @8.8.8.8
	check "the refusal says which rule" sh -c \
	    "'$ROOT/bin/agentsh' exec '$sid' -- dig +tries=1 +time=10 evil.test @8.8.8.8 2>&1 | grep -q deny-evil"
	check "a long answer comes by TCP" sh -c \
	    "'$ROOT/bin/agentsh' exec '$sid' -- dig +noedns +short +tries=1 +time=10 big.good.test @8.8.8.8 2>&1 | grep -q 203.0.113.70"
fi
if command -v musl-gcc >/dev/null; then
	cat >"$TESTTMP/gai.c" <<'C'
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
int
main(int argc, char **argv)
{
	struct addrinfo h = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *r;
	int e = getaddrinfo(argv[1], "80", &h, &r);

	puts(e != 0 ? "none" : inet_ntoa(((struct sockaddr_in *)r->ai_addr)->sin_addr));
	return argc == 1;
}
C
	musl-gcc -static -O1 -o "$W/gai" "$TESTTMP/gai.c" || bad "musl-gcc"
	says 93.184.216.34 ./gai good.test
	says none ./gai evil.test
fi
if command -v node >/dev/null; then
	says "reached 93.184.216.34 80
host: good.test" node -e 'require("dns").setDefaultResultOrder("ipv4first");
fetch("http://good.test/").then(r => r.text()).then(t => process.stdout.write(t.trim() + "\n"), e => console.log("failed"))'
	says failed node -e 'fetch("http://evil.test/").then(r => r.text()).then(t => console.log(t), e => console.log("failed"))'
fi
if command -v java >/dev/null; then
	cat >"$W/Client.java" <<'J'
import java.io.InputStream;
import java.net.*;

class Client {
	public static void main(String[] urls) throws Exception {
		String env = System.getenv("HTTP_PROXY");
		Proxy proxy = Proxy.NO_PROXY;
		if (env != null) {
			URI u = new URI(env);
			proxy = new Proxy(Proxy.Type.HTTP, new InetSocketAddress(u.getHost(), u.getPort()));
		}
		for (String url : urls) {
			try {
				HttpURLConnection c = (HttpURLConnection) new URL(url).openConnection(proxy);
				c.setConnectTimeout(20000);
				c.setReadTimeout(20000);
				int status = c.getResponseCode();
				InputStream in = status < 400 ? c.getInputStream() : c.getErrorStream();
				System.out.println(status + " " + new String(in.readAllBytes()).split("\n")[0]);
			} catch (Exception e) {
				System.out.println(e.getClass().getSimpleName());
			}
		}
	}
}
J
	for how in "env -u HTTP_PROXY java" java; do
		case $how in
		java) want='200 reached .* 80,403 blocked by policy,403 blocked by policy,' ;;
		*) want='200 reached .* 80,UnknownHostException,.*Exception,' ;;
		esac
		# shellcheck disable=SC2086
		_got=$(in_session $how -Xmx64m -XX:TieredStopAtLevel=1 Client.java http://good.test/ http://evil.test/ \
		    http://93.184.216.35/ 2>&1 </dev/null | tr '\n' ,)
		echo "$_got" | grep -qx "$want" || bad "$how: $_got"
	done
fi
wait_until 150 grep -q 'again' "$TESTTMP/expire" || bad "it does not expire"
[ "$(cat "$TESTTMP/expire")" = "has a name: True 200 True
expired: True 403
old ones: True True
again: True" ] || bad "expiry: $(cat "$TESTTMP/expire")"
stop_house

# where no network namespace can be made, nothing asks a resolver of its own
HOUSE_UNDER="setpriv --bounding-set -sys_admin,-net_admin"
start_house
sid=$(new_session 2>"$TESTTMP/err")
[ -z "$sid" ] || bad "a session without a mirror: $sid"
grep -q 'no resolver and no proxy' "$TESTTMP/err" || bad "it does not say why: $(cat "$TESTTMP/err")"
stop_house
sed -i 's/^\(  *\)allow_degraded:.*/\1allow_degraded: true/' /etc/agentsh/config.yaml
start_house
sid=$(new_session 2>/dev/null)
says "connect EACCES" ./netclient tcp53 8.8.8.8 good.test 1
says "send EACCES" ./netclient sendto 8.8.8.8 good.test 1
says "reached 93.184.216.99 80" ./netclient tcp 93.184.216.99 80
check "the refusal is an event" event net_connect 8.8.8.8:53 builtin-no-mirror
stop_house
