# No race between check and use is won: while names, bytes, links, directories
# and addresses change under a call, nothing below secret/ is read or changed.
# limit: 400
. "$TOP/regress/run/lib.sh"

house_files exe.dev
cat >/etc/agentsh/policies/default.yaml <<Y
version: 1
name: race
file_rules:
  # A directory may be moved in and out; nothing else of secret may be touched.
  - {name: passage, paths: ["$W/secret/d"], operations: ["*"], decision: allow}
  - {name: secret, paths: ["$W/secret/**"], operations: ["*"], decision: deny}
  - {name: readable, paths: ["$W/ro/**"], operations: [read], decision: allow}
  - {name: read-only, paths: ["$W/ro/**"], operations: ["*"], decision: deny}
  - {name: rest, paths: ["/**"], operations: ["*"], decision: allow}
network_rules:
  - {name: secret-port, cidrs: ["127.0.0.0/8"], ports: [45672, 46672], decision: deny}
  - {name: rest, cidrs: ["127.0.0.0/8"], decision: allow}
command_rules:
  - {name: rest, commands: ["*"], decision: allow}
Y
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cp "$BUILD/regress/attack/race" "$W/race" || fatal "not built"

make_world()
{
	rm -rf "$W/ok" "$W/secret" "$W/ro"
	mkdir "$W/ok" "$W/secret" "$W/ro" && chmod 777 "$W/ok" "$W/secret" "$W/ro"
	printf '#!/bin/sh\nexit 3\n' >"$W/ok/f"
	case $1 in
	exec) printf '#!/bin/sh\nexit 7\n' >"$W/secret/f" ;;
	*) echo SECRET >"$W/secret/f" ;;
	esac
	chmod 755 "$W/ok/f" "$W/secret/f"
	echo RO >"$W/ro/f"
	touch -d @1000000000 "$W/secret/f" "$W/ro/f"
}

# what secret/ and ro/ hold, but for the directory that may pass through it
print_secret()
{
	find "$W/secret" "$W/ro" -mindepth 1 ! -name d -printf '%P %y %m %U %G %s %T@ %n %l\n' | sort
	cat "$W/secret/f" "$W/ro/f"
	python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$W/secret/f"
}

# a canary on the forbidden port: whatever reaches it is a win
python3 - "$TESTTMP/canary" <<'P' &
import select, socket, sys
fs = []
for port in (45671, 45672):
    t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    t.bind(("127.0.0.1", port)); t.listen(512); fs.append((t, port))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", port)); fs.append((u, port))
open(sys.argv[1] + ".ready", "w").close()
seen = {45671: 0, 45672: 0}
while True:
    for s in select.select([f for f, _ in fs], [], [])[0]:
        port = s.getsockname()[1]
        if s.type == socket.SOCK_STREAM:
            s.accept()[0].close()
        else:
            s.recv(100)
        if port == 45672 or not seen[port]:
            open(sys.argv[1] + ".%d" % port, "w").close()
        seen[port] += 1
P
canary=$!
wait_until 10 [ -e "$TESTTMP/canary.ready" ] || fatal "no canary"

secs=5
[ "$SOAK" = 1 ] && secs=60
secs=${RACE_SECONDS:-$secs}
patience=$((${secs%.*} * 4 + 60))

# A build that answers CONTINUE after the check must lose, or these races prove nothing.
if [ -n "${TEETH-}" ]; then
	for call in open-read exec connect; do
		make_world "$call"
		(cd "$W" && timeout $patience "$ROOT/bin/agentsh" exec "$sid" -- ./race "$W" "$secs" "$call") 2>&1
		rc=$?
		case $call in
		connect) [ -e "$TESTTMP/canary.45672" ] ;;
		*) [ $rc -eq 1 ] ;;
		esac && echo "the insecure build loses: $call" ||
		    bad "$call: the insecure build did not lose: the race has no teeth"
	done
	kill $canary
	exit 0
fi
n=0
# RACE_CALLS: some of them, where time is short
for call in ${RACE_CALLS-$("$W/race" -l)}; do
	make_world "$call"
	before=$(print_secret)
	(cd "$W" && timeout $patience "$ROOT/bin/agentsh" exec "$sid" -- ./race "$W" "$secs" "$call") 2>&1
	rc=$?
	n=$((n + 1))
	[ $rc -eq 0 ] || bad "$call: race ended with $rc"
	after=$(print_secret)
	[ "$before" = "$after" ] || bad "$call: secret changed: $before -> $after"
	if [ "$call" = link-old ] && grep -qs SECRET "$W/ok/hard"; then
		bad "$call: a hard link to the secret"
	fi
done
kill $canary
[ -e "$TESTTMP/canary.45671" ] || bad "nothing reached the allowed port: the test has no teeth"
[ ! -e "$TESTTMP/canary.45672" ] || bad "the forbidden port was reached"
[ $n -ge 20 ] || [ -n "${RACE_CALLS-}" ] || bad "only $n calls were raced"
