/*
 * The live table: the processes of one session in a memfd that its tracer writes
 * and the monitor reads when that tracer has died and no cgroup knows the
 * processes.  The fourth descriptor of TRACER_CONF.
 *
 * A word is written and cleared whole, an entry's start before its id.  The
 * monitor believes none of them: it kills only what was started then, has the
 * session's uid and a seccomp filter.
 */

#ifndef COMMON_LIVE_H
#define COMMON_LIVE_H

#include <stddef.h>
#include <stdint.h>

#define LIVE_MAX 65536

struct live {
	uint32_t count;		  /* entries in use, high-water */
	int32_t pid[LIVE_MAX];	  /* 0: free */
	uint64_t start[LIVE_MAX]; /* of pid, as live_start has it */
};

/*
 * When a process was started, in ticks since the machine was, from the text
 * (NUL-terminated) of its /proc/PID/stat; with its id that names it for ever.
 * 0: the text says nothing.  Pure.
 */
uint64_t live_start(const char *stat);

#endif
