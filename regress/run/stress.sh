# stress-ng's filesystem class gives the same results in a session, under a permissive
# policy, as outside, but for the stressors of calls that no policy allows.
# limit: 420
. "$TOP/regress/run/lib.sh"
command -v stress-ng >/dev/null || skip "no stress-ng"

# Stressors of refused calls: what they want is never granted.
refused="bind-mount binderfs chattr dnotify fanotify handle inode-flags lease mknod procfs verity file-ioctl fiemap"
# bind-mount: mount and namespaces; binderfs: mount; dnotify: F_NOTIFY; fanotify:
# fanotify_init; handle: open_by_handle_at; lease: F_SETLEASE; mknod: device nodes; procfs: other
# processes; chattr, inode-flags, verity, file-ioctl, fiemap: refused ioctls

house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"

list=$(stress-ng --class 'filesystem?' 2>/dev/null | sed 's/.*stressors: //')
[ -n "$list" ] || fatal "stress-ng names no stressors"
ops=20
[ "$SOAK" = 1 ] && ops=2000
tried=0
for s in $list; do
	case " $refused " in
	*" $s "*) continue ;;
	esac
	for where in native session; do
		rm -rf "$W/s"
		mkdir "$W/s"
		chmod 777 "$W/s"
		set -- stress-ng --temp-path "$W/s" --"$s" 1 --"$s"-ops $ops --timeout 3 --quiet --no-rand-seed
		if [ $where = native ]; then
			(cd "$W/s" && timeout 60 "$@") >"$TESTTMP/$where" 2>&1
		else
			(cd "$W/s" && timeout 60 "$ROOT/bin/agentsh" exec "$sid" -- "$@") >"$TESTTMP/$where" 2>&1
		fi
		echo $? >"$TESTTMP/rc-$where"
	done
	tried=$((tried + 1))
	if [ "$(cat "$TESTTMP/rc-native")" != "$(cat "$TESTTMP/rc-session")" ]; then
		tail -n 5 "$TESTTMP/session" >&2
		bad "$s: native $(cat "$TESTTMP/rc-native"), session $(cat "$TESTTMP/rc-session")"
	fi
	[ -z "$(ls "$W/s")" ] || bad "$s left files behind: $(ls "$W/s" | head -3)"
done
[ $tried -ge 25 ] || bad "only $tried stressors were tried"
echo "$tried stressors tried"
