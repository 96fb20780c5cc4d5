# Every shell script parses as POSIX sh and shellcheck has no error or warning.
command -v shellcheck >/dev/null || exit 77
rc=0
for s in bootstrap .ci/run regress/driver regress/bench/bench regress/*/*.sh; do
	sh -n "$s" || rc=1
	# SC2154, SC2034: variables shared with lib.sh; SC1090, SC1091: sourced files; SC2046, SC2015: meant
	shellcheck -s sh -S warning -e SC2154,SC2034,SC1090,SC1091,SC2046,SC2015,SC3043 "$s" || rc=1
done
exit $rc
