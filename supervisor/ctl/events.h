/*
 * Events as control sends them: the lines of a stream and what an event was
 * about. Used by agentsh and agentshctl only.
 */

#ifndef CTL_EVENTS_H
#define CTL_EVENTS_H

#include <jansson.h>
#include <stddef.h>

#define EVENTS_LINE_MAX (256u << 10) /* one event is at most about 40 KiB */

struct events_lines {
	size_t len;
	char buf[EVENTS_LINE_MAX];
};

typedef void events_line_fn(void *arg, const char *data, size_t len);

/*
 * Feed len bytes of a server-sent stream: fn is called for the payload of each
 * "data:" line that they complete.  0, or -1 when a line is longer than we
 * keep.
 */
int events_feed(struct events_lines *l, const char *p, size_t len,
    events_line_fn *fn, void *arg);

/* The object of an event: path, name, address or command; never NULL. */
const char *events_target(const json_t *ev);

#endif
