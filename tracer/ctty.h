/*
 * Controlling terminals.  A session leader without one that opens a terminal
 * gets it (tty_ioctl(4)); of a descriptor that is injected the kernel does not
 * think so, and the caller must ask for it itself.
 */

#ifndef TRACER_CTTY_H
#define TRACER_CTTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracer/call.h"

/*
 * May an open of path with these flags give a controlling terminal?  Cheap: the
 * name alone is looked at.
 */
bool ctty_may_be(uint64_t flags, const char *path, size_t len);

/*
 * Answer with fd as answer_fd does; where the caller's own open(2) of it would
 * have given a controlling terminal, make it so.  Not where the kernel refuses
 * us ptrace(2) of the caller, or waits so that signals end it (before 5.19).
 */
void ctty_answer(struct call *c, int fd, bool cloexec);

/*
 * The caller's controlling terminal, which "/dev/tty" means, opened anew: ours
 * to close.  -1 with errno; ENXIO without one.  May block as open(2) of it does.
 */
int ctty_open(const struct call *c, uint64_t flags);

#endif
