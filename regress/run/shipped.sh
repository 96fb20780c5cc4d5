# Under each policy that is shipped, tools work in the workspace, credentials cannot be read,
# what is deleted can be restored and nothing else of the machine is changed.
# limit: 180
. "$TOP/regress/run/lib.sh"

mkdir -p /etc/agentsh/policies
cp "$TOP"/conf/policies/*.yaml /etc/agentsh/policies/
cp "$TOP/conf/config-exe-dev.yaml" /etc/agentsh/config.yaml
# cgroups are this machine's affair, and the log must be seen
sed -i -e '/^  cgroups:/,$d' -e 's/^  output: .*/  output: stderr/' /etc/agentsh/config.yaml
start_house

# in_policy SHELL-TEXT: in the session of the policy being looked at
in_policy()
{
	agentsh exec "$sid" -- bash -c "$1" 2>&1 </dev/null
}

cat >"$W/work.sh" <<'S'
set -e
mkdir -p d && echo 'int main(void) { return 0; }' >d/a.c
cc -o d/a d/a.c && ./d/a
python3 -c 'import json, hashlib, subprocess; print(subprocess.check_output(["ls", "d"]).decode())'
git init -q r && cd r && git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m x
git log --oneline | grep -q x
cd .. && rm -rf r
find d -type f | sort | xargs wc -c | tail -n 1
echo all done
S
echo SECRET=x >"$W/.env"
cat >"$W/refused.sh" <<'S'
for f in .env /etc/shadow /root/.ssh/id; do
	cat $f 2>&1 | grep -q 'Permission denied' || echo "$f can be read"
done
{ echo x >/usr/bin/nothing; } 2>/dev/null && echo "/usr/bin can be written"
su -c id 2>/dev/null && echo "su runs"
rm kept || echo "nothing can be deleted"
S
for p in exe-dev runloop modal minimal learn; do
	sid=$(new_session "$W" --policy "$p")
	[ -n "$sid" ] || fatal "no session under $p"
	got=$(in_policy ". ./work.sh")
	case $got in
	*"all done") echo "ok: $p: tools work" ;;
	*) bad "$p: $got" ;;
	esac
	[ $p = learn ] && continue
	echo keep >"$W/kept"
	got=$(in_policy ". ./refused.sh" | grep -v '^agentsh: ')
	[ -z "$got" ] || bad "$p: $got"
	[ -e "$W/kept" ] && bad "$p: nothing was deleted"
	grep -rqs keep /var/lib/agentsh/sessions/"$sid"/trash || bad "$p: what was deleted is in no trash"
done
