/*
 * The lines of a stream of events, cut out of the pieces in which they come.
 * Runs in agentshctl; trusts no length.  Keeps at most one line.
 */

#include <string.h>

#include "supervisor/ctl/events.h"

int
events_feed(struct events_lines *l, const char *p, size_t len,
    events_line_fn *fn, void *arg)
{
	size_t n;
	const char *eol;

	for (; len > 0; p += n, len -= n) {
		eol = memchr(p, '\n', len);
		n = eol == NULL ? len : (size_t)(eol - p) + 1;
		if (l->len + n > sizeof(l->buf))
			return -1;
		memcpy(l->buf + l->len, p, n);
		l->len += n;
		if (eol == NULL)
			break;
		while (l->len > 0 && strchr("\r\n", l->buf[l->len - 1]))
			l->len--;
		if (l->len > 6 && memcmp(l->buf, "data: ", 6) == 0)
			fn(arg, l->buf + 6, l->len - 6);
		l->len = 0;
	}
	return 0;
}
