/*
 * soft_delete: the victim of unlink or rmdir goes to the session's trash
 * instead.  Layout: TRASH/payload/TOKEN and TRASH/manifest/TOKEN.json, as the
 * original's.  A rename is not a copy: a descriptor, mapping or other link that
 * exists can still change what was kept.  Runs in the serving threads.
 */

#ifndef TRACER_TRASH_H
#define TRACER_TRASH_H

#include <stdbool.h>

#include "tracer/call.h"
#include "tracer/pathres.h"

/*
 * Find or make the two directories below t->trashfd.  0 or -1 with errno.  Main
 * thread, once.
 */
int trash_init(struct tracer *t);

/*
 * Remove r->name from r->dir into the trash: moved where it is the same file
 * system, else copied (regular files and symlinks) and unlinked.  rmdir: an
 * empty directory, which is removed and only recorded.  0, or the errno that
 * the caller gets.  May block for as long as a copy takes.
 */
int trash_remove(struct call *c, struct pathres *r, bool rmdir_)
    __attribute__((warn_unused_result));

#endif
