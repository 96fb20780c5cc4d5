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
