/*
 * Answers of our own: refusals that name the rule, errors that say why.  Runs in
 * netproxy; what it quotes comes from the policy, and is cleaned all the same.
 */

#include <stdio.h>
#include <string.h>

#include "netproxy/http_conn.h"

static const struct {
	unsigned int status;
	const char *text;
} reason_tab[] = {
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 408, "Request Timeout" },
	{ 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

static const char *
reason(unsigned int status)
{
	size_t i;

	for (i = 0; i < sizeof(reason_tab) / sizeof(reason_tab[0]); i++)
		if (reason_tab[i].status == status)
			return reason_tab[i].text;
	return "Error";
}

static void
clean(char *p)
{
	for (; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

/* May another request follow on this connection? */
static bool
can_stay(const struct http_conn *c)
{
	const struct http_txn *t = c->txn;

	return t != NULL && !t->has_body && !t->close && !t->is_connect &&
	    !t->upgrade;
}

static void
stay(struct http_conn *c)
{
	http_conn_txn_free(c);
	http_conn_drop_up(c);
	http_conn_set(c, HTTP_HEAD);
	http_conn_timer(c, HTTP_BETWEEN_S);
}

/* fields: more of them, each with its CRLF. */
static void
answer(struct http_conn *c, unsigned int status, const char *fields,
    const char *body, bool may_stay)
{
	bool stays = may_stay && can_stay(c);
	bool is_head = c->txn != NULL && c->txn->is_head;

	evbuffer_add_printf(c->down.out, "HTTP/1.1 %u %s\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n%s%s\r\n%s", status, reason(status),
	    strlen(body), fields, stays ? "" : "Connection: close\r\n",
	    is_head ? "" : body);
	if (stays)
		stay(c);
	else
		http_conn_linger(c);
}

void
http_reply_record(struct http_conn *c, unsigned int status)
{
	struct http_txn *t = c->txn;

	if (t == NULL || t->is_connect)
		return;
	t->recorded = true;
	np_event_http(c->client.session, t->method, t->url, t->target.port,
	    (int)status, &t->verdict.v);
}

void
http_reply_unreadable(struct http_conn *c, unsigned int status)
{
	struct np_verdict v = { .decision = DEC_DENY, .allowed = false,
		.always = true, .rule = RULE_BUILTIN + BR_UNJUDGEABLE,
		.name = builtin_rule_name[BR_UNJUDGEABLE], .file = "" };

	np_event_http(c->client.session, "", "", c->dst_port, (int)status, &v);
}

void
http_reply_error(struct http_conn *c, unsigned int status, const char *why,
    bool may_stay)
{
	char body[512];

	/* Too late to say anything. */
	if (c->txn != NULL && c->txn->has_res) {
		http_conn_break(c);
		return;
	}
	if (c->txn != NULL)
		http_reply_record(c, status);
	else
		http_reply_unreadable(c, status);
	snprintf(body, sizeof(body), "agentsh: %s\n", why);
	answer(c, status, "", body, may_stay);
}

void
http_reply_no_room(struct http_conn *c)
{
	if (c->txn != NULL && c->txn->has_res)
		http_conn_break(c);
	else
		answer(c, 503, "",
		    "agentsh: no room for the record of it\n", false);
}

void
http_reply_denied(struct http_conn *c, const struct http_verdict *v)
{
	char name[128], where[160] = "", body[1024], fields[512];

	http_reply_record(c, 403);
	snprintf(name, sizeof(name), "%s", v->name);
	if (v->v.line > 0)
		snprintf(where, sizeof(where), "%s:%u", v->file, v->v.line);
	clean(name);
	clean(where);
	snprintf(body, sizeof(body), "blocked by policy\nrule: %s%s%s%s\n%s%s",
	    name, where[0] != '\0' ? " (" : "", where,
	    where[0] != '\0' ? ")" : "", v->v.message,
	    v->v.message[0] != '\0' ? "\n" : "");
	snprintf(fields, sizeof(fields), "X-Agentsh-Rule: %s\r\n%s%s%s", name,
	    where[0] != '\0' ? "X-Agentsh-Policy: " : "", where,
	    where[0] != '\0' ? "\r\n" : "");
	answer(c, 403, fields, body, true);
}

static const struct {
	unsigned int status;
	const char *why;
} dial_tab[HTTP_DIAL_RC_MAX] = {
	[HTTP_DIAL_NO_NAME] = { 502, "the host has no address" },
	[HTTP_DIAL_NO_ANSWER] = { 504, "the resolvers do not answer" },
	[HTTP_DIAL_UNREACHABLE] = { 502, "the host cannot be reached" },
	[HTTP_DIAL_TIMEOUT] = { 504, "the host does not answer" },
	[HTTP_DIAL_BUSY] = { 503, "no memory" },
};

/* Alerts of TLS: access_denied, internal_error. */
#define ALERT_DENIED 49
#define ALERT_ERROR 80

void
http_reply_dial(struct http_conn *c, const struct http_dialled *d)
{
	char why[256];

	if (c->tls) {
		http_intercept_refuse(c, d->rc == HTTP_DIAL_DENIED ?
		    ALERT_DENIED : ALERT_ERROR);
	} else if (d->rc == HTTP_DIAL_DENIED) {
		http_reply_denied(c, &d->verdict);
	} else if (d->rc == HTTP_DIAL_NO_ROOM) {
		http_reply_no_room(c);
	} else {
		snprintf(why, sizeof(why), "%s%s%s", dial_tab[d->rc].why,
		    d->err != 0 ? ": " : "",
		    d->err != 0 ? strerror(d->err) : "");
		http_reply_error(c, dial_tab[d->rc].status, why, true);
	}
}
