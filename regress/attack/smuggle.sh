# No request reaches a host that the judge denies, whatever two readings its bytes may
# have, and each case of the corpus ends as listed, with nginx and haproxy behind.
# limit: 300
NEEDS="nginx haproxy"
. "$TOP/regress/attack/smuggle/net.sh"

# run [OPTION...]: the corpus through the proxy's code with these options more
run()
{
	"$BUILD/regress/attack/smuggle_proxy" -q -n nginx.test=10.9.0.1 -n haproxy.test=10.9.0.3 \
	    -n denied.test=10.9.0.2 -n rebind.test=10.9.0.2 -n origin.test=10.9.0.4 \
	    -a nginx.test:80 -a haproxy.test:80 -a origin.test -a rebind.test \
	    -i 4001=10.9.0.1:80 -i 4002=10.9.0.2:80 -i 4003=10.9.0.4:443 -i 4004=10.9.0.2:443 "$@" 127.0.0.1:3128 &
	proxy=$!
	mkdir -m 755 "$TESTTMP/referees"
	python3 "$TOP/regress/attack/smuggle/smuggle.py" "$TESTTMP/referees" 127.0.0.1:3128 meantA=127.0.0.1:4001 \
	    meantD=127.0.0.1:4002 TLSO=127.0.0.1:4003 TLSD=127.0.0.1:4004
	rc=$?
	rm -rf "$TESTTMP/referees"
	kill $proxy
	wait $proxy || { echo "the proxy ended with $?"; rc=1; }
	return $rc
}

# The referees have eyes: a judge that allows all is found out.
if run -a denied.test -a 10.9.0.2 >"$TESTTMP/eyes" 2>&1; then
	echo "a proxy that denies nothing passes"
	exit 1
fi
grep -q '^FAIL: a request reached whom it must not: 10.9.0.2 80 denied.test GET /smuggled' "$TESTTMP/eyes" ||
    { cat "$TESTTMP/eyes"; exit 1; }
run -A 10.9.0.2
