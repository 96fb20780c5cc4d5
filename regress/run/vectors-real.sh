# Every file and command vector holds for real: tried in a session under the
# deployment's own policy, with the effect looked at from outside.
# limit: 400
. "$TOP/regress/run/lib.sh"

# A world of the test's own: the paths that the vectors name exist, each in a
# file system of this mount namespace.
cover()
{
	for _d in "$@"; do
		[ -d "$_d" ] || parent_copy "$(dirname "$_d")" || fatal "cannot make $_d"
		mkdir -p "$_d"
		mount -t tmpfs -o mode=0755 none "$_d" || fatal "cannot cover $_d"
	done
}
keep=$W
cover /srv /home /root /opt
mkdir -p /srv/proj /home/u
W=/srv/proj

# file vectors: what is done, as the operation's name says, and how one sees
# from outside that it was done.
cat >"$TESTTMP/try.c" <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <dirent.h>
#include <unistd.h>
/* try OP PATH OTHER: performs OP on PATH (OTHER: a free name beside it); prints ok or the errno */
int
main(int argc, char **argv)
{
	const char *op = argv[1], *p = argv[2], *o = argv[3];
	char b[4096];
	int r = -1, fd;

	if (!strcmp(op, "read") || !strcmp(op, "open"))
		r = open(p, O_RDONLY | O_NONBLOCK);
	else if (!strcmp(op, "list"))
		r = open(p, O_RDONLY | O_DIRECTORY);
	else if (!strcmp(op, "write"))
		r = open(p, O_WRONLY | O_APPEND | O_NONBLOCK);
	else if (!strcmp(op, "truncate"))
		r = truncate(p, 0);
	else if (!strcmp(op, "create"))
		r = open(p, O_WRONLY | O_CREAT | O_EXCL, 0644);
	else if (!strcmp(op, "symlink"))
		r = symlink("target", p);
	else if (!strcmp(op, "link"))
		r = link(p, o);
	else if (!strcmp(op, "mkdir"))
		r = mkdir(p, 0755);
	else if (!strcmp(op, "chmod"))
		r = chmod(p, 0604);
	else if (!strcmp(op, "chown"))
		r = chown(p, 12, 12);
	else if (!strcmp(op, "utime"))
		r = utimes(p, (struct timeval[2]){ { 1000, 0 }, { 1000, 0 } });
	else if (!strcmp(op, "xattr"))
		r = setxattr(p, "trusted.t", "v", 1, 0) == -1 ? setxattr(p, "user.t", "v", 1, 0) : 0;
	else if (!strcmp(op, "rename"))
		r = rename(p, o);
	else if (!strcmp(op, "delete"))
		r = unlink(p);
	else if (!strcmp(op, "rmdir"))
		r = rmdir(p);
	else
		errno = ENOSYS;
	fd = errno;
	puts(r == -1 ? strerrorname_np(fd) : "ok");
	(void)b;
	(void)argc;
	return r == -1;
}
C
cc -O -w -D_GNU_SOURCE -o "$TESTTMP/try" "$TESTTMP/try.c" || exit 1

# make_object OP PATH: what the operation needs to find there
make_object()
{
	case $2 in
	/proc/* | /sys/* | /dev/* | / | /etc | /usr | /tmp) return 0 ;;
	esac
	mkdir -p "$(dirname "$2")" 2>/dev/null
	case $1 in
	create | mkdir | symlink) rm -rf "$2" ;;
	rmdir) rm -rf "$2" && mkdir -p "$2" ;;
	list) mkdir -p "$2" ;;
	stat | readlink) ;;
	*) [ -e "$2" ] || echo content >"$2" ;;
	esac
}

print_of()
{
	stat -c '%F %a %u %Y %s %h' "$1" 2>/dev/null || echo absent
}

v=$TOP/regress/vectors/decisions.tsv
tried=0
for p in exe.dev modal runloop; do
	house_files $p
	# cgroups are another test's; everything else is the deployment's own
	start_house
	sid=$(HOME=/home/u new_session /srv/proj)
	[ -n "$sid" ] || fatal "$p: no session"
	tail -n +2 "$v" | awk -F'\t' -v p=$p '$1 == p && $2 == "file" && $3 != "stat" && $3 != "readlink"' >"$TESTTMP/v"
	cp "$TESTTMP/try" /srv/proj/try
	while IFS='	' read -r _p _dom op path want rule; do
		case $path in
		/home/u/*) continue ;; # HOME is the passwd entry's: see the decide test
		/usr/bin/evil | /usr/local/bin/evil | /etc/testdir | /etc/hack) ;;
		/dev/sda | /run/docker.sock | /etc/systemd/system/x.service | /sys/class/net) [ -e "$path" ] || continue ;;
		/usr/bin/sudo) [ -e "$path" ] || continue ;;
		/usr/* | /etc/*) [ -e "$path" ] || continue ;;
		*) make_object "$op" "$path" ;;
		esac
		case $want in
		allow | audit | soft_delete) expect=ok ;;
		*) expect=EACCES ;;
		esac
		before=$(print_of "$path")
		got=$(agentsh exec "$sid" -- /srv/proj/try "$op" "$path" "$(dirname "$path")/other" </dev/null 2>"$TESTTMP/err")
		after=$(print_of "$path")
		tried=$((tried + 1))
		if [ "$got" != $expect ]; then
			bad "$p: $op $path: got $got, want $expect ($want by $rule) $(cat "$TESTTMP/err")"
		elif [ $expect = EACCES ] && [ "$before" != "$after" ] && [ "${path#/proc}" = "$path" ]; then
			bad "$p: $op $path was refused, but changed: $before -> $after"
		elif [ $expect = ok ] && [ "$before" = "$after" ]; then
			case $op in
			create | mkdir | symlink | chmod | chown | utime | rename | delete | rmdir | link)
				bad "$p: $op $path said ok and did nothing" ;;
			esac
		fi
		rm -rf "$(dirname "$path")/other" 2>/dev/null
	done <"$TESTTMP/v"

	# command vectors: a program of that name that says that it ran
	mkdir -p /srv/proj/bin /opt/x /tmp
		tail -n +2 "$v" | awk -F'\t' -v p=$p '$1 == p && $2 == "exec"' >"$TESTTMP/v"
	while IFS='	' read -r _p _dom _op subject want rule; do
		set -f
		# shellcheck disable=SC2086
		set -- $subject
		set +f
		cmd=$1
		shift
		case $cmd in
		/opt/x/foo) continue ;; # the command is allowed, its file is not
		/tmp/sudo) run=$cmd ;;
		/*) continue ;; # a real program of the machine: see the decide test
		*) run=/srv/proj/bin/$cmd ;;
		esac
		rm -f "$run" /srv/proj/ran
		cp "$TESTTMP/mark" "$run" 2>/dev/null || {
			printf '#include <fcntl.h>\nint main(void){return open("/srv/proj/ran",O_CREAT|O_WRONLY,0644)<0;}\n' >"$TESTTMP/mark.c"
			cc -o "$TESTTMP/mark" "$TESTTMP/mark.c" && cp "$TESTTMP/mark" "$run"
		}
		# at the front door, then below a shell
		agentsh exec "$sid" -- "$run" "$@" >/dev/null 2>"$TESTTMP/err" </dev/null
		rc=$?
		tried=$((tried + 1))
		case $want in
		allow | audit)
			[ $rc -eq 0 ] && [ -e /srv/proj/ran ] || bad "$p: exec $subject: exit $rc, want it to run: $(cat "$TESTTMP/err")"
			;;
		*)
			[ $rc -eq 126 ] && [ ! -e /srv/proj/ran ] || bad "$p: exec $subject: exit $rc, want 126 ($rule)"
			grep -q "rule=$rule" "$TESTTMP/err" || bad "$p: exec $subject: the refusal does not name $rule: $(cat "$TESTTMP/err")"
			rm -f /srv/proj/ran
			agentsh exec "$sid" -- sh -c '"$0" "$@"' "$run" "$@" >/dev/null 2>&1 </dev/null
			[ ! -e /srv/proj/ran ] || bad "$p: exec $subject ran below a shell"
			;;
		esac
		rm -f "$run" /srv/proj/ran
	done <"$TESTTMP/v"
	stop_house
done
[ $tried -gt 100 ] || bad "only $tried vectors were tried"
echo "$tried vectors tried"
W=$keep
