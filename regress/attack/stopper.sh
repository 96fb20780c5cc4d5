# A user who stops what the monitor starts as that user does not stop the monitor.
# limit: 120
if [ -z "${STOPPER_CAPS-}" ]; then
	# Where CAP_SYS_RESOURCE is missing a child that becomes the user sets limits.
	STOPPER_CAPS=1
	export STOPPER_CAPS
	exec setpriv --bounding-set -sys_resource sh "$0" "$@"
fi
. "$TOP/regress/run/lib.sh"

stopper=$BUILD/regress/attack/stopper
[ -x "$stopper" ] || fatal "not built"
agent="setpriv --reuid 65534 --regid 65534 --clear-groups"
house_files exe.dev
open_policy
sed -i 's/allow_degraded: false/allow_degraded: true/' /etc/agentsh/config.yaml
chown 65534:65534 "$W"
cp "$stopper" "$TESTTMP/stopper" && chmod 755 "$TESTTMP" "$TESTTMP/stopper"
start_house
sid=$($agent "$ROOT/bin/agentsh" session create --workspace "$W" --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1)
[ -n "$sid" ] || fatal "no session"
$agent "$TESTTMP/stopper" "$daemon" >"$TESTTMP/stopped" &
stopping=$!
n=0
while [ $n -lt 60 ] && [ "$(wc -l <"$TESTTMP/stopped")" -lt 3 ]; do
	timeout -k 1 10 $agent "$ROOT/bin/agentsh" exec "$sid" -- true >/dev/null 2>&1
	n=$((n + 1))
done
echo "$n entries, $(wc -l <"$TESTTMP/stopped") of the monitor's children stopped"
kill "$stopping"
check "the monitor still answers" timeout -k 1 10 "$ROOT/bin/agentshctl" session list
check "and lets others in" timeout -k 1 10 $agent "$ROOT/bin/agentsh" exec "$sid" -- true
