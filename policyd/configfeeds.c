/*
 * threat_feeds of config.yaml: to the fixed-size struct that the monitor opens
 * files by and netproxy fetches by (common/feedconf.h).  Runs in policyd; what
 * it makes passes feedconf_check, or the config is refused.
 */

#include <stdio.h>
#include <string.h>

#include "common/feedconf.h"
#include "common/sha256.h"
#include "policyd/arena.h"
#include "policyd/configtab.h"
#include "policyd/diag.h"

#define INTERVAL_NS	(UINT64_C(6) * 3600 * 1000000000) /* the original's */
#define INTERVAL_MIN_NS (UINT64_C(60) * 1000000000)

static const struct pword format_tab[] = { { "hostfile", 0 },
	{ "domain-list", 1 }, { NULL, 0 } };
static const struct pword action_tab[] = { { "deny", 0 }, { "audit", 1 },
	{ NULL, 0 } };

enum feed_key { FK_NAME, FK_URL, FK_FORMAT, FK_ACTION, FK_MAX };
static const char *const key_tab[FK_MAX] = {
	[FK_NAME] = "name",
	[FK_URL] = "url",
	[FK_FORMAT] = "format",
	[FK_ACTION] = "action",
};

/* A copy that ends, or an error. */
static int
fit(const struct yread *y, const struct pstr *p, const char *s, char *out,
    size_t size)
{
	size_t n = strlen(s);

	if (n < size) {
		memcpy(out, s, n + 1);
		return 0;
	}
	yread_error(y, p->pos, "longer than %zu bytes", size - 1);
	return -1;
}

/* The next row, or NULL with an error at a place. */
static struct feedconf_row *
next_row(const struct yread *y, struct feedconf *f, struct pos at)
{
	if (f->nrows < FEEDCONF_ROWS)
		return &f->row[f->nrows];
	yread_error(y, at, "more than %d threat feeds and local lists",
	    FEEDCONF_ROWS);
	return NULL;
}

static int
is_taken(const struct feedconf *f, const char *name)
{
	uint32_t i;

	for (i = 0; i < f->nrows; i++)
		if (strcmp(f->row[i].name, name) == 0)
			return 1;
	return 0;
}

static int
set_name(const struct yread *y, const struct feedconf *f, const struct pstr *p,
    struct feedconf_row *r)
{
	if (!feedconf_name_ok(p->s) || strchr(p->s, ':') != NULL)
		yread_error(y, p->pos,
		    "\"%.64s\" cannot name a feed: at most %d letters, digits, "
		    "\".\", \"_\" and \"-\"",
		    p->s, FEEDCONF_NAME_LEN - 1);
	else if (is_taken(f, p->s))
		yread_error(y, p->pos, "two feeds are called \"%s\"", p->s);
	else
		return fit(y, p, p->s, r->name, sizeof(r->name));
	return -1;
}

static int
set_url(const struct yread *y, const struct pstr *p, struct feedconf_row *r)
{
	r->local = strncmp(p->s, "file:///", 8) == 0;
	if (r->local)
		return fit(y, p, p->s + 7, r->where, sizeof(r->where));
	if (strncmp(p->s, "https://", 8) == 0 ||
	    strncmp(p->s, "http://", 7) == 0)
		return fit(y, p, p->s, r->where, sizeof(r->where));
	yread_error(y, p->pos,
	    "\"%.64s\" is no URL of a feed: https, http or "
	    "file:///PATH",
	    p->s);
	return -1;
}

static void
other_key(const struct yread *y, const struct ynode *key)
{
	const char *near;

	if (strcmp(key->str.s, "refresh_interval") == 0) {
		yread_warn(y, key->str.pos,
		    "\"refresh_interval\" is accepted without effect: "
		    "\"threat_feeds.sync_interval\" is for every feed");
		return;
	}
	near = diag_nearest_of(key->str.s, key_tab, FK_MAX);
	if (near != NULL)
		yread_warn(y, key->str.pos,
		    "unknown key \"%.64s\" of a feed, ignored; was \"%s\" "
		    "meant?",
		    key->str.s, near);
	else
		yread_warn(y, key->str.pos,
		    "unknown key \"%.64s\" of a feed, ignored", key->str.s);
}

static int
read_keys(const struct yread *y, const struct ynode *n, struct pstr v[FK_MAX])
{
	uint32_t i;
	int k, rv = 0;

	for (i = 0; i < n->n; i++) {
		for (k = 0; k < FK_MAX; k++)
			if (strcmp(n->pairs[i].key->str.s, key_tab[k]) == 0)
				break;
		if (k == FK_MAX)
			other_key(y, n->pairs[i].key);
		else if (yread_str(y, key_tab[k], n->pairs[i].value, &v[k]) ==
		    -1)
			rv = -1;
	}
	for (k = 0; k < FK_ACTION; k++) {
		if (v[k].s == NULL || v[k].len == 0) {
			yread_error(y, n->str.pos, "a feed needs \"%s\"",
			    key_tab[k]);
			rv = -1;
		}
	}
	return rv;
}

static void
add_feed(const struct yread *y, struct feedconf *f, const struct ynode *n,
    uint32_t audit)
{
	struct pstr v[FK_MAX];
	struct feedconf_row *r = next_row(y, f, n->str.pos);
	const struct pword *format, *action;

	if (r == NULL)
		return;
	if (n->type != Y_MAP) {
		yread_error(y, n->str.pos, "a feed is a map, not %s",
		    ytype_name[n->type]);
		return;
	}
	memset(v, 0, sizeof(v));
	if (read_keys(y, n, v) == -1 || set_name(y, f, &v[FK_NAME], r) == -1 ||
	    set_url(y, &v[FK_URL], r) == -1 ||
	    (format = yread_word(y, "format", &v[FK_FORMAT], format_tab)) ==
		NULL)
		return;
	r->format = format->value;
	r->audit = audit;
	if (v[FK_ACTION].len > 0) {
		action = yread_word(y, "action", &v[FK_ACTION], action_tab);
		if (action == NULL)
			return;
		r->audit = action->value;
	}
	f->nrows++;
}

/* "local:" the file's name, and a part of a hash of its path: unique. */
static void
name_local(struct feedconf_row *r)
{
	const char *base = strrchr(r->where, '/') + 1, *p;
	uint8_t sum[SHA256_LEN];
	struct sha256 s;
	size_t n;

	sha256_init(&s);
	sha256_update(&s, r->where, strlen(r->where));
	sha256_final(&s, sum);
	n = (size_t)snprintf(r->name, sizeof(r->name), "local:");
	for (p = base; *p != '\0' && n < sizeof(r->name) - 10; p++) {
		r->name[n] = *p;
		r->name[n + 1] = '\0';
		if (!feedconf_name_ok(r->name + n))
			r->name[n] = '_';
		n++;
	}
	snprintf(r->name + n, sizeof(r->name) - n, ".%02x%02x%02x%02x", sum[0],
	    sum[1], sum[2], sum[3]);
}

static void
add_local(const struct yread *y, struct feedconf *f, const struct pstr *p,
    uint32_t audit)
{
	struct feedconf_row *r = next_row(y, f, p->pos);
	const char *path = p->s;

	if (r == NULL)
		return;
	if (strncmp(path, "file:///", 8) == 0)
		path += 7;
	if (path[0] != '/') {
		yread_error(y, p->pos,
		    "\"%.64s\": a local list is an absolute path", p->s);
		return;
	}
	if (fit(y, p, path, r->where, sizeof(r->where)) == -1)
		return;
	r->local = 1;
	r->format = 1;
	r->audit = audit;
	name_local(r);
	if (is_taken(f, r->name))
		yread_error(y, p->pos, "\"%.64s\" stands twice", p->s);
	else
		f->nrows++;
}

/* "*.x" is x: what is below a name is allowed with it. */
static int
add_allow(const struct yread *y, struct feedconf *f, const struct pstr *p)
{
	const char *s = strncmp(p->s, "*.", 2) == 0 ? p->s + 2 : p->s;
	size_t n = strlen(s) + 1;

	if (n > sizeof(f->allow) - f->allow_bytes) {
		yread_error(y, p->pos,
		    "\"threat_feeds.allowlist\" is larger "
		    "than %u bytes",
		    FEEDCONF_ALLOW_LEN);
		return -1;
	}
	memcpy(f->allow + f->allow_bytes, s, n);
	f->allow_bytes += (uint32_t)n;
	return 0;
}

static void
cache_dir(const struct yread *y, const struct config *c, struct feedconf *f)
{
	const struct pstr *p = &c->feeds_cache_dir;

	if (p->s[0] != '/')
		yread_error(y, p->pos,
		    "\"threat_feeds.cache_dir\" takes an absolute path");
	else
		(void)fit(y, p, p->s, f->cache_dir, sizeof(f->cache_dir));
}

static void
interval(const struct yread *y, const struct config *c, struct feedconf *f)
{
	f->interval_ns = c->feeds_interval_ns;
	if (f->interval_ns >= INTERVAL_MIN_NS)
		return;
	yread_warn(y,
	    ytree_get(ytree_get(c->tree, "threat_feeds"), "sync_interval")
		->str.pos,
	    "\"threat_feeds.sync_interval\" is one minute at least");
	f->interval_ns = INTERVAL_MIN_NS;
}

void
configfeeds_default(struct config *c)
{
	c->feeds_interval_ns = INTERVAL_NS;
	c->feeds_cache_dir.s = "/var/lib/agentsh/threat-feeds";
	c->feeds_cache_dir.len = strlen(c->feeds_cache_dir.s);
}

void
configfeeds_load(const struct yread *y, struct config *c)
{
	const struct ynode *feeds = ytree_get(ytree_get(c->tree,
						  "threat_feeds"),
	    "feeds");
	uint32_t audit = (uint32_t)c->feeds_audit;
	struct feedconf *f;
	unsigned int i;

	if ((f = arena_alloc(y->arena, sizeof(*f))) == NULL) {
		yread_error(y, (struct pos) { 0, 0 }, "out of memory");
		return;
	}
	memcpy(f->magic, FEEDCONF_MAGIC, sizeof(f->magic));
	f->size_bytes = sizeof(*f);
	c->feeds = f;
	if (!c->feeds_enabled) {
		f->interval_ns = INTERVAL_NS;
		return;
	}
	interval(y, c, f);
	cache_dir(y, c, f);
	if (feeds != NULL && feeds->type != Y_LIST && !yread_is_null(feeds))
		yread_error(y, feeds->str.pos,
		    "\"threat_feeds.feeds\" takes a list of feeds");
	for (i = 0; feeds != NULL && feeds->type == Y_LIST && i < feeds->n; i++)
		add_feed(y, f, feeds->items[i], audit);
	for (i = 0; i < c->feeds_local.n; i++)
		add_local(y, f, &c->feeds_local.v[i], audit);
	for (i = 0; i < c->feeds_allow.n; i++)
		if (add_allow(y, f, &c->feeds_allow.v[i]) == -1)
			break;
}
