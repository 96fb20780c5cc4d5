# The proxy of a session lets through what the policy allows, whether its
# programs know of it or not, and its death lets nothing through.
# limit: 300
if [ -z "${NET_NS-}" ]; then
	NET_NS=1
	export NET_NS
	exec unshare --net sh "$0" "$@"
fi
. "$TOP/regress/run/lib.sh"
. "$TOP/regress/run/netlib.sh"
command -v curl >/dev/null || skip "no curl"

net_up
net_config 'intercept_mode: "all"'
net_policy <<'Y'
  - {name: allow-good, domains: ["good.test", "*.good.test"], ports: [80, 443], decision: allow}
  - {name: deny-evil, domains: ["evil.test", "*.evil.test"], decision: deny, message: "{{.Domain}} is evil"}
  - {name: allow-port, domains: ["port.test"], ports: [8080], decision: allow}
  - {name: allow-listed, cidrs: ["93.184.216.99/32"], ports: [80, 443, 8080], decision: allow}
  - {name: allow-resolver, cidrs: ["8.8.8.8/32", "198.51.100.53/32"], decision: allow}
  - {name: allow-loopback, cidrs: ["127.0.0.0/8", "0.0.0.0/32"], decision: allow}
Y
python3 - <<'P'
p = "/etc/agentsh/policies/default.yaml"
s = open(p).read()
s += """dns_redirects:
  - {name: moved-name, match: '^moved\\.test$', resolve_to: 93.184.216.99}
connect_redirects:
  - {name: moved-host, match: '^old\\.good\\.test:80$', redirect_to: "93.184.216.99:8080"}
"""
open(p, "w").write(s)
P
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
C="curl -sS --max-time 20"

# the variables
check "the environment names the proxy" sh -c \
    "'$ROOT/bin/agentsh' exec '$sid' -- env | grep -q '^HTTP_PROXY=http://127.0.0.1:[0-9]*\$'"
check "and what needs none" sh -c \
    "'$ROOT/bin/agentsh' exec '$sid' -- env | grep -q '^NO_PROXY=localhost,127.0.0.1\$'"

# clients that honour them
says "reached 2001:db8::34 80
Host: good.test" $C http://good.test/
says 403 $C -o /dev/null -w '%{http_code}' http://evil.test/
check "the refusal names its rule" sh -c "'$ROOT/bin/agentsh' exec '$sid' -- $C http://evil.test/ | grep -q deny-evil"
says 403 $C -o /dev/null -w '%{http_code}' http://unlisted.test/
says 403 $C -o /dev/null -w '%{http_code}' http://good.test:8080/
says 403 $C -o /dev/null -w '%{http_code}' http://93.184.216.35/
says 403 $C -o /dev/null -w '%{http_code}' http://rebind.good.test/
says "reached 93.184.216.36 8080
Host: port.test:8080" $C http://port.test:8080/
says "reached 93.184.216.36 8080
Host: port.test:8080" $C --proxytunnel http://port.test:8080/
# the policy lets it through, but names are asked of our resolver by every road
for r in 8.8.8.8 198.51.100.53 '[::ffff:8.8.8.8]'; do
	says 403 curl -s --max-time 20 -o /dev/null -w '%{http_connect}' --proxytunnel http://$r:53/
	says 403 $C -o /dev/null -w '%{http_code}' http://$r:53/
done
check_not "a tunnel to a denied host" sh -c "'$ROOT/bin/agentsh' exec '$sid' -- $C --proxytunnel http://evil.test:443/ 2>/dev/null"
says "reached 93.184.216.99 8080
Host: old.good.test" $C http://old.good.test/

# clients that do not
says "reached 93.184.216.34 80
Host: good.test" $C -4 --noproxy '*' http://good.test/
says 403 $C -4 --noproxy '*' -o /dev/null -w '%{http_code}' -H "Host: evil.test" http://good.test/
says 403 $C -4 --noproxy '*' -o /dev/null -w '%{http_code}' -H "Host: unlisted.test" http://good.test/
says "reached 93.184.216.99 80
Host: 93.184.216.99" $C --noproxy '*' http://93.184.216.99/
check_not "an address that is denied" sh -c "'$ROOT/bin/agentsh' exec '$sid' -- $C --noproxy '*' http://93.184.216.35/ 2>/dev/null"
says "connect EACCES" ./netclient tcp 93.184.216.35 443
says "from 8.8.8.8 rcode 0 93.184.216.99" ./netclient sendto 8.8.8.8 moved.test 1
says "from 8.8.8.8 rcode 0" ./netclient sendto 8.8.8.8 moved.test 28

# what is shown
agentshctl net "$sid" >"$TESTTMP/net" 2>&1 || bad "agentshctl net: $(cat "$TESTTMP/net")"
grep -q 'good.test  *93.184.216.34' "$TESTTMP/net" || bad "net does not show the name: $(cat "$TESTTMP/net")"
grep -q 'net_http_request' "$TESTTMP/net" || bad "net shows no verdict: $(cat "$TESTTMP/net")"
agentshctl net --json "$sid" | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert any(n["name"] == "good.test" for n in d["names"]), d
assert d["verdicts"] and isinstance(d["connections"], list), d' || bad "agentshctl net --json"
timeout 3 "$ROOT/bin/agentshctl" net -w "$sid" >"$TESTTMP/net"
check "net -w shows it again and again" [ "$(grep -c '^NAME ' "$TESTTMP/net")" -ge 2 ]
check_not "a session that is not there" agentshctl net nosuch

# what waits for a netproxy that was busy is served, though its session is new
np=$(pgrep -P "$daemon" -f agentsh-netproxy)
port=$(in_session printenv HTTP_PROXY | sed 's/.*://')
waiting()
{
	[ "$(nsenter --net="$(net_mirror)" ss -Htn state established "sport = :$port" | wc -l)" -ge "$1" ]
}
kill -STOP "$np"
net_bg in_session $C http://good.test/ >"$TESTTMP/first" 2>&1
wait_until 20 waiting 1 || bad "nothing waits"
late=$(new_session)
net_bg agentsh exec "$late" -- $C http://good.test/ >"$TESTTMP/late" 2>&1
wait_until 20 waiting 2 || bad "the second does not wait"
kill -CONT "$np"
for f in first late; do
	wait_until 20 grep -q 'reached 2001:db8::34 80' "$TESTTMP/$f" || bad "$f: $(cat "$TESTTMP/$f")"
done

# what one session asks is recorded as its own
agentsh exec "$late" -- $C -o /dev/null http://evil.test/late
in_session $C -o /dev/null http://evil.test/early
wait_until 20 sh -c "'$ROOT/bin/agentshctl' events query --session '$late' --limit 1000 --json | grep -q evil.test/late" ||
    bad "a session's request is not recorded"
events_of "$late" | grep -q evil.test/early && bad "the request of another session"
events | grep -q evil.test/late && bad "a request of another session"

# what it had asked when it ended is recorded too
net_bg agentsh exec "$late" -- $C http://good.test/never >/dev/null 2>&1
wait_until 20 sh -c "'$ROOT/bin/agentshctl' net '$late' | grep -q '^http .*good.test'" || bad "it does not ask"
agentsh session destroy "$late" >/dev/null || bad "it does not end"
wait_until 20 sh -c "'$ROOT/bin/agentshctl' events query --session '$late' --limit 1000 --json | grep -q good.test/never" ||
    bad "what a session asked at its end is not recorded"

# kill -9 under load: nothing leaks meanwhile, and it goes on
net_bg in_session sh -c 'while :; do ./netclient sendto 8.8.8.8 good.test 1; ./netclient sendto 8.8.8.8 evil.test 1; curl -s --max-time 2 http://good.test/; done' >"$TESTTMP/load" 2>&1
wait_until 20 grep -q rcode "$TESTTMP/load" || bad "no load"
HOUSE_MAY_DIE=1
for i in 1 2 3; do
	np=$(pgrep -P "$daemon" -f agentsh-netproxy)
	kill -9 "$np"
	wait_until 30 sh -c "p=\$(pgrep -P $daemon -f agentsh-netproxy) && [ \"\$p\" != $np ]" || bad "netproxy does not come back"
	n=$(grep -c 'rcode 0' "$TESTTMP/load")
	wait_until 30 sh -c "[ \$(grep -c 'rcode 0' '$TESTTMP/load') -gt $n ]" || bad "the session does not go on"
done
grep -q 203.0.113.7 "$TESTTMP/load" && bad "another resolver answered"
says "reached 2001:db8::34 80
Host: good.test" $C http://good.test/
stop_house
