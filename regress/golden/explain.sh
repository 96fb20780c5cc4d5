#!/bin/sh
# explain names the rule, its line, the layer and the rules passed over, as
# explain.ok has it.
#   explain.sh POLICYD REGRESS
set -eu
policyd=$1
regress=$2
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# explain DEPLOYMENT [-j] WORD...
explain() {
	d=$1
	shift
	echo "# $d: $*"
	json=
	if [ "$1" = -j ]; then
		json=-j
		shift
	fi
	"$policyd" -T explain $json -p 5:default.yaml -c 6:config.yaml \
	    -D PROJECT_ROOT=/srv/proj/ -D HOME=/home/u "$@" \
	    5<"$regress/deployments/$d/default.yaml" \
	    6<"$regress/deployments/$d/config.yaml" 2>&1 || echo "exit $?"
}

{
	explain exe.dev read /srv/proj/a.txt
	explain exe.dev file read /srv/proj/sub/../.env
	explain exe.dev stat /
	explain exe.dev delete /dev/null
	explain exe.dev write /dev/full
	explain exe.dev write /etc/passwd
	explain exe.dev rename /usr/bin/env
	explain exe.dev truncate /etc/passwd
	explain exe.dev exec /opt/tool/run
	explain exe.dev -j rmdir /tmp
	explain exe.dev exec rm -rf /x
	explain exe.dev exec nice -n 5 env A=1 rm -rf /x
	explain exe.dev exec exec unknowncmd
	explain modal -j exec curl http://x.test/
	explain runloop -j connect npm.registry.test 10.0.0.1 443
	explain runloop query metadata.goog
	explain exe.dev connect /run/docker.sock
	explain exe.dev env PATH
	explain exe.dev env AWS_X
	explain runloop -j env FOO
	explain exe.dev frob /x
	explain exe.dev read
	explain exe.dev read relative
} >"$out"
diff "$regress/golden/explain.ok" "$out"
