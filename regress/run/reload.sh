# A reload changes live sessions at once, and one that fails changes nothing:
# by SIGHUP and by agentshctl reload, policies, limits and config.
. "$TOP/regress/run/lib.sh"

P=/etc/agentsh/policies/default.yaml
house_files exe.dev
open_policy
start_house
sid=$(new_session)
[ -n "$sid" ] || fatal "no session"
echo secret >"$W/secret"
reads() { [ "$(in_session cat "$W/secret" 2>/dev/null)" = secret ]; }
check "the first policy allows" reads

# insert RULES...: a deny of $W/secret as the first file rule
deny_secret()
{
	awk -v w="$W/secret" '{ print }
	/^file_rules:/ { print "  - name: no-secret"; print "    paths: [\"" w "\"]"
	    print "    operations: [\"*\"]"; print "    decision: deny" }' "$P" >"$TESTTMP/p" &&
	    cp "$TESTTMP/p" "$P"
}
cp "$P" "$TESTTMP/first"
deny_secret
check "agentshctl reload succeeds" agentshctl reload
check_not "the new policy denies in the old session" reads

cp "$TESTTMP/first" "$P"
kill -HUP "$daemon"
check "SIGHUP brings the first policy back" wait_until 10 reads

echo "nonsense: 1" >>"$P"
check_not "a bad policy is refused" agentshctl reload
agentshctl reload 2>&1 | grep -q 'default.yaml:[0-9]*:[0-9]*: error: .*nonsense' || bad "the refusal does not name file, line and word"
check "the old session goes on" reads
s2=$(new_session)
check "a new session gets the old policy" [ -n "$s2" ]
cp "$TESTTMP/first" "$P"

deny_secret
cp /etc/agentsh/config.yaml "$TESTTMP/config"
echo "logging: [" >>/etc/agentsh/config.yaml
check_not "a bad config is refused" agentshctl reload
check "and keeps the policies too" reads
cp "$TESTTMP/config" /etc/agentsh/config.yaml
cp "$TESTTMP/first" "$P"

chmod 666 "$P"
check_not "a policy that others can write is refused" agentshctl reload
chmod 644 "$P"
ln -s "$TESTTMP/first" /etc/agentsh/policies/link.yaml
check_not "a symbolic link is refused" agentshctl reload
rm /etc/agentsh/policies/link.yaml
check "the repaired files are taken" agentshctl reload
check "a user may not reload" [ "$(setpriv --reuid "$BASE" --clear-groups \
    "$ROOT/bin/agentshctl" reload 2>&1 | grep -c 'only root')" -eq 1 ]
