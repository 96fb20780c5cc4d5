/*
 * The reference evaluator: see reference.h.  Each function is a paragraph of
 * SEMANTICS.md, in its order.  Runs in tests and explain.
 */

#include "policyd/reference.h"

#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policyd/config.h"
#include "policyd/refglob.h"

const char *const ref_why_text[RW_MAX] = {
	[RW_MATCH] = "matches",
	[RW_PATH] = "does not match the path",
	[RW_OPERATION] = "operation not listed",
	[RW_COMMAND] = "does not name the command",
	[RW_DEPTH] = "not at this depth",
	[RW_ARGS] = "arguments do not match",
	[RW_DOMAIN] = "does not match the name",
	[RW_ADDRESS] = "does not match the address",
	[RW_PORT] = "port not listed",
	[RW_PRIVATE] = "allows by name only, never a private address",
	[RW_DNS] = "not asked for name queries",
};

static int
glob_matches(const struct reference *r, enum refglob_kind kind,
    const struct pstr *p, const char *text)
{
	struct pieces pc;

	return policy_expand_lenient(p, r->vars, &pc) == 0 &&
	    refglob(kind, &pc, text);
}

static const struct pstr *
first_match(const struct reference *r, enum refglob_kind kind,
    const struct plist *l, const char *text)
{
	unsigned int i;

	for (i = 0; i < l->n; i++)
		if (glob_matches(r, kind, &l->v[i], text))
			return &l->v[i];
	return NULL;
}

static int
any_matches(const struct reference *r, enum refglob_kind kind,
    const struct plist *l, const char *text)
{
	return first_match(r, kind, l, text) != NULL;
}

const struct pstr *
reference_path_of(const struct reference *r, const struct plist *l,
    const char *path)
{
	return first_match(r, RG_PATH, l, path);
}

const struct pstr *
reference_name_of(const struct reference *r, const struct plist *l,
    const char *name)
{
	return first_match(r, RG_PLAIN, l, name);
}

static void
by_rule(struct ref_answer *a, const struct prule *rule)
{
	a->rule = rule;
	a->decision = rule->decision;
	a->builtin = BR_MAX;
}

static void
by_builtin(struct ref_answer *a, enum builtin_rule b, enum decision d)
{
	a->rule = NULL;
	a->decision = d;
	a->builtin = b;
}

/* ---- files: "rule operations that cover it", read by row ---- */

static const uint32_t covered_by[FOP_MAX] = {
	[FOP_READ] = FW_READ | FW_OPEN,
	[FOP_LIST] = FW_LIST | FW_OPEN | FW_READ,
	[FOP_STAT] = FW_STAT | FW_ACCESS,
	[FOP_READLINK] = FW_STAT | FW_READLINK | FW_READ,
	[FOP_WRITE] = FW_WRITE,
	[FOP_TRUNCATE] = FW_WRITE | FW_TRUNCATE,
	[FOP_CREATE] = FW_CREATE | FW_WRITE,
	[FOP_SYMLINK] = FW_CREATE | FW_WRITE | FW_SYMLINK,
	[FOP_LINK] = FW_CREATE | FW_WRITE | FW_LINK,
	[FOP_MKDIR] = FW_MKDIR,
	[FOP_CHMOD] = FW_CHMOD,
	[FOP_CHOWN] = FW_CHMOD | FW_CHOWN,
	[FOP_UTIME] = FW_CHMOD | FW_WRITE | FW_UTIME,
	[FOP_XATTR] = FW_CHMOD | FW_WRITE | FW_XATTR,
	[FOP_RENAME] = FW_RENAME,
	[FOP_RENAME_TO] = FW_RENAME | FW_CREATE,
	[FOP_DELETE] = FW_DELETE,
	[FOP_RMDIR] = FW_RMDIR | FW_DELETE,
};

enum ref_why
reference_file_why(const struct reference *r, const struct pfile_rule *f,
    enum file_op op, const char *path)
{
	if (!any_matches(r, RG_PATH, &f->paths, path))
		return RW_PATH;
	return f->words & covered_by[op] ? RW_MATCH : RW_OPERATION;
}

static int
below(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == '\0' ||
	    path[n] == '/');
}

static int
one_of(const char *path, const char *const *tab)
{
	for (; *tab != NULL; tab++)
		if (strcmp(*tab, path) == 0)
			return 1;
	return 0;
}

static int
implicit_runtime(enum file_op op, const char *path)
{
	static const char *const dev[] = { "/dev/null", "/dev/zero",
		"/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
		"/dev/ptmx", "/dev/stdin", "/dev/stdout", "/dev/stderr",
		NULL };
	static const char *const ld[] = { "/etc/ld.so.cache",
		"/etc/ld.so.preload", NULL };
	int look = op == FOP_READ || op == FOP_STAT;
	int walk = look || op == FOP_LIST || op == FOP_READLINK;
	int alter = op == FOP_WRITE || op == FOP_TRUNCATE;

	if (one_of(path, dev))
		return look || alter || op == FOP_READLINK || op == FOP_CREATE;
	if (one_of(path, ld))
		return look;
	if (below("/dev/fd", path) || below("/dev/pts", path))
		return walk || alter;
	if (below("/proc/self", path) || below("/proc/thread-self", path))
		return walk;
	return 0;
}

/* Is path an ancestor of the pattern's literal prefix? */
static int
is_ancestor(const struct reference *r, const struct pstr *p,
    const char *path)
{
	size_t n = strcmp(path, "/") == 0 ? 0 : strlen(path), k = 0, i;
	struct pieces pc;
	unsigned int at;
	int esc;

	if (policy_expand_lenient(p, r->vars, &pc) != 0)
		return 0;
	for (at = 0; at < pc.n; at++) {
		for (i = 0; i < pc.v[at].len; i++) {
			const char *s = pc.v[at].s;
			char prev = i > 0 ? s[i - 1] : at > 0 ?
			    pc.v[at - 1].s[pc.v[at - 1].len - 1] : '\0';

			esc = !pc.v[at].literal && s[i] == '\\' &&
			    i + 1 < pc.v[at].len;
			i += (size_t)esc;
			if (!esc && !pc.v[at].literal &&
			    memchr("*?[{", s[i], 4) != NULL)
				return 0;
			if (s[i] == '/' && prev == '/' && k > 0)
				continue;
			if (k == n)
				return s[i] == '/';
			if (s[i] != path[k++])
				return 0;
		}
	}
	return 0;
}

static int
implicit_traverse(const struct reference *r, enum file_op op,
    const char *path)
{
	const struct pfile_rule *f;
	unsigned int i, k;

	if (op != FOP_STAT && op != FOP_READLINK)
		return 0;
	for (i = 0; i < r->policy->nfile_rules; i++) {
		f = &r->policy->file_rules[i];
		if (f->r.decision == DEC_DENY || f->r.decision == DEC_REDIRECT)
			continue;
		for (k = 0; k < f->paths.n; k++)
			if (is_ancestor(r, &f->paths.v[k], path))
				return 1;
	}
	return 0;
}

static int
is_catch_all(const struct pfile_rule *f)
{
	static const char *const all[] = { "**", "/**", "*", NULL };
	unsigned int i, n = 0;

	for (i = 0; i < f->paths.n; i++)
		n += (unsigned int)one_of(f->paths.v[i].s, all);
	return n > 0 && n == f->paths.n;
}

static int
implicit(const struct reference *r, enum file_op op, const char *path,
    struct ref_answer *a)
{
	if (r->config != NULL && !r->config->baseline)
		return 0;
	if (implicit_runtime(op, path)) {
		by_builtin(a, BR_IMPLICIT_RUNTIME, DEC_ALLOW);
		return 1;
	}
	if (implicit_traverse(r, op, path)) {
		by_builtin(a, BR_IMPLICIT_TRAVERSE, DEC_ALLOW);
		return 1;
	}
	return 0;
}

void
reference_file(const struct reference *r, enum file_op op, const char *path,
    struct ref_answer *a)
{
	const struct pfile_rule *f = r->policy->file_rules;
	unsigned int i, n = r->policy->nfile_rules;
	int done = 0;

	for (i = 0; i < n; i++) {
		if (!done && is_catch_all(&f[i])) {
			if (implicit(r, op, path, a))
				return;
			done = 1;
		}
		if (reference_file_why(r, &f[i], op, path) == RW_MATCH) {
			by_rule(a, &f[i].r);
			return;
		}
	}
	if (!done && implicit(r, op, path, a))
		return;
	if (op == FOP_READ || op == FOP_STAT || op == FOP_READLINK ||
	    op == FOP_LIST)
		by_builtin(a, BR_DEFAULT_ALLOW_READS, DEC_ALLOW);
	else
		by_builtin(a, BR_DEFAULT_DENY_FILES, DEC_DENY);
}

/* ---- commands ---- */

static const char *
basename_of(const char *s)
{
	const char *slash = strrchr(s, '/');

	return slash != NULL ? slash + 1 : s;
}

static int
entry_has_slash(const struct reference *r, const struct pstr *p)
{
	struct pieces pc;
	unsigned int i;

	if (policy_expand_lenient(p, r->vars, &pc) != 0)
		return 0;
	for (i = 0; i < pc.n; i++)
		if (memchr(pc.v[i].s, '/', pc.v[i].len) != NULL)
			return 1;
	return 0;
}

static int
entry_matches(const struct reference *r, const struct pstr *p,
    const char *name)
{
	if (*name == '\0')
		return 0;
	if (entry_has_slash(r, p))
		return glob_matches(r, RG_PATH, p, name);
	return glob_matches(r, RG_PLAIN_NOCASE, p, basename_of(name));
}

static int
names_command(const struct reference *r, const struct pcmd_rule *f,
    const struct ref_cmd *c)
{
	unsigned int i;

	for (i = 0; i < f->commands.n; i++)
		if (entry_matches(r, &f->commands.v[i], c->path) ||
		    entry_matches(r, &f->commands.v[i], c->given))
			return 1;
	return f->any_command;
}

/* The pattern as text, a variable's value quoted; the caller frees it. */
static char *
regex_text(const struct pieces *pc)
{
	size_t total = 1, n = 0, k;
	unsigned int i;
	char *s;

	for (i = 0; i < pc->n; i++)
		total += pc->v[i].len * 2;
	s = malloc(total);
	for (i = 0; s != NULL && i < pc->n; i++) {
		for (k = 0; k < pc->v[i].len; k++) {
			if (pc->v[i].literal &&
			    strchr("\\^$.|?*+()[]{}-", pc->v[i].s[k]) != NULL)
				s[n++] = '\\';
			s[n++] = pc->v[i].s[k];
		}
	}
	if (s != NULL)
		s[n] = '\0';
	return s;
}

static int
args_entry(const struct reference *r, const struct pstr *p,
    const struct ref_cmd *c)
{
	struct pieces pc;
	char *text, *args;
	int rv;

	if (policy_expand_lenient(p, r->vars, &pc) != 0)
		return 0;
	text = regex_text(&pc);
	if (text == NULL)
		return 0;
	rv = r->search(text, c->args, c->args_len);
	free(text);
	if (rv != -1)
		return rv;
	args = strndup(c->args, c->args_len);
	rv = args != NULL && refglob(RG_PLAIN, &pc, args);
	free(args);
	return rv;
}

static int
args_match(const struct reference *r, const struct pcmd_rule *f,
    const struct ref_cmd *c)
{
	unsigned int i;

	for (i = 0; i < f->args_patterns.n; i++)
		if (args_entry(r, &f->args_patterns.v[i], c))
			return 1;
	return f->args_patterns.n == 0;
}

enum ref_why
reference_command_why(const struct reference *r, const struct pcmd_rule *f,
    const struct ref_cmd *c)
{
	if (!names_command(r, f, c))
		return RW_COMMAND;
	if (c->depth < f->min_depth || c->depth > f->max_depth)
		return RW_DEPTH;
	return args_match(r, f, c) ? RW_MATCH : RW_ARGS;
}

void
reference_command(const struct reference *r, const struct ref_cmd *c,
    struct ref_answer *a)
{
	const struct pcmd_rule *f = r->policy->command_rules;
	unsigned int i;

	for (i = 0; i < r->policy->ncommand_rules; i++) {
		if (reference_command_why(r, &f[i], c) == RW_MATCH) {
			by_rule(a, &f[i].r);
			return;
		}
	}
	by_builtin(a, BR_DEFAULT_DENY_COMMANDS, DEC_DENY);
}

/* ---- network ---- */

static int
bits_equal(const struct in6_addr *a, const struct in6_addr *b,
    unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < bits; i++)
		if (((a->s6_addr[i / 8] ^ b->s6_addr[i / 8]) >>
		    (7 - i % 8)) & 1)
			return 0;
	return 1;
}

static int
in_range(const struct in6_addr *a, const char *text, unsigned int bits)
{
	struct in6_addr net;
	char v6[64] = "::ffff:";

	if (strchr(text, ':') == NULL) {
		strlcat(v6, text, sizeof(v6));
		text = v6;
		bits += 96;
	}
	return inet_pton(AF_INET6, text, &net) == 1 &&
	    bits_equal(a, &net, bits);
}

static int
is_private(const struct reference *r, const struct ref_net *q,
    const char *name)
{
	static const struct {
		const char *net;
		unsigned int bits;
	} tab[] = {
		{ "0.0.0.0", 8 }, { "10.0.0.0", 8 }, { "100.64.0.0", 10 },
		{ "127.0.0.0", 8 }, { "169.254.0.0", 16 },
		{ "172.16.0.0", 12 }, { "192.168.0.0", 16 }, { "::1", 128 },
		{ "::", 128 }, { "fc00::", 7 }, { "fe80::", 10 },
	};
	size_t i;

	if (q->name != NULL && r->config != NULL &&
	    any_matches(r, RG_DOMAIN, &r->config->private_answers, name))
		return 0;
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		if (in_range(&q->addr, tab[i].net, tab[i].bits))
			return 1;
	return 0;
}

/* The name that domain patterns see. */
static const char *
seen_name(const struct ref_net *q, char *buf, size_t size)
{
	size_t n;

	if (q->name != NULL)
		strlcpy(buf, q->name, size);
	else if (IN6_IS_ADDR_V4MAPPED(&q->addr))
		(void)inet_ntop(AF_INET, &q->addr.s6_addr[12], buf,
		    (socklen_t)size);
	else
		(void)inet_ntop(AF_INET6, &q->addr, buf, (socklen_t)size);
	n = strlen(buf);
	if (n > 1 && buf[n - 1] == '.')
		buf[n - 1] = '\0';
	return buf;
}

static int
port_listed(const struct pnet_rule *f, uint16_t port)
{
	unsigned int i;

	for (i = 0; i < f->nports; i++)
		if (f->ports[i].port == port)
			return 1;
	return f->nports == 0;
}

static int
addr_listed(const struct pnet_rule *f, const struct in6_addr *a)
{
	unsigned int i;

	for (i = 0; i < f->ncidrs; i++)
		if (bits_equal(a, &f->cidrs[i].addr, f->cidrs[i].prefix))
			return 1;
	return 0;
}

/* Connecting to no address is connecting to this machine. */
static struct ref_net
where_it_goes(const struct ref_net *q)
{
	struct ref_net to = *q;

	if (q->dns || q->bind)
		return to;
	if (in_range(&q->addr, "0.0.0.0", 32))
		(void)inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.addr);
	else if (in_range(&q->addr, "::", 128))
		to.addr = in6addr_loopback;
	return to;
}

enum ref_why
reference_net_why(const struct reference *r, const struct pnet_rule *f,
    const struct ref_net *asked)
{
	const struct ref_net to = where_it_goes(asked), *q = &to;
	char buf[1024];
	const char *name = seen_name(q, buf, sizeof(buf));
	unsigned int ndomains = f->domains.n + f->registries.n;
	int named = any_matches(r, RG_DOMAIN, &f->domains, name), in;
	int deny = f->r.decision == DEC_DENY;
	int opens = f->r.decision == DEC_ALLOW || f->r.decision == DEC_AUDIT;
	int both = ndomains > 0 && f->ncidrs > 0;

	if (q->dns) {
		if (ndomains == 0 || (both && !deny))
			return RW_DNS;
		return named ? RW_MATCH : RW_DOMAIN;
	}
	if (!port_listed(f, q->port))
		return RW_PORT;
	in = addr_listed(f, &q->addr);
	if (both && deny)
		return named || in ? RW_MATCH : RW_DOMAIN;
	if (ndomains > 0 && !named)
		return RW_DOMAIN;
	if (f->ncidrs > 0 && !in)
		return RW_ADDRESS;
	if (opens && ndomains > 0 && f->ncidrs == 0 &&
	    is_private(r, q, name))
		return RW_PRIVATE;
	return RW_MATCH;
}

void
reference_net(const struct reference *r, const struct ref_net *q,
    struct ref_answer *a)
{
	const struct pnet_rule *f = r->policy->network_rules;
	unsigned int i;

	if (q->bind && q->port == 0 && (in_range(&q->addr, "127.0.0.0", 8) ||
	    in_range(&q->addr, "0.0.0.0", 32) || in_range(&q->addr, "::", 128) ||
	    in_range(&q->addr, "::1", 128))) {
		by_builtin(a, BR_PORT_ZERO, DEC_ALLOW);
		return;
	}
	for (i = 0; i < r->policy->nnetwork_rules; i++) {
		if (reference_net_why(r, &f[i], q) == RW_MATCH) {
			by_rule(a, &f[i].r);
			return;
		}
	}
	by_builtin(a, BR_DEFAULT_DENY_NETWORK, DEC_DENY);
}

/* ---- unix sockets and the environment ---- */

enum ref_why
reference_unix_why(const struct reference *r, const struct punix_rule *f,
    enum net_op op, const char *path)
{
	if (!any_matches(r, RG_PATH, &f->paths, path))
		return RW_PATH;
	return f->ops >> op & 1 ? RW_MATCH : RW_OPERATION;
}

void
reference_unix(const struct reference *r, enum net_op op, const char *path,
    struct ref_answer *a)
{
	const struct punix_rule *f = r->policy->unix_rules;
	unsigned int i;

	for (i = 0; i < r->policy->nunix_rules; i++) {
		if (reference_unix_why(r, &f[i], op, path) == RW_MATCH) {
			by_rule(a, &f[i].r);
			return;
		}
	}
	by_builtin(a, BR_DEFAULT_DENY_UNIX, DEC_DENY);
}

int
reference_env(const struct reference *r, const struct pcmd_rule *cmd,
    const char *name)
{
	const struct penv *pol = &r->policy->env;
	const struct plist *allow, *deny;

	allow = cmd != NULL && cmd->env.allow.n > 0 ? &cmd->env.allow :
	    &pol->allow;
	deny = cmd != NULL && cmd->env.deny.n > 0 ? &cmd->env.deny :
	    &pol->deny;
	if (any_matches(r, RG_PLAIN, deny, name))
		return 0;
	return allow->n == 0 || any_matches(r, RG_PLAIN, allow, name);
}
