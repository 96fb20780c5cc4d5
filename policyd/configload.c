/*
 * config.yaml's tree to struct config, by the table in configtab.c.  Never fails on a key
 * it does not know, and never ignores one in silence; a value of the wrong type
 * or an unknown word is an error.
 */

#include "policyd/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policyd/arena.h"
#include "policyd/configcheck.h"
#include "policyd/configtab.h"
#include "policyd/diag.h"
#include "policyd/policyload.h"
#include "policyd/scalar.h"
#include "policyd/yread.h"
#include "policyd/ytree.h"

#define PATH_BYTES 256
#define SEC	   UINT64_C(1000000000)

struct loader {
	struct yread y;
	struct config *c;
	int strict;
	size_t notes_cap[2];
};

/* Other spellings of known keys. */
static const struct {
	const char *alias;
	const char *path;
} alias_tab[] = {
	{ "policies.default_policy", "policies.default" },
};

static void
set_str(struct pstr *p, const char *s)
{
	p->s = s;
	p->len = strlen(s);
}

static void
defaults(struct config *c)
{
	const struct ckey *k;

	for (k = configtab; k->path != NULL; k++) {
		if (k->type == CT_STR && k->off != CONFIGTAB_NOSTORE)
			set_str((struct pstr *)((char *)c + k->off), "");
	}
	set_str(&c->http_addr, "127.0.0.1:18080");
	c->http_read_timeout_ns = 30 * SEC;
	c->http_write_timeout_ns = 300 * SEC;
	c->http_max_request_bytes = 10000000;
	c->log_level = CLOG_INFO;
	set_str(&c->sessions_dir, "/var/lib/agentsh/sessions");
	c->max_sessions = 100;
	c->cleanup_interval_ns = 60 * SEC;
	c->audit_enabled = 1;
	set_str(&c->audit_db, "/var/lib/agentsh/events.db");
	c->audit_batch = 64;
	c->audit_flush_ns = 50 * SEC / 1000;
	set_str(&c->policy_dir, "/etc/agentsh/policies");
	set_str(&c->policy_default, "default");
	c->detect_project_root = 1;
	c->sandbox_enabled = 1;
	c->baseline = 1;
	c->approvals_mode = CAPP_LOCAL_TTY;
	c->approvals_timeout_ns = 300 * SEC;
	c->warn_degraded = 1;
	set_str(&c->metrics_path, "/metrics");
	set_str(&c->health_path, "/health");
	set_str(&c->ready_path, "/ready");
	configfeeds_default(c);
}

/* Values -------------------------------------------------------------- */

static int
store_num(const struct loader *l, const struct ckey *k, const struct ynode *n,
    void *p)
{
	struct pnum v = { 0 };
	int rv;

	if (k->type == CT_BOOL || k->type == CT_PBOOL)
		rv = yread_bool(&l->y, k->path, n, &v);
	else if (k->type == CT_DURATION)
		rv = yread_duration(&l->y, k->path, n, &v);
	else if (k->type == CT_SIZE)
		rv = yread_size(&l->y, k->path, n, &v);
	else
		rv = yread_int(&l->y, k->path, n, 0,
		    k->type == CT_U32 ? UINT32_MAX : INT64_MAX, &v);
	if (rv == -1 || !v.set || p == NULL)
		return v.v != 0;
	if (k->type == CT_BOOL)
		*(uint8_t *)p = v.v != 0;
	else if (k->type == CT_U32)
		*(uint32_t *)p = (uint32_t)v.v;
	else if (k->type == CT_PBOOL || k->type == CT_PNUM)
		*(struct pnum *)p = v;
	else
		*(uint64_t *)p = v.v;
	return v.v != 0;
}

/* Words that switch a part off, besides the empty one. */
static int
is_off(const char *s)
{
	static const char *const off[] = { "", "off", "none", "disabled",
		"false", "no" };
	size_t i;

	for (i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (strcasecmp(off[i], s) == 0)
			return 1;
	}
	return 0;
}

static int
store_text(const struct loader *l, const struct ckey *k, const struct ynode *n,
    void *p)
{
	const struct pword *w;
	struct pstr s;

	if (yread_str(&l->y, k->path, n, &s) == -1)
		return 0;
	if (k->type == CT_STR) {
		/* null leaves the default; "" is a value. */
		if (p != NULL && !yread_is_null(n))
			*(struct pstr *)p = s;
		return !is_off(s.s);
	}
	if (s.len == 0)
		return 0;
	if ((w = yread_word(&l->y, k->path, &s, k->words)) != NULL && p != NULL)
		*(int *)p = (int)w->value;
	return w != NULL && !is_off(s.s);
}

/* Store k's value; answers whether it switches something on. */
static int
store(const struct loader *l, const struct ckey *k, const struct ynode *n)
{
	void *p = k->off == CONFIGTAB_NOSTORE ? NULL : (char *)l->c + k->off;
	struct plist list = { 0 };
	struct pmap map = { 0 };

	switch (k->type) {
	case CT_STR:
	case CT_WORD:
		return store_text(l, k, n, p);
	case CT_BOOL:
	case CT_PBOOL:
	case CT_U32:
	case CT_PNUM:
	case CT_DURATION:
	case CT_SIZE:
		return store_num(l, k, n, p);
	case CT_LIST:
		(void)yread_list(&l->y, k->path, n, &list);
		if (p != NULL)
			*(struct plist *)p = list;
		return list.n != 0;
	case CT_MAP:
		(void)yread_map(&l->y, k->path, n, &map);
		if (p != NULL)
			*(struct pmap *)p = map;
		return map.n != 0;
	case CT_ANY:
		return !yread_is_null(n);
	case CT_MAX:
		break;
	}
	return 0;
}

/* Notes --------------------------------------------------------------- */

static void
note(struct loader *l, struct config_notes *ns, size_t *cap,
    const struct ckey *k, struct pos at)
{
	struct config_note *v;

	if (ns->n == *cap) {
		v = arena_array(l->y.arena, *cap == 0 ? 16 : *cap * 2,
		    sizeof(*v));
		if (v == NULL)
			return;
		if (ns->n != 0)
			memcpy(v, ns->v, ns->n * sizeof(*v));
		*cap = *cap == 0 ? 16 : *cap * 2;
		ns->v = v;
	}
	v = &ns->v[ns->n++];
	v->key = k->path;
	v->part = k->part != NULL ? k->part : "";
	v->pos = at;
}

static void __attribute__((format(printf, 3, 4)))
complain(const struct loader *l, struct pos at, const char *fmt, ...)
{
	char buf[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (l->strict)
		yread_error(&l->y, at, "%s", buf);
	else
		yread_warn(&l->y, at, "%s", buf);
}

static void
say(struct loader *l, const struct ckey *k, struct pos at, int on)
{
	switch (k->kind) {
	case CK_SWITCH:
		if (!on)
			break;
		note(l, &l->c->not_built, &l->notes_cap[0], k, at);
		yread_warn(&l->y, at,
		    "\"%s\" switches on a part that is not built yet: %s",
		    k->path, k->part);
		break;
	case CK_LATER:
		note(l, &l->c->no_effect, &l->notes_cap[1], k, at);
		yread_warn(&l->y, at,
		    "\"%s\" is accepted without effect (not built yet: %s)",
		    k->path, k->part);
		break;
	case CK_DEAD:
		note(l, &l->c->no_effect, &l->notes_cap[1], k, at);
		complain(l, at, "\"%s\" is accepted without effect%s%s%s",
		    k->path, k->part != NULL ? " (" : "",
		    k->part != NULL ? k->part : "", k->part != NULL ? ")" : "");
		break;
	case CK_LIVE:
	case CK_MAX:
		break;
	}
}

/* Keys ---------------------------------------------------------------- */

static const struct ckey *
find(const char *path)
{
	const struct ckey *k;
	size_t i;

	for (i = 0; i < sizeof(alias_tab) / sizeof(alias_tab[0]); i++) {
		if (strcmp(alias_tab[i].alias, path) == 0)
			path = alias_tab[i].path;
	}
	for (k = configtab; k->path != NULL; k++) {
		if (strcmp(k->path, path) == 0)
			return k;
	}
	return NULL;
}

/* Does some row lie below path? */
static int
has_below(const char *path)
{
	size_t n = strlen(path);
	const struct ckey *k;

	for (k = configtab; k->path != NULL; k++) {
		if (strncmp(k->path, path, n) == 0 && k->path[n] == '.')
			return 1;
	}
	return 0;
}

/* The names directly below a prefix, for the nearest one. */
struct below {
	const char *prefix; /* "" or "sandbox." */
	size_t row;
	char name[64];
};

static const char *
below_next(const void *list, size_t i)
{
	struct below *b = *(struct below *const *)list;
	size_t n = strlen(b->prefix), len;
	const char *s;

	if (i == 0)
		b->row = 0;
	for (; configtab[b->row].path != NULL; b->row++) {
		s = configtab[b->row].path;
		if (strncmp(s, b->prefix, n) != 0)
			continue;
		len = strcspn(s + n, ".");
		if (len >= sizeof(b->name))
			continue;
		memcpy(b->name, s + n, len);
		b->name[len] = '\0';
		b->row++;
		return b->name;
	}
	return NULL;
}

/* A row with the component key, as the path up to it; "" if there is none. */
static void
elsewhere(const char *key, char *out, size_t size)
{
	const struct ckey *k;
	const char *s;
	size_t len, n = strlen(key);

	out[0] = '\0';
	for (k = configtab; k->path != NULL; k++) {
		for (s = k->path; *s != '\0'; s += len + (s[len] == '.')) {
			len = strcspn(s, ".");
			if (len != n || strncmp(s, key, n) != 0)
				continue;
			(void)snprintf(out, size, "%.*s",
			    (int)(s + len - k->path), k->path);
			return;
		}
	}
}

static void
unknown(struct loader *l, const char *prefix, const struct ynode *key)
{
	struct below b = { .prefix = prefix }, *list = &b;
	char other[PATH_BYTES], copy[64];
	const char *near, *ign = l->strict ? "" : ", ignored";

	l->c->unknown++;
	if (!diag_room(l->y.d, l->strict ? DIAG_ERROR : DIAG_WARNING)) {
		complain(l, key->str.pos, "unknown key");
		return;
	}
	near = NULL;
	other[0] = '\0';
	/* The words live in one buffer: copy the best when it is found. */
	if (diag_nearest_copy(key->str.s, below_next, &list, copy,
		sizeof(copy)) == 0)
		near = copy;
	else
		elsewhere(key->str.s, other, sizeof(other));
	if (near != NULL)
		complain(l, key->str.pos,
		    "unknown key \"%s%.64s\"%s; was \"%s%s\" meant?", prefix,
		    key->str.s, ign, prefix, near);
	else if (other[0] != '\0')
		complain(l, key->str.pos,
		    "unknown key \"%s%.64s\"%s; was \"%s\" meant?", prefix,
		    key->str.s, ign, other);
	else
		complain(l, key->str.pos, "unknown key \"%s%.64s\"%s", prefix,
		    key->str.s, ign);
}

static void walk(struct loader *l, const struct ynode *n, const char *prefix);

static void
one_key(struct loader *l, const struct ynode *key, const struct ynode *val,
    const char *prefix)
{
	char path[PATH_BYTES];
	const struct ckey *k;
	int n;

	n = snprintf(path, sizeof(path), "%s%s", prefix, key->str.s);
	/* A dot in a name would make it look like two. */
	if (n < 0 || (size_t)n >= sizeof(path) - 1 ||
	    strchr(key->str.s, '.') != NULL) {
		unknown(l, prefix, key);
		return;
	}
	if ((k = find(path)) != NULL) {
		say(l, k, key->str.pos, store(l, k, val));
		return;
	}
	if (!has_below(path)) {
		unknown(l, prefix, key);
		return;
	}
	if (yread_is_null(val))
		return;
	if (val->type != Y_MAP) {
		yread_error(&l->y, val->str.pos,
		    "\"%s\" takes a map of keys, not %s", path,
		    ytype_name[val->type]);
		return;
	}
	path[n] = '.';
	path[n + 1] = '\0';
	walk(l, val, path);
}

/* As deep as the table's paths, and no deeper than the tree. */
static void
walk(struct loader *l, const struct ynode *n, const char *prefix)
{
	uint32_t i;

	for (i = 0; i < n->n; i++)
		one_key(l, n->pairs[i].key, n->pairs[i].value, prefix);
}

static void
check_names(const struct loader *l, const struct pstr *v, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!policyload_name_ok(v[i].s))
			yread_error(&l->y, v[i].pos,
			    "\"%.64s\" cannot name a policy: letters, digits, "
			    "\"_\" and \"-\" only",
			    v[i].s);
	}
}

/* Two spellings of one key that disagree: neither may win in silence. */
static void
check_metadata(const struct loader *l)
{
	const struct ynode *m =
	    ytree_get(ytree_get(ytree_get(l->c->tree, "sandbox"), "seccomp"),
		"file_monitor");
	const struct ynode *a = ytree_get(m, "metadata");
	const struct ynode *b = ytree_get(m, "intercept_metadata");
	int x, y;

	if (a != NULL && b != NULL && scalar_bool(a->str.s, &x) == 0 &&
	    scalar_bool(b->str.s, &y) == 0 && x != y)
		yread_error(&l->y, b->str.pos,
		    "\"file_monitor.intercept_metadata\" and "
		    "\"file_monitor.metadata\" are the same key and differ");
}

/* What single keys cannot show. */
static void
check(const struct loader *l)
{
	const struct config *c = l->c;
	const struct ynode *p = ytree_get(c->tree, "policies");
	const struct ynode *a, *b;

	a = ytree_get(p, "default");
	b = ytree_get(p, "default_policy");
	if (a != NULL && b != NULL && strcmp(a->str.s, b->str.s) != 0)
		yread_error(&l->y, b->str.pos,
		    "\"policies.default_policy\" and \"policies.default\" are "
		    "the same key and differ");
	check_names(l, &c->policy_default, 1);
	check_names(l, c->policy_allowed.v, c->policy_allowed.n);
	check_metadata(l);
	configcheck_landlock(&l->y, c);
	configcheck_syscalls(&l->y, c);
	if (!c->audit_enabled)
		yread_warn(&l->y,
		    ytree_get(ytree_get(c->tree, "audit"), "enabled")->str.pos,
		    "\"audit.enabled: false\" is without effect: the audit "
		    "trail is always kept");
	if (c->approvals_when_disabled == CWD_ALLOW && !c->approvals_enabled)
		yread_warn(&l->y,
		    ytree_get(ytree_get(c->tree, "approvals"), "when_disabled")
			->str.pos,
		    "\"approvals.when_disabled: allow\": every approve rule "
		    "allows while approvals are off");
	if (c->audit_hmac && c->audit_key_file.len == 0 &&
	    c->audit_key_env.len == 0)
		yread_error(&l->y,
		    ytree_get(ytree_get(c->tree, "audit"), "integrity")
			->str.pos,
		    "\"audit.integrity\" needs \"key_file\" or \"key_env\"");
}

static int
load(struct loader *l, struct ytree *t, const void *bytes, size_t size)
{
	struct config *c = l->c;

	if (ytree_parse(t, c->arena, c->file, bytes, size, l->y.d) == -1)
		return -1;
	c->src = &t->src;
	c->tree = t->root;
	if (yread_is_null(t->root)) {
		yread_warn(&l->y, t->root->str.pos,
		    "the file sets nothing; every value is its default");
		configfeeds_load(&l->y, c);
		return 0;
	}
	if (t->root->type != Y_MAP) {
		yread_error(&l->y, t->root->str.pos,
		    "a config is a map of keys, not %s",
		    ytype_name[t->root->type]);
		return -1;
	}
	walk(l, t->root, "");
	check(l);
	configfeeds_load(&l->y, c);
	return 0;
}

struct config *
config_load(const char *file, const void *bytes, size_t size_bytes,
    const struct config_opts *o, struct diag *d)
{
	unsigned int errors = d->errors;
	struct loader l = { .y = { .d = d } };
	struct arena *a = arena_new(POLICYLOAD_ARENA_MAX);
	struct ytree *t;
	struct config *c;

	if (a == NULL || (c = arena_alloc(a, sizeof(*c))) == NULL ||
	    (t = arena_alloc(a, sizeof(*t))) == NULL ||
	    (c->file = arena_strndup(a, file, strlen(file))) == NULL) {
		diag_add(d, DIAG_ERROR, file, 0, 0, "out of memory");
		arena_free(a);
		return NULL;
	}
	c->arena = a;
	defaults(c);
	l.c = c;
	l.y.arena = a;
	l.y.file = c->file;
	l.y.vars = o != NULL ? o->vars : NULL;
	l.strict = o != NULL && o->strict;
	if (load(&l, t, bytes, size_bytes) == -1 || d->errors != errors) {
		config_free(c);
		return NULL;
	}
	return c;
}

void
config_free(struct config *c)
{
	if (c != NULL)
		arena_free(c->arena);
}
