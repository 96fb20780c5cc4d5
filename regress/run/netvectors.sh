# Every net and DNS vector holds for real: the name is resolved and the address
# connected to, in a session under the deployment's own policy.
# limit: 300
if [ -z "${NET_NS-}" ]; then
	NET_NS=1
	export NET_NS
	exec unshare --net sh "$0" "$@"
fi
. "$TOP/regress/run/lib.sh"
. "$TOP/regress/run/netlib.sh"

v=$TOP/regress/vectors/decisions.tsv
# Every address of the vectors is here; each name of theirs has its address.
awk -F'\t' '$2 == "net" { split($4, a, " "); print a[2] }' "$v" | sed 's/^::ffff://' | sort -u >"$TESTTMP/addrs"
awk -F'\t' '$2 == "net" { split($4, a, " "); if (a[1] != "-") print tolower(a[1]), a[2] }
	$2 == "dns" { print tolower($4), "93.184.216.34" }' "$v" | sed 's/\. / /' | sort -u >"$TESTTMP/names"
NET_ADDRS="$NET_DNS/32 $(sed -n '/:/d; /^127\./d; s|$|/32|p' "$TESTTMP/addrs" | tr '\n' ' ')"
NET_ADDRS6=$(sed -n '/^::1$/d; /:/s|$|/128|p' "$TESTTMP/addrs" | tr '\n' ' ')
export NET_ZONE="$TESTTMP/names"
net_up
cat >"$TESTTMP/tryconnect.py" <<'P'
import errno, socket, sys
name, addr, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if name != "-":
    try:
        got = {a[4][0] for a in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)}
        if addr not in got:
            print("resolved", sorted(got))
            sys.exit()
    except OSError:
        pass  # refused; the address itself is asked below
s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET)
s.settimeout(10)
e = s.connect_ex((addr, port))
print(errno.errorcode.get(e, "ok") if e else "ok")
P
cat >"$TESTTMP/tryname.py" <<'P'
import socket, sys
try:
    print("ok" if socket.getaddrinfo(sys.argv[1], 0) else "none")
except OSError as e:
    print("NXDOMAIN" if getattr(e, "errno", 0) == socket.EAI_NONAME else e)
P
tried=0
for p in exe.dev modal runloop; do
	net_config
	house_files $p
	python3 - "$NET_DNS" <<'P' || fatal "config"
import re, sys
p = "/etc/agentsh/config.yaml"
s = open(p).read()
s = s.replace('    intercept_mode: "all"\n', "    dns_upstream: [%s]\n" % sys.argv[1], 1)
open(p, "w").write(s)
P
	start_house
	awk -F'\t' -v p=$p '$1 == p && ($2 == "net" || $2 == "dns")' "$v" >"$TESTTMP/v"
	while IFS='	' read -r _p dom op what want rule; do
		# a session for each: what one has resolved is no other's business
		sid=$(new_session)
		cp "$TESTTMP"/try*.py "$W"
		case $want in
		allow | audit) expect=ok ;;
		*) expect=EACCES ;;
		esac
		if [ "$dom" = dns ]; then
			[ $expect = ok ] || expect=NXDOMAIN
			got=$(agentsh exec "$sid" -- python3 tryname.py "$what" </dev/null 2>&1)
		else
			# shellcheck disable=SC2086
			got=$(agentsh exec "$sid" -- python3 tryconnect.py $what </dev/null 2>&1)
		fi
		# nobody listens: the kernel was asked
		[ "$got" = ECONNREFUSED ] && got=ok
		tried=$((tried + 1))
		[ "$got" = "$expect" ] || bad "$p: $dom $op $what: got $got, want $expect ($want by $rule)"
		agentsh session destroy "$sid" >/dev/null
	done <"$TESTTMP/v"
	stop_house
done
echo "$tried vectors"
[ "$tried" -gt 50 ] || bad "only $tried vectors"
