#!/bin/sh
# The policies and configurations that are shipped load without a word, lint finds nothing
# in them, and they decide what shipped.tsv says, with registries of the test's own.
#
# shipped.sh POLICYD AGENTSHCTL CONF SHIPPED.TSV

policyd=$1
ctl=$2
conf=$3
table=$4
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
fail=0

complain()
{
	echo "FAIL: $*"
	fail=1
}

# tool WORD POLICY OPTION...: policyd's tool mode with the test's hosts and config
tool()
{
	word=$1
	pol=$2
	shift 2
	"$policyd" -T "$word" -c 5:config -p "3:$pol" -r 4 "$@" \
	    3<"$pol" 4<"$tmp/hosts" 5<"$tmp/config"
}

# A machine whose clients use registry.test.
mkdir -p "$tmp/m/etc/apt" "$tmp/m/usr/local/go" "$tmp/m/usr/local/cargo"
echo 'registry=https://npm.registry.test/' >"$tmp/m/etc/npmrc"
cat >"$tmp/m/etc/pip.conf" <<'EOF'
[global]
index-url = https://pypi.registry.test/simple
extra-index-url = https://files.registry.test/simple
EOF
cat >"$tmp/m/usr/local/cargo/config.toml" <<'EOF'
[registries.main]
index = "sparse+https://cargo.registry.test/"
EOF
echo 'GOPROXY=https://go.registry.test,direct' >"$tmp/m/usr/local/go/go.env"
echo 'deb http://deb.registry.test/debian stable main' >"$tmp/m/etc/apt/sources.list"
"$ctl" detect registries --root "$tmp/m" --home / --workspace / --raw >"$tmp/hosts" ||
    complain "detect registries: exit $?"
# Unless root made them, nothing of these is the system's.
echo 'network: {user_registries: true}' >"$tmp/config"

for f in "$conf"/policies/*.yaml; do
	name=${f##*/}
	name=${name%.yaml}
	grep -q "^name: $name\$" "$f" || complain "$f is called otherwise"
	tool check "$f" >"$tmp/out" 2>"$tmp/err" || complain "$f: check: exit $?"
	[ -s "$tmp/err" ] && { complain "$f: check"; cat "$tmp/err"; }
	tool lint "$f" >"$tmp/out" 2>&1 || complain "$f: lint: exit $?"
	[ -s "$tmp/out" ] && { complain "$f: lint"; cat "$tmp/out"; }
	awk -F '\t' -v p="$name" '("," $1 ",") ~ ("," p ",")' "$table" >"$tmp/lines"
	[ -s "$tmp/lines" ] || complain "$f: no expectation"
	cut -f2-4 "$tmp/lines" >"$tmp/in"
	cut -f2-6 "$tmp/lines" >"$tmp/want"
	tool decide "$f" -D PROJECT_ROOT=/srv/proj -D HOME=/home/u <"$tmp/in" >"$tmp/got" ||
	    complain "$f: decide: exit $?"
	paste "$tmp/in" "$tmp/got" | diff "$tmp/want" - || complain "$f decides otherwise"
	echo "$name: $(wc -l <"$tmp/lines") decisions"
done

# Every policy that the table names is there.
for name in $(sed '1d' "$table" | cut -f1 | tr ',' '\n' | sort -u); do
	[ -f "$conf/policies/$name.yaml" ] || complain "$name is not shipped"
done

for f in "$conf"/config*.yaml; do
	"$policyd" -T config-check -s -c "3:$f" 3<"$f" >"$tmp/out" 2>"$tmp/err" ||
	    complain "$f: exit $?"
	# What a later version builds may be switched on already.
	grep -v 'not built yet' "$tmp/err" && complain "$f"
	p=$(sed -n 's/^  default: //p' "$f")
	[ -f "$conf/policies/$p.yaml" ] || complain "$f: policy \"$p\" is not shipped"
done
exit $fail
