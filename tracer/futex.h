/*
 * futex(2) between threads of the tracer.
 */

#ifndef TRACER_FUTEX_H
#define TRACER_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * op is FUTEX_WAIT (while *word is val; ts: not longer, or NULL) or FUTEX_WAKE
 * (val waiters).  As futex(2) returns.
 */
static inline long
tracer_futex(_Atomic uint32_t *word, int op, uint32_t val,
    const struct timespec *ts)
{
	return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, ts, NULL,
	    0);
}

#endif
