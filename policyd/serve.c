/*
 * The loaded set and its messages: CONF_LOAD, POLICY_BEGIN, POLICY_FILE...,
 * POLICY_COMMIT, COMPILE (common/msg.h).  Runs in policyd, confined; parses
 * what strangers wrote and answers in fixed-size messages.
 *
 * A new config or set of policies takes the old one's place only when it is
 * sound as a whole; until then, and when it is not, the old one answers.
 */

#include "policyd/serve.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/feedconf.h"
#include "common/log.h"
#include "common/msg.h"
#include "policyd/compile.h"
#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/policy.h"
#include "policyd/registries.h"
#include "policyd/slurp.h"
#include "policyd/ytree.h"

#define POLICIES_MAX 512

struct policy_set {
	struct {
		char *name; /* file name without .yaml */
		struct policy *pol;
	} v[POLICIES_MAX];
	unsigned int n;
};

struct server {
	struct chan *c;
	struct config *conf;	  /* in force */
	struct config *next_conf; /* loaded, until the policies are too */
	struct policy_set *now;	  /* in force */
	struct policy_set *next;  /* between BEGIN and COMMIT */
	struct diag next_diag;	 /* of next */
};

static void
set_free(struct policy_set *s)
{
	unsigned int i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++) {
		free(s->v[i].name);
		policy_free(s->v[i].pol);
	}
	free(s);
}

static const struct policy *
set_find(const struct policy_set *s, const char *name)
{
	unsigned int i;

	for (i = 0; s != NULL && i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return s->v[i].pol;
	return NULL;
}

/* Diagnostics as the tail of an answer: whole lines, as many as fit. */
static size_t
diag_text(struct diag *d, char *buf, size_t size)
{
	char line[1024];
	size_t i, len, n = 0;

	diag_sort(d);
	for (i = 0; i < d->n; i++) {
		diag_format(&d->v[i], line, sizeof(line) - 1);
		strlcat(line, "\n", sizeof(line));
		len = strlen(line);
		if (len >= size - n)
			break;
		memcpy(buf + n, line, len);
		n += len;
	}
	buf[n] = '\0';
	return n;
}

static int
send_status(struct server *s, const struct msg *m, enum msg_type type,
    uint32_t error, uint32_t count, struct diag *d, int fd)
{
	struct msg_status st = { error, count };
	char text[MSG_TAIL];
	size_t n = diag_text(d, text, sizeof(text));

	return chan_send(s->c, type, m->hdr.id, m->hdr.session, &st, text, n,
	    fd == -1 ? NULL : &fd, fd == -1 ? 0 : 1);
}

/* The bytes of a message's descriptor, or NULL with a diagnostic. */
static char *
take_file(struct msg *m, const char *name, size_t *size, struct diag *d)
{
	int fd = msg_take_fd(m, 0);
	char *bytes;

	if (fd == -1)
		return NULL;
	bytes = slurp(fd, YTREE_BYTES_MAX + 1, size);
	if (bytes == NULL)
		diag_add(d, DIAG_ERROR, name, 0, 0, "%s", strerror(errno));
	(void)close(fd);
	return bytes;
}

/* ---- CONF_LOAD ---- */

/*
 * The port of proxy_listen_addr, whose address is a session's own loopback
 * whatever is written; 0: any.  -1 with a diagnostic.
 */
static int64_t
proxy_port(const struct config *c, struct diag *d)
{
	const struct pstr *p = &c->net_listen;
	const char *colon = strrchr(p->s, ':');
	char *end;
	long port;

	if (p->len == 0)
		return 0;
	port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
	if (port >= 0 && port <= UINT16_MAX && *end == '\0' &&
	    end != colon + 1)
		return port;
	diag_add(d, DIAG_ERROR, c->file, p->pos.line, p->pos.column,
	    "takes HOST:PORT, not \"%.64s\"", p->s);
	return -1;
}

/* The network's part.  0, or -1 with a diagnostic. */
static int
fill_net(const struct config *c, struct daemon_conf *dc, struct diag *d)
{
	int64_t port = proxy_port(c, d);
	const struct pstr *p;
	unsigned int i;

	if (port == -1)
		return -1;
	dc->net_proxy = c->net_enabled;
	dc->net_intercept = c->net_intercept == 1;
	dc->net_port = (uint32_t)port;
	for (i = 0; i < c->net_upstream.n; i++) {
		p = &c->net_upstream.v[i];
		if (strpbrk(p->s, " \t") == NULL &&
		    (i == 0 || strlcat(dc->net_upstream, " ",
			sizeof(dc->net_upstream)) < sizeof(dc->net_upstream)) &&
		    strlcat(dc->net_upstream, p->s,
			sizeof(dc->net_upstream)) < sizeof(dc->net_upstream))
			continue;
		diag_add(d, DIAG_ERROR, c->file, p->pos.line, p->pos.column,
		    "addresses of resolvers, at most %zu bytes of them",
		    sizeof(dc->net_upstream) - 1);
		return -1;
	}
	return 0;
}

/* 0, or -1 with a diagnostic when src does not fit. */
static int
fit(const struct config *c, struct diag *d, char *dst, size_t size,
    const struct pstr *src)
{
	if (strlcpy(dst, src->s, size) < size)
		return 0;
	diag_add(d, DIAG_ERROR, c->file, src->pos.line, src->pos.column,
	    "longer than %zu bytes", size - 1);
	return -1;
}

static uint32_t
syslog_level(int level)
{
	static const uint32_t tab[CLOG_MAX] = {
		[CLOG_DEBUG] = LOG_DEBUG,
		[CLOG_INFO] = LOG_INFO,
		[CLOG_WARN] = LOG_WARNING,
		[CLOG_ERROR] = LOG_ERR,
	};

	return level >= 0 && level < CLOG_MAX ? tab[level] : LOG_INFO;
}

static int
fill_conf(const struct config *c, struct daemon_conf *dc, struct diag *d)
{
	memset(dc, 0, sizeof(*dc));
	dc->log_level = syslog_level(c->log_level);
	dc->log_json = c->log_json != 0;
	dc->max_sessions = c->max_sessions;
	dc->cgroups_enabled = c->cgroups_enabled;
	dc->allow_degraded = c->allow_degraded;
	dc->audit_enabled = c->audit_enabled;
	dc->default_timeout_ns = c->session_timeout_ns;
	dc->default_idle_timeout_ns = c->idle_timeout_ns;
	dc->cleanup_interval_ns = c->cleanup_interval_ns;
	if (fill_net(c, dc, d) == -1)
		return -1;
	if (fit(c, d, dc->base_dir, sizeof(dc->base_dir),
	    &c->sessions_dir) == -1 ||
	    fit(c, d, dc->sqlite_path, sizeof(dc->sqlite_path),
	    &c->audit_db) == -1 ||
	    fit(c, d, dc->policies_dir, sizeof(dc->policies_dir),
	    &c->policy_dir) == -1 ||
	    fit(c, d, dc->default_policy, sizeof(dc->default_policy),
	    &c->policy_default) == -1 ||
	    fit(c, d, dc->log_output, sizeof(dc->log_output),
	    &c->log_output) == -1)
		return -1;
	if (dc->log_output[0] == '\0')
		strlcpy(dc->log_output, "syslog", sizeof(dc->log_output));
	return c->audit_hmac ? fit(c, d, dc->audit_key_file,
	    sizeof(dc->audit_key_file), &c->audit_key_file) : 0;
}

/* The longest that a policy asks for; 0, for ever, is the longest of all. */
static uint32_t
retention_of(const struct policy_set *set)
{
	const struct pnum *p;
	uint32_t days = 0;
	unsigned int i;

	for (i = 0; set != NULL && i < set->n; i++) {
		p = &set->v[i].pol->audit.retention_days;
		if (!p->set)
			continue;
		if (p->v == 0)
			return 0;
		if (p->v > days)
			days = p->v > UINT32_MAX ? UINT32_MAX :
			    (uint32_t)p->v;
	}
	return days;
}

static int
load_conf(struct server *s, struct msg *m, struct msg_conf_result *r,
    struct diag *d)
{
	const char *name = msg_str(m, 0);
	struct config *c;
	size_t size;
	char *bytes;

	if (name == NULL)
		name = "config.yaml";
	bytes = take_file(m, name, &size, d);
	if (bytes == NULL)
		return -1;
	c = config_load(name, bytes, size, NULL, d);
	free(bytes);
	if (c == NULL || fill_conf(c, &r->conf, d) == -1) {
		config_free(c);
		return -1;
	}
	r->conf.retention_days = retention_of(s->now);
	config_free(s->next_conf);
	s->next_conf = c;
	return 0;
}

/* What the config says of threat feeds, sealed; -1: nothing, or no memory. */
static int
feeds_memfd(const struct config *c)
{
	int fd;

	if (c->feeds == NULL)
		return -1;
	fd = memfd_create("agentsh-feeds", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	if (write(fd, c->feeds, sizeof(*c->feeds)) ==
		(ssize_t)sizeof(*c->feeds) &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
		F_SEAL_WRITE) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int
answer_conf_load(struct server *s, struct msg *m)
{
	struct msg_conf_result r;
	char text[MSG_TAIL];
	struct diag d;
	size_t n;
	int rv, fd = -1;

	memset(&r, 0, sizeof(r));
	diag_init(&d);
	if (load_conf(s, m, &r, &d) == -1)
		r.error = EINVAL;
	n = diag_text(&d, text, sizeof(text));
	diag_clear(&d);
	if (r.error == 0)
		fd = feeds_memfd(s->next_conf);
	rv = chan_send(s->c, MSG_CONF_RESULT, m->hdr.id, m->hdr.session, &r,
	    text, n, &fd, fd == -1 ? 0 : 1);
	if (fd != -1)
		(void)close(fd);
	return rv;
}

/* ---- POLICY_BEGIN, POLICY_FILE, POLICY_COMMIT ---- */

static int
got_policy_begin(struct server *s, struct msg *m)
{
	set_free(s->next);
	diag_clear(&s->next_diag);
	diag_init(&s->next_diag);
	s->next = calloc(1, sizeof(*s->next));
	if (s->next == NULL)
		log_error("policies: %s", strerror(errno));
	return 0;
}

/* What sessions call the policy of a file: its base name without extension. */
static char *
policy_key(const char *file)
{
	const char *base = strrchr(file, '/'), *dot;

	base = base != NULL ? base + 1 : file;
	dot = strrchr(base, '.');
	if (dot != NULL && (strcmp(dot, ".yaml") == 0 ||
	    strcmp(dot, ".yml") == 0))
		return strndup(base, (size_t)(dot - base));
	return strdup(base);
}

static void
add_policy(struct server *s, const char *name, const char *bytes, size_t size)
{
	struct policy_set *set = s->next;
	struct policy *pol;
	char *key = policy_key(name);

	if (set->n == POLICIES_MAX || key == NULL) {
		diag_add(&s->next_diag, DIAG_ERROR, name, 0, 0,
		    "more than %d policies", POLICIES_MAX);
		free(key);
		return;
	}
	pol = policy_load(name, bytes, size, &s->next_diag);
	if (pol == NULL || compile_check(pol,
	    s->next_conf != NULL ? s->next_conf : s->conf,
	    &s->next_diag) == -1) {
		policy_free(pol);
		free(key);
		return;
	}
	set->v[set->n].name = key;
	set->v[set->n].pol = pol;
	set->n++;
}

static int
got_policy_file(struct server *s, struct msg *m)
{
	const char *name = msg_str(m, 0);
	size_t size;
	char *bytes;

	if (s->next == NULL)
		return 0;
	if (name == NULL)
		name = "policy.yaml";
	bytes = take_file(m, name, &size, &s->next_diag);
	if (bytes != NULL)
		add_policy(s, name, bytes, size);
	free(bytes);
	return 0;
}

/* Both at once, or neither. */
static void
take_next(struct server *s)
{
	set_free(s->now);
	s->now = s->next;
	if (s->next_conf == NULL)
		return;
	config_free(s->conf);
	s->conf = s->next_conf;
	s->next_conf = NULL;
}

static void
drop_next(struct server *s)
{
	set_free(s->next);
	config_free(s->next_conf);
	s->next_conf = NULL;
}

static int
answer_policy_commit(struct server *s, struct msg *m)
{
	uint32_t error = 0;
	int rv;

	if (s->next == NULL)
		error = ENOMEM;
	else if (s->next_diag.errors > 0)
		error = EINVAL;
	if (error == 0)
		take_next(s);
	else
		drop_next(s);
	s->next = NULL;
	rv = send_status(s, m, MSG_POLICY_RESULT, error,
	    s->now != NULL ? s->now->n : 0, &s->next_diag, -1);
	diag_clear(&s->next_diag);
	diag_init(&s->next_diag);
	return rv;
}

/* ---- COMPILE ---- */

/*
 * The policy with the hosts of its registries, or, with ENODATA in *error, NULL:
 * they have not been looked for.
 */
static struct policy *
with_registries(struct server *s, struct msg *m, const struct policy *pol,
    struct diag *d, uint32_t *error)
{
	struct registries *found = malloc(sizeof(*found));
	struct registries_opts o = { found,
		s->conf != NULL && s->conf->user_registries };
	struct policy *full = NULL;
	int fd = msg_take_fd(m, 0);

	*error = fd == -1 ? ENODATA : ENOMEM;
	if (fd == -1 || found == NULL)
		goto out;
	if (registries_read(found, fd) == -1)
		diag_add(d, DIAG_WARNING, pol->file, 0, 0,
		    "no registries: looking for them failed");
	full = registries_expand(pol, &o);
out:
	if (fd != -1)
		(void)close(fd);
	free(found);
	return full;
}

/* -1 with the errno to answer in *error. */
static int
compile_session(struct server *s, struct msg *m, struct diag *d,
    uint32_t *error)
{
	const struct msg_compile *ask = msg_payload(m);
	const char *name = msg_str(m, 0), *root = msg_str(m, 1);
	const char *home = msg_str(m, 2);
	struct compile_opts o = { .config = s->conf,
		.root_session = ask->root_session != 0,
		.features = ask->features };
	struct policy *full = NULL;
	struct compiled c;
	int fd;

	*error = EPROTO;
	if (name == NULL || root == NULL || home == NULL)
		return -1;
	*error = ENOENT;
	o.policy = set_find(s->now, name);
	if (o.policy == NULL) {
		diag_add(d, DIAG_ERROR, name, 0, 0, "no such policy");
		return -1;
	}
	if (registries_wanted(o.policy) != 0) {
		full = with_registries(s, m, o.policy, d, error);
		if (full == NULL)
			return -1;
		o.policy = full;
	}
	{
		const struct var v[] = {
			{ "PROJECT_ROOT", root },
			{ "GIT_ROOT", root },
			{ "HOME", home },
		};
		const struct vars vars = { v, sizeof(v) / sizeof(v[0]) };

		*error = EINVAL;
		o.vars = &vars;
		if (compile_image(&o, &c, d) == -1) {
			policy_free(full);
			return -1;
		}
	}
	policy_free(full);
	fd = compile_memfd(&c);
	*error = fd == -1 ? (uint32_t)errno : 0;
	compile_clear(&c);
	return fd;
}

/* count in the answer is the retention of the policies in force, in days. */
static int
answer_compile(struct server *s, struct msg *m)
{
	struct diag d;
	uint32_t error;
	int fd, rv;

	diag_init(&d);
	fd = compile_session(s, m, &d, &error);
	rv = send_status(s, m, MSG_COMPILED, error, retention_of(s->now), &d,
	    fd);
	diag_clear(&d);
	if (fd != -1)
		(void)close(fd);
	return rv;
}

static int
got_stop(struct server *s, struct msg *m)
{
	return 1;
}

/* ---- the loop ---- */

/* Each answers 0 to go on, 1 to end, -1 when the channel broke. */
static const struct {
	enum msg_type type;
	int (*handle)(struct server *, struct msg *);
} msg_tab[] = {
	{ MSG_CONF_LOAD, answer_conf_load },
	{ MSG_POLICY_BEGIN, got_policy_begin },
	{ MSG_POLICY_FILE, got_policy_file },
	{ MSG_POLICY_COMMIT, answer_policy_commit },
	{ MSG_COMPILE, answer_compile },
	{ MSG_STOP, got_stop },
};

static int
handle(struct server *s, struct msg *m)
{
	size_t i;
	int rv = 0;

	for (i = 0; i < sizeof(msg_tab) / sizeof(msg_tab[0]); i++)
		if (msg_tab[i].type == m->hdr.type)
			rv = msg_tab[i].handle(s, m);
	msg_close_fds(m);
	return rv;
}

int
serve(struct chan *c)
{
	struct server s;
	struct msg *m = malloc(sizeof(*m));
	int rv = m == NULL ? -1 : 0;

	memset(&s, 0, sizeof(s));
	s.c = c;
	diag_init(&s.next_diag);
	while (rv == 0) {
		rv = chan_recv(c, m);
		if (rv == 1)
			rv = handle(&s, m);
		else if (rv == 0)
			break;
		else if (errno == EINTR)
			rv = 0;
	}
	set_free(s.now);
	set_free(s.next);
	diag_clear(&s.next_diag);
	config_free(s.conf);
	config_free(s.next_conf);
	free(m);
	return rv == -1 ? -1 : 0;
}
