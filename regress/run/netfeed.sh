# A name in a threat feed is refused whatever the policy allows, and what was
# fetched last holds when its server is gone.
# limit: 120
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
  - {name: allow-all, domains: ["*"], ports: [80, 443], decision: allow}
Y
mkdir "$TESTTMP/feed"
printf 'port.test\nshared.good.test\n' >"$TESTTMP/feed/list"
echo 'listed.good.test' >/etc/agentsh/bad.txt
echo 'www.good.test' >/etc/agentsh/watched.txt
cp /etc/agentsh/config.yaml "$TESTTMP/plain"
python3 -m http.server -d "$TESTTMP/feed" --bind 203.0.113.7 8090 >"$TESTTMP/http.log" 2>&1 &
http=$!
net_jobs="$net_jobs $http"
wait_until 20 python3 -c 'import socket; socket.create_connection(("203.0.113.7", 8090))' ||
    fatal "no server of feeds"
cat >>/etc/agentsh/config.yaml <<'Y'
threat_feeds:
  enabled: true
  feeds:
    - {name: lab, url: "http://203.0.113.7:8090/list", format: domain-list}
    - {name: none, url: "http://203.0.113.7:8090/none", format: domain-list}
    - {name: watched, url: "file:///etc/agentsh/watched.txt", format: domain-list, action: audit}
  local_lists: [/etc/agentsh/bad.txt]
  allowlist: [fine.port.test]
  cache_dir: /var/lib/agentsh/feeds
Y
start_house
sid=$(new_session)
[ -n "$sid" ] || { cat "$LOG" >&2; fatal "no session"; }
cp "$TOP/regress/run/netclient.c" "$W" && cc -O1 -w -D_GNU_SOURCE -o "$W/netclient" "$W/netclient.c" || fatal cc

rcode()
{
	in_session ./netclient sendto 8.8.8.8 "$1" 1 </dev/null | sed 's/.*rcode \([0-9]*\).*/\1/'
}
is_refused()
{
	[ "$(rcode "$1")" = 3 ]
}
check "a fetched name is refused" wait_until 20 is_refused shared.good.test
check "and what is below it" is_refused sub.port.test
check "a listed name is refused" is_refused listed.good.test
[ "$(rcode good.test)" = 0 ] || bad "a name in no feed: $(rcode good.test)"
upstream_log | grep -q 'fine.port' && bad "asked too early"
rcode fine.port.test >/dev/null
upstream_log | grep -q 'fine.port' || bad "the allow list does not hold"
[ "$(rcode www.good.test)" = 0 ] || bad "a name that is only watched: $(rcode www.good.test)"
events >"$TESTTMP/events"
grep -q '"rule": "threat-feed:watched"' "$TESTTMP/events" || bad "no event names the feed that watches"
grep -q '"rule": "threat-feed:lab"' "$TESTTMP/events" || bad "no event names the feed"
if command -v curl >/dev/null; then
	got=$(in_session curl -s -o /dev/null -w '%{http_code}' --max-time 20 http://shared.good.test/ </dev/null)
	[ "$got" = 403 ] || bad "through the proxy: $got"
fi

# its server has gone, and the house is started again
kill $http
wait $http 2>/dev/null
stop_house
start_house
sid=$(new_session)
check "what was fetched last holds" wait_until 20 is_refused shared.good.test

# so it does when netproxy is, and from its first answer on
HOUSE_MAY_DIE=1
np=$(pgrep -P "$daemon" -f agentsh-netproxy)
kill -9 "$np"
answers() { [ -n "$(rcode good.test)" ]; }
check "netproxy comes back" wait_until 30 answers
check "with what was fetched last" is_refused shared.good.test

# a config without feeds takes them out of force
cp "$TESTTMP/plain" /etc/agentsh/config.yaml
check "reload" agentshctl reload
is_answered() { [ "$(rcode shared.good.test)" = 0 ]; }
check "no feed, no refusal" wait_until 20 is_answered
stop_house
