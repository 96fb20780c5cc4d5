# In a root session, what a task gave up stays given up: whatever the tracer does on
# its behalf comes out as the kernel answers the same task outside.
# limit: 120
. "$TOP/regress/run/lib.sh"

marks=$BUILD/regress/attack/marks
[ -x "$marks" ] || fatal "not built"
house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
cp "$marks" "$W/marks"
echo R >"$W/rootonly" && chmod 600 "$W/rootonly"
echo O >"$W/others" && chmod 600 "$W/others" && chown 65534:65534 "$W/others"

# Its own answers outside are the measure.
check "outside" "$W/marks" "$W"
check "inside" in_session "$W/marks" "$W"

# Each as the first of its session to change anything: nothing was looked at for its sake.
n=0
while :; do
	sid=$(new_session)
	in_session "$W/marks" "$W" $n
	rc=$?
	[ $rc -ne 77 ] || break
	check "number $n in a session of its own" [ $rc -eq 0 ]
	agentsh session destroy "$sid" >"$TESTTMP/out" 2>&1
	n=$((n + 1))
done
check "all of them" [ $n -ge 8 ]
# Who enters with less than the session has.
sid=$(new_session)
check "one that enters without DAC_OVERRIDE" setpriv --bounding-set -dac_override,-dac_read_search \
    "$ROOT/bin/agentsh" exec "$sid" -- "$W/marks" -o "$W/others" "bounded"
