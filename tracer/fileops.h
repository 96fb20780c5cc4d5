/*
 * Questions about files: open (openops.c), changes of names and attributes
 * (perform.c), metadata (metaops.c).  Each is an ask_fn of dispatch_tab; what
 * they share stands in fileops.c.  Run in the serving threads, with the caller's
 * credentials and umask.
 */

#ifndef TRACER_FILEOPS_H
#define TRACER_FILEOPS_H

#include "tracer/call.h"
#include "tracer/pathres.h"

/*
 * The string of role into the worker's i-th path buffer.  true, else the call
 * has been answered (EFAULT, ENAMETOOLONG).
 */
bool fileops_string(struct call *c, enum systab_role role, unsigned int i,
    size_t *len) __attribute__((warn_unused_result));

/*
 * The object that the call names, by SR_FD, by SR_DIRFD and SR_PATH, or with an
 * empty path by SR_DIRFD alone; its last symlink followed or not as the flags
 * say.  It has been judged for op and the ring has room.  true: r is pinned,
 * act and call fileops_done; else it is answered.
 */
bool fileops_object(struct call *c, enum file_op op, struct pathres *r)
    __attribute__((warn_unused_result));

/*
 * A call whose descriptor is a plain number, made by a caller that is alone with
 * its descriptors (task_is_alone): what the number means cannot change before
 * the kernel looks at it, so the object is judged by name and the call let go.
 * value2 is the event's.  true: answered.  false: nothing was done, perform it.
 */
bool fileops_number(struct call *c, enum file_op op, int64_t value2)
    __attribute__((warn_unused_result));

/*
 * The same for a parent and a last name; dirfd and path by roles, into path
 * buffer i.
 */
bool fileops_parent(struct call *c, enum systab_role dirfd,
    enum systab_role path, unsigned int i, struct pathres *r)
    __attribute__((warn_unused_result));

/*
 * Resolution failed with e: tell it, unless the policy forbids to know (op on
 * what r names).
 */
void fileops_failed(struct call *c, enum file_op op, struct pathres *r, int e);

/* Commit the event and answer a result: r, or -1 and errno e. */
void fileops_done(struct call *c, long r, int e);

/* This thread's umask from here on; in the serving thread only. */
void fileops_wear_umask(struct worker *w, mode_t mask);

/* Wear the caller's umask in this thread.  false: unknown, refuse. */
bool fileops_umask(struct call *c) __attribute__((warn_unused_result));

/*
 * Only a name that is what it seems: not of a deleted object, nor below /proc,
 * where callers have names of their own.
 */
bool fileops_is_plain(const char *path, size_t len);

/* "/proc/self/fd/N" of our descriptor, at least 32 bytes. */
void fileops_self(char *buf, int fd);

void openops_ask(struct call *c);

void perform_ask_truncate(struct call *c);
void perform_ask_unlink(struct call *c);
void perform_ask_rename(struct call *c);
void perform_ask_link(struct call *c);
void perform_ask_symlink(struct call *c);
void perform_ask_mkdir(struct call *c);
void perform_ask_mknod(struct call *c);
void perform_ask_chmod(struct call *c);
void perform_ask_chown(struct call *c);
void perform_ask_utime(struct call *c);

void metaops_ask_setxattr(struct call *c);
void metaops_ask_removexattr(struct call *c);
void metaops_ask_setattr(struct call *c);
void metaops_ask_stat(struct call *c);
void metaops_ask_statx(struct call *c);
void metaops_ask_statfs(struct call *c);
void metaops_ask_access(struct call *c);
void metaops_ask_readlink(struct call *c);
void metaops_ask_getxattr(struct call *c);
void metaops_ask_listxattr(struct call *c);
void metaops_ask_getattr(struct call *c);
void metaops_ask_watch(struct call *c);

#endif
