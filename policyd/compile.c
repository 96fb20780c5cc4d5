/*
 * The compiler's frame: sections that grow, rules and outcomes, the settings of
 * a session, and the bytes in the end.  What it made is put through image_check
 * before it leaves: a mistake here must not become a tracer that cannot start.
 */

#include "policyd/compile.h"

#include <sys/mman.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policyd/compile_int.h"

static const uint32_t elem_bytes[IS_MAX] = {
#define X(name, type) [IS_##name] = sizeof(type),
	IMAGE_SECTIONS(X)
#undef X
};

/* ---- sections ---- */

static int
grow(struct comp *c, enum image_section s, size_t n)
{
	struct csec *sec = &c->sec[s];
	size_t cap = sec->cap == 0 ? 64 : sec->cap;
	uint8_t *p;

	if (n > IMAGE_SIZE_MAX / elem_bytes[s] - sec->n)
		goto fail;
	while (cap < sec->n + n)
		cap *= 2;
	if (cap == sec->cap)
		return 0;
	p = realloc(sec->p, cap * elem_bytes[s]);
	if (p == NULL)
		goto fail;
	sec->p = p;
	sec->cap = cap;
	return 0;
 fail:
	c->failed = 1;
	return -1;
}

uint32_t
comp_add(struct comp *c, enum image_section s, const void *src, size_t n)
{
	struct csec *sec = &c->sec[s];
	uint8_t *to;
	size_t at = sec->n;

	if (c->failed || grow(c, s, n) == -1)
		return 0;
	to = sec->p + at * elem_bytes[s];
	if (src != NULL)
		memcpy(to, src, n * elem_bytes[s]);
	else
		memset(to, 0, n * elem_bytes[s]);
	sec->n += n;
	return (uint32_t)at;
}

void *
comp_at(struct comp *c, enum image_section s, size_t i)
{
	if (i >= c->sec[s].n)
		return NULL;
	return c->sec[s].p + i * elem_bytes[s];
}

uint32_t
comp_string(struct comp *c, const char *s)
{
	if (*s == '\0')
		return 0;
	return comp_add(c, IS_STRINGS, s, strlen(s) + 1);
}

uint32_t
comp_dfa(struct comp *c, const struct dfa_hdr *dfa)
{
	struct image_blob b;
	uint32_t at;

	at = comp_add(c, IS_POOL, dfa, dfa->size_bytes / sizeof(uint64_t));
	b.off = at * (uint32_t)sizeof(uint64_t);
	b.len = dfa->size_bytes;
	return comp_add(c, IS_DFAS, &b, 1);
}

/* ---- rules ---- */

/* One file name serves all rules. */
static uint32_t
file_string(struct comp *c, const char *file)
{
	const char *base = strrchr(file, '/');

	base = base != NULL ? base + 1 : file;
	if (c->meta.policy_file == 0)
		c->meta.policy_file = comp_string(c, base);
	return c->meta.policy_file;
}

uint32_t
comp_rule(struct comp *c, const struct prule *r)
{
	struct image_rule_rec rec;

	if (c->rules == IMAGE_RULES_MAX) {
		diag_add(c->d, DIAG_ERROR, r->file, r->pos.line, r->pos.column,
		    "more than %u rules", IMAGE_RULES_MAX);
		c->failed = 1;
		return 0;
	}
	memset(&rec, 0, sizeof(rec));
	rec.name = comp_string(c, r->name.s);
	rec.file = file_string(c, r->file);
	rec.message = comp_string(c, r->message.s);
	rec.line = r->pos.line;
	rec.timeout_ns = r->timeout_ns.set ? r->timeout_ns.v : 0;
	c->rules++;
	return comp_add(c, IS_RULES, &rec, 1);
}

/* Does a call go on?  What a rule writes stays its decision either way. */
static int
goes_on(const struct comp *c, enum decision dec)
{
	switch (dec) {
	case DEC_ALLOW:
	case DEC_AUDIT:
	case DEC_SOFT_DELETE:
		return 1;
	case DEC_APPROVE:
		return !c->settings.approvals_enabled &&
		    c->settings.when_disabled_allow;
	case DEC_DENY:
	case DEC_REDIRECT:
	case DEC_ABSORB:
	case DEC_MAX:
		break;
	}
	return 0;
}

uint32_t
comp_outcome(struct comp *c, uint32_t rule, enum decision dec,
    enum layer layer)
{
	struct image_outcome o;

	if (c->sec[IS_OUTCOMES].n > UINT16_MAX) {
		c->failed = 1;
		return 0;
	}
	memset(&o, 0, sizeof(o));
	o.rule = rule;
	o.decision = (uint8_t)dec;
	o.allowed = (uint8_t)goes_on(c, dec);
	o.layer = (uint8_t)layer;
	o.always = dec == DEC_AUDIT;
	return comp_add(c, IS_OUTCOMES, &o, 1);
}

/* What the rules that no file wrote decide. */
static const struct {
	enum decision decision;
	enum layer layer;
} builtin_tab[BR_MAX] = {
	[BR_DEFAULT_DENY_FILES] = { DEC_DENY, LAYER_TRACER },
	[BR_DEFAULT_DENY_COMMANDS] = { DEC_DENY, LAYER_TRACER },
	[BR_DEFAULT_DENY_NETWORK] = { DEC_DENY, LAYER_TRACER },
	[BR_DEFAULT_DENY_UNIX] = { DEC_DENY, LAYER_TRACER },
	[BR_DEFAULT_DENY_SIGNALS] = { DEC_DENY, LAYER_TRACER },
	[BR_DEFAULT_ALLOW_READS] = { DEC_ALLOW, LAYER_TRACER },
	[BR_DEFAULT_ALLOW_SIGNALS] = { DEC_ALLOW, LAYER_TRACER },
	[BR_IMPLICIT_RUNTIME] = { DEC_ALLOW, LAYER_TRACER },
	[BR_IMPLICIT_TRAVERSE] = { DEC_ALLOW, LAYER_TRACER },
	[BR_SUPERVISOR] = { DEC_DENY, LAYER_TRACER },
	[BR_SYSCALL] = { DEC_DENY, LAYER_BPF },
	[BR_SESSION] = { DEC_DENY, LAYER_TRACER },
	[BR_UNJUDGEABLE] = { DEC_DENY, LAYER_TRACER },
	[BR_SESSION_OBJECT] = { DEC_ALLOW, LAYER_TRACER },
	[BR_EXEC_MISMATCH] = { DEC_DENY, LAYER_TRACER },
	[BR_AUDIT_UNAVAILABLE] = { DEC_DENY, LAYER_TRACER },
	[BR_PORT_ZERO] = { DEC_ALLOW, LAYER_TRACER },
	[BR_ENV_LIMIT] = { DEC_DENY, LAYER_LAUNCHER },
	[BR_OWN_NET] = { DEC_ALLOW, LAYER_TRACER },
	[BR_NO_MIRROR] = { DEC_DENY, LAYER_TRACER },
	[BR_DNS_TYPE] = { DEC_DENY, LAYER_PROXY },
	[BR_DNS_LIMIT] = { DEC_DENY, LAYER_PROXY },
};

static void
comp_builtins(struct comp *c)
{
	uint32_t i;

	for (i = 0; i < BR_MAX; i++)
		c->meta.default_rule[i] = comp_outcome(c, RULE_BUILTIN + i,
		    builtin_tab[i].decision, builtin_tab[i].layer);
}

/* ---- settings ---- */

/* The smaller of two limits of which 0 means none. */
static uint64_t
smaller(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static uint64_t
scaled(const struct pnum *n, uint64_t unit)
{
	if (!n->set)
		return 0;
	return n->v > UINT64_MAX / unit ? UINT64_MAX : n->v * unit;
}

static uint32_t
to_u32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static uint8_t
yes_unless(const struct pnum *n)
{
	return !n->set || n->v != 0;
}

#define MIB (UINT64_C(1) << 20)

static void
settings_of_policy(struct image_settings *s, const struct policy *pol)
{
	const struct plimits *l = &pol->limits;

	s->log_allowed = yes_unless(&pol->audit.log_allowed);
	s->log_denied = yes_unless(&pol->audit.log_denied);
	s->log_approved = yes_unless(&pol->audit.log_approved);
	s->retention_days = to_u32(scaled(&pol->audit.retention_days, 1));
	s->command_timeout_ns = scaled(&l->command_timeout_ns, 1);
	s->session_timeout_ns = scaled(&l->session_timeout_ns, 1);
	s->idle_timeout_ns = scaled(&l->idle_timeout_ns, 1);
	s->max_memory_bytes = scaled(&l->max_memory_mb, MIB);
	s->swap_max_bytes = l->memory_swap_max_mb.set ?
	    scaled(&l->memory_swap_max_mb, MIB) : UINT64_MAX;
	s->cpu_quota_percent = to_u32(scaled(&l->cpu_quota_percent, 1));
	s->pids_max = to_u32(scaled(&l->pids_max, 1));
	s->disk_read_bps = scaled(&l->disk_read_bps_max, 1);
	s->disk_write_bps = scaled(&l->disk_write_bps_max, 1);
}

/* A config's limit binds where it is the smaller one. */
static void
settings_of_config(struct image_settings *s, const struct config *conf)
{
	uint64_t io = scaled(&conf->limit_disk_io_mbps, MIB);

	s->metadata = conf->metadata;
	s->approvals_enabled = conf->approvals_enabled;
	s->when_disabled_allow = conf->approvals_when_disabled == CWD_ALLOW;
	s->approval_timeout_ns = conf->approvals_timeout_ns;
	s->ring_full_count = conf->audit_when_full == CRING_COUNT;
	s->landlock = conf->landlock_enabled;
	s->session_timeout_ns = smaller(s->session_timeout_ns,
	    conf->session_timeout_ns);
	s->idle_timeout_ns = smaller(s->idle_timeout_ns,
	    conf->idle_timeout_ns);
	s->max_memory_bytes = smaller(s->max_memory_bytes,
	    scaled(&conf->limit_memory_mb, MIB));
	s->cpu_quota_percent = to_u32(smaller(s->cpu_quota_percent,
	    scaled(&conf->limit_cpu_percent, 1)));
	s->pids_max = to_u32(smaller(s->pids_max,
	    scaled(&conf->limit_processes, 1)));
	s->disk_read_bps = smaller(s->disk_read_bps, io);
	s->disk_write_bps = smaller(s->disk_write_bps, io);
}

static void
comp_inject_one(struct comp *c, const struct pkv *kv)
{
	struct pieces pc;
	uint32_t at;
	unsigned int i;

	if (policy_expand_lenient(&kv->value, c->o->vars, &pc) != 0)
		return;
	at = comp_add(c, IS_STRINGS, kv->key.s, kv->key.len);
	comp_add(c, IS_STRINGS, "=", 1);
	for (i = 0; i < pc.n; i++)
		comp_add(c, IS_STRINGS, pc.v[i].s, pc.v[i].len);
	comp_add(c, IS_STRINGS, "", 1);
	comp_add(c, IS_INJECT, &at, 1);
}

static int
map_has(const struct pmap *m, const char *key)
{
	unsigned int i;

	for (i = 0; i < m->n; i++)
		if (strcmp(m->v[i].key.s, key) == 0)
			return 1;
	return 0;
}

/* The policy's entry for a name replaces the config's. */
static void
comp_inject(struct comp *c)
{
	const struct pmap *m;
	unsigned int i;

	for (i = 0; c->conf != NULL && i < c->conf->env_inject.n; i++) {
		m = &c->conf->env_inject;
		if (!map_has(&c->pol->env_inject, m->v[i].key.s))
			comp_inject_one(c, &m->v[i]);
	}
	for (i = 0; i < c->pol->env_inject.n; i++)
		comp_inject_one(c, &c->pol->env_inject.v[i]);
}

static const char *
var_value(const struct comp *c, const char *name)
{
	const struct vars *vars = c->o->vars;
	unsigned int i;

	for (i = 0; vars != NULL && i < vars->n; i++)
		if (strcmp(vars->v[i].name, name) == 0)
			return vars->v[i].value;
	return "";
}

static void
comp_frame(struct comp *c)
{
	comp_add(c, IS_STRINGS, "", 1);
	settings_of_policy(&c->settings, c->pol);
	if (c->conf != NULL)
		settings_of_config(&c->settings, c->conf);
	c->meta.project_root = comp_string(c, var_value(c, "PROJECT_ROOT"));
	c->meta.home = comp_string(c, var_value(c, "HOME"));
	c->meta.policy_name = comp_string(c, c->pol->name.s);
	comp_builtins(c);
}

/* ---- the bytes ---- */

static size_t
aligned(size_t n)
{
	return (n + IMAGE_ALIGN - 1) & ~(size_t)(IMAGE_ALIGN - 1);
}

static int
assemble(const struct comp *c, struct compiled *out)
{
	struct image_hdr h;
	size_t off = aligned(sizeof(h)), i;

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, IMAGE_MAGIC, sizeof(h.magic));
	h.version = IMAGE_VERSION;
	for (i = 0; i < IS_MAX; i++) {
		h.sec[i].off = (uint32_t)off;
		h.sec[i].n = (uint32_t)c->sec[i].n;
		off = aligned(off + c->sec[i].n * elem_bytes[i]);
		if (off > IMAGE_SIZE_MAX)
			return -1;
	}
	h.size_bytes = (uint32_t)off;
	out->bytes = calloc(1, off);
	if (out->bytes == NULL)
		return -1;
	out->size_bytes = off;
	memcpy(out->bytes, &h, sizeof(h));
	for (i = 0; i < IS_MAX; i++)
		if (c->sec[i].n > 0)
			memcpy((char *)out->bytes + h.sec[i].off, c->sec[i].p,
			    c->sec[i].n * elem_bytes[i]);
	return 0;
}

static void
comp_all(struct comp *c)
{
	comp_frame(c);
	comp_env(c);
	comp_inject(c);
	comp_files(c);
	comp_net(c);
	comp_cmds(c);
	comp_unix(c);
	comp_signals(c);
	comp_landlock(c);
	comp_redirects(c); /* last: lint counts the rules before */
	comp_bpf(c);
	comp_add(c, IS_SETTINGS, &c->settings, 1);
	comp_add(c, IS_META, &c->meta, 1);
}

int
compile_image(const struct compile_opts *o, struct compiled *out,
    struct diag *d)
{
	unsigned int errors = d->errors;
	struct image im;
	struct comp c;
	size_t i;

	memset(out, 0, sizeof(*out));
	memset(&c, 0, sizeof(c));
	c.o = o;
	c.pol = o->policy;
	c.conf = o->config;
	c.d = d;
	comp_all(&c);
	if (d->errors == errors && (c.failed || assemble(&c, out) == -1))
		diag_add(d, DIAG_ERROR, c.pol->file, 0, 0,
		    "the policy is too large for an image");
	else if (d->errors == errors &&
	    image_check(&im, out->bytes, out->size_bytes) == -1)
		diag_add(d, DIAG_ERROR, c.pol->file, 0, 0,
		    "the compiled image does not pass its check");
	for (i = 0; i < IS_MAX; i++)
		free(c.sec[i].p);
	if (d->errors == errors)
		return 0;
	compile_clear(out);
	return -1;
}

void
compile_clear(struct compiled *c)
{
	free(c->bytes);
	memset(c, 0, sizeof(*c));
}

int
compile_check(const struct policy *pol, const struct config *conf,
    struct diag *d)
{
	static const struct var v[] = {
		{ "PROJECT_ROOT", "/workspace" },
		{ "GIT_ROOT", "/workspace" },
		{ "HOME", "/home/user" },
	};
	struct vars vars = { v, sizeof(v) / sizeof(v[0]) };
	struct compile_opts o = { .policy = pol, .config = conf,
		.vars = &vars, .no_bpf = 1 };
	struct compiled out;

	if (compile_image(&o, &out, d) == -1)
		return -1;
	compile_clear(&out);
	return 0;
}

int
compile_memfd(const struct compiled *c)
{
	const char *p = c->bytes;
	size_t left = c->size_bytes;
	ssize_t n;
	int fd, save;

	fd = memfd_create("agentsh-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	while (left > 0) {
		n = write(fd, p, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			save = n == 0 ? EIO : errno;
			(void)close(fd);
			errno = save;
			return -1;
		}
		p += n;
		left -= (size_t)n;
	}
	return fd;
}
