# Every man page is clean under mandoc's linter, and every binary has one.
command -v mandoc >/dev/null || exit 77
rc=0
for m in man/*.[1578]; do
	mandoc -Tlint -W warning "$m" || rc=1
done
for m in agentsh.1 agentshctl.8 agentshd.8 agentsh.conf.5 agentsh-policy.5 agentsh-audit.5 agentsh-protocol.7; do
	[ -f "man/$m" ] || { echo "man/$m is missing"; rc=1; }
done
exit $rc
