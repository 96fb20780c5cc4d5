# Every vector of regress/vectors/decisions.tsv is decided as written, by
# agentshctl policy decide, which needs no daemon.
. "$TOP/regress/run/lib.sh"

v=$TOP/regress/vectors/decisions.tsv
for p in $(tail -n +2 "$v" | cut -f1 | sort -u); do
	tail -n +2 "$v" | awk -F'\t' -v p="$p" '$1 == p' >"$TESTTMP/all"
	cut -f2-4 "$TESTTMP/all" >"$TESTTMP/in"
	cut -f5-6 "$TESTTMP/all" >"$TESTTMP/want"
	agentshctl policy decide -p "$TOP/regress/deployments/$p/default.yaml" \
	    -D PROJECT_ROOT=/srv/proj -D HOME=/home/u "$TESTTMP/in" >"$TESTTMP/got" ||
	    bad "$p: policy decide failed"
	n=$(wc -l <"$TESTTMP/in")
	[ "$n" -gt 10 ] || bad "$p: only $n vectors"
	if ! cmp -s "$TESTTMP/want" "$TESTTMP/got"; then
		paste "$TESTTMP/in" "$TESTTMP/want" "$TESTTMP/got" |
		    awk -F'\t' '$4 != $6 || $5 != $7 { print "want " $4 " " $5 ", got " $6 " " $7 ": " $1 " " $2 " " $3 }' >&2
		bad "$p: decisions differ"
	else
		echo "ok: $p: $n vectors"
	fi
done
