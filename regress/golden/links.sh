# Each program links what DESIGN.md section 12 gives it and nothing else.
rc=0
is_static()
{
	readelf -l "$1" >/dev/null && ! readelf -l "$1" | grep -q INTERP
}
links()
{
	p=$ROOT/$1
	shift
	got=$(readelf -d "$p" | sed -n 's/.*(NEEDED).*\[\(lib[a-z0-9_-]*\)[.].*/\1/p' | sort -u)
	[ -n "$got" ] || is_static "$p" || { echo "$p: not found"; rc=1; return; }
	for l in $got; do
		case " libc libgcc_s $* " in
		*" $l "*) ;;
		*) echo "$p: must not link $l"; rc=1 ;;
		esac
	done
}
links sbin/agentshd libbsd libseccomp libcap-ng
links libexec/agentsh/agentsh-tracer libbsd libseccomp libcap-ng
links libexec/agentsh/agentsh-policyd libyaml libyaml-0 libbsd libseccomp libcap-ng
links libexec/agentsh/agentsh-netproxy libevent_core libevent_openssl libevent_core-2 libevent_openssl-2 libssl libcrypto libbsd libseccomp libcap-ng
links libexec/agentsh/agentsh-auditd libsqlite3 libjansson libbsd libseccomp libcap-ng libm
links libexec/agentsh/agentsh-control libevent_core libevent_extra libevent_core-2 libevent_extra-2 libjansson libbsd libseccomp libcap-ng
links bin/agentsh libjansson libbsd libseccomp libcap-ng
exit $rc
