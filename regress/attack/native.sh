# What open, the calls that change names, exec, signals in a blocking call, CPU masks and a crowd of
# threads and processes give outside a session, they give inside.
# limit: 200
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cp "$BUILD/regress/attack/native" "$W/native" || fatal "not built"

for group in open openat2 names numbers room orphan exec locks signals masks crowd; do
	if [ $group = orphan ] && ! in_session grep -q /agentsh- /proc/self/cgroup; then
		echo "orphan: sessions have no control group here"
		continue
	fi
	mkdir "$W/out" "$W/in"
	timeout 30 "$W/native" "$W/out" $group >"$TESTTMP/out" 2>&1 </dev/null
	echo "exit $?" >>"$TESTTMP/out"
	timeout 60 "$ROOT/bin/agentsh" exec "$sid" -- "$W/native" "$W/in" $group >"$TESTTMP/in" 2>&1 </dev/null
	echo "exit $?" >>"$TESTTMP/in"
	check "$group" diff "$TESTTMP/out" "$TESTTMP/in"
	grep -q '^exit 0$' "$TESTTMP/out" || bad "$group does not work outside"
	(cd "$W/out" && find . -printf '%p %y %m %s\n' | sort) >"$TESTTMP/out"
	(cd "$W/in" && find . -printf '%p %y %m %s\n' | sort) >"$TESTTMP/in"
	check "$group: what it left" diff "$TESTTMP/out" "$TESTTMP/in"
	rm -rf "$W/out" "$W/in"
done

# That which failed is not recorded as done.
about_only()
{
	events --path-like '%/in/only' | grep '"file_chmod"' >"$TESTTMP/only"
}
if wait_until 20 about_only; then
	check_not "a chmod that failed is no success" grep -vE '"errno"|"let_go": true' "$TESTTMP/only"
else
	bad "no record of a chmod"
fi
