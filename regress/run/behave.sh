# Threads, forks, execs, signals during a judged call, odd names and descriptors: a
# program sees the same inside a session, under a policy that allows all, as outside.
# limit: 300
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
sed -i 's/max_processes: .*/max_processes: 4096/' /etc/agentsh/config.yaml
start_house
behave=$BUILD/regress/run/behave
[ -x "$behave" ] || fatal "not built"
cp "$behave" "$W/behave"
echo "from outside" >"$TESTTMP/nine"

run_all()
{
	uid=$1
	shift
	who="$*"
	for t in $("$behave" -l); do
		case " ${ONLY_BEHAVE-$t} " in
		*" $t "*) ;;
		*) continue ;;
		esac
		for where in native session; do
			rm -rf "$W/d" "$W/suid-id"
			mkdir "$W/d"
			cp /usr/bin/id "$W/suid-id"
			chmod 4755 "$W/suid-id"
			chown "$uid:$uid" "$W/d"
			if [ $where = native ]; then
				timeout -k 2 60 "$@" "$W/behave" "$t" "$W/d"
			else
				timeout -k 2 60 "$@" "$ROOT/bin/agentsh" exec "$sid" -- "$W/behave" "$t" "$W/d"
			fi >"$TESTTMP/$where" 2>"$TESTTMP/$where.err" 9<"$TESTTMP/nine"
			echo "status $?" >>"$TESTTMP/$where"
		done
		if [ "$t" = set-uid ]; then
			check "$who $t: as root outside" grep -qx "id: 0" "$TESTTMP/native"
			check "$who $t: as ourselves inside" grep -qx "id: $uid" "$TESTTMP/session"
		elif ! diff "$TESTTMP/native" "$TESTTMP/session" >"$TESTTMP/diff"; then
			sed 's/^/	/' "$TESTTMP/diff" >&2
			head -n 3 "$TESTTMP/session.err" >&2
			bad "$who $t differs"
		else
			echo "ok: $who $t"
			[ "$t" != signal-storm ] || sed 's/^/	inside: /' "$TESTTMP/session.err"
		fi
		grep -q "^status 0" "$TESTTMP/native" || bad "$t: $(tail -n 1 "$TESTTMP/native") outside"
	done
}

sid=$(new_session "$W")
[ -n "$sid" ] || fatal "no session"
run_all 0 env
chown 65534:65534 "$W"
agent="setpriv --reuid 65534 --regid 65534 --clear-groups"
sid=$($agent "$ROOT/bin/agentsh" session create --workspace "$W" --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$sid" ] || fatal "no session for another user"
run_all 65534 $agent
