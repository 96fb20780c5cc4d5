/*
 * What control asks for its clients.  Each message brings the client's own socket, and
 * who the client is comes from that.  Monitor only.
 */

#ifndef SUPERVISOR_REQUEST_H
#define SUPERVISOR_REQUEST_H

#include "common/msg.h"
#include "supervisor/proc.h"

struct monitor;
struct session;

/* A checked message of control's. */
void request_message(struct proc *p, struct msg *m);

/* auditd is up: ask what waited for it. */
void request_auditd_ready(struct monitor *mon);

/* Session s runs: answer who created it. */
void request_created(struct session *s);
/* Session s goes: answer its creator, if it never ran, and who destroyed it. */
void request_gone(struct session *s);

#endif
