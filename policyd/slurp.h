/*
 * Reading a whole file from a descriptor that somebody else opened.
 */

#ifndef POLICYD_SLURP_H
#define POLICYD_SLURP_H

#include <stddef.h>

/*
 * All of fd from its beginning (where it has one), at most max bytes.  NULL
 * with errno, EFBIG when there is more.  The caller frees it.
 */
char *slurp(int fd, size_t max, size_t *size_bytes);

#endif
