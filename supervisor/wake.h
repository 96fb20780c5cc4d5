/*
 * A ring and the socket pair by which its producer wakes auditd.  The monitor holds all
 * of it, so that either side may die.  Monitor only.
 */

#ifndef SUPERVISOR_WAKE_H
#define SUPERVISOR_WAKE_H

#include <stdint.h>

struct monitor;

struct wake {
	int ring_fd;   /* memfd, owned; -1 */
	int tracer_fd; /* the producer's end, owned; -1 */
	int auditd_fd; /* auditd's end, owned; -1 */
};

void wake_init(struct wake *w);
/* A new ring of slots and a socket pair.  0 or -1 with errno. */
int wake_open(struct wake *w, uint32_t slots)
    __attribute__((warn_unused_result));
/* Give auditd its ends; when it is not up it gets them when it is ready. */
void wake_attach(struct wake *w, struct monitor *mon, uint32_t number,
    const char *id, uint32_t uid);
void wake_close(struct wake *w);

#endif
