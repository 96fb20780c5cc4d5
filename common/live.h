/*
 * The live table: the process ids of one session in a memfd that its tracer writes and the
 * monitor reads when that tracer has died and no cgroup knows the processes.
 * The fourth descriptor of TRACER_CONF.
 *
 * A word is written and cleared whole.  The monitor believes none of them: it kills
 * only what has the session's uid and a seccomp filter.
 */

#ifndef COMMON_LIVE_H
#define COMMON_LIVE_H

#include <stddef.h>
#include <stdint.h>

#define LIVE_MAX 65536

struct live {
	uint32_t count;	       /* entries in use, high-water */
	int32_t pid[LIVE_MAX]; /* 0: free */
};

#endif
