/*
 * `policy decide`: see decide.h.  The lines come from an operator, the subjects
 * may be anything; a line that cannot be understood ends the run with its
 * number.
 */

#include "policyd/decide.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/image.h"
#include "common/wrapper.h"

const char *const decide_domain_name[DD_MAX] = {
	[DD_FILE] = "file",
	[DD_EXEC] = "exec",
	[DD_NET] = "net",
	[DD_DNS] = "dns",
	[DD_UNIX] = "unix",
};

static const struct {
	enum decide_domain domain;
	const char *op;
	unsigned int value;
} op_tab[] = {
	{ DD_FILE, "read", FOP_READ },
	{ DD_FILE, "open", FOP_READ },
	{ DD_FILE, "list", FOP_LIST },
	{ DD_FILE, "stat", FOP_STAT },
	{ DD_FILE, "readlink", FOP_READLINK },
	{ DD_FILE, "write", FOP_WRITE },
	{ DD_FILE, "truncate", FOP_TRUNCATE },
	{ DD_FILE, "create", FOP_CREATE },
	{ DD_FILE, "symlink", FOP_SYMLINK },
	{ DD_FILE, "link", FOP_LINK },
	{ DD_FILE, "mkdir", FOP_MKDIR },
	{ DD_FILE, "chmod", FOP_CHMOD },
	{ DD_FILE, "chown", FOP_CHOWN },
	{ DD_FILE, "utime", FOP_UTIME },
	{ DD_FILE, "xattr", FOP_XATTR },
	{ DD_FILE, "rename", FOP_RENAME },
	{ DD_FILE, "rename_to", FOP_RENAME_TO },
	{ DD_FILE, "delete", FOP_DELETE },
	{ DD_FILE, "rmdir", FOP_RMDIR },
	{ DD_EXEC, "exec", 0 },
	{ DD_NET, "connect", NOP_CONNECT },
	{ DD_NET, "bind", NOP_BIND },
	{ DD_DNS, "query", 0 },
	{ DD_UNIX, "connect", NOP_CONNECT },
	{ DD_UNIX, "bind", NOP_BIND },
	{ DD_UNIX, "listen", NOP_LISTEN },
	{ DD_UNIX, "sendto", NOP_SENDTO },
};

/*
 * The canonical spelling of an absolute path, as far as text goes: one slash,
 * no "." and "..", none at the end.  In place.
 */
static int
path_normalise(char *s)
{
	char *from = s, *to = s, *end;
	size_t n;

	if (*s != '/')
		return -1;
	while (*from != '\0') {
		from += strspn(from, "/");
		n = strcspn(from, "/");
		if (n == 2 && from[0] == '.' && from[1] == '.') {
			*to = '\0';
			end = strrchr(s, '/');
			to = to > s && end != NULL ? end : s;
		} else if (n > 0 && !(n == 1 && from[0] == '.')) {
			*to++ = '/';
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	if (to == s)
		*to++ = '/';
	*to = '\0';
	return 0;
}

static int
parse_file(struct decide_ask *q)
{
	q->subject = q->text;
	return path_normalise(q->text);
}

static int
split(struct decide_ask *q)
{
	const size_t max = sizeof(q->argv) / sizeof(q->argv[0]) - 1;
	char *save = NULL, *w;

	q->argc = 0;
	for (w = strtok_r(q->text, " \t", &save); w != NULL;
	    w = strtok_r(NULL, " \t", &save)) {
		if (q->argc == max)
			return -1;
		q->argv[q->argc++] = w;
	}
	q->argv[q->argc] = NULL;
	return q->argc > 0 ? 0 : -1;
}

static int
parse_addr(const char *s, struct in6_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, s, &addr->s6_addr[12]) == 1) {
		addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
		return 0;
	}
	return inet_pton(AF_INET6, s, addr) == 1 ? 0 : -1;
}

static int
parse_port(const char *s, uint16_t *port)
{
	char *end;
	unsigned long v;

	if (*s < '0' || *s > '9')
		return -1;
	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno != 0 || *end != '\0' || v > UINT16_MAX)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

static int
parse_net(struct decide_ask *q)
{
	if (split(q) == -1 || q->argc != 3)
		return -1;
	q->name = strcmp(q->argv[0], "-") == 0 ? NULL : q->argv[0];
	return parse_addr(q->argv[1], &q->addr) == 0 &&
	    parse_port(q->argv[2], &q->port) == 0 ? 0 : -1;
}

static int
parse_name(struct decide_ask *q)
{
	q->subject = q->text;
	return strpbrk(q->text, " \t") == NULL && q->text[0] != '\0' ? 0 : -1;
}

static int
parse_unix(struct decide_ask *q)
{
	q->subject = q->text;
	return q->text[0] == '@' ? 0 : path_normalise(q->text);
}

static const struct {
	int (*parse)(struct decide_ask *);
	const char *want;
} domain_tab[DD_MAX] = {
	[DD_FILE] = { parse_file, "an absolute path" },
	[DD_EXEC] = { split, "a command and its arguments" },
	[DD_NET] = { parse_net, "NAME|- ADDRESS PORT" },
	[DD_DNS] = { parse_name, "a name" },
	[DD_UNIX] = { parse_unix, "an absolute path or @name" },
};

static int
find_domain(const char *s)
{
	int i;

	for (i = 0; i < DD_MAX; i++)
		if (strcmp(decide_domain_name[i], s) == 0)
			return i;
	return -1;
}

static int
find_op(struct decide_ask *q, const char *op)
{
	size_t i;

	for (i = 0; i < sizeof(op_tab) / sizeof(op_tab[0]); i++) {
		if (op_tab[i].domain != q->domain ||
		    strcmp(op_tab[i].op, op) != 0)
			continue;
		q->op = op_tab[i].value;
		q->op_name = op_tab[i].op;
		return 0;
	}
	return -1;
}

int
decide_parse(struct decide_ask *q, const char *domain, const char *op,
    const char *subject, char *why, size_t size)
{
	int d = find_domain(domain);

	if (d == -1) {
		snprintf(why, size, "unknown domain \"%.64s\"; domains are "
		    "file, exec, net, dns, unix", domain);
		return -1;
	}
	q->domain = (enum decide_domain)d;
	if (find_op(q, op) == -1) {
		snprintf(why, size, "unknown operation \"%.64s\" of domain %s",
		    op, domain);
		return -1;
	}
	if (strlcpy(q->text, subject, sizeof(q->text)) >= sizeof(q->text)) {
		snprintf(why, size, "the subject is longer than %d bytes",
		    DECIDE_SUBJECT_MAX - 1);
		return -1;
	}
	if (domain_tab[d].parse(q) == -1) {
		snprintf(why, size, "the subject of %s must be %s", domain,
		    domain_tab[d].want);
		return -1;
	}
	return 0;
}

/* argv[1..] with one blank between, in buf; its length, cut at size. */
static size_t
join(const char *const *argv, unsigned int argc, char *buf, size_t size)
{
	size_t n = 0, len;
	unsigned int i;

	for (i = 1; i < argc; i++) {
		len = strlen(argv[i]);
		if (n + len + 1 > size)
			break;
		if (i > 1)
			buf[n++] = ' ';
		memcpy(buf + n, argv[i], len);
		n += len;
	}
	return n;
}

void
decide_command(const struct image *im, const char *const *argv,
    unsigned int argc, struct verdict *v)
{
	char args[DECIDE_SUBJECT_MAX];
	struct image_cmd c;

	memset(&c, 0, sizeof(c));
	c.path = c.given = argv[0];
	c.path_len = c.given_len = strlen(argv[0]);
	c.args = args;
	c.args_len = join(argv, argc, args, sizeof(args));
	image_command(im, &c, v);
}

struct exec_ask {
	const struct image *im;
	struct verdict *v;
};

static int
judge_payload(const struct wrapper_payload *p, void *arg)
{
	struct exec_ask *e = arg;

	decide_command(e->im, p->argv, p->argc, e->v);
	return e->v->allowed ? 0 : 1;
}

static void
unjudgeable(struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->decision = DEC_DENY;
	v->layer = LAYER_TRACER;
	v->rule = RULE_BUILTIN + BR_UNJUDGEABLE;
}

/*
 * A command and whatever it runs for another: the first refusal is the answer,
 * else the command's own.
 */
static void
ask_exec(const struct image *im, const struct decide_ask *q,
    struct verdict *v)
{
	struct exec_ask e = { im, v };
	struct wrapper w;
	struct verdict first;
	int rv;

	decide_command(im, q->argv, q->argc, &first);
	*v = first;
	if (!first.allowed)
		return;
	rv = wrapper_walk(&w, q->argv[0], q->argv, q->argc, judge_payload, &e);
	if (rv == -1)
		unjudgeable(v);
	else if (rv == 0)
		*v = first;
}

void
decide_ask(const struct image *im, const struct decide_ask *q,
    struct verdict *v)
{
	switch (q->domain) {
	case DD_FILE:
		image_file(im, (enum file_op)q->op, q->subject,
		    strlen(q->subject), v);
		return;
	case DD_EXEC:
		ask_exec(im, q, v);
		return;
	case DD_NET:
		image_net(im, (enum net_op)q->op, q->name,
		    q->name != NULL ? strlen(q->name) : 0, &q->addr, q->port,
		    v);
		return;
	case DD_DNS:
		image_dns(im, q->subject, strlen(q->subject), v);
		return;
	case DD_UNIX:
		image_unix(im, (enum net_op)q->op, q->subject,
		    strlen(q->subject), v);
		return;
	case DD_MAX:
		break;
	}
}

/* One line of three columns, without its newline; modified. */
static int
answer_line(const struct image *im, char *line, struct decide_ask *q,
    FILE *out, char *why, size_t size)
{
	char *op, *subject;
	struct image_rule r;
	struct verdict v = { 0 };

	op = strchr(line, '\t');
	subject = op != NULL ? strchr(op + 1, '\t') : NULL;
	if (subject == NULL) {
		snprintf(why, size, "expected domain TAB operation TAB subject");
		return -1;
	}
	*op++ = '\0';
	*subject++ = '\0';
	if (decide_parse(q, line, op, subject, why, size) == -1)
		return -1;
	decide_ask(im, q, &v);
	image_rule_get(im, v.rule, &r);
	fprintf(out, "%s\t%s\n", decision_name[v.decision], r.name);
	return 0;
}

static int
answer_all(const struct image *im, FILE *in, const char *name, FILE *out,
    struct decide_ask *q)
{
	char *line = NULL, why[256];
	unsigned long n = 0;
	size_t cap = 0;
	ssize_t len;
	int rv = 0;

	while (rv == 0 && (len = getline(&line, &cap, in)) != -1) {
		n++;
		if (len > 0 && line[len - 1] == '\n')
			line[--len] = '\0';
		if (memchr(line, '\0', (size_t)len) != NULL) {
			strlcpy(why, "a NUL byte in the line", sizeof(why));
			rv = 2;
		} else if (answer_line(im, line, q, out, why,
		    sizeof(why)) == -1) {
			rv = 2;
		}
	}
	if (fflush(out) == EOF || ferror(in))
		rv = 1;
	if (rv == 2)
		fprintf(stderr, "%s:%lu: %s\n", name, n, why);
	free(line);
	return rv;
}

int
decide_run(const struct image *im, FILE *in, const char *name, FILE *out)
{
	struct decide_ask *q = calloc(1, sizeof(*q));
	int rv;

	if (q == NULL)
		return 1;
	rv = answer_all(im, in, name, out, q);
	free(q);
	return rv;
}
