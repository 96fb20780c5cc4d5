# A session is entered by the user who created it and nobody else, seen and
# ended by that user and root: judged by the kernel's word, not the client's.
. "$TOP/regress/run/lib.sh"

house_files exe.dev
open_policy
start_house
A=$((BASE + 100))
B=$((BASE + 101))
as() { _u=$1; shift; setpriv --reuid "$_u" --regid "$_u" --clear-groups "$@"; }
ses() { sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1; }
chmod 755 "$TESTTMP"
chown "$A" "$W"
sid=$(as $A "$ROOT/bin/agentsh" session create --workspace "$W" --json | ses)
[ -n "$sid" ] || fatal "no session"

check "its user enters" [ "$(as $A "$ROOT/bin/agentsh" exec "$sid" -- id -u)" = $A ]
check_not "another user does not" as $B "$ROOT/bin/agentsh" exec "$sid" -- true
check_not "root does not" agentsh exec "$sid" -- true
check_not "nor its user with other groups" setpriv --reuid $A --regid $A --groups $B "$ROOT/bin/agentsh" exec "$sid" -- true
check_not "nor with another gid" setpriv --reuid $A --regid $B --clear-groups "$ROOT/bin/agentsh" exec "$sid" -- true
check_not "nor from another mount namespace" unshare -m setpriv --reuid $A --regid $A --clear-groups "$ROOT/bin/agentsh" exec "$sid" -- true
check_not "nor from another network namespace" unshare -n setpriv --reuid $A --regid $A --clear-groups "$ROOT/bin/agentsh" exec "$sid" -- true
check_not "nor from a pid namespace for children" unshare -p setpriv --reuid $A --regid $A --clear-groups "$ROOT/bin/agentsh" exec "$sid" -- true
C="curl -sS -m 10 --unix-socket /run/agentsh/control.sock"
check "another user does not see it" [ "$(as $B $C http://agentsh.test/api/v1/sessions)" = "[]" ]
check "its user does" [ "$(as $A $C http://agentsh.test/api/v1/sessions | ses)" = "$sid" ]
check "root does" [ "$($C http://agentsh.test/api/v1/sessions | ses)" = "$sid" ]
check "another user is told it is not there" [ "$(as $B $C -o /dev/null -w '%{http_code}' http://agentsh.test/api/v1/sessions/"$sid")" = 404 ]
check "and cannot end it" [ "$(as $B $C -o /dev/null -w '%{http_code}' -X DELETE http://agentsh.test/api/v1/sessions/"$sid")" = 404 ]
check "and sees none of its events" [ "$(as $B $C "http://agentsh.test/api/v1/events/search?session_id=$sid")" = null ]
check "nor any others" [ "$(as $B $C http://agentsh.test/api/v1/events/search)" = null ]
check "its user sees them" [ "$(as $A $C "http://agentsh.test/api/v1/events/search?session_id=$sid&limit=1" | grep -c "$sid")" -eq 1 ]
check "verify is root's" [ "$(as $A $C -o /dev/null -w '%{http_code}' http://agentsh.test/api/v1/audit/verify)" = 403 ]
check "a foreign id is not free" [ "$(as $B $C -o /dev/null -w '%{http_code}' -X POST -d "{\"id\":\"$sid\",\"workspace\":\"/\"}" http://agentsh.test/api/v1/sessions)" = 409 ]
mkdir "$TESTTMP/private" && chown "$A" "$TESTTMP/private" && chmod 700 "$TESTTMP/private" && mkdir "$TESTTMP/private/w"
check "a workspace is looked at as the user" [ "$(as $B $C -o /dev/null -w '%{http_code}' -X POST -d "{\"workspace\":\"$TESTTMP/private/w\"}" http://agentsh.test/api/v1/sessions)" = 400 ]
check "root ends it" [ "$($C -o /dev/null -w '%{http_code}' -X DELETE http://agentsh.test/api/v1/sessions/"$sid")" = 204 ]
check "and it is gone" [ "$($C http://agentsh.test/api/v1/sessions)" = "[]" ]
