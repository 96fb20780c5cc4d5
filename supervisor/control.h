/*
 * agentsh-control: parses what clients say, HTTP and JSON over the control socket, and
 * asks the monitor.  Its own uid, an empty root, no file, no fork.  It holds nothing
 * that a client may not have: who a client is and what it may do, the monitor
 * reads from the client's own socket.
 *
 *	control.c	main, the channel, questions that wait for answers
 *	control_http.c	routes: method and path to question
 *	control_json.c	shapes: messages to JSON, query strings to questions
 *	control_stream.c event streams from auditd to a client
 */

#ifndef SUPERVISOR_CONTROL_H
#define SUPERVISOR_CONTROL_H

#include <sys/queue.h>
#include <sys/types.h>

#include <event2/event.h>
#include <event2/http.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/privdrop.h"

#define CONTROL_BODY_MAX    (10u << 20) /* server.http.max_request_size's default */
#define CONTROL_HEADER_MAX  16384
#define CONTROL_TIMEOUT_S   60
#define CONTROL_PENDING_MAX 512
#define CONTROL_PER_UID	    64

struct control;
struct stream;

enum control_shape {
	SHAPE_BODY,  /* as auditd writes it: an array, null, an object */
	SHAPE_EVENTS /* its lines as server-sent events */
};

/* A request whose answer the monitor has not given. */
struct pending {
	TAILQ_ENTRY(pending) entry;
	struct control *control;
	uint32_t id;
	uid_t uid; /* of the client, for the bound on how much one may hold */
	struct evhttp_request *req; /* NULL: the client has gone */
	json_t *list;		    /* of SESSION_LIST */
	enum control_shape shape;
	int success; /* HTTP status of a session item without error */
};

struct control {
	struct child child;
	struct event_base *base;
	struct evhttp *http;
	struct event *channel;
	uint32_t id_next;
	TAILQ_HEAD(, pending) pending;
	unsigned int pending_cnt;
	TAILQ_HEAD(, stream) streams;
	unsigned int streams_cnt;
	struct evhttp_bound_socket *bound;
};

/* ---- control.c ---- */

/*
 * Ask the monitor on behalf of req: a question of type whose reply comes back with the
 * pending's id.  NULL after answering req with an error.
 */
struct pending *control_ask(struct control *ct, struct evhttp_request *req,
    enum msg_type type, const void *payload, const void *tail, size_t len);
/* Forget it; its request is answered or gone. */
void pending_free(struct pending *p);
/* How many requests and streams uid has open. */
unsigned int control_held(const struct control *ct, uid_t uid);

/* ---- control_http.c ---- */
void http_route(struct evhttp_request *req, void *arg);
/* Answers; body is borrowed, an object is taken. */
void http_text(struct evhttp_request *req, int status, const char *text);
void http_json(struct evhttp_request *req, int status, json_t *body);
void http_error(struct evhttp_request *req, int status, const char *text);
/* The HTTP status for an errno of the monitor's. */
int http_status_of(uint32_t error);

/* ---- control_json.c ---- */

/* A session as the API shows it, or NULL when the message is not one. */
json_t *shape_session(const struct msg *m);
/* Body of POST /api/v1/sessions to the tail of SESSION_CREATE; bytes, or -1 with why. */
ssize_t shape_create(const char *body, size_t len, char *tail, size_t size,
    const char **why);
/*
 * Query string to a question; now_ns is CLOCK_REALTIME.  Bytes of tail, or -1 with
 * why.
 */
ssize_t shape_query(const struct evkeyvalq *args, uint64_t now_ns,
    struct msg_event_query *q, char *tail, size_t size, const char **why);

/* ---- control_stream.c ---- */
/* Answer p with what fd says; p and fd are taken. */
void stream_serve(struct pending *p, int fd);

#endif
