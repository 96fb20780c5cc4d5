# net.sh: the script that sources this goes on in a network namespace of its own, with
# the addresses 10.9.0.1 to 10.9.0.4 and a network where nobody answers, 10.8.0.0/24.
: "${BUILD:=$(pwd)/build-test}"
TESTTMP=${TESTTMP:-$(mktemp -d /var/tmp/agentsh-test.XXXXXX)}

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: needs root"
	exit 77
fi
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for p in $NEEDS python3 ip; do
	command -v $p >/dev/null || { echo "skipped: no $p"; exit 77; }
done
if [ -z "${SMUGGLE_NS-}" ]; then
	SMUGGLE_NS=1
	export SMUGGLE_NS PATH TESTTMP
	exec unshare --net sh "$0"
fi

ip link set lo up
for n in 1 2 3 4; do
	ip addr add 10.9.0.$n/32 dev lo || exit 1
done
ip route add 10.8.0.0/24 dev lo src 10.9.0.1 || exit 1
chmod 755 "$TESTTMP"

