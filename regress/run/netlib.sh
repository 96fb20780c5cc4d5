# netlib.sh: a network of a test's own.  The test runs in a network namespace
# where public-looking addresses stand on the loopback; an upstream resolver,
# TCP echo servers and HTTP servers listen there.  Sourced after lib.sh.
#
#	net_up			addresses, servers
#	net_config [LINES]	exe.dev's config with our resolver
#	net_policy <RULES	open.yaml with these network_rules
#	upstream_log		what the resolver was asked: "TYPE name", a line each
#	net_mirror		the mirror's namespace, as a path

NET_DNS=198.51.100.53
NET_ADDRS="$NET_DNS/32 93.184.216.34/32 93.184.216.35/32 93.184.216.36/32 93.184.216.37/32 93.184.216.99/32 8.8.8.8/32 10.1.2.3/32 203.0.113.7/32"
NET_ADDRS6="2001:db8::34/128 2001:db8::8888/128"

# run in the background until the test ends
net_bg()
{
	"$@" &
	net_jobs="${net_jobs-} $!"
}

net_stop()
{
	for _j in ${net_jobs-}; do
		kill "$_j" 2>/dev/null
	done
}

net_up()
{
	ip link set lo up || fatal "no loopback"
	for _a in $NET_ADDRS; do
		ip addr add "$_a" dev lo || fatal "cannot add $_a"
	done
	for _a in $NET_ADDRS6; do
		ip -6 addr add "$_a" dev lo || fatal "cannot add $_a"
	done
	net_bg python3 "$TOP/regress/run/netserve.py" "$TESTTMP"
	wait_until 20 test -e "$TESTTMP/netserve.ready" || fatal "the servers do not start"
}

# exe.dev's config, asking our resolver
net_config()
{
	house_files exe.dev
	python3 - "$NET_DNS" "$@" <<'P' || fatal "config"
import sys
p = "/etc/agentsh/config.yaml"
s = open(p).read()
more = "\n".join("    " + l for l in ["dns_upstream: [%s]" % sys.argv[1]] + sys.argv[2:])
s = s.replace('    intercept_mode: "all"\n', more + "\n", 1)
open(p, "w").write(s)
P
}

# rules from standard input in place of the network rules
net_policy()
{
	python3 - "$TOP/regress/run/policies/open.yaml" <<P || fatal "policy"
import sys
s = open(sys.argv[1]).read()
rules = """$(cat)"""
a = s.index("network_rules:")
b = s.index("unix_socket_rules:")
open("/etc/agentsh/policies/default.yaml", "w").write(s[:a] + "network_rules:\n" + rules + "\n" + s[b:])
P
}

upstream_log()
{
	cat "$TESTTMP/upstream.log" 2>/dev/null
}

net_mirror()
{
	_home=$(readlink /proc/self/ns/net)
	for _f in /proc/"$daemon"/fd/*; do
		case $(readlink "$_f") in
		"$_home") ;;
		net:*) echo "$_f" ;;
		esac
	done
}

trap '_rc=$?; net_stop; (exit $_rc); finish' EXIT
