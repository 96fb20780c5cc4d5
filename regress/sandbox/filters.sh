# Every run test also passes when a violation of a process's system call list
# kills it: the lists are complete, and they are in force.
# limit: 900
fail=0
for t in vectors refusal env signals deployments exec reload garbage limits \
    identity real kill-each metadata vectors-real start features net netproxy \
    netfeed netvectors blocked-calls registries shipped yama behave; do
	d=$(mktemp -d "$TESTTMP/f.XXXXXX")
	chmod 755 "$d"
	if ! HOUSE_FLAGS=-k TESTTMP=$d sh "$TOP/regress/run/$t.sh" >"$d.log" 2>&1; then
		echo "$t fails under kill-on-violation:"
		sed -n '/^--- as/p; /^BAD/,/^ok/p; /^fatal/p' "$d.log"
		fail=1
	fi
done
exit $fail
