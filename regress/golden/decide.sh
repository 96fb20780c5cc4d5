#!/bin/sh
# Every line of decisions.tsv is answered by policyd's tool mode, confined, as the
# table says; a malformed line ends with exit 2 and its number.
#   decide.sh POLICYD REGRESS
set -eu
policyd=$1
regress=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tab=$(printf '\t')
fails=0

decide() {
	"$policyd" -T decide -p 5:default.yaml -D PROJECT_ROOT=/srv/proj \
	    -D HOME=/home/u 5<"$regress/deployments/$1/default.yaml"
}

for d in exe.dev modal runloop; do
	grep "^$d$tab" "$regress/vectors/decisions.tsv" >"$dir/lines"
	cut -f2-4 "$dir/lines" >"$dir/in"
	cut -f5-6 "$dir/lines" >"$dir/want"
	decide $d <"$dir/in" >"$dir/got" || fails=$((fails + 1))
	if ! diff "$dir/want" "$dir/got"; then
		echo "$d: differs"
		fails=$((fails + 1))
	fi
done

# malformed NAME LINE: exit 2, "input:2:" on standard error, the line before answered
malformed() {
	rc=0
	printf 'dns\tquery\tevil.com\n%b\n' "$1" |
	    decide modal >"$dir/got" 2>"$dir/err" || rc=$?
	if [ $rc -ne 2 ] || ! grep -q '^input:2: ' "$dir/err" ||
	    [ "$(wc -l <"$dir/got")" -ne 1 ]; then
		echo "not refused: $1 (exit $rc)"
		fails=$((fails + 1))
	fi
}

malformed ''
malformed 'file'
malformed 'file\tread'
malformed 'file\tread\trelative'
malformed 'file\tfrob\t/x'
malformed 'disk\tread\t/x'
malformed 'exec\texec\t'
malformed 'net\tconnect\t- 10.0.0.1'
malformed 'net\tconnect\t- 10.0.0.1 65536'
malformed 'net\tconnect\t- 10.0.0.1 8x'
malformed 'net\tconnect\t- host.test 80'
malformed 'net\tconnect\ta b 10.0.0.1 80'
malformed 'dns\tquery\ta b'
[ $fails -eq 0 ]
