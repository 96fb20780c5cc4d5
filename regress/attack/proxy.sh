# The proxy carries bodies, tunnels and hellos as they are, reaches a host by whichever of its
# addresses answers, and a peer that is slow or silent costs itself only.
# limit: 300
NEEDS=
. "$TOP/regress/attack/smuggle/net.sh"

"$BUILD/regress/attack/smuggle_proxy" -q -n origin.test=10.9.0.4 -n dual.test=10.8.0.2,10.9.0.4 -n dead.test=10.8.0.2 -n closed.test=10.9.0.4 \
    -n moved.test=10.9.0.1 -n denied.test=10.9.0.2 -n renamed.test=10.9.0.1 -n astray.test=10.9.0.1 \
    -a origin.test -a dead.test -a dual.test -a closed.test -a nobody.test -a moved.test -a renamed.test -a astray.test \
    -a 10.9.0.4:443 -r moved.test:443=origin.test:443 -r renamed.test:443=10.9.0.4:443=new-name.test \
    -r astray.test:443=denied.test:443 -r denied.test:443=origin.test:443 127.0.0.1:3128 &
proxy=$!
python3 "$TOP/regress/attack/smuggle/behave.py" $proxy 127.0.0.1:3128
rc=$?
kill $proxy
wait $proxy || { echo "the proxy ended with $?"; rc=1; }
exit $rc
