# npm and apt fetch a package through a session whose policy names their registries by
# ecosystem only, and nothing else by the same clients.
# limit: 300
. "$TOP/regress/run/lib.sh"

command -v npm >/dev/null || skip "no npm"
command -v apt-get >/dev/null || skip "no apt-get"
command -v curl >/dev/null || skip "no curl"
hosts=$(agentshctl detect registries --json | python3 -c '
import json, sys
for r in json.load(sys.stdin)["registries"]:
    if r["ecosystem"] in ("npm", "debian") and r["level"] == "system":
        print(r["host"])')
[ -n "$hosts" ] || skip "no registries of the system"
# Whether this machine reaches them at all is not ours to say.
for h in $hosts; do
	python3 -c 'import socket, sys; socket.getaddrinfo(sys.argv[1], 443)' "$h" ||
	    skip "a registry's name has no address"
done

house_files exe.dev
python3 - $hosts <<'P' || fatal "config"
import sys
p = "/etc/agentsh/config.yaml"
s = open(p).read()
s += "\nnetwork:\n  private_answers: [%s]\n" % ", ".join('"%s"' % h for h in sys.argv[1:])
open(p, "w").write(s)
P
python3 - "$TOP/regress/run/policies/open.yaml" <<'P' || fatal "policy"
import sys
s = open(sys.argv[1]).read()
a = s.index("network_rules:")
b = s.index("unix_socket_rules:")
rules = """network_rules:
  - {name: loopback, cidrs: ["127.0.0.0/8", "::1/128"], decision: allow}
  - {name: packages, registries: [npm, debian], ports: [80, 443], decision: allow}
"""
open("/etc/agentsh/policies/default.yaml", "w").write(s[:a] + rules + s[b:])
P
start_house
sid=$(new_session)
[ -n "$sid" ] || { cat "$LOG" >&2; fatal "no session"; }

# fetches WHAT FOLDER COMMAND...: in a session; that it fails outside too is no fault of ours
fetches()
{
	_name=$1
	_dir=$2
	shift 2
	mkdir "$W/$_dir"
	if in_session sh -c "cd '$W/$_dir' && $*"; then
		echo "ok: $_name"
		return
	fi
	mkdir "$W/out"
	(cd "$W/out" && sh -c "$*") >/dev/null 2>&1 || skip "not outside of a session either: $*"
	bad "$_name"
}
fetches "npm installs a small package" n \
    npm_config_cache="$W/cache" npm install --no-audit --no-fund --prefix . is-number
check "it is there" test -f "$W/n/node_modules/is-number/package.json"
fetches "apt-get downloads a package" a apt-get -q -o APT::Sandbox::User=root download hello
check "it is there" sh -c "ls '$W'/a/hello_*.deb >/dev/null"
check_not "another host is not reached" in_session curl -sS --max-time 20 -o /dev/null https://example.com/
agentsh events query --session "$sid" --limit 5000 >"$TESTTMP/events"
grep -q '"packages"' "$TESTTMP/events" || bad "no event names the rule"
