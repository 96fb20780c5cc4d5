/*
 * The monitor's own events, by its own ring: sessions begin and end, children die,
 * policies change.  Ring number 0 of auditd.  Monitor only; never blocks: when
 * the ring is full the event is logged instead.
 */

#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

#include <stdint.h>

#include "common/evrec.h"

struct monitor;
struct session;

/* Make the ring and its wake socket.  0 or -1 after logging. */
int journal_open(struct monitor *mon);
/* auditd is up: give it the ring. */
void journal_attach(struct monitor *mon);

/* An event of the house; detail may be NULL. */
void journal_simple(struct monitor *mon, enum ev_type type, const char *detail);
/* The same with a wait status. */
void journal_status(struct monitor *mon, enum ev_type type, const char *detail,
    int status);
/* An event of session s; message may be NULL. */
void journal_session(struct session *s, enum ev_type type, const char *message);

#endif
