# All six files of the deployments load unchanged, start the house, and a command runs under
# each; the rules that can never decide are named.
. "$TOP/regress/run/lib.sh"

for p in exe.dev modal runloop; do
	house_files $p
	check "$p: config check" agentshctl config check /etc/agentsh/config.yaml
	check "$p: policy check" agentshctl policy check /etc/agentsh/policies/default.yaml
	start_house
	sid=$(new_session)
	check "$p: a command runs" [ "$(in_session sh -c 'echo $((6 * 7))')" = 42 ]
	check_not "$p: a refused file is refused" in_session cat /etc/shadow
	check "$p: session info names what is not built" sh -c "'$ROOT/bin/agentsh' session info '$sid' --json | grep -q not_built"
	agentsh session destroy "$sid" >/dev/null || bad "$p: destroy"
	stop_house
	agentshctl policy lint "/etc/agentsh/policies/default.yaml" >"$TESTTMP/lint-$p"
	check "$p: lint found something" [ $? -eq 1 ]
	check "$p: lint lines are FILE:LINE: RULE: KIND: text" \
	    sh -c "! grep -Evq '^[^:]+:[0-9]+: [^:]+: [a-z-]+: .+' '$TESTTMP/lint-$p'"
done
check "exe.dev: approve-package-install" grep -q ': approve-package-install: unreachable:' "$TESTTMP/lint-exe.dev"
check "modal: block-rm-recursive" grep -q ': block-rm-recursive: unreachable:' "$TESTTMP/lint-modal"
check "modal: block-git-force-push" grep -q ': block-git-force-push: unreachable:' "$TESTTMP/lint-modal"
check "modal: approve-ssh-access" grep -q ': approve-ssh-access: .*/root' "$TESTTMP/lint-modal"
check "runloop: approve-package-install" grep -q ': approve-package-install: unreachable:' "$TESTTMP/lint-runloop"
