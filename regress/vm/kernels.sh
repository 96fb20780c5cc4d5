# Under Debian's own kernels, with systemd as process 1, cgroup v2 alone and Yama on,
# commands run, refusals refuse, limits bite, races are lost, and the working set is the one in
# agentshd.8: one kernel with Yama 1 in the short form; in the long one 6.1 and 6.12 with 0 to 3.
# limit: 1500
: "${TOP:=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)}"
: "${BUILD:=$TOP/build-test}"
: "${ROOT:=$BUILD/root}"
: "${SOAK:=0}"
: "${TESTTMP:=$(mktemp -d /var/tmp/agentsh-test.XXXXXX)}"
. "$TOP/regress/vm/lib.sh"

for p in qemu-system-x86_64 apt-get apt-cache dpkg-deb python3 mke2fs; do
	command -v $p >/dev/null 2>&1 || { echo "no $p"; exit 77; }
done
[ -x /sbin/init ] && [ "$(id -u)" -eq 0 ] || { echo "needs root and systemd"; exit 77; }

yamas=1
tests="run/features run/limits run/yama attack/refused attack/race"
FEATURE_SETS=now+user
: "${RACE_SECONDS:=0.5}"
RACE_CALLS="open-read open-create exec unlink rename-old rename-new chmod connect bind sendmsg fchmod"
# Four minutes on two idle processors; a busy machine may take its time.
VM_SECONDS=1440
if [ "$SOAK" = 1 ]; then
	yamas="0 1 2 3"
	tests="run/features run/limits run/yama run/exec run/refusal run/signals run/identity run/vectors run/env run/start run/reload run/garbage run/real run/behave run/kill-each attack/refused attack/native attack/traps attack/race"
	FEATURE_SETS="now now+user"
	RACE_SECONDS=5
	RACE_CALLS=
	VM_SECONDS=6600
fi
tried=0
failed=0
vm_sources || { echo "the package sources do not answer"; exit 77; }
# The last is Ubuntu's, where Debian's are not.
for version in 6.1 6.12 6.8; do
	pkg=$(vm_package $version)
	if [ -z "$pkg" ]; then
		echo "the package sources have no kernel $version"
		continue
	fi
	vm_fetch "$pkg" || { echo "$pkg cannot be had"; continue; }
	tried=$((tried + 1))
	echo "--- $pkg"
	# shellcheck disable=SC2086
	vm_boot "$pkg" "$yamas" $tests || failed=$((failed + 1))
	[ "$SOAK" = 1 ] || break
done
[ $tried -gt 0 ] || exit 77
[ $failed -eq 0 ]
