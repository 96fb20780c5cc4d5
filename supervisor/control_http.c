/*
 * Routes of the API: a table from method and path to a question for the monitor.
 * Runs in control.  Trusts nothing of a request; libevent has split it into lines, and
 * what is not in the table is refused here.
 */

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "supervisor/control.h"

#define TARGET_MAX 8192

struct call {
	struct control *control;
	struct evhttp_request *req;
	char id[MSG_SESSION_LEN]; /* of {id}, "" if the route has none */
	struct evkeyvalq args; /* of the query */
};

typedef void route_fn(struct call *c);

/* ---- answers ---- */

static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} tab[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Request Entity Too Large" },
		{ 429, "Too Many Requests" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		if (tab[i].status == status)
			return tab[i].reason;
	}
	return "Internal Server Error";
}

int
http_status_of(uint32_t error)
{
	switch (error) {
	case 0:
		return 200;
	case EINVAL:
		return 400;
	case EPERM:
	case EACCES:
		return 403;
	case ENOENT:
		return 404;
	case EEXIST:
		return 409;
	case EAGAIN:
	case ENOTSUP:
		return 503;
	default:
		return 500;
	}
}

static void
reply(struct evhttp_request *req, int status, const char *type,
    const char *body)
{
	struct evbuffer *out = evbuffer_new();

	if (type != NULL)
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Content-Type", type);
	if (out != NULL && body != NULL)
		evbuffer_add(out, body, strlen(body));
	evhttp_send_reply(req, status, reason_of(status), out);
	if (out != NULL)
		evbuffer_free(out);
}

void
http_text(struct evhttp_request *req, int status, const char *text)
{
	reply(req, status, "text/plain; charset=utf-8", text);
}

void
http_json(struct evhttp_request *req, int status, json_t *body)
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	struct evbuffer *out;

	json_decref(body);
	if (text == NULL) {
		http_text(req, 500, "out of memory\n");
		return;
	}
	out = evbuffer_new();
	if (out != NULL) {
		evhttp_add_header(evhttp_request_get_output_headers(req),
		    "Content-Type", "application/json");
		evbuffer_add_printf(out, "%s\n", text);
		evhttp_send_reply(req, status, reason_of(status), out);
		evbuffer_free(out);
	}
	free(text);
}

void
http_error(struct evhttp_request *req, int status, const char *text)
{
	json_t *j = json_string(text);

	if (j == NULL)
		j = json_string("error");
	http_json(req, status, json_pack("{s:o}", "error", j));
}

/* ---- handlers ---- */

static void
get_health(struct call *c)
{
	http_text(c->req, 200, "ok\n");
}

static void
get_ready(struct call *c)
{
	http_text(c->req, 200, "ready\n");
}

static void
post_sessions(struct call *c)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(c->req);
	size_t len = evbuffer_get_length(in);
	const char *why = NULL;
	struct msg_session_create create = { 0 };
	struct pending *p;
	char tail[MSG_TAIL];
	ssize_t n;

	/* json_loadb wants one piece; libevent has bounded it. */
	n = shape_create(len > 0 ? (const char *)evbuffer_pullup(in, -1) : "",
	    len, tail, sizeof(tail), &why);
	if (n == -1) {
		http_error(c->req, 400, why);
		return;
	}
	p = control_ask(c->control, c->req, MSG_SESSION_CREATE, &create, tail,
	    (size_t)n);
	if (p != NULL)
		p->success = 201;
}

static void
get_sessions(struct call *c)
{
	struct msg_none none = { 0 };
	struct pending *p;

	p = control_ask(c->control, c->req, MSG_SESSION_LIST, &none, NULL, 0);
	if (p != NULL)
		p->list = json_array();
}

static void
ask_named(struct call *c, enum msg_type type, int success)
{
	struct msg_session_name name;
	struct pending *p;

	memset(&name, 0, sizeof(name));
	memcpy(name.id, c->id, sizeof(name.id));
	p = control_ask(c->control, c->req, type, &name, NULL, 0);
	if (p != NULL)
		p->success = success;
}

static void
get_session(struct call *c)
{
	ask_named(c, MSG_SESSION_INFO, 200);
}

static void
delete_session(struct call *c)
{
	ask_named(c, MSG_SESSION_DESTROY, 204);
}

static void
query(struct call *c, uint32_t what, enum control_shape shape)
{
	struct msg_event_query q = { .what = what };
	struct pending *p;
	struct timespec ts;
	const char *why = NULL;
	char tail[1024];
	ssize_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	n = shape_query(&c->args,
	    (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec, &q, tail,
	    sizeof(tail), &why);
	if (n == -1) {
		http_error(c->req, 400, why);
		return;
	}
	if (what == EVQ_TAIL)
		q.oldest_first = 1;
	if (c->id[0] != '\0')
		memcpy(q.session, c->id, sizeof(q.session));
	p = control_ask(c->control, c->req, MSG_EVENT_QUERY, &q, tail,
	    (size_t)n);
	if (p != NULL)
		p->shape = shape;
}

static void
get_search(struct call *c)
{
	query(c, EVQ_QUERY, SHAPE_BODY);
}

static void
get_net(struct call *c)
{
	struct msg_session_name name;
	struct pending *p;

	memset(&name, 0, sizeof(name));
	memcpy(name.id, c->id, sizeof(name.id));
	p = control_ask(c->control, c->req, MSG_NET_SHOW, &name, NULL, 0);
	if (p != NULL)
		p->shape = SHAPE_BODY;
}

static void
get_events(struct call *c)
{
	query(c, EVQ_TAIL, SHAPE_EVENTS);
}

static void
get_verify(struct call *c)
{
	query(c, EVQ_VERIFY, SHAPE_BODY);
}

static void
post_reload(struct call *c)
{
	struct msg_none none = { 0 };

	(void)control_ask(c->control, c->req, MSG_RELOAD, &none, NULL, 0);
}

/* ---- the table ---- */

/* clang-format off */
static const struct route {
	enum evhttp_cmd_type method;
	const char *path; /* "{id}" is a session's */
	route_fn *fn;
} route_tab[] = {
	{ EVHTTP_REQ_GET,	"/health",			get_health },
	{ EVHTTP_REQ_GET,	"/ready",			get_ready },
	{ EVHTTP_REQ_POST,	"/api/v1/sessions",		post_sessions },
	{ EVHTTP_REQ_GET,	"/api/v1/sessions",		get_sessions },
	{ EVHTTP_REQ_GET,	"/api/v1/sessions/{id}",	get_session },
	{ EVHTTP_REQ_DELETE,	"/api/v1/sessions/{id}",	delete_session },
	{ EVHTTP_REQ_GET,	"/api/v1/sessions/{id}/events",	get_events },
	{ EVHTTP_REQ_GET,	"/api/v1/sessions/{id}/net",	get_net },
	{ EVHTTP_REQ_GET,	"/api/v1/sessions/{id}/history", get_search },
	{ EVHTTP_REQ_GET,	"/api/v1/events",		get_events },
	{ EVHTTP_REQ_GET,	"/api/v1/events/search",	get_search },
	{ EVHTTP_REQ_POST,	"/api/v1/reload",		post_reload },
	{ EVHTTP_REQ_GET,	"/api/v1/audit/verify",		get_verify },
};
/* clang-format on */

#define ROUTES (sizeof(route_tab) / sizeof(route_tab[0]))

static const char *
method_name(enum evhttp_cmd_type m)
{
	return m == EVHTTP_REQ_GET ? "GET" :
	    m == EVHTTP_REQ_POST   ? "POST" :
				     "DELETE";
}

/* Does path fit pattern?  The segment of "{id}" goes to id. */
static bool
path_fits(const char *pattern, const char *path, char id[MSG_SESSION_LEN])
{
	const char *hole = strstr(pattern, "{id}");
	size_t before, len;

	id[0] = '\0';
	if (hole == NULL)
		return strcmp(pattern, path) == 0;
	before = (size_t)(hole - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strcspn(path + before, "/");
	if (len == 0 || len >= MSG_SESSION_LEN ||
	    strcmp(hole + 4, path + before + len) != 0)
		return false;
	memset(id, 0, MSG_SESSION_LEN);
	memcpy(id, path + before, len);
	return true;
}

/* Known paths get 405 and the methods they have, others 404. */
static void
refuse(struct call *c, const char *path)
{
	char allow[64] = "";
	size_t i, n = 0;

	for (i = 0; i < ROUTES; i++) {
		if (path_fits(route_tab[i].path, path, c->id))
			n += (size_t)snprintf(allow + n, sizeof(allow) - n,
			    "%s%s", n ? ", " : "",
			    method_name(route_tab[i].method));
	}
	if (n == 0) {
		http_text(c->req, 404, "404 page not found\n");
		return;
	}
	evhttp_add_header(evhttp_request_get_output_headers(c->req), "Allow",
	    allow);
	reply(c->req, 405, NULL, NULL);
}

static void
call_route(struct call *c, const char *path)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(c->req);
	size_t i;

	for (i = 0; i < ROUTES; i++) {
		if (route_tab[i].method == method &&
		    path_fits(route_tab[i].path, path, c->id)) {
			route_tab[i].fn(c);
			return;
		}
	}
	refuse(c, path);
}

void
http_route(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	const char *args = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
	struct call c = { .control = arg, .req = req };

	if (path == NULL || strlen(evhttp_request_get_uri(req)) > TARGET_MAX) {
		http_error(req, 400, "invalid request target");
		return;
	}
	TAILQ_INIT(&c.args);
	if (args != NULL && evhttp_parse_query_str(args, &c.args) == -1)
		http_error(req, 400, "invalid query");
	else
		call_route(&c, path);
	evhttp_clear_headers(&c.args);
}
