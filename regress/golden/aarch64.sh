# Every source file compiles for aarch64 as well, with no warning.
# limit: 300
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null || { echo "no $cc"; exit 77; }
out=${TESTTMP:-$(mktemp -d)}
rc=0
n=0
multi=/usr/include/$(gcc -print-multiarch)
for f in common/*.c tracer/*.c policyd/*.c auditd/*.c supervisor/*.c supervisor/ctl/*.c; do
	n=$((n + 1))
	# the headers of libraries that lie in this machine's own multiarch folder
	# (event-config.h, jansson_config.h) say nothing that differs between 64-bit Linuxes
	$cc -std=gnu11 -O1 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE \
	    -DAGENTSH_VERSION='"test"' -I. -idirafter /usr/include/bsd -DLIBBSD_OVERLAY \
	    -isystem /usr/include/bsd -idirafter "$multi" \
	    -c -o "$out/o.o" "$f" || { echo "$f"; rc=1; }
done
[ $n -gt 30 ] || { echo "only $n files"; rc=1; }
exit $rc
