#!/bin/sh
# The table of kernels in agentshd.8 is what the machines of regress/vm reported (vm/kernels.ok,
# which every run there is compared with), and it names each feature that the tracer looks for.
#
# kernels.sh [-g]; -g writes the table into the page instead.
cd "${TOP:-$(dirname -- "$0")/../..}" || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
ok=regress/vm/kernels.ok
page=man/agentshd.8

# What is not had without it.
cat >"$tmp/without" <<'T'
user-notif	no sessions
addfd	no sessions
addfd-send	two calls where one would do
wait-killable	a signal may repeat a judged call: sessions are degraded
sync-wake-up	more wake-ups cross CPUs: slower
recv-enoent	the end of a session's last command is found by polling
vm-read	no sessions
pidfd-getfd	sockets are out of reach: addresses are refused
pidfd-thread	so are those of a thread with descriptors of its own
pidfd-info	the exit status of a command in place is not recorded
ptrace-seize	no program can be started
openat2	no sessions
fchmodat2	the call does not exist, or is done by other ones
mseal	nothing
landlock	a second layer, of the house and where asked for of workloads
T
sed -n 's/^	X([A-Z0-9_]*,[ 	]*"\([^"]*\)",[ 	]*"\([^"]*\)").*/\1	\2/p' tracer/feature.h >"$tmp/since"
cut -f1 "$tmp/since" >"$tmp/names"
cut -f1 "$tmp/without" | diff "$tmp/names" - || { echo "the features of tracer/feature.h are not those of $0"; exit 1; }

table()
{
	awk -F '\t' -v since="$tmp/since" -v without="$tmp/without" '
	/^#/ { next }
	{ kernel[++n] = $1
	    have = $2; lack = ""
	    if ((i = index(have, "; lack")) > 0) { lack = substr(have, i + 6); have = substr(have, 1, i - 1) }
	    m = split(have, w, " "); for (i = 2; i <= m; i++) { split(w[i], v, "="); got[n, v[1]] = v[2] == "" ? "yes" : v[2] }
	    m = split(lack, w, " "); for (i = 1; i <= m; i++) { split(w[i], v, "("); got[n, v[1]] = "-" } }
	END {
		head = ".Bl -column \"wait-killable\" \"5.19\""
		line = ".It Em feature Ta Em since"
		for (i = 1; i <= n; i++) { head = head " \"6.18\""; line = line " Ta Em " kernel[i] }
		print head
		print line " Ta Em without it"
		while ((getline row <since) > 0) {
			split(row, f, "\t")
			getline row <without
			split(row, t, "\t")
			line = ".It " f[1] " Ta " f[2]
			for (i = 1; i <= n; i++) {
				if (!((i, f[1]) in got)) { print "nothing is said of " f[1] " in " kernel[i] >"/dev/stderr"; exit 1 }
				line = line " Ta " got[i, f[1]]
			}
			print line " Ta " t[2]
		}
		print ".El"
	}' "$ok"
}

table >"$tmp/table" || exit 1
if [ "${1-}" = -g ]; then
	awk -v f="$tmp/table" '
	/^\.\\" END kernels$/ { skip = 0 }
	!skip { print }
	/^\.\\" BEGIN kernels$/ { skip = 1; while ((getline line <f) > 0) print line }' $page >"$tmp/page" && cp "$tmp/page" $page
	exit
fi
sed -n '/^\.\\" BEGIN kernels$/,/^\.\\" END kernels$/p' $page | sed '1d;$d' >"$tmp/got"
diff -u "$tmp/got" "$tmp/table" || { echo "$page: kernels.sh -g writes it"; exit 1; }
