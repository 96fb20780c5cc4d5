/*
 * The policy format as tables, and the keys that are more than a value: lists of
 * operations, ports, prefixes, signals, depths.  What a section means is
 * SEMANTICS.md; here is only how it is spelled.
 */

#include "policyd/policytab.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/registry.h"
#include "policyd/arena.h"
#include "policyd/policyload.h"
#include "policyd/scalar.h"

#define BIT(d) (1u << (d))

/* Functions ----------------------------------------------------------- */

static void
set_empty(struct pstr *p)
{
	if (p->s == NULL)
		p->s = "";
}

void
policytab_init_strings(const struct pkey *tab, void *base)
{
	for (; tab->name != NULL; tab++) {
		if (tab->off == NOSTORE)
			continue;
		if (tab->kind == PK_STR || tab->kind == PK_WORD)
			set_empty((struct pstr *)((char *)base + tab->off));
		else if (tab->kind == PK_SUB)
			policytab_init_strings(tab->sub,
			    (char *)base + tab->off);
	}
}

/* The array and, right behind it, its length: as policy.h lays them out. */
struct array {
	void *v;
	unsigned int n;
};

static void
fn_rules(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct array a;

	a.v = policytab_rules(y, &rule_kind_tab[k->arg], n, &a.n);
	if (p != NULL) {
		memcpy(p, &a.v, sizeof(a.v));
		memcpy((char *)p + sizeof(a.v), &a.n, sizeof(a.n));
	}
}

#define ADJACENT(s, v, n) \
	_Static_assert(offsetof(s, n) == offsetof(s, v) + sizeof(void *), #n)
ADJACENT(struct policy, file_rules, nfile_rules);
ADJACENT(struct policy, network_rules, nnetwork_rules);
ADJACENT(struct policy, command_rules, ncommand_rules);
ADJACENT(struct policy, unix_rules, nunix_rules);
ADJACENT(struct policy, signal_rules, nsignal_rules);
ADJACENT(struct policy, dns_redirects, ndns_redirects);
ADJACENT(struct policy, connect_redirects, nconnect_redirects);
ADJACENT(struct pnet_rule, ports, nports);
ADJACENT(struct pnet_rule, cidrs, ncidrs);

static void
fn_unix_rules(const struct yread *y, const struct pkey *k,
    const struct ynode *n, void *p)
{
	struct policy *pol;

	fn_rules(y, k, n, p);
	if (p == NULL)
		return;
	pol = (struct policy *)((char *)p -
	    offsetof(struct policy, unix_rules));
	pol->unix_rules_pos = n->str.pos;
}

static void
fn_keep(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct pkey t = *k;

	t.off = NOSTORE;
	t.kind = (enum pkind)k->arg;
	policytab_value(y, &t, n, NULL);
	if (p != NULL)
		*(const struct ynode **)p = n;
}

/* A true or false stored in a byte. */
static void
fn_flag(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct pnum v = { 0 };

	if (yread_bool(y, k->name, n, &v) == 0 && p != NULL)
		*(uint8_t *)p = v.v != 0;
}

static uint32_t
words_mask(const struct yread *y, const struct plist *l,
    const struct pword *tab)
{
	const struct pword *w;
	uint32_t mask = 0;
	unsigned int i;

	for (i = 0; i < l->n; i++) {
		if ((w = yread_word(y, "operation", &l->v[i], tab)) != NULL)
			mask |= w->value;
	}
	return mask;
}

static void
fn_operations(const struct yread *y, const struct pkey *k,
    const struct ynode *n, void *p)
{
	struct plist l = { 0 };
	uint32_t mask;

	if (yread_list(y, k->name, n, &l) == -1)
		return;
	mask = words_mask(y, &l, k->words);
	if (p == NULL)
		return;
	*(struct plist *)p = l;
	/* The mask lies right behind the list, see the assertions below. */
	if (l.n != 0)
		memcpy((char *)p + sizeof(l), &mask, sizeof(mask));
}
_Static_assert(offsetof(struct pfile_rule, words) ==
	offsetof(struct pfile_rule, operations) + sizeof(struct plist),
    "");
_Static_assert(offsetof(struct punix_rule, ops) ==
	offsetof(struct punix_rule, operations) + sizeof(struct plist),
    "");

static void
fn_ports(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct {
		struct pport *v;
		unsigned int n;
	} out = { NULL, 0 };
	struct pnum num;
	uint32_t i;

	if (yread_is_null(n))
		return;
	if (n->type != Y_LIST) {
		yread_error(y, n->str.pos,
		    "\"ports\" takes a list of integers: "
		    "[%.32s]",
		    n->str.s);
		return;
	}
	if ((out.v = arena_array(y->arena, n->n, sizeof(*out.v))) == NULL) {
		yread_error(y, n->str.pos, "out of memory");
		return;
	}
	for (i = 0; i < n->n; i++) {
		memset(&num, 0, sizeof(num));
		if (yread_int(y, "ports", n->items[i], 0, 65535, &num) == 0 &&
		    num.set) {
			out.v[out.n].port = (uint16_t)num.v;
			out.v[out.n++].pos = num.pos;
		} else if (yread_is_null(n->items[i]))
			yread_error(y, num.pos, "an empty entry in \"ports\"");
	}
	if (p != NULL) {
		memcpy(p, &out.v, sizeof(out.v));
		memcpy((char *)p + sizeof(out.v), &out.n, sizeof(out.n));
	}
}

static void
bad_cidr(const struct yread *y, const struct pstr *s)
{
	const char *slash = strchr(s->s, '/');
	struct in6_addr a;
	char buf[64];
	size_t len = slash != NULL ? (size_t)(slash - s->s) : s->len;

	snprintf(buf, sizeof(buf), "%.*s", len > 60 ? 60 : (int)len, s->s);
	if (slash != NULL &&
	    (inet_pton(AF_INET, buf, &a) == 1 ||
		inet_pton(AF_INET6, buf, &a) == 1))
		yread_error(y, s->pos,
		    "bad CIDR \"%.64s\": the prefix length "
		    "is 0 to %d",
		    s->s, strchr(buf, ':') != NULL ? 128 : 32);
	else
		yread_error(y, s->pos,
		    "bad CIDR \"%.64s\": an address like "
		    "10.0.0.0/8 or fd00::/8 was meant; names "
		    "go into \"domains\"",
		    s->s);
}

static void
fn_cidrs(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct {
		struct pcidr *v;
		unsigned int n;
	} out = { NULL, 0 };
	struct plist l = { 0 };
	unsigned int i;

	if (yread_list(y, k->name, n, &l) == -1)
		return;
	if ((out.v = arena_array(y->arena, l.n, sizeof(*out.v))) == NULL) {
		yread_error(y, n->str.pos, "out of memory");
		return;
	}
	for (i = 0; i < l.n; i++) {
		out.v[out.n].text = l.v[i];
		if (policyload_cidr(l.v[i].s, &out.v[out.n]) == 0)
			out.n++;
		else
			bad_cidr(y, &l.v[i]);
	}
	if (p != NULL) {
		memcpy(p, &out.v, sizeof(out.v));
		memcpy((char *)p + sizeof(out.v), &out.n, sizeof(out.n));
	}
}

static void
trim(struct pstr *s, const struct yread *y)
{
	size_t lead = strspn(s->s, " \t\r\n"), end = s->len;
	char *t;

	while (end > lead && strchr(" \t\r\n", s->s[end - 1]) != NULL)
		end--;
	if (lead == 0 && end == s->len)
		return;
	if ((t = arena_strndup(y->arena, s->s + lead, end - lead)) == NULL)
		return;
	s->s = t;
	s->len = end - lead;
	s->src += (uint32_t)lead;
	s->pos.column += (uint32_t)lead;
}

static void
fn_commands(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct plist l = { 0 };
	unsigned int i, out = 0;

	if (yread_list(y, k->name, n, &l) == -1)
		return;
	for (i = 0; i < l.n; i++) {
		trim(&l.v[i], y);
		if (l.v[i].len != 0)
			l.v[out++] = l.v[i];
	}
	if (out == 0 && l.n != 0)
		yread_warn(y, n->str.pos,
		    "\"commands\" holds only blanks: the "
		    "rule is for every command");
	l.n = out;
	if (p != NULL)
		*(struct plist *)p = l;
}

static const struct pkey context_keys[];

static void
context_words(const struct yread *y, const struct plist *l, struct pcmd_rule *r)
{
	static const struct pword tab[] = { { "direct", 1 }, { "nested", 2 },
		{ NULL, 0 } };
	uint32_t got = 0;
	const struct pword *w;
	unsigned int i;

	for (i = 0; i < l->n; i++) {
		if ((w = yread_word(y, "context", &l->v[i], tab)) != NULL)
			got |= w->value;
	}
	if (got == 1)
		r->max_depth = 0;
	else if (got == 2)
		r->min_depth = 1;
}

struct depths {
	struct pnum min;
	struct pnum max;
};

static void
context_map(const struct yread *y, const struct ynode *n, struct pcmd_rule *r)
{
	struct depths v;

	memset(&v, 0, sizeof(v));
	policytab_map(y, context_keys, "a context", n, &v);
	if (v.max.set && v.min.v > v.max.v)
		yread_error(y, v.max.pos, "max_depth is below min_depth");
	r->min_depth = v.min.v > UINT32_MAX ? UINT32_MAX : (uint32_t)v.min.v;
	if (v.max.set && v.max.v < PCMD_DEPTH_MAX)
		r->max_depth = (uint32_t)v.max.v;
}

/* p is the rule's min_depth, whence the rule. */
static void
fn_context(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct pcmd_rule tmp, *r = &tmp;
	struct plist l = { 0 };

	if (p != NULL)
		r = (struct pcmd_rule *)((char *)p -
		    offsetof(struct pcmd_rule, min_depth));
	if (yread_is_null(n))
		return;
	r->context_pos = n->str.pos;
	if (n->type == Y_SCALAR)
		yread_error(y, n->str.pos,
		    "\"context\" takes a list: [%.32s], "
		    "or min_depth and max_depth",
		    n->str.s);
	else if (n->type == Y_MAP)
		context_map(y, n, r);
	else if (yread_list(y, k->name, n, &l) == 0)
		context_words(y, &l, r);
}

static const struct pword sig_word_tab[] = { { "SIGHUP", 0 }, { "SIGINT", 0 },
	{ "SIGQUIT", 0 }, { "SIGKILL", 0 }, { "SIGTERM", 0 }, { "SIGUSR1", 0 },
	{ "SIGUSR2", 0 }, { "SIGSTOP", 0 }, { "SIGCONT", 0 }, { "SIGTSTP", 0 },
	{ "SIGCHLD", 0 }, { "SIGALRM", 0 }, { "SIGPIPE", 0 }, { "SIGABRT", 0 },
	{ "SIGSEGV", 0 }, { "SIGWINCH", 0 }, { "@fatal", 0 }, { "@job", 0 },
	{ "@reload", 0 }, { "@ignore", 0 }, { "@all", 0 }, { NULL, 0 } };

/* p is the rule's list, whose mask is set beside it. */
static void
fn_signals(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct plist l = { 0 };
	uint64_t mask = 0, m;
	int64_t num;
	unsigned int i;

	if (yread_list(y, k->name, n, &l) == -1)
		return;
	for (i = 0; i < l.n; i++) {
		m = policyload_signal(l.v[i].s);
		if (m == 0 && scalar_int(l.v[i].s, &num) == 0)
			yread_error(y, l.v[i].pos,
			    "a signal is 1 to 64, not %s", l.v[i].s);
		else if (m == 0)
			yread_bad_word(y, "signal", &l.v[i], sig_word_tab);
		mask |= m;
	}
	if (p != NULL) {
		*(struct plist *)p = l;
		memcpy((char *)p + sizeof(l), &mask, sizeof(mask));
	}
}
_Static_assert(offsetof(struct psig_rule, mask) ==
	offsetof(struct psig_rule, signals) + sizeof(struct plist),
    "");

static const struct pword target_tab[] = { { "self", PST_SELF },
	{ "children", PST_CHILDREN }, { "descendants", PST_DESCENDANTS },
	{ "siblings", PST_SIBLINGS }, { "session", PST_SESSION },
	{ "parent", PST_PARENT }, { "external", PST_EXTERNAL },
	{ "system", PST_SYSTEM }, { "user", PST_USER },
	{ "process", PST_PROCESS }, { "pid_range", PST_PID_RANGE },
	{ NULL, 0 } };

struct target {
	struct pstr type;
	struct pstr pattern;
	struct pnum min;
	struct pnum max;
};

static const struct pkey target_keys[] = {
	{ "type", PK_STR, offsetof(struct target, type), .sub = NULL },
	{ "pattern", PK_STR, offsetof(struct target, pattern), .sub = NULL },
	{ "min", PK_INT, offsetof(struct target, min), .sub = NULL },
	{ "max", PK_INT, offsetof(struct target, max), .sub = NULL },
	{ .name = NULL },
};

static void
target_store(const struct yread *y, const struct target *t, struct pos at,
    struct psig_rule *r)
{
	const struct pword *w = NULL;

	if (t->type.len == 0)
		yread_error(y, at, "\"target\" has no \"type\"");
	else
		w = yread_word(y, "target type", &t->type, target_tab);
	if (w == NULL)
		return;
	r->target = (enum psig_target)w->value;
	if (r->target == PST_PROCESS && t->pattern.len == 0)
		yread_error(y, at, "target type \"process\" needs a pattern");
	if (r->target == PST_PID_RANGE &&
	    (!t->min.set || !t->max.set || t->min.v > t->max.v))
		yread_error(y, at,
		    "target type \"pid_range\" needs min and "
		    "max, and min not above max");
	r->pattern = t->pattern;
	r->pid_min = t->min.v > INT32_MAX ? INT32_MAX : (uint32_t)t->min.v;
	r->pid_max = t->max.v > INT32_MAX ? INT32_MAX : (uint32_t)t->max.v;
}

static void
fn_target(const struct yread *y, const struct pkey *k, const struct ynode *n,
    void *p)
{
	struct psig_rule tmp, *r = &tmp;
	struct target t;

	memset(&t, 0, sizeof(t));
	if (p != NULL)
		r = (struct psig_rule *)((char *)p -
		    offsetof(struct psig_rule, target));
	policytab_init_strings(target_keys, &t);
	r->target_pos = n->str.pos;
	policytab_map(y, target_keys, "a signal target", n, &t);
	if (n->type == Y_MAP)
		target_store(y, &t, n->str.pos, r);
}

/* Checks of whole rules ----------------------------------------------- */

static void
file_prepare(void *rule)
{
	((struct pfile_rule *)rule)->words = FW_ALL;
}

static void
file_check(const struct yread *y, const struct ynode *n, void *rule)
{
	struct pfile_rule *r = rule;

	if (r->r.decision == DEC_REDIRECT && r->redirect_to.len == 0)
		yread_error(y, r->r.decision_pos,
		    "decision \"redirect\" needs \"redirect_to\": a directory");
	if (r->r.decision != DEC_REDIRECT && r->redirect_to.len != 0)
		yread_warn(y, r->redirect_to.pos,
		    "\"redirect_to\" has no "
		    "effect without decision: "
		    "redirect");
}

static void
command_prepare(void *rule)
{
	((struct pcmd_rule *)rule)->max_depth = PCMD_DEPTH_MAX;
}

static void
command_check(const struct yread *y, const struct ynode *n, void *rule)
{
	struct pcmd_rule *r = rule;

	r->any_command = r->commands.n == 0;
	if (r->r.decision == DEC_REDIRECT &&
	    r->redirect_command.s[strspn(r->redirect_command.s, " \t")] == '\0')
		yread_error(y, r->r.decision_pos,
		    "decision \"redirect\" needs "
		    "\"redirect_to\" with a "
		    "command");
	if (r->r.decision != DEC_REDIRECT && r->redirect_command.len != 0)
		yread_warn(y, r->redirect_command.pos,
		    "\"redirect_to\" has no effect without decision: "
		    "redirect");
}

/* Nothing is any domain, and `registries: []` would be any host. */
static void
network_check(const struct yread *y, const struct ynode *n, void *rule)
{
	const struct ynode *l = ytree_get(n, "registries");
	struct pnet_rule *r = rule;

	if (l != NULL && (l->type == Y_LIST || yread_is_null(l)) &&
	    r->registries.n == 0)
		yread_error(y, r->registries.pos,
		    "\"registries\" takes one or more of npm, pypi, cargo, "
		    "go, debian");
}

#define ALL_NET_OPS (BIT(NOP_MAX) - 1u)

static void
unix_prepare(void *rule)
{
	((struct punix_rule *)rule)->ops = ALL_NET_OPS;
}

static void
signal_prepare(void *rule)
{
	struct psig_rule *r = rule;

	r->fallback = DEC_MAX;
	r->pattern.s = r->redirect_text.s = "";
}

static void
signal_check(const struct yread *y, const struct ynode *n, void *rule)
{
	struct psig_rule *r = rule;
	uint64_t m = policyload_signal(r->redirect_text.s);

	if (ytree_get(n, "signals") == NULL || r->signals.pos.line == 0)
		yread_error(y, r->r.pos, "%s needs \"signals\"",
		    "a signal rule");
	if (r->r.decision == DEC_REDIRECT && r->redirect_text.len == 0)
		yread_error(y, r->r.decision_pos,
		    "decision \"redirect\" needs "
		    "\"redirect_to\": a signal");
	else if (m != 0 && (m & (m - 1)) != 0)
		yread_error(y, r->redirect_text.pos,
		    "\"redirect_to\" takes one signal, not a group");
	else if (r->redirect_text.len != 0 && m == 0)
		yread_bad_word(y, "signal", &r->redirect_text, sig_word_tab);
	else if (m != 0)
		r->redirect_signal = __builtin_ctzll(m) + 1;
}

static void
redirect_common(const struct yread *y, const struct prule *r,
    const struct pstr *match, const char *what)
{
	if (match->len == 0)
		yread_error(y, r->pos,
		    "%s needs \"match\": a regular "
		    "expression",
		    what);
}

static void
dns_check(const struct yread *y, const struct ynode *n, void *rule)
{
	struct pdns_redirect *r = rule;
	struct pcidr c;

	redirect_common(y, &r->r, &r->match, "a DNS redirect");
	if (r->resolve_to.len == 0)
		yread_error(y, r->r.pos,
		    "a DNS redirect needs \"resolve_to\": "
		    "an address");
	else if (strchr(r->resolve_to.s, '/') != NULL ||
	    policyload_cidr(r->resolve_to.s, &c) == -1)
		yread_error(y, r->resolve_to.pos,
		    "\"resolve_to\" takes an "
		    "address, not \"%.64s\"",
		    r->resolve_to.s);
	else
		r->addr = c.addr;
}

/* host:port or [v6]:port. */
static int
host_port_ok(const char *s)
{
	const char *colon = strrchr(s, ':');
	int64_t port;

	if (colon == NULL || colon == s ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0' ||
	    colon[1] == '\0' || strlen(colon) > 6)
		return 0;
	port = strtol(colon + 1, NULL, 10);
	if (port < 1 || port > 65535)
		return 0;
	if (s[0] == '[')
		return colon[-1] == ']';
	return memchr(s, ':', (size_t)(colon - s)) == NULL;
}

static void
connect_check(const struct yread *y, const struct ynode *n, void *rule)
{
	struct pconn_redirect *r = rule;

	redirect_common(y, &r->r, &r->match, "a connect redirect");
	if (r->redirect_to.len == 0)
		yread_error(y, r->r.pos,
		    "a connect redirect needs "
		    "\"redirect_to\": HOST:PORT");
	else if (!host_port_ok(r->redirect_to.s))
		yread_error(y, r->redirect_to.pos,
		    "\"redirect_to\" takes "
		    "HOST:PORT, not \"%.64s\"",
		    r->redirect_to.s);
	if (strcasecmp(r->tls_mode.s, "rewrite_sni") == 0 && r->sni.len == 0)
		yread_error(y, r->tls_mode.pos,
		    "tls mode \"rewrite_sni\" "
		    "needs \"sni\"");
}

/* Tables -------------------------------------------------------------- */

/* clang-format off */
static const struct pword visibility_tab[] = {
	{ "silent", 0 }, { "audit_only", 1 }, { "warn", 2 }, { NULL, 0 } };
static const struct pword on_failure_tab[] = {
	{ "fail_closed", 0 }, { "fail_open", 1 }, { "retry_original", 2 },
	{ NULL, 0 } };
static const struct pword tls_mode_tab[] = {
	{ "passthrough", 0 }, { "rewrite_sni", 1 }, { NULL, 0 } };
static const struct pword net_op_tab[] = {
	{ "connect", BIT(NOP_CONNECT) }, { "bind", BIT(NOP_BIND) },
	{ "listen", BIT(NOP_LISTEN) }, { "sendto", BIT(NOP_SENDTO) },
	{ "*", ALL_NET_OPS }, { NULL, 0 } };

#define STR(n, s, f)	{ .name = n, .kind = PK_STR, .off = offsetof(struct s, f) }
#define WORD(n, s, f, w) \
	{ .name = n, .kind = PK_WORD, .off = offsetof(struct s, f), .words = w }
#define LIST(n, s, f)	{ .name = n, .kind = PK_LIST, .off = offsetof(struct s, f) }
#define MAP(n, s, f)	{ .name = n, .kind = PK_MAP, .off = offsetof(struct s, f) }
#define INT(n, s, f)	{ .name = n, .kind = PK_INT, .off = offsetof(struct s, f) }
#define BOOL(n, s, f)	{ .name = n, .kind = PK_BOOL, .off = offsetof(struct s, f) }
#define DUR(n, s, f)	{ .name = n, .kind = PK_DURATION, .off = offsetof(struct s, f) }
#define SUB(n, s, f, t, w) \
	{ .name = n, .kind = PK_SUB, .off = offsetof(struct s, f), .sub = t, .what = w }
#define INLINE(n, t, w)	{ .name = n, .kind = PK_SUB, .off = 0, .sub = t, .what = w }
#define FN(n, s, f, fun) \
	{ .name = n, .kind = PK_FN, .off = offsetof(struct s, f), .fn = fun }
#define RULES(n, s, f, id) \
	{ .name = n, .kind = PK_FN, .off = offsetof(struct s, f), .fn = fn_rules, .arg = id }
#define KEEP(n, s, f, k, t, w) \
	{ .name = n, .kind = PK_FN, .off = offsetof(struct s, f), .fn = fn_keep, \
	  .arg = k, .sub = t, .what = w }
/* Only looked at. */
#define C(n, k)		{ .name = n, .kind = k, .off = NOSTORE }
#define CW(n, k, w)	{ .name = n, .kind = k, .off = NOSTORE, .words = w }
#define CSUB(n, k, t, w) { .name = n, .kind = k, .off = NOSTORE, .sub = t, .what = w }
#define CRULES(n, id)	{ .name = n, .kind = PK_FN, .off = NOSTORE, .fn = fn_rules, .arg = id }
#define END		{ .name = NULL }

#define COMMON(s) \
	STR("name", s, r.name), STR("description", s, r.description), \
	STR("message", s, r.message)
#define DECIDED(s) \
	COMMON(s), { .name = "decision", .kind = PK_ANY, .off = NOSTORE }, \
	DUR("timeout", s, r.timeout_ns)

static const struct pkey file_keys[] = {
	DECIDED(pfile_rule),
	LIST("paths", pfile_rule, paths),
	{ .name = "operations", .kind = PK_FN, .fn = fn_operations,
	  .off = offsetof(struct pfile_rule, operations), .words = file_word_tab },
	STR("redirect_to", pfile_rule, redirect_to),
	FN("preserve_tree", pfile_rule, preserve_tree, fn_flag),
	END
};

static const struct pword eco_tab[] = {
	{ "npm", REG_NPM }, { "pypi", REG_PYPI }, { "cargo", REG_CARGO },
	{ "go", REG_GO }, { "debian", REG_DEBIAN }, { NULL, 0 } };
static const struct pkey network_keys[] = {
	DECIDED(pnet_rule),
	LIST("domains", pnet_rule, domains),
	{ .name = "registries", .kind = PK_LIST, .words = eco_tab,
	  .off = offsetof(struct pnet_rule, registries) },
	FN("ports", pnet_rule, ports, fn_ports),
	FN("cidrs", pnet_rule, cidrs, fn_cidrs),
	END
};

static const struct pkey redirect_to_keys[] = {
	STR("command", pcmd_rule, redirect_command),
	LIST("args", pcmd_rule, redirect_args),
	LIST("args_append", pcmd_rule, redirect_append),
	MAP("environment", pcmd_rule, redirect_env),
	END
};

static const struct pkey context_keys[] = {
	INT("min_depth", depths, min),
	INT("max_depth", depths, max),
	END
};

static const struct pkey command_keys[] = {
	DECIDED(pcmd_rule),
	FN("commands", pcmd_rule, commands, fn_commands),
	LIST("args_patterns", pcmd_rule, args_patterns),
	INLINE("redirect_to", redirect_to_keys, "a command redirect"),
	FN("context", pcmd_rule, min_depth, fn_context),
	LIST("env_allow", pcmd_rule, env.allow),
	LIST("env_deny", pcmd_rule, env.deny),
	INT("env_max_bytes", pcmd_rule, env.max_bytes),
	INT("env_max_keys", pcmd_rule, env.max_keys),
	BOOL("env_block_iteration", pcmd_rule, env.block_iteration),
	END
};

static const struct pkey unix_keys[] = {
	DECIDED(punix_rule),
	LIST("paths", punix_rule, paths),
	{ .name = "operations", .kind = PK_FN, .fn = fn_operations,
	  .off = offsetof(struct punix_rule, operations), .words = net_op_tab },
	END
};

static const struct pkey signal_keys[] = {
	DECIDED(psig_rule),
	FN("signals", psig_rule, signals, fn_signals),
	FN("target", psig_rule, target, fn_target),
	FN("fallback", psig_rule, fallback, policytab_fallback),
	STR("redirect_to", psig_rule, redirect_text),
	END
};

static const struct pkey dns_keys[] = {
	COMMON(pdns_redirect),
	STR("match", pdns_redirect, match),
	STR("resolve_to", pdns_redirect, resolve_to),
	WORD("visibility", pdns_redirect, visibility, visibility_tab),
	WORD("on_failure", pdns_redirect, on_failure, on_failure_tab),
	END
};

static const struct pkey tls_keys[] = {
	WORD("mode", pconn_redirect, tls_mode, tls_mode_tab),
	STR("sni", pconn_redirect, sni),
	END
};

static const struct pkey connect_keys[] = {
	COMMON(pconn_redirect),
	STR("match", pconn_redirect, match),
	STR("redirect_to", pconn_redirect, redirect_to),
	INLINE("tls", tls_keys, "tls"),
	WORD("visibility", pconn_redirect, visibility, visibility_tab),
	WORD("on_failure", pconn_redirect, on_failure, on_failure_tab),
	END
};

const struct prule_kind rule_kind_tab[PR_MAX] = {
	[PR_FILE] = { "file_rules", "a file rule", file_keys,
		sizeof(struct pfile_rule), BIT(DEC_ALLOW) | BIT(DEC_AUDIT) |
		BIT(DEC_DENY) | BIT(DEC_APPROVE) | BIT(DEC_REDIRECT) |
		BIT(DEC_SOFT_DELETE), NULL, 0, file_prepare, file_check },
	[PR_NETWORK] = { "network_rules", "a network rule", network_keys,
		sizeof(struct pnet_rule), BIT(DEC_ALLOW) | BIT(DEC_AUDIT) |
		BIT(DEC_DENY) | BIT(DEC_APPROVE),
		"dns_redirects and connect_redirects", 0, NULL, network_check },
	[PR_COMMAND] = { "command_rules", "a command rule", command_keys,
		sizeof(struct pcmd_rule), BIT(DEC_ALLOW) | BIT(DEC_AUDIT) |
		BIT(DEC_DENY) | BIT(DEC_APPROVE) | BIT(DEC_REDIRECT), NULL, 0,
		command_prepare, command_check },
	[PR_UNIX] = { "unix_socket_rules", "a unix socket rule", unix_keys,
		sizeof(struct punix_rule), BIT(DEC_ALLOW) | BIT(DEC_AUDIT) |
		BIT(DEC_DENY) | BIT(DEC_APPROVE), NULL, 0, unix_prepare, NULL },
	[PR_SIGNAL] = { "signal_rules", "a signal rule", signal_keys,
		sizeof(struct psig_rule), BIT(DEC_ALLOW) | BIT(DEC_AUDIT) |
		BIT(DEC_DENY) | BIT(DEC_APPROVE) | BIT(DEC_REDIRECT) |
		BIT(DEC_ABSORB), NULL, 0, signal_prepare, signal_check },
	[PR_DNS] = { "dns_redirects", "a DNS redirect", dns_keys,
		sizeof(struct pdns_redirect), BIT(DEC_REDIRECT), NULL, 1, NULL,
		dns_check },
	[PR_CONNECT] = { "connect_redirects", "a connect redirect", connect_keys,
		sizeof(struct pconn_redirect), BIT(DEC_REDIRECT), NULL, 1, NULL,
		connect_check },
};

static const struct pkey limits_keys[] = {
	INT("max_memory_mb", plimits, max_memory_mb),
	INT("memory_swap_max_mb", plimits, memory_swap_max_mb),
	INT("cpu_quota_percent", plimits, cpu_quota_percent),
	INT("pids_max", plimits, pids_max),
	INT("disk_read_bps_max", plimits, disk_read_bps_max),
	INT("disk_write_bps_max", plimits, disk_write_bps_max),
	INT("net_bandwidth_mbps", plimits, net_bandwidth_mbps),
	DUR("command_timeout", plimits, command_timeout_ns),
	DUR("session_timeout", plimits, session_timeout_ns),
	DUR("idle_timeout", plimits, idle_timeout_ns),
	END
};

static const struct pkey env_keys[] = {
	LIST("allow", penv, allow),
	LIST("deny", penv, deny),
	INT("max_bytes", penv, max_bytes),
	INT("max_keys", penv, max_keys),
	BOOL("block_iteration", penv, block_iteration),
	END
};

static const struct pkey audit_keys[] = {
	BOOL("log_allowed", paudit, log_allowed),
	BOOL("log_denied", paudit, log_denied),
	BOOL("log_approved", paudit, log_approved),
	BOOL("include_stdout", paudit, include_stdout),
	BOOL("include_stderr", paudit, include_stderr),
	BOOL("include_file_content", paudit, include_file_content),
	INT("retention_days", paudit, retention_days),
	END
};

static const struct pkey transparent_keys[] = {
	LIST("add", policy, transparent_add),
	LIST("remove", policy, transparent_remove),
	END
};

/* Sections that are checked and kept: they load, and change nothing yet. */

static const struct pword reg_op_tab[] = { { "read", 0 }, { "write", 0 },
	{ "delete", 0 }, { "create", 0 }, { "rename", 0 }, { "*", 0 },
	{ NULL, 0 } };
static const struct pkey registry_keys[] = {
	C("name", PK_STR), C("description", PK_STR), C("paths", PK_LIST),
	CW("operations", PK_LIST, reg_op_tab), C("decision", PK_STR),
	C("message", PK_STR), C("timeout", PK_DURATION), C("priority", PK_INT),
	C("cache_ttl", PK_DURATION), C("notify", PK_BOOL), END
};

static const struct pkey mcp_tool_keys[] = {
	C("server", PK_STR), C("tool", PK_STR), C("content_hash", PK_STR), END };
static const struct pkey mcp_server_keys[] = { C("id", PK_STR), END };
static const struct pkey mcp_pin_keys[] = {
	C("enabled", PK_BOOL), C("on_change", PK_STR),
	C("auto_trust_first", PK_BOOL), END };
static const struct pkey mcp_keys[] = {
	C("enforce_policy", PK_BOOL), C("tool_policy", PK_STR),
	CSUB("allowed_tools", PK_LIST_OF, mcp_tool_keys, "an allowed tool"),
	CSUB("allowed_servers", PK_LIST_OF, mcp_server_keys, "an allowed server"),
	C("server_policy", PK_STR),
	CSUB("version_pinning", PK_SUB, mcp_pin_keys, "version_pinning"),
	C("cross_server", PK_ANY), END
};

static const struct pkey identity_os_keys[] = {
	C("comm", PK_LIST), C("exe_path", PK_LIST), C("cmdline", PK_LIST),
	C("bundle_id", PK_LIST), C("exe_name", PK_LIST), END };
static const struct pkey identity_keys[] = {
	C("description", PK_STR),
	CSUB("linux", PK_SUB, identity_os_keys, "a process identity"),
	CSUB("darwin", PK_SUB, identity_os_keys, "a process identity"),
	CSUB("windows", PK_SUB, identity_os_keys, "a process identity"),
	CSUB("all_platforms", PK_SUB, identity_os_keys, "a process identity"),
	END
};

static const struct pkey consecutive_keys[] = {
	C("value", PK_STR), C("count_ge", PK_INT), C("count_le", PK_INT), END };
static const struct pkey condition_keys[] = {
	C("via_index", PK_ANY), C("via_index_value", PK_STR),
	C("via_contains", PK_LIST), C("via_not_contains", PK_LIST),
	C("via_matches", PK_LIST), C("class_contains", PK_LIST),
	C("class_not_contains", PK_LIST),
	CSUB("consecutive_class", PK_SUB, consecutive_keys, "consecutive_class"),
	CSUB("consecutive_comm", PK_SUB, consecutive_keys, "consecutive_comm"),
	C("depth_eq", PK_INT), C("depth_gt", PK_INT), C("depth_lt", PK_INT),
	C("depth_ge", PK_INT), C("depth_le", PK_INT), C("is_tainted", PK_BOOL),
	C("is_agent", PK_BOOL), C("env_contains", PK_LIST),
	C("args_contain", PK_LIST), C("comm_matches", PK_LIST),
	C("path_matches", PK_LIST), C("source_name", PK_LIST),
	C("source_context", PK_LIST),
	CSUB("or", PK_LIST_OF, condition_keys, "a condition"),
	CSUB("and", PK_LIST_OF, condition_keys, "a condition"),
	CSUB("not", PK_SUB, condition_keys, "a condition"), END
};
static const struct pkey chain_keys[] = {
	C("name", PK_STR), C("description", PK_STR), C("priority", PK_INT),
	CSUB("condition", PK_SUB, condition_keys, "a condition"),
	C("action", PK_STR), C("message", PK_STR), C("continue", PK_BOOL), END };
static const struct pkey override_keys[] = {
	C("args_allow", PK_LIST), C("args_deny", PK_LIST), C("default", PK_STR),
	END };
static const struct pkey race_keys[] = {
	C("on_missing_parent", PK_STR), C("on_pid_mismatch", PK_STR),
	C("on_validation_error", PK_STR), C("log_race_conditions", PK_BOOL),
	END };
static const struct pkey process_context_keys[] = {
	C("description", PK_STR), C("identities", PK_LIST),
	CSUB("chain_rules", PK_LIST_OF, chain_keys, "a chain rule"),
	CRULES("command_rules", PR_COMMAND), CRULES("file_rules", PR_FILE),
	CRULES("network_rules", PR_NETWORK),
	CRULES("unix_socket_rules", PR_UNIX),
	CSUB("env_policy", PK_SUB, env_keys, "an env policy"),
	C("allowed_commands", PK_LIST), C("denied_commands", PK_LIST),
	C("require_approval", PK_LIST),
	CSUB("command_overrides", PK_MAP_OF, override_keys, "a command override"),
	C("default_decision", PK_STR),
	CSUB("race_policy", PK_SUB, race_keys, "a race policy"),
	C("max_depth", PK_INT), C("stop_at", PK_LIST), C("pass_through", PK_LIST),
	END
};

static const struct pword package_action_tab[] = { { "allow", 0 },
	{ "warn", 0 }, { "approve", 0 }, { "block", 0 }, { NULL, 0 } };
static const struct pkey spdx_keys[] = {
	C("allow", PK_LIST), C("deny", PK_LIST), END };
static const struct pkey package_match_keys[] = {
	C("packages", PK_LIST), C("name_patterns", PK_LIST),
	C("finding_type", PK_STR), C("severity", PK_STR), C("reasons", PK_LIST),
	CSUB("license_spdx", PK_SUB, spdx_keys, "license_spdx"),
	C("ecosystem", PK_STR), END };
static const struct pkey package_keys[] = {
	CSUB("match", PK_SUB, package_match_keys, "a package match"),
	CW("action", PK_WORD, package_action_tab), C("reason", PK_STR), END };

const struct pkey policy_keys[] = {
	INT("version", policy, version),
	STR("name", policy, name),
	STR("description", policy, description),
	RULES("file_rules", policy, file_rules, PR_FILE),
	RULES("network_rules", policy, network_rules, PR_NETWORK),
	RULES("command_rules", policy, command_rules, PR_COMMAND),
	{ .name = "unix_socket_rules", .kind = PK_FN, .fn = fn_unix_rules,
	  .off = offsetof(struct policy, unix_rules), .arg = PR_UNIX },
	RULES("signal_rules", policy, signal_rules, PR_SIGNAL),
	RULES("dns_redirects", policy, dns_redirects, PR_DNS),
	RULES("connect_redirects", policy, connect_redirects, PR_CONNECT),
	SUB("resource_limits", policy, limits, limits_keys, "resource_limits"),
	SUB("env_policy", policy, env, env_keys, "env_policy"),
	MAP("env_inject", policy, env_inject),
	SUB("audit", policy, audit, audit_keys, "audit"),
	INLINE("transparent_commands", transparent_keys, "transparent_commands"),
	KEEP("registry_rules", policy, registry_rules, PK_LIST_OF, registry_keys,
	    "a registry rule"),
	KEEP("mcp_rules", policy, mcp_rules, PK_SUB, mcp_keys, "mcp_rules"),
	KEEP("process_contexts", policy, process_contexts, PK_MAP_OF,
	    process_context_keys, "a process context"),
	KEEP("process_identities", policy, process_identities, PK_MAP_OF,
	    identity_keys, "a process identity"),
	KEEP("package_rules", policy, package_rules, PK_LIST_OF, package_keys,
	    "a package rule"),
	END
};
/* clang-format on */
