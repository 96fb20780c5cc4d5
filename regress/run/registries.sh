# What `registries:` of a policy stands for is found when a session is made, as its user;
# what that user may write counts only where the config says so.
. "$TOP/regress/run/lib.sh"

P=/etc/agentsh/policies/default.yaml
C=/etc/agentsh/config.yaml
house_files exe.dev
open_policy
cp "$P" "$TESTTMP/open"
cp "$C" "$TESTTMP/config"
start_house

# A registry that is an address needs no resolver to be judged.
echo 'registry=http://127.0.0.1:1/' >"$W/.npmrc"
chown "$BASE" "$W" "$W/.npmrc"
before=$(new_session)
[ -n "$before" ] || fatal "no session"

# connects: what a connection to it ends with: refused by nobody listening, or denied
connects()
{
	agentsh exec "$1" -- bash -c 'echo x >/dev/tcp/127.0.0.1/1' 2>&1 |
	    grep -o -E 'Connection refused|Permission denied' | head -n 1
}
allowed() { [ "$(connects "$1")" = "Connection refused" ]; }
denied() { [ "$(connects "$1")" = "Permission denied" ]; }

check "without such a rule it is reached" allowed "$before"

# with_rule: the open policy, and before its first network rule a deny of npm's registries
with_rule()
{
	awk '{ print } /^network_rules:/ { print "  - name: no-npm"
	    print "    registries: [npm]"; print "    decision: deny" }' \
	    "$TESTTMP/open" >"$TESTTMP/p" && cp "$TESTTMP/p" "$P"
}
with_rule
grep -q 'registries: \[npm\]' "$P" || fatal "no rule in $P"
check "a policy with registries is taken" agentshctl reload
check "the workspace's file does not count in a live session" allowed "$before"
sid=$(new_session)
[ -n "$sid" ] || fatal "no session under a policy with registries"
check "nor in a new one" allowed "$sid"

printf '\nnetwork:\n  user_registries: true\n' >>"$C"
check "the config lets it count" agentshctl reload
check "in the session made before" denied "$before"
check "and in the newer" denied "$sid"
agentshctl events query --session "$sid" --decision deny --json 2>/dev/null |
    grep -q '"no-npm"' || bad "no record names the rule"

# Found once in a session's life: what a session writes changes nothing for itself.
rm "$W/.npmrc"
check "reloaded again" agentshctl reload
check "the session has what it was given" denied "$sid"
next=$(new_session)
check "its successor looks anew" allowed "$next"

echo 'registry=http://*/' >"$W/.npmrc"
next=$(new_session)
check "what is no host is none" allowed "$next"
rm "$W/.npmrc"
mkfifo "$W/.npmrc"
next=$(new_session)
check "what cannot be read holds nobody up" allowed "$next"
