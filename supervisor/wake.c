/*
 * Rings and wake sockets, see wake.h.  Runs in the monitor.
 *
 * The monitor keeps auditd's end open as well: a producer that writes while auditd is
 * being started again finds a socket, not an error, and the new auditd finds the
 * wake-up.
 */

#include "supervisor/wake.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/ring.h"
#include "supervisor/monitor.h"

void
wake_init(struct wake *w)
{
	w->ring_fd = w->tracer_fd = w->auditd_fd = -1;
}

int
wake_open(struct wake *w, uint32_t slots)
{
	int sv[2];

	wake_init(w);
	if ((w->ring_fd = ring_create(slots)) == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, sv) == -1) {
		wake_close(w);
		return -1;
	}
	w->tracer_fd = sv[0];
	w->auditd_fd = sv[1];
	return 0;
}

void
wake_attach(struct wake *w, struct monitor *mon, uint32_t number,
    const char *id, uint32_t uid)
{
	struct msg_audit_attach at = { .uid = uid };
	int fds[2] = { w->ring_fd, w->auditd_fd };

	if (w->ring_fd != -1 && proc_is_up(&mon->auditd))
		(void)proc_send(&mon->auditd, MSG_AUDIT_ATTACH, 0, number, &at,
		    id, strlen(id) + 1, fds, 2);
}

void
wake_close(struct wake *w)
{
	if (w->ring_fd != -1)
		close(w->ring_fd);
	if (w->tracer_fd != -1)
		close(w->tracer_fd);
	if (w->auditd_fd != -1)
		close(w->auditd_fd);
	wake_init(w);
}
