/*
 * Network and signal rules for the compiler.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policyd/compile_int.h"

static uint32_t
flags_of(const struct pnet_rule *r)
{
	int deny = r->r.decision == DEC_DENY;
	int opens = r->r.decision == DEC_ALLOW || r->r.decision == DEC_AUDIT;
	int named = r->domains.n > 0 || r->registries.n > 0;
	uint32_t f = 0;

	if (named)
		f |= INET_HAS_DOMAINS;
	if (r->ncidrs > 0)
		f |= INET_HAS_CIDRS;
	if (named && r->ncidrs > 0 && deny)
		f |= INET_EITHER;
	if (!named || (r->ncidrs > 0 && !deny))
		f |= INET_DNS_SKIP;
	if (named && r->ncidrs == 0 && opens)
		f |= INET_NO_PRIVATE;
	return f;
}

/*
 * Names are compared as DNS carries them.  A pattern in another script would
 * match nothing, and a deny that matches nothing lets through.
 */
static void
want_ascii(struct comp *c, const struct pstr *p)
{
	struct pos pos;
	size_t i;

	for (i = 0; i < p->len; i++) {
		if ((unsigned char)p->s[i] < 0x80)
			continue;
		pos = policy_place(c->pol, p, i);
		diag_add(c->d, DIAG_ERROR, c->pol->file, pos.line, pos.column,
		    "domain \"%s\": write the name in its xn-- form", p->s);
		return;
	}
}

static void
add_rule(struct comp *c, struct cpats *ps, const struct pnet_rule *r,
    uint32_t tag)
{
	struct image_net_rec rec;
	struct image_cidr cidr;
	unsigned int i;

	memset(&rec, 0, sizeof(rec));
	rec.outcome = comp_outcome(c, comp_rule(c, &r->r), r->r.decision,
	    LAYER_TRACER);
	rec.flags = flags_of(r);
	rec.ports = (uint32_t)c->sec[IS_PORTS].n;
	rec.nports = r->nports;
	for (i = 0; i < r->nports; i++)
		comp_add(c, IS_PORTS, &r->ports[i].port, 1);
	rec.cidrs = (uint32_t)c->sec[IS_CIDRS].n;
	rec.ncidrs = r->ncidrs;
	for (i = 0; i < r->ncidrs; i++) {
		memset(&cidr, 0, sizeof(cidr));
		memcpy(cidr.addr, r->cidrs[i].addr.s6_addr, 16);
		cidr.prefix = r->cidrs[i].prefix;
		comp_add(c, IS_CIDRS, &cidr, 1);
	}
	for (i = 0; i < r->domains.n; i++) {
		want_ascii(c, &r->domains.v[i]);
		comp_pat(c, ps, &r->domains.v[i], CP_DOMAIN, tag);
	}
	comp_add(c, IS_NETS, &rec, 1);
}

/* network.private_answers of the config. */
static void
add_private(struct comp *c)
{
	struct cpats ps = { NULL, 0, 0 };
	uint32_t words = 1;
	unsigned int i;

	for (i = 0; c->conf != NULL && i < c->conf->private_answers.n; i++) {
		comp_pat(c, &ps, &c->conf->private_answers.v[i], CP_DOMAIN, 0);
		if (!c->failed)
			ps.v[ps.n - 1].from_config = 1;
	}
	c->meta.use[IU_PRIVATE] = comp_groups(c, &ps, comp_answer_sets,
	    &words);
	comp_pats_clear(&ps);
}

/* The automata of a redirect's regex: one accept id is enough. */
static void
redir_answers(struct comp *c, const struct dfabuild *b, uint32_t *answers,
    void *arg)
{
	uint32_t dfa = (uint32_t)c->sec[IS_DFAS].n - 1;

	*answers = 0;
	comp_add(c, IS_ARGS, &dfa, 1);
}

static void
redir_regex(struct comp *c, const struct pstr *match,
    struct image_redir_rec *rec)
{
	struct cpats ps = { NULL, 0, 0 };
	size_t groups = c->sec[IS_GROUPS].n;

	rec->args = (uint32_t)c->sec[IS_ARGS].n;
	comp_pat(c, &ps, match, CP_REGEX, 0);
	(void)comp_groups(c, &ps, redir_answers, NULL);
	rec->nargs = (uint32_t)c->sec[IS_ARGS].n - rec->args;
	c->sec[IS_GROUPS].n = groups; /* ARGS names the automata itself */
	comp_pats_clear(&ps);
}

static uint32_t
redir_flags(const struct pstr *visibility)
{
	return strcasecmp(visibility->s, "silent") == 0 ? IREDIR_SILENT : 0;
}

static void
add_dns_redirect(struct comp *c, const struct pdns_redirect *r)
{
	struct image_redir_rec rec;

	memset(&rec, 0, sizeof(rec));
	rec.outcome = comp_outcome(c, comp_rule(c, &r->r), DEC_REDIRECT,
	    LAYER_PROXY);
	rec.flags = IREDIR_DNS | redir_flags(&r->visibility);
	redir_regex(c, &r->match, &rec);
	rec.host = rec.sni = comp_string(c, "");
	memcpy(rec.addr, r->addr.s6_addr, sizeof(rec.addr));
	comp_add(c, IS_REDIRS, &rec, 1);
}

/* HOST:PORT or [V6]:PORT, which the loader has checked. */
static void
split_target(struct comp *c, const char *s, struct image_redir_rec *rec)
{
	const char *colon = strrchr(s, ':');
	size_t len = colon != NULL ? (size_t)(colon - s) : 0;
	char host[256];

	if (len > 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(len < 255 ? len : 255), s);
	rec->host = comp_string(c, host);
	rec->port = colon != NULL ? (uint32_t)strtoul(colon + 1, NULL, 10) : 0;
}

static void
add_connect_redirect(struct comp *c, const struct pconn_redirect *r)
{
	struct image_redir_rec rec;

	memset(&rec, 0, sizeof(rec));
	rec.outcome = comp_outcome(c, comp_rule(c, &r->r), DEC_REDIRECT,
	    LAYER_PROXY);
	rec.flags = redir_flags(&r->visibility);
	if (strcasecmp(r->tls_mode.s, "rewrite_sni") == 0)
		rec.flags |= IREDIR_SNI;
	redir_regex(c, &r->match, &rec);
	split_target(c, r->redirect_to.s, &rec);
	rec.sni = comp_string(c, r->sni.s);
	comp_add(c, IS_REDIRS, &rec, 1);
}

void
comp_redirects(struct comp *c)
{
	unsigned int i;

	for (i = 0; i < c->pol->ndns_redirects && !c->failed; i++)
		add_dns_redirect(c, &c->pol->dns_redirects[i]);
	for (i = 0; i < c->pol->nconnect_redirects && !c->failed; i++)
		add_connect_redirect(c, &c->pol->connect_redirects[i]);
}

void
comp_net(struct comp *c)
{
	struct cpats ps = { NULL, 0, 0 };
	uint32_t i;

	for (i = 0; i < c->pol->nnetwork_rules && !c->failed; i++)
		add_rule(c, &ps, &c->pol->network_rules[i], i);
	c->meta.net_words = (c->pol->nnetwork_rules + 63) / 64;
	c->meta.use[IU_DOMAIN] = comp_groups(c, &ps, comp_answer_sets,
	    &c->meta.net_words);
	comp_pats_clear(&ps);
	add_private(c);
}

/*
 * What a target is to the sender.  0 is any task of the session; NEVER a target
 * that no signal inside a session can have.
 */
#define NEVER UINT32_MAX
static const uint32_t rel_tab[PST_MAX] = {
	[PST_NONE] = 0,
	[PST_SELF] = IMAGE_SIG_SELF,
	[PST_CHILDREN] = IMAGE_SIG_CHILD,
	[PST_DESCENDANTS] = IMAGE_SIG_CHILD | IMAGE_SIG_DESCENDANT,
	[PST_SIBLINGS] = IMAGE_SIG_SIBLING,
	[PST_SESSION] = 0,
	[PST_PARENT] = IMAGE_SIG_PARENT,
	[PST_EXTERNAL] = NEVER,
	[PST_SYSTEM] = NEVER,
	[PST_USER] = IMAGE_SIG_USER,
	[PST_PROCESS] = 0,
	[PST_PID_RANGE] = 0,
};

static void
comm_answers(struct comp *c, const struct dfabuild *b, uint32_t *answers,
    void *arg)
{
	*(uint32_t *)arg = (uint32_t)c->sec[IS_DFAS].n - 1;
	*answers = 0;
}

static uint32_t
comm_dfa(struct comp *c, const struct psig_rule *r)
{
	struct cpats ps = { NULL, 0, 0 };
	uint32_t dfa = IMAGE_NONE;
	size_t groups = c->sec[IS_GROUPS].n;

	if (r->target != PST_PROCESS)
		return IMAGE_NONE;
	comp_pat(c, &ps, &r->pattern, CP_PLAIN, 0);
	(void)comp_groups(c, &ps, comm_answers, &dfa);
	c->sec[IS_GROUPS].n = groups; /* the rule names the automaton itself */
	comp_pats_clear(&ps);
	return dfa;
}

void
comp_signals(struct comp *c)
{
	const struct psig_rule *r;
	struct image_sig_rec rec;
	uint32_t i, outcome;

	for (i = 0; i < c->pol->nsignal_rules && !c->failed; i++) {
		r = &c->pol->signal_rules[i];
		outcome = comp_outcome(c, comp_rule(c, &r->r), r->r.decision,
		    LAYER_TRACER);
		if (rel_tab[r->target] == NEVER)
			continue;
		memset(&rec, 0, sizeof(rec));
		rec.mask = r->mask;
		rec.outcome = outcome;
		rec.rel = rel_tab[r->target];
		rec.comm_dfa = comm_dfa(c, r);
		rec.pid_min = r->target == PST_PID_RANGE ? r->pid_min : 0;
		rec.pid_max = r->target == PST_PID_RANGE ? r->pid_max :
		    UINT32_MAX;
		rec.redirect = (uint32_t)r->redirect_signal;
		comp_add(c, IS_SIGS, &rec, 1);
	}
	c->settings.has_signal_rules = c->pol->nsignal_rules > 0;
}
