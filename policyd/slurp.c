/*
 * See slurp.h.  The file may be anything that can be opened: its size is what
 * was read, not what stat says.
 */

#include "policyd/slurp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP 65536

char *
slurp(int fd, size_t max, size_t *size_bytes)
{
	char *buf = NULL, *p;
	size_t n = 0, cap = 0;
	ssize_t got;

	(void)lseek(fd, 0, SEEK_SET);
	for (;;) {
		if (cap - n < STEP) {
			cap = cap * 2 + STEP;
			if ((p = realloc(buf, cap)) == NULL)
				break;
			buf = p;
		}
		got = read(fd, buf + n, cap - n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			break;
		if (got == 0) {
			*size_bytes = n;
			return buf;
		}
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			break;
		}
	}
	free(buf);
	return NULL;
}
