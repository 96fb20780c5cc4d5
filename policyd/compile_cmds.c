/*
 * Command rules and the environment for the compiler.  A rule is found by the
 * basename or the path of the executable, then tried by depth and arguments;
 * the environment of what a rule allows may be its own.
 */

#include <stdlib.h>
#include <string.h>

#include "policyd/compile_int.h"

/*
 * What never enters a session whose policy has no allow list: other people's
 * credentials, and what makes an interpreter or the loader run something else.
 */
static const char *const secret_tab[] = {
	"AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN",
	"AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "GCP_SERVICE_ACCOUNT",
	"AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID", "AZURE_TENANT_ID",
	"AZURE_SUBSCRIPTION_ID", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
	"DOCKER_HOST", "DOCKER_TLS_VERIFY", "KUBECONFIG", "GITHUB_TOKEN",
	"GH_TOKEN",
	"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_DEBUG",
	"LD_DEBUG_OUTPUT", "LD_DYNAMIC_WEAK", "LD_HWCAP_MASK",
	"LD_ORIGIN_PATH", "LD_PROFILE", "LD_PROFILE_OUTPUT", "LD_SHOW_AUXV",
	"LD_TRACE_LOADED_OBJECTS",
	"DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH",
	"DYLD_FALLBACK_LIBRARY_PATH", "DYLD_FALLBACK_FRAMEWORK_PATH",
	"DYLD_IMAGE_SUFFIX", "DYLD_PRINT_LIBRARIES",
	"PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONUSERBASE",
	"RUBYLIB", "RUBYOPT", "PERL5LIB", "PERL5OPT", "PERLLIB", "NODE_PATH",
	"NODE_OPTIONS",
	"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "CDPATH", "GLOBIGNORE",
	"MAILPATH", "PROMPT_COMMAND",
	"GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSH_COMMAND",
};

struct cmd_pats {
	struct cpats base, path;
};

static void
add_names(struct comp *c, struct cmd_pats *cp, const struct pcmd_rule *r,
    uint32_t tag)
{
	static const struct pstr any = { "*", 1, { 0, 0 }, 0, 0 };
	const struct pstr *p;
	unsigned int i;

	if (r->any_command)
		comp_pat(c, &cp->base, &any, CP_PLAIN_NOCASE, tag);
	for (i = 0; i < r->commands.n; i++) {
		p = &r->commands.v[i];
		if (comp_pat_holds(c, p, '/'))
			comp_pat(c, &cp->path, p, CP_PATH, tag);
		else
			comp_pat(c, &cp->base, p, CP_PLAIN_NOCASE, tag);
	}
}

/* The automata of a rule's args_patterns: one accept id is enough. */
static void
args_answers(struct comp *c, const struct dfabuild *b, uint32_t *answers,
    void *arg)
{
	uint32_t dfa = (uint32_t)c->sec[IS_DFAS].n - 1;

	*answers = 0;
	comp_add(c, IS_ARGS, &dfa, 1);
}

static void
add_args(struct comp *c, const struct pcmd_rule *r, struct image_cmd_rec *rec)
{
	struct cpats ps = { NULL, 0, 0 };
	size_t groups = c->sec[IS_GROUPS].n;
	unsigned int i;

	rec->args = (uint32_t)c->sec[IS_ARGS].n;
	for (i = 0; i < r->args_patterns.n; i++)
		comp_pat(c, &ps, &r->args_patterns.v[i],
		    comp_args_kind(c, &r->args_patterns.v[i]), 0);
	(void)comp_groups(c, &ps, args_answers, NULL);
	rec->nargs = (uint32_t)c->sec[IS_ARGS].n - rec->args;
	c->sec[IS_GROUPS].n = groups; /* ARGS names the automata itself */
	comp_pats_clear(&ps);
}

void
comp_cmds(struct comp *c)
{
	const struct policy *pol = c->pol;
	const struct pcmd_rule *r;
	struct image_rule_rec *rule;
	struct image_cmd_rec rec;
	struct cmd_pats cp;
	uint32_t n, i;

	memset(&cp, 0, sizeof(cp));
	for (i = 0; i < pol->ncommand_rules && !c->failed; i++) {
		r = &pol->command_rules[i];
		n = comp_rule(c, &r->r);
		memset(&rec, 0, sizeof(rec));
		rec.outcome = comp_outcome(c, n, r->r.decision, LAYER_TRACER);
		rec.min_depth = r->min_depth;
		rec.max_depth = r->max_depth;
		add_names(c, &cp, r, i);
		add_args(c, r, &rec);
		comp_add(c, IS_CMDS, &rec, 1);
		rule = comp_at(c, IS_RULES, n);
		if (rule != NULL)
			rule->env = comp_env_profile(c, &r->env);
	}
	c->meta.cmd_words = (pol->ncommand_rules + 63) / 64;
	c->meta.use[IU_BASE] = comp_groups(c, &cp.base, comp_answer_sets,
	    &c->meta.cmd_words);
	c->meta.use[IU_PATH] = comp_groups(c, &cp.path, comp_answer_sets,
	    &c->meta.cmd_words);
	comp_pats_clear(&cp.base);
	comp_pats_clear(&cp.path);
}

/* Tags of environment patterns are bit numbers of IENV_*. */
#define TAG_ALLOW 0
#define TAG_DENY 1

static void
env_list(struct comp *c, struct cpats *ps, const struct plist *l, uint32_t tag)
{
	unsigned int i;

	for (i = 0; i < l->n; i++)
		comp_pat(c, ps, &l->v[i], CP_PLAIN, tag);
}

static void
env_secrets(struct comp *c, struct cpats *ps)
{
	struct cpat *cp;
	size_t i;

	for (i = 0; i < sizeof(secret_tab) / sizeof(secret_tab[0]); i++) {
		cp = comp_pat_add(c, ps);
		if (cp == NULL)
			return;
		cp->lit = secret_tab[i];
		cp->lit_len = strlen(secret_tab[i]);
		cp->kind = CP_PLAIN;
		cp->tag = TAG_DENY;
	}
}

static uint32_t
number(const struct pnum *rule, const struct pnum *pol)
{
	const struct pnum *p = rule->set ? rule : pol;

	if (!p->set)
		return 0;
	return p->v > UINT32_MAX ? UINT32_MAX : (uint32_t)p->v;
}

static uint32_t
add_profile(struct comp *c, const struct penv *rule, const struct penv *pol)
{
	const struct plist *allow, *deny;
	struct cpats ps = { NULL, 0, 0 };
	struct image_env_rec rec;
	struct image_use u;
	uint32_t words = 1;

	allow = rule->allow.n > 0 ? &rule->allow : &pol->allow;
	deny = rule->deny.n > 0 ? &rule->deny : &pol->deny;
	env_list(c, &ps, allow, TAG_ALLOW);
	env_list(c, &ps, deny, TAG_DENY);
	if (allow->n == 0)
		env_secrets(c, &ps);
	memset(&rec, 0, sizeof(rec));
	rec.allow_all = allow->n == 0;
	rec.max_keys = number(&rule->max_keys, &pol->max_keys);
	rec.max_bytes = number(&rule->max_bytes, &pol->max_bytes);
	u = comp_groups(c, &ps, comp_answer_sets, &words);
	rec.group = u.group;
	if (u.n == 0)
		rec.group = IMAGE_NONE;
	else if (u.n > 1) {
		diag_add(c->d, DIAG_ERROR, c->pol->file, allow->pos.line,
		    allow->pos.column,
		    "the environment's patterns need too large an automaton");
		c->failed = 1;
	}
	comp_pats_clear(&ps);
	return comp_add(c, IS_ENVS, &rec, 1);
}

void
comp_env(struct comp *c)
{
	struct penv none;

	memset(&none, 0, sizeof(none));
	(void)add_profile(c, &none, &c->pol->env);
}

uint32_t
comp_env_profile(struct comp *c, const struct penv *rule)
{
	if (rule->allow.n == 0 && rule->deny.n == 0 && !rule->max_keys.set &&
	    !rule->max_bytes.set)
		return 0;
	return add_profile(c, rule, &c->pol->env);
}
