# Each trap of DESIGN.md section 8 escapes outside a session and is held inside, its
# effect looked at from outside; what would hold up the supervisor does not.
# limit: 400
. "$TOP/regress/run/lib.sh"

traps=$BUILD/regress/attack/traps
[ -x "$traps" ] || fatal "not built"
N=$TESTTMP/native
mkdir -p "$N" && chmod 755 "$N"
PORT=$(python3 -c 'import socket
s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
OWNER=0:0
ARG=

house_files exe.dev
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: traps
file_rules:
  - {name: secret, paths: ["\${PROJECT_ROOT}/secret/**", "\${PROJECT_ROOT}/ok/above/secret/**", "/traps-secret/**"], operations: ["*"], decision: deny}
  - {name: nope, paths: ["**/nope", "**/nope/**"], operations: ["*"], decision: deny}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: secret-port, cidrs: ["0.0.0.0/0", "::/0"], ports: [$PORT], decision: deny}
  - {name: rest, cidrs: ["0.0.0.0/0", "::/0"], decision: allow}
unix_socket_rules:
  - {name: all-sockets, paths: ["/**", "@**"], decision: allow}
command_rules:
  - {name: no-banned, commands: ["banned"], decision: deny}
  - {name: rest, commands: ["*"], decision: allow}
Y

make_world()
{
	rm -rf "$1/ok" "$1/secret"
	mkdir -p "$1/ok/above/secret" "$1/secret/d"
	echo SECRET >"$1/secret/f"
	echo SECRET >"$1/ok/above/secret/f"
	cp /bin/true "$1/secret/true"
	printf '#!/bin/sh\nexit 0\n' >"$1/secret/same"
	chmod 755 "$1/secret/same"
	cp /lib64/ld-linux-x86-64.so.2 "$1/secret/ld.so"
	cp /bin/true "$1/ok/banned"
	cp /bin/true "$1/ok/x"
	chmod 111 "$1/ok/x"
	: >"$1/ok/leased"
	echo fine >"$1/ok/f"
	cp "$traps" "$1/ok/traps"
	chown -R $OWNER "$1/ok" "$1/secret"
	chown 0:0 "$1/ok/x"
	touch -d @1000000000 "$1/secret" "$1/secret/f"
}

print_secret()
{
	find "$1/secret" "$1/ok/above/secret" -printf '%P %y %m %U %G %s %T@ %n %l\n' 2>&1 | sort
	cat "$1/secret/f" "$1/ok/above/secret/f" 2>&1
	getfattr -d "$1/secret/f" 2>/dev/null
}

# a victim: a process outside, in a session of its own
victim=
new_victim()
{
	kill -9 $victim 2>/dev/null
	setsid tail -f /dev/null &
	victim=$!
	wait_until 5 sh -c "[ \"\$(ps -o sid= -p $victim | tr -d ' ')\" = $victim ]"
}

victim_is()
{
	echo "$(cat /proc/$victim/oom_score_adj) $(cat /proc/$victim/coredump_filter) $(stat -c %a /proc/$victim/oom_score_adj)"
}

# a second procfs, as a jail or a container's host directory has it
PROC2=$TESTTMP/proc2
mkdir "$PROC2" && mount -t proc proc "$PROC2" || fatal "no second procfs"

# what each trap is given
arg_of()
{
	if [ -n "$ARG" ]; then
		echo "$ARG"
		return
	fi
	case $1 in
	sigio-outside | confused-deputy | others-files) echo "$victim" ;;
	other-procfs) echo "$PROC2/$victim" ;;
	launcher-environ) echo trapmark ;;
	database-lock) echo /var/lib/agentsh/events.db ;;
	stacked-root) echo /traps-secret/f ;;
	execute-only) echo ok/x ;;
	fastopen | mptcp | unspec-sendto | old-sockaddr-in6 | ancillary) echo $PORT ;;
	esac
}

# whatever reaches the denied port is seen here
python3 - "$TESTTMP/canary" $PORT <<'P' &
import os, select, socket, sys
parent = os.getppid()
fs = []
port = int(sys.argv[2])
for fam, any in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    for typ in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(fam, typ)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if fam == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((any, port))
        if typ == socket.SOCK_STREAM: s.listen(64)
        fs.append(s)
open(sys.argv[1] + ".ready", "w").close()
while os.getppid() == parent:
    for s in select.select(fs, [], [], 1)[0]:
        if s.type == socket.SOCK_STREAM: s.accept()[0].close()
        else: s.recv(100)
        open(sys.argv[1], "w").close()
P
canary=$!
wait_until 10 [ -e "$TESTTMP/canary.ready" ] || fatal "no canary"

# hold_lease FILE: nobody else's open of it goes on
lease=
hold_lease()
{
	[ -n "$lease" ] && kill -9 "$lease"
	rm -f "$TESTTMP/leased"
	python3 -c '
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
open(sys.argv[2], "w").close()
parent = os.getppid()
while os.getppid() == parent: time.sleep(1)' "$1" "$TESTTMP/leased" &
	lease=$!
	wait_until 5 [ -e "$TESTTMP/leased" ] || bad "no lease"
}

leave()
{
	_left=$?
	kill -9 $canary $lease $victim 2>/dev/null
	(exit $_left)
	finish
}
trap leave EXIT

# try WORLD TRAP COMMAND...: COMMAND before the trap's own words; its status in rc
try()
{
	_w=$1
	_t=$2
	shift 2
	make_world "$_w"
	case $_t in
	sigio-outside | confused-deputy | others-files | other-procfs) new_victim ;;
	lease-crowd) hold_lease "$_w/ok/leased" ;;
	esac
	rm -f "$TESTTMP/canary"
	before=$(print_secret "$_w")
	AWS_SECRET_ACCESS_KEY=trapmark timeout -k 2 60 "$@" "$_w/ok/traps" "$_t" "$_w" $(arg_of "$_t") >"$TESTTMP/out" 2>&1
	rc=$?
	after=$(print_secret "$_w")
	[ -n "$lease" ] && kill -9 "$lease"
	lease=
}

# native TRAP KIND: it must escape there, or the test has no teeth
native()
{
	if [ "$1" = launcher-environ ]; then
		set -- "$1" "$2" sh -c 'env -u AWS_SECRET_ACCESS_KEY "$@"; exit $?' sh
	else
		set -- "$1" "$2" env
	fi
	_t=$1
	_k=$2
	shift 2
	[ "$_k" = u ] && set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	try "$N" "$_t" "$@"
	case $_k$rc in
	l0 | e1 | u1) return ;;
	esac
	if [ "$_t" = core-pattern ] && [ "$(cat /proc/sys/kernel/core_pattern | cut -c1)" = "|" ]; then
		echo "core-pattern: cores go to a program here"
		return
	fi
	sed 's/^/	/' "$TESTTMP/out" >&2
	bad "$_t ends outside with $rc: it has no teeth"
}

# inside TRAP KIND COMMAND...: held, and nothing has changed
inside()
{
	_t=$1
	shift 2
	try "$W" "$_t" "$@"
	if [ $rc -ne 0 ]; then
		sed 's/^/	/' "$TESTTMP/out"
		bad "$_t ends inside with $rc"
	else
		echo "ok: $_t"
	fi
	[ "$before" = "$after" ] || bad "$_t: secret changed: $before -> $after"
	[ ! -e "$TESTTMP/canary" ] || bad "$_t: the denied port was reached"
	[ "$_t" != others-files ] || check "$_t: the victim is as it was" [ "$(victim_is)" = "0 00000033 644" ]
	[ "$_t" != sigio-outside ] || check "$_t: the victim lives" kill -0 "$victim"
	! grep -rqs SECRET "$W/ok" --exclude-dir above --exclude traps || bad "$_t: the secret is below ok"
}

ONLY_TRAP=${ONLY_TRAP-}
wanted()
{
	[ -z "$ONLY_TRAP" ] && return 0
	case " $ONLY_TRAP " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

start_house
sid=$(new_session "$W")
[ -n "$sid" ] || fatal "no session"
n=0
for kind in e l; do
	for t in $("$traps" -l $kind); do
		[ "$t" != stacked-root ] && wanted "$t" || continue
		native "$t" $kind
		inside "$t" $kind "$ROOT/bin/agentsh" exec "$sid" --
		if [ "$t" = launcher-environ ]; then
			inside "$t" $kind "$ROOT/bin/agentsh" exec --timeout 30s "$sid" --
		fi
		if [ "$t" = confused-deputy ] || [ "$t" = others-files ]; then
			ARG=$daemon
			inside "$t" $kind "$ROOT/bin/agentsh" exec "$sid" --
			ARG=
		elif [ "$t" = other-procfs ]; then
			ARG=$PROC2/$(agentsh session info "$sid" --json | sed -n 's/.*"tracer_pid": *\([0-9]*\).*/\1/p' | head -n 1)
			inside "$t" $kind "$ROOT/bin/agentsh" exec "$sid" --
			ARG=
		fi
		n=$((n + 1))
	done
done
[ -n "$ONLY_TRAP" ] || [ $n -ge 30 ] || bad "only $n traps were tried"

# A terminal did not become the supervisor's, and the crowds' threads have gone.
for p in $(pidof agentsh-tracer); do
	grep -q "^PPid:	$daemon\$" "/proc/$p/status" 2>/dev/null || continue
	check "tracer $p has no terminal" [ "$(ps -o tty= -p "$p" | tr -d ' ')" = "?" ]
	wait_until 10 sh -c "[ \$(ls /proc/$p/task | wc -l) -le 12 ]" || bad "tracer $p keeps $(ls /proc/$p/task | wc -l) threads"
done

# What no policy allows is told by what refused it.
recorded()
{
	events --path-like "$1" | grep -q "$2"
}
if wanted control-groups && wanted others-files; then
	wait_until 10 recorded '%/cgroup.procs' builtin-supervisor || bad "leaving a control group is not recorded"
	wait_until 10 recorded '/proc/%/oom_score_adj' builtin-session || bad "another's file is not recorded"
fi

# Each refusal is its own record.
make_world "$W"
in_session sh -c "i=0; while [ \$i -lt 200 ]; do (: <'$W/secret/counted'); i=\$((i + 1)); done" 2>/dev/null
count_refused()
{
	[ "$(events --path-like '%secret/counted' | grep -c '"decision": "deny"')" -ge 200 ]
}
wait_until 10 count_refused || bad "200 refusals, $(events --path-like '%secret/counted' | grep -c deny) records"

# Another's session, without rights of its own.
agent="setpriv --reuid 65534 --regid 65534 --clear-groups"
OWNER=65534:65534
make_world "$W"
chown 65534:65534 "$W"
sid=$($agent "$ROOT/bin/agentsh" session create --workspace "$W" --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1)
if [ -n "$sid" ]; then
	for t in $("$traps" -l u) confused-deputy others-files machine-files control-groups deep-name o-path hard-link creat-before-check unreadable-path launcher-environ; do
		wanted "$t" || continue
		case $t in
		execute-only) native "$t" u ;;
		esac
		case $t in
		launcher-environ) inside "$t" u $agent "$ROOT/bin/agentsh" exec --timeout 30s "$sid" -- ;;
		*) inside "$t" u $agent "$ROOT/bin/agentsh" exec "$sid" -- ;;
		esac
	done
	if wanted execute-only; then
		make_world "$W"
		$agent "$ROOT/bin/agentsh" exec "$sid" -- "$W/ok/x" >"$TESTTMP/out" 2>&1
		check "execute-only: the refusal says why" grep -q 'may be run but not read' "$TESTTMP/out"
		wait_until 10 recorded '%/ok/x' 'may be run but not read' || bad "execute-only: the record does not say why"
	fi
else
	bad "no session for another user"
fi

# Who enters is filtered before it execs: what its environment was rid of is not to be seen in it.
look_for_mark()
{
	cat <<'P'
import os, sys, time
end = time.time() + 60
while time.time() < end and not os.path.exists("stop"):
    for p in os.listdir("/proc"):
        if not p.isdigit() or int(p) == os.getpid(): continue
        try:
            with open("/proc/%s/environ" % p, "rb") as f:
                if b"windowmark" in f.read(): open("seen", "w").close()
        except OSError: pass
    open("looking", "w").close()
P
}
# window NAME COMMAND...: enter (or run) while COMMAND looks; is the mark seen?
window()
{
	rm -f "$W"/ok/seen "$W"/ok/stop "$W"/ok/looking
	(cd "$W/ok" && look_for_mark >look.py && exec "$@" python3 look.py) &
	_p=$!
	wait_until 20 [ -e "$W/ok/looking" ] || bad "nobody looks"
	_i=0
	while [ $_i -lt 20 ]; do
		$agent env AWS_SECRET_ACCESS_KEY=windowmark "$ROOT/bin/agentsh" exec "$sid" -- true
		_i=$((_i + 1))
	done
	: >"$W/ok/stop"
	wait $_p
	[ -e "$W/ok/seen" ]
}
if [ -n "$sid" ] && wanted environ-window; then
	make_world "$W"
	check "the mark is seen outside" window $agent
	if window $agent "$ROOT/bin/agentsh" exec "$sid" --; then
		bad "the mark is seen inside"
	else
		echo "ok: the mark is not seen inside"
	fi
fi

# A mount that stands over `/`, which our own root is not.
if wanted stacked-root; then
	OWNER=0:0
	chown 0:0 "$W"
	mkdir -p "$TESTTMP/stack/traps-secret" && echo SECRET >"$TESTTMP/stack/traps-secret/f"
	sid=$(new_session "$W")
	mount --bind "$TESTTMP/stack" / || bad "cannot mount over /"
	native stacked-root e
	inside stacked-root e "$ROOT/bin/agentsh" exec "$sid" --
fi
