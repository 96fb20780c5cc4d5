/*
 * What control reads of a client: any bytes as an HTTP request on a connection, as
 * a body, as a query string; and what it makes of the monitor's answer, in which the
 * names are a client's as well.  The monitor is played here: every question must be one
 * that the table of messages lets control ask.
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <event2/keyvalq_struct.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control ct;
static struct sockaddr_un server;
static socklen_t server_len;

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static unsigned int
strings(const char *tail, size_t len)
{
	unsigned int n = 0;

	must(len == 0 || tail[len - 1] == '\0');
	while (len-- > 0)
		n += *tail++ == '\0';
	return n;
}

static void
check_query(const struct msg_event_query *q, const char *tail, size_t len)
{
	must(memchr(q->session, '\0', sizeof(q->session)) != NULL);
	must(memchr(q->type, '\0', sizeof(q->type)) != NULL);
	must(memchr(q->decision, '\0', sizeof(q->decision)) != NULL);
	/* As SQLite's integers are. */
	must(q->since_ns <= INT64_MAX && q->until_ns <= INT64_MAX);
	must(strings(tail, len) == 2);
}

/* In control.c's place: the monitor has taken the question and refused it. */
struct pending *
control_ask(struct control *c, struct evhttp_request *req, enum msg_type type,
    const void *payload, const void *tail, size_t len)
{
	const struct msg_row *row = msg_row_get(type);
	const struct msg_session_name *name = payload;

	must(c == &ct && row != NULL);
	must((row->from & PROC_CONTROL) != 0 && (row->to & PROC_MONITOR) != 0);
	must(len <= row->tail_max);
	if (type == MSG_SESSION_CREATE)
		must(strings(tail, len) == 4);
	if (type == MSG_SESSION_INFO || type == MSG_SESSION_DESTROY)
		must(memchr(name->id, '\0', sizeof(name->id)) != NULL &&
		    name->id[0] != '\0');
	if (type == MSG_EVENT_QUERY)
		check_query(payload, tail, len);
	http_error(req, http_status_of(EPERM), "no");
	return NULL;
}

/* As control.c's setup() does it. */
static void
serve(void)
{
	static const struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	must(fd != -1);
	must(bind(fd, (const struct sockaddr *)&any, sizeof(sa_family_t)) == 0);
	server_len = sizeof(server);
	must(getsockname(fd, (struct sockaddr *)&server, &server_len) == 0);
	must(listen(fd, 8) == 0);
	json_object_seed(1);
	must((ct.base = event_base_new()) != NULL);
	must((ct.http = evhttp_new(ct.base)) != NULL);
	evhttp_set_allowed_methods(ct.http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
		EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
	evhttp_set_max_body_size(ct.http, CONTROL_BODY_MAX);
	evhttp_set_max_headers_size(ct.http, CONTROL_HEADER_MAX);
	evhttp_set_gencb(ct.http, http_route, &ct);
	must(evhttp_accept_socket_with_handle(ct.http, fd) != NULL);
}

/* A client says data and no more: it gets its answer, or none, and the end. */
static void
connection(const uint8_t *data, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), turns = 0;
	char buf[4096];
	ssize_t n;

	must(fd != -1);
	must(connect(fd, (struct sockaddr *)&server, server_len) == 0);
	must(send(fd, data, size, MSG_DONTWAIT) == (ssize_t)size);
	must(shutdown(fd, SHUT_WR) == 0);
	do {
		must(++turns < 1000);
		must(event_base_loop(ct.base, EVLOOP_ONCE | EVLOOP_NONBLOCK) !=
		    -1);
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	} while (n > 0 || (n == -1 && errno == EAGAIN));
	close(fd);
}

static void
body(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { MSG_TAIL, 64, 4, 3 };
	const char *why = NULL;
	char *tail;
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		must((tail = malloc(sizes[i])) != NULL);
		n = shape_create((const char *)data, size, tail, sizes[i],
		    &why);
		must(n != -1 || why != NULL);
		must(n == -1 ||
		    ((size_t)n <= sizes[i] && strings(tail, (size_t)n) == 4));
		free(tail);
	}
}

static void
query(const uint8_t *data, size_t size)
{
	static const uint64_t now = UINT64_C(1700000000000000000);
	struct msg_event_query q = { 0 };
	struct evkeyvalq args;
	const char *why = NULL;
	char *text = malloc(size + 1), *tail = malloc(100);
	ssize_t n;

	must(text != NULL && tail != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	TAILQ_INIT(&args);
	if (evhttp_parse_query_str(text, &args) == 0) {
		n = shape_query(&args, now, &q, tail, 100, &why);
		must(n != -1 || why != NULL);
		must(n <= 100);
		if (n != -1)
			check_query(&q, tail, (size_t)n);
	}
	evhttp_clear_headers(&args);
	free(tail);
	free(text);
}

/* What passes the check of a message can be shown, whatever its bytes are. */
static void
answer(const uint8_t *data, size_t size)
{
	struct msg_session_item item = { 0 };
	size_t head = size < sizeof(item) ? size : sizeof(item);
	static struct msg m;
	struct chan a, b;
	json_t *j;
	char *text;
	int sv[2];

	memcpy(&item, data, head);
	if (size - head > MSG_TAIL)
		return;
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv) == 0);
	chan_init(&a, sv[0], PROC_MONITOR, PROC_CONTROL);
	chan_init(&b, sv[1], PROC_CONTROL, PROC_MONITOR);
	a.phase = b.phase = MSG_P_RUN;
	must(chan_send(&a, MSG_SESSION_ITEM, 1, 0, &item, data + head,
		 size - head, NULL, 0) == 0);
	if (chan_recv(&b, &m) == 1 && (j = shape_session(&m)) != NULL) {
		must((text = json_dumps(j, JSON_COMPACT)) != NULL);
		free(text);
		json_decref(j);
	}
	chan_close(&a);
	chan_close(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 32768)
		return 0;
	if (ct.base == NULL)
		serve();
	connection(data, size);
	body(data, size);
	query(data, size);
	answer(data, size);
	return 0;
}
