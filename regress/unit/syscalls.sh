#!/bin/sh
# The system calls that a machine's kernel headers know, as C initialisers { "name", nr }.
# usage: syscalls.sh x86_64|aarch64 CC...
#
# For aarch64 a cross compiler's headers are used where there are some; else the generic
# table with the options that arm64 chooses, which is what those are made of.
set -eu
arch=$1
shift

case $arch in
x86_64)
	text='#include <asm/unistd_64.h>' ;;
aarch64)
	text='#define __ARCH_WANT_RENAMEAT
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SET_GET_RLIMIT
#define __ARCH_WANT_SYS_CLONE3
#define __ARCH_WANT_MEMFD_SECRET
#include <asm-generic/unistd.h>'
	if command -v aarch64-linux-gnu-gcc >/dev/null; then
		set -- aarch64-linux-gnu-gcc
		text='#include <asm/unistd.h>'
	fi ;;
*)
	echo "usage: syscalls.sh x86_64|aarch64 CC..." >&2
	exit 2 ;;
esac

printf '%s\n' "$text" | "$@" -E -dM -x c - | awk '
	$1 == "#define" && $2 ~ /^__NR/ { v[$2] = $3 }
	END {
		for (k in v) {
			if (k !~ /^__NR_/ || k == "__NR_syscalls" ||
			    k == "__NR_arch_specific_syscall")
				continue
			for (n = v[k]; n in v; n = v[n])
				;
			printf "{ \"%s\", %d },\n", substr(k, 6), n
		}
	}' | sort
