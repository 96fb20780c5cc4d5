# No request of a session reaches a host that its policy denies, whatever two readings its
# bytes may have: the smuggling corpus from inside, with nginx and haproxy outside.
# limit: 300
if [ -z "${NET_NS-}" ]; then
	NET_NS=1
	export NET_NS
	exec unshare --net sh "$0" "$@"
fi
. "$TOP/regress/run/lib.sh"
for p in nginx haproxy python3 ip; do
	command -v $p >/dev/null || skip "no $p"
done
ip link set lo up
for n in 1 2 3 4; do
	ip addr add 10.9.0.$n/32 dev lo || fatal "no address"
done

house_files exe.dev
python3 - <<'P' || fatal "files"
import os
p = "/etc/agentsh/config.yaml"
s = open(p).read()
assert 'intercept_mode: "all"' in s
s = s.replace('    intercept_mode: "all"\n', '    intercept_mode: "all"\n    dns_upstream: [10.9.0.4]\n', 1)
s += "\nnetwork:\n  private_answers: [nginx.test, haproxy.test, origin.test]\n"
open(p, "w").write(s)
s = open(os.environ["TOP"] + "/regress/run/policies/open.yaml").read()
a, b = s.index("network_rules:"), s.index("unix_socket_rules:")
s = s[:a] + """network_rules:
  - {name: allow-referees, domains: ["nginx.test", "haproxy.test"], ports: [80], decision: allow}
  - {name: allow-origin, domains: ["origin.test"], ports: [80, 443], decision: allow}
  - {name: allow-rebound, domains: ["rebind.test"], decision: allow}
  - {name: deny-denied, domains: ["denied.test"], decision: deny}
""" + s[b:]
open("/etc/agentsh/policies/default.yaml", "w").write(s)
P
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cp "$TOP/regress/attack/smuggle/client.py" "$W/"
mkdir -m 755 "$TESTTMP/referees"
python3 "$TOP/regress/attack/smuggle/smuggle.py" "$TESTTMP/referees" -- "$ROOT/bin/agentsh" exec "$sid" -- python3 "$W/client.py" ||
    bad "the corpus"
events >"$TESTTMP/events"
check "what was refused is recorded with its rule" grep -q '"deny-denied"' "$TESTTMP/events"
check "and what has no one reading" grep -q '"unjudgeable"' "$TESTTMP/events"
check "and what was let through" grep -q 'nginx.test/get-nginx' "$TESTTMP/events"
