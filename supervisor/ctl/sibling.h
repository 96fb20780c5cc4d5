/*
 * The private programs that were installed with us, found beside our own
 * executable and never by PATH.  Used by agentsh and agentshctl only.
 */

#ifndef CTL_SIBLING_H
#define CTL_SIBLING_H

#include <stddef.h>

/*
 * The path of ../libexec/agentsh/NAME seen from our executable.  0, or -1 with
 * errno.
 */
int sibling_path(char *buf, size_t size, const char *name);

/*
 * Run it with argv and read all that it prints (at most size - 1 bytes,
 * terminated) into out.  Its exit status, or -1 with errno.  Blocks until it
 * ends.
 */
int sibling_run(const char *path, char *const *argv, char *out, size_t size);

#endif
