/*
 * The home directory that the system's users have, for what a session of who
 * asks would be given.  Used by agentsh and agentshctl only.
 */

#ifndef CTL_HOME_H
#define CTL_HOME_H

#include <sys/types.h>

#include <stddef.h>

/*
 * The home directory of uid, copied to buf; NULL when there is no such user or
 * it does not fit.  Blocks where a directory service is asked.
 */
const char *home_of(uid_t uid, char *buf, size_t size);

#endif
