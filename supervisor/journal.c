/*
 * The monitor's own events, see journal.h.
 *
 * Runs in the monitor.  Its ring is a memfd like a session's; auditd believes the
 * session names in it, because only the monitor holds it.
 */

#include "supervisor/journal.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/monitor.h"
#include "supervisor/session.h"
#include "supervisor/wake.h"

int
journal_open(struct monitor *mon)
{
	if (wake_open(&mon->wake, RING_SLOTS_MIN * 16) == -1 ||
	    ring_map(&mon->ring, mon->wake.ring_fd, mon->wake.tracer_fd) ==
		-1) {
		log_error("cannot make the event ring: %m");
		return -1;
	}
	mon->ring_up = true;
	return 0;
}

void
journal_attach(struct monitor *mon)
{
	wake_attach(&mon->wake, mon, 0, "", 0);
}

static void
put(struct monitor *mon, struct evrec *e)
{
	e->fix.time_ns = loop_wall_ns();
	e->fix.decision = DEC_ALLOW;
	e->fix.allowed = 1;
	e->fix.flags = EVF_ALWAYS | EVF_NO_SYSCALL;
	e->fix.layer = LAYER_NONE;
	if (mon->ring_up && ring_put(&mon->ring, e) != 0)
		log_warn("event not recorded: %s: the ring is full",
		    evrec_type_name(&e->fix));
}

void
journal_status(struct monitor *mon, enum ev_type type, const char *detail,
    int status)
{
	struct evrec e;

	memset(&e, 0, sizeof(e));
	e.fix.type = (uint16_t)type;
	e.fix.value = status;
	if (detail != NULL)
		evrec_set(&e, EVS_MESSAGE, detail, strlen(detail));
	put(mon, &e);
}

void
journal_simple(struct monitor *mon, enum ev_type type, const char *detail)
{
	journal_status(mon, type, detail, 0);
}

void
journal_session(struct session *s, enum ev_type type, const char *message)
{
	struct evrec e;

	memset(&e, 0, sizeof(e));
	e.fix.type = (uint16_t)type;
	e.fix.uid = s->who.uid;
	e.fix.pid = (uint32_t)(s->tracer.pid > 0 ? s->tracer.pid : 0);
	evrec_set(&e, EVS_SESSION, s->id, strlen(s->id));
	if (s->workspace != NULL)
		evrec_set(&e, EVS_PATH, s->workspace, strlen(s->workspace));
	if (message != NULL)
		evrec_set(&e, EVS_MESSAGE, message, strlen(message));
	put(s->mon, &e);
}
