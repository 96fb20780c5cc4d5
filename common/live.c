/*
 * See live.h.  Used by tracers and the monitor on what the kernel says; a
 * process chooses its name, which stands in the middle of that.
 */

#include <stdlib.h>
#include <string.h>

#include "common/live.h"

#define START_FIELD 22 /* proc_pid_stat(5) */

uint64_t
live_start(const char *stat)
{
	/* The last parenthesis ends the second field. */
	const char *p = strrchr(stat, ')');
	int i;

	for (i = 2; p != NULL && i < START_FIELD; i++)
		p = strchr(p + 1, ' ');
	return p == NULL ? 0 : strtoull(p, NULL, 10);
}
