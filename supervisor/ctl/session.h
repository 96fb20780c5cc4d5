/*
 * Sessions as the daemon names them, for `session` and for `exec`.  Used by
 * agentsh and agentshctl only; each call is one request and may block for its
 * time-out.
 */

#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <jansson.h>

#include "supervisor/ctl/ctl.h"

/*
 * The body that asks for a session: workspace made canonical; id and policy may
 * be NULL. Owned by the caller; NULL with errno when there is no such
 * workspace.
 */
json_t *session_request(const char *id, const char *workspace,
    const char *policy);

/*
 * Create a session: the daemon's object, owned, or NULL when why has been
 * printed.
 */
json_t *session_make(const struct ctl *c, const char *id, const char *workspace,
    const char *policy);

/* The session called id, owned, or NULL when why has been printed. */
json_t *session_get(const struct ctl *c, const char *id);

#endif
