/*
 * A stored record as the JSON object that users see (agentsh-audit.5), in the
 * shape of the original program's events.  Bytes that are no UTF-8 become
 * U+FFFD, and the exact bytes stand beside them in hexadecimal.  Pure but for
 * memory; auditd.
 */

#ifndef AUDITD_EVENT_JSON_H
#define AUDITD_EVENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auditd/store.h"

/* Text that grows; failed once memory ran out, and then stays as it was. */
struct jbuf {
	char *p;
	size_t len, size;
	bool failed;
};

void jbuf_free(struct jbuf *b);
void jbuf_add(struct jbuf *b, const char *s, size_t len);
void jbuf_puts(struct jbuf *b, const char *s);
void jbuf_printf(struct jbuf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * s as a JSON string with its quotes; true where it was UTF-8 without a NUL
 * throughout.
 */
bool jbuf_string(struct jbuf *b, const char *s, size_t len);

/* Append row as one JSON object, no newline. */
void event_json(struct jbuf *b, const struct store_row *row);

#endif
