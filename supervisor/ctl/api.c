/*
 * JSON requests over the control socket.  Runs as the user; what control
 * answers is parsed here, what it says is shown and never executed.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/ctl/api.h"
#include "supervisor/ctl/out.h"

/* What to do about an errno of connect. */
static const struct {
	int error;
	const char *advice;
} advice_tab[] = {
	{ ENOENT, "is agentshd running? start it as root" },
	{ ECONNREFUSED, "agentshd has ended; start it as root" },
	{ EACCES, "inside a session the daemon is out of reach" },
	{ EPERM, "inside a session the daemon is out of reach" },
	{ EAGAIN, "it does not answer; see its log" },
	{ ETIMEDOUT, "it does not answer; see its log" },
	{ EPROTO, "what answers there is not agentshd" },
};

static int
say_unreachable(const struct ctl *c, int error)
{
	const char *advice = "see its log";
	size_t i;

	for (i = 0; i < sizeof(advice_tab) / sizeof(advice_tab[0]); i++)
		if (advice_tab[i].error == error)
			advice = advice_tab[i].advice;
	if (error == EAGAIN)
		error = ETIMEDOUT;
	ctl_fail(c, "cannot reach agentshd at %s: %s (%s)", c->socket,
	    strerror(error), advice);
	return -1;
}

/* Header lines that the environment and the options ask for. */
static int
more_fields(const struct ctl *c, char *buf, size_t size)
{
	const char *key = opts_str(&c->global, "api-key", NULL);
	const char *trace = getenv("TRACEPARENT");
	int n;

	if (key != NULL && key[strcspn(key, "\r\n")] != '\0')
		key = NULL;
	if (trace != NULL && trace[strcspn(trace, "\r\n")] != '\0')
		trace = NULL;
	n = snprintf(buf, size, "%s%s%s%s%s%s", key ? "X-API-Key: " : "",
	    key ? key : "", key ? "\r\n" : "", trace ? "Traceparent: " : "",
	    trace ? trace : "", trace ? "\r\n" : "");
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static int
ask(const struct ctl *c, struct http *h, const char *method, const char *target,
    const char *body, size_t len)
{
	char fields[2048];

	if (more_fields(c, fields, sizeof(fields)) == -1) {
		ctl_fail(c, "the API key or TRACEPARENT is too long");
		return -1;
	}
	if (http_ask(h, method, target, fields, body, len) == -1)
		return say_unreachable(c, errno);
	return 0;
}

static int
call(const struct ctl *c, struct http *h, const char *method,
    const char *target, const char *body, size_t len, struct api_reply *r)
{
	if (ask(c, h, method, target, body, len) == -1)
		return -1;
	r->status = h->head.status;
	memcpy(r->reason, h->head.reason, sizeof(r->reason));
	if ((r->text = http_body(h, &r->len)) == NULL)
		return say_unreachable(c, errno);
	r->json = json_loadb(r->text, r->len, JSON_DECODE_ANY, NULL);
	return 0;
}

int
api_try(const struct ctl *c, const char *method, const char *target,
    const json_t *body, struct api_reply *r)
{
	struct http h;
	char *text = NULL;
	int error;

	memset(r, 0, sizeof(*r));
	if (body != NULL &&
	    (text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY)) == NULL) {
		ctl_fail(c, "out of memory");
		return -1;
	}
	if (http_open(&h, c->socket, c->timeout_ms) == 0)
		error = call(c, &h, method, target, text,
		    text == NULL ? 0 : strlen(text), r);
	else if (errno == EACCES || errno == EPERM)
		error = API_BARRED;
	else
		error = say_unreachable(c, errno);
	http_close(&h);
	free(text);
	return error;
}

int
api_call(const struct ctl *c, const char *method, const char *target,
    const json_t *body, struct api_reply *r)
{
	int error = api_try(c, method, target, body, r);

	return error == API_BARRED ? say_unreachable(c, EACCES) : error;
}

void
api_clear(struct api_reply *r)
{
	free(r->text);
	json_decref(r->json);
	memset(r, 0, sizeof(*r));
}

int
api_refused(const char *method, const char *target, const struct api_reply *r)
{
	char text[1024];
	size_t len = r->len;

	while (len > 0 && strchr(" \t\r\n", r->text[len - 1]) != NULL)
		r->text[--len] = '\0';
	out_safe(text, sizeof(text), len > 0 ? r->text : "");
	fprintf(stderr, "%s %s: %d %s%s%s\n", method, target, r->status,
	    r->reason, len > 0 ? ": " : "", text);
	return EXIT_FAIL;
}

json_t *
api_get(const struct ctl *c, const char *target)
{
	struct api_reply r;
	json_t *j = NULL;

	if (api_call(c, "GET", target, NULL, &r) == -1)
		;
	else if (r.status != 200)
		api_refused("GET", target, &r);
	else if (r.json == NULL)
		say_unreachable(c, EPROTO);
	else
		j = json_incref(r.json);
	api_clear(&r);
	return j;
}

int
api_stream(const struct ctl *c, const char *target, struct http *h)
{
	struct api_reply r = { 0 };

	if (http_open(h, c->socket, 0) == -1)
		return say_unreachable(c, errno);
	if (ask(c, h, "GET", target, NULL, 0) == -1)
		return -1;
	if (h->head.status == 200)
		return 0;
	r.status = h->head.status;
	memcpy(r.reason, h->head.reason, sizeof(r.reason));
	r.text = http_body(h, &r.len);
	api_refused("GET", target, &r);
	api_clear(&r);
	return -1;
}

/* Append s, escaped as a URL wants it, at *n.  0 or -1. */
static int
escape(char *buf, size_t size, size_t *n, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	unsigned char ch;

	for (; *s != '\0'; s++) {
		ch = (unsigned char)*s;
		if (*n + 4 > size)
			return -1;
		if (strchr(plain, ch) != NULL) {
			buf[(*n)++] = *s;
			continue;
		}
		buf[(*n)++] = '%';
		buf[(*n)++] = hex[ch >> 4];
		buf[(*n)++] = hex[ch & 15];
	}
	buf[*n] = '\0';
	return 0;
}

int
api_param(char *buf, size_t size, const char *key, const char *value)
{
	size_t n = strlen(buf);
	int w;

	w = snprintf(buf + n, size - n,
	    "%c%s=", strchr(buf, '?') == NULL ? '?' : '&', key);
	if (w < 0 || (size_t)w >= size - n)
		return -1;
	n += (size_t)w;
	return escape(buf, size, &n, value);
}

int
api_segment(char *buf, size_t size, const char *segment)
{
	size_t n = strlen(buf);

	if (n + 2 > size)
		return -1;
	buf[n++] = '/';
	buf[n] = '\0';
	return escape(buf, size, &n, segment);
}
