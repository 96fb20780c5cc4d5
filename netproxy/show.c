/*
 * What `agentshctl net` shows of a session: names, addresses and their time,
 * connections and what the policy says of them now.  One JSON object, to a
 * socket that the monitor made, who has asked whether who asks may see it.
 *
 * A reader that does not read costs one buffer, and at most NP_SHOWS_MAX exist.
 */

#include <arpa/inet.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netproxy/process.h"

#define SHOW_SECONDS 30

struct show {
	struct np *np;
	struct bufferevent *bev;
};

/* A JSON string: what is not printable ASCII is \u00XX, byte by byte. */
static void
put_string(struct evbuffer *b, const char *s)
{
	evbuffer_add(b, "\"", 1);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			evbuffer_add_printf(b, "\\u%04x", c);
		else
			evbuffer_add(b, s, 1);
	}
	evbuffer_add(b, "\"", 1);
}

static void
put_address(struct evbuffer *b, const struct in6_addr *a)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (IN6_IS_ADDR_V4MAPPED(a))
		(void)inet_ntop(AF_INET, &a->s6_addr[12], text, sizeof(text));
	else
		(void)inet_ntop(AF_INET6, a, text, sizeof(text));
	put_string(b, text);
}

struct fact_arg {
	struct evbuffer *b;
	uint64_t now_ns;
	const char *sep;
};

static bool
put_fact(const struct in6_addr *a, const struct facts_name *n, void *arg)
{
	struct fact_arg *f = arg;

	evbuffer_add_printf(f->b, "%s{\"name\":", f->sep);
	f->sep = ",";
	put_string(f->b, n->name);
	evbuffer_add_printf(f->b, ",\"address\":");
	put_address(f->b, a);
	evbuffer_add_printf(f->b, ",\"expires_in\":%ju}",
	    (uintmax_t)((n->until_ns - f->now_ns) / 1000000000u));
	return true;
}

/* What it was judged by: an address that was given as such has no name. */
static const char *
name_of(const struct np_client *c)
{
	unsigned char a[sizeof(struct in6_addr)];

	return c->host[0] == '\0' || inet_pton(AF_INET, c->host, a) == 1 ||
		inet_pton(AF_INET6, c->host, a) == 1 ?
	    NULL :
	    c->host;
}

static void
put_client(struct evbuffer *b, struct np_session *s, const struct np_client *c)
{
	struct np_verdict v;
	struct in6_addr a;
	uint16_t port = 0;
	bool known;

	known = judge_sockaddr((const struct sockaddr *)&c->peer, &a, &port) ==
	    0;
	evbuffer_add_printf(b, "{\"proto\":");
	put_string(b, c->kind != NULL ? c->kind : "");
	evbuffer_add_printf(b, ",\"host\":");
	put_string(b, c->host);
	if (known) {
		(void)np_judge_connect(s, name_of(c),
		    (const struct sockaddr *)&c->peer, &v);
		evbuffer_add_printf(b, ",\"address\":");
		put_address(b, &a);
		evbuffer_add_printf(b, ",\"port\":%u,\"decision\":\"%s\","
				       "\"rule\":",
		    port, decision_name[v.decision]);
		put_string(b, v.name);
	}
	evbuffer_add_printf(b, ",\"up\":%ju,\"down\":%ju,\"since_ns\":%ju}",
	    (uintmax_t)c->up_bytes, (uintmax_t)c->down_bytes,
	    (uintmax_t)c->since_ns);
}

static void
show_free(struct show *sh)
{
	sh->np->shows--;
	bufferevent_free(sh->bev);
	free(sh);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	show_free(arg);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	show_free(arg);
}

void
show_got(struct np *np, struct msg *m)
{
	const struct timeval patience = { SHOW_SECONDS, 0 };
	struct np_session *s = session_by_number(np, m->hdr.session);
	int fd = msg_take_fd(m, 0);
	struct fact_arg f = { NULL, facts_now_ns(), "" };
	const char *sep = "";
	struct np_client *c;
	struct show *sh;

	if (np->shows >= NP_SHOWS_MAX || s == NULL ||
	    evutil_make_socket_nonblocking(fd) == -1 ||
	    (sh = calloc(1, sizeof(*sh))) == NULL) {
		close(fd);
		return;
	}
	sh->np = np;
	sh->bev = bufferevent_socket_new(np->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (sh->bev == NULL) {
		close(fd);
		free(sh);
		return;
	}
	np->shows++;
	f.b = bufferevent_get_output(sh->bev);
	evbuffer_add_printf(f.b, "{\"names\":[");
	facts_all(&s->facts, f.now_ns, put_fact, &f);
	evbuffer_add_printf(f.b, "],\"connections\":[");
	LIST_FOREACH(c, &s->clients, entry) {
		evbuffer_add_printf(f.b, "%s", sep);
		put_client(f.b, s, c);
		sep = ",";
	}
	evbuffer_add_printf(f.b, "]}\n");
	bufferevent_setcb(sh->bev, NULL, on_written, on_event, sh);
	bufferevent_set_timeouts(sh->bev, NULL, &patience);
	if (bufferevent_enable(sh->bev, EV_WRITE) == -1)
		show_free(sh);
}
