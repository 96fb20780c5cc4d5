# Each process of the house holds what its row of the rights table says and nothing more:
# ids, groups, every capability set, root, dumpable, seccomp, limits, descriptors.
. "$TOP/regress/run/lib.sh"

"$ROOT/sbin/agentshd" -nG -u "$BASE" >"$TESTTMP/table" || fatal "agentshd -nG"
for flags in "" -k; do
	HOUSE_FLAGS=$flags
	start_house exe.dev
	# busy and idle alike
	sid=$(new_session)
	[ -n "$sid" ] || fatal "no session"
	in_session sh -c 'ls / >/dev/null 2>&1; echo x >f; rm f'
	check "root session, idle" python3 "$TOP/regress/sandbox/rights.py" "$TESTTMP/table" "$BASE" /var/lib/agentsh 0 "$daemon"
	in_session sh -c 'while :; do ls >/dev/null; done' >/dev/null 2>&1 &
	job=$!
	check "root session, busy" python3 "$TOP/regress/sandbox/rights.py" "$TESTTMP/table" "$BASE" /var/lib/agentsh 0 "$daemon"
	kill $job
	agentsh session destroy "$sid" >/dev/null
	wait $job 2>/dev/null
	stop_house
done
