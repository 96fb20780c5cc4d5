/*
 * Requests to the control socket: one connection each, JSON both ways, errors
 * said once in the original's words.  Used by agentsh and agentshctl only;
 * blocks at most struct ctl's timeout for each read.
 */

#ifndef CTL_API_H
#define CTL_API_H

#include <jansson.h>
#include <stddef.h>

#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/http.h"

struct api_reply {
	int status;
	char reason[64];
	char *text; /* the body, owned */
	size_t len;
	json_t *json; /* the body if it is JSON, else NULL; owned */
};

/*
 * Ask and read the whole answer.  body is borrowed, NULL for none.  0 with r
 * filled whatever the status; -1 when there was no answer, and why has been
 * printed. api_clear afterwards in either case.
 */
int api_call(const struct ctl *c, const char *method, const char *target,
    const json_t *body, struct api_reply *r);
void api_clear(struct api_reply *r);

#define API_BARRED (-2)
/*
 * The same, but API_BARRED and not a word where the socket is refused to us, as
 * it is inside a session.
 */
int api_try(const struct ctl *c, const char *method, const char *target,
    const json_t *body, struct api_reply *r);

/*
 * Print "METHOD /path: 404 Not Found: BODY" on standard error.  Returns
 * EXIT_FAIL.
 */
int api_refused(const char *method, const char *target,
    const struct api_reply *r);

/*
 * The same for GETs whose answer must be 200 and JSON: the value, owned, or
 * NULL when why has been printed.
 */
json_t *api_get(const struct ctl *c, const char *target);

/*
 * Connect and ask for a stream.  0 with h to read from, -1 when why has been
 * printed.  http_close afterwards in either case.
 */
int api_stream(const struct ctl *c, const char *target, struct http *h);

/*
 * Append "&key=value" (the first: "?key=value") to the target in buf, with
 * everything but unreserved characters escaped.  0, or -1 when it does not fit.
 */
int api_param(char *buf, size_t size, const char *key, const char *value);
/* Append "/segment" escaped.  0 or -1. */
int api_segment(char *buf, size_t size, const char *segment);

#endif
