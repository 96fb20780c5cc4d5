/*
 * `policy explain`: see explain.h.  Runs in policyd's tool mode.  What it
 * prints of the subject and the policy is a stranger's text: control characters
 * leave here as '?' or as JSON escapes only.
 */

#include "policyd/explain.h"

#include <arpa/inet.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/image.h"
#include "common/wrapper.h"
#include "policyd/config.h"
#include "policyd/decide.h"
#include "policyd/dfabuild.h"
#include "policyd/explain_landlock.h"
#include "policyd/policy.h"
#include "policyd/reference.h"
#include "policyd/regex.h"

struct explain {
	const struct explain_opts *o;
	struct reference ref;
	struct decide_ask q;
	struct verdict v;
	struct image_rule rule;
	const char *env; /* the variable asked for, or NULL */
	char joined[DECIDE_SUBJECT_MAX];
	char args[DECIDE_SUBJECT_MAX]; /* of a command, without its name */
	char message[4096];
	struct wrapper wrapper; /* argv may point into it */
	/* the command that was judged: the wrapper's own or what it runs */
	const char *const *argv;
	unsigned int argc;
	unsigned int passed; /* rules printed so far */
};

/* ---- printing ---- */

static void
put_text(FILE *fp, const char *s)
{
	for (; *s != '\0'; s++)
		fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, fp);
}

static void
put_json(FILE *fp, const char *s)
{
	fputc('"', fp);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(fp, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			fprintf(fp, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, fp);
	}
	fputc('"', fp);
}

static void
put_member(FILE *fp, const char *name, const char *value)
{
	fprintf(fp, "\"%s\": ", name);
	put_json(fp, value);
}

/* ---- the question ---- */

/*
 * 1, 0, -1 as struct reference wants it: by an automaton of this one pattern.
 */
static int
search(const char *pattern, const char *text, size_t len)
{
	struct nfa *nfa = nfa_new();
	struct pat_err e;
	struct dfabuild b;
	int rv = -1;

	if (nfa == NULL)
		return -1;
	if (regex_add_str(nfa, 0, 0, pattern, &e) == 0 &&
	    dfabuild_run(&b, nfa, DFABUILD_STATES_MAX) == 0) {
		rv = dfa_run(b.dfa, text, len) != 0;
		dfabuild_clear(&b);
	}
	nfa_free(nfa);
	return rv;
}

static int
join(struct explain *x, char **args, int n)
{
	int i;

	x->joined[0] = '\0';
	for (i = 0; i < n; i++) {
		if (i > 0)
			strlcat(x->joined, " ", sizeof(x->joined));
		if (strlcat(x->joined, args[i], sizeof(x->joined)) >=
		    sizeof(x->joined))
			return -1;
	}
	return 0;
}

/* "connect /run/x.sock" is a question about a unix socket. */
static int
is_unix_subject(char **args, int nargs)
{
	return nargs == 2 && (args[1][0] == '/' || args[1][0] == '@');
}

/*
 * DOMAIN OPERATION SUBJECT, or OPERATION SUBJECT in the first domain that has
 * it.
 */
static int
parse(struct explain *x, char **args, int nargs)
{
	char why[256] = "expected OPERATION SUBJECT";
	int i;

	if (nargs == 2 && strcmp(args[0], "env") == 0) {
		x->env = args[1];
		return 0;
	}
	for (i = 0; i < DD_MAX && nargs >= 3; i++)
		if (strcmp(args[0], decide_domain_name[i]) == 0 &&
		    join(x, args + 2, nargs - 2) == 0 &&
		    decide_parse(&x->q, args[0], args[1], x->joined, why,
		    sizeof(why)) == 0)
			return 0;
	for (i = 0; i < DD_MAX && nargs >= 2; i++) {
		if (i == DD_NET && is_unix_subject(args, nargs))
			continue;
		if (join(x, args + 1, nargs - 1) == 0 &&
		    decide_parse(&x->q, decide_domain_name[i], args[0],
		    x->joined, why, sizeof(why)) == 0)
			return 0;
		if (strncmp(why, "unknown operation", 17) != 0)
			break;
		snprintf(why, sizeof(why), "unknown operation \"%.64s\"",
		    args[0]);
	}
	fprintf(stderr, "agentsh-policyd: explain: %s\n", why);
	return -1;
}

/* ---- the answer ---- */

static int
find_refused(const struct wrapper_payload *p, void *arg)
{
	struct explain *x = arg;
	struct verdict v;

	decide_command(x->o->image, p->argv, p->argc, &v);
	if (v.allowed)
		return 0;
	x->argv = p->argv;
	x->argc = p->argc;
	return 1;
}

/*
 * Which of the commands, the asked one or what it runs, gave the verdict, and
 * its arguments as one text.
 */
static void
find_argv(struct explain *x)
{
	struct verdict own;
	unsigned int i;

	x->argv = x->q.argv;
	x->argc = x->q.argc;
	decide_command(x->o->image, x->argv, x->argc, &own);
	if (own.allowed && !x->v.allowed)
		(void)wrapper_walk(&x->wrapper, x->q.argv[0], x->q.argv,
		    x->q.argc, find_refused, x);
	x->args[0] = '\0';
	for (i = 1; i < x->argc; i++) {
		if (i > 1)
			strlcat(x->args, " ", sizeof(x->args));
		strlcat(x->args, x->argv[i], sizeof(x->args));
	}
}

static void
expand_message(struct explain *x)
{
	struct image_msgvars m = { .rule = x->rule.name };
	char addr[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN + 16], port[8];

	m.operation = x->q.op_name;
	if (x->q.domain == DD_FILE || x->q.domain == DD_UNIX)
		m.path = x->q.subject;
	if (x->q.domain == DD_DNS)
		m.domain = m.remote_addr = x->q.subject;
	if (x->q.domain == DD_EXEC) {
		m.command = x->argv[0];
		m.path = x->argv[0];
		m.args = x->args;
	}
	if (x->q.domain == DD_NET) {
		if (IN6_IS_ADDR_V4MAPPED(&x->q.addr))
			(void)inet_ntop(AF_INET, &x->q.addr.s6_addr[12], addr,
			    sizeof(addr));
		else
			(void)inet_ntop(AF_INET6, &x->q.addr, addr,
			    sizeof(addr));
		snprintf(port, sizeof(port), "%u", x->q.port);
		snprintf(remote, sizeof(remote), strchr(addr, ':') != NULL ?
		    "[%s]:%s" : "%s:%s", addr, port);
		m.remote_addr = remote;
		m.port = port;
		m.domain = x->q.name;
	}
	image_message(x->rule.message, &m, x->message, sizeof(x->message));
}

static const char *
layer_text(const struct explain *x)
{
	static const char *const text[LAYER_MAX] = {
		[LAYER_NONE] = ("not enforced: metadata calls are not judged "
		    "(sandbox.seccomp.file_monitor.metadata is off)"),
		[LAYER_BPF] = "the seccomp filter",
		[LAYER_LANDLOCK] = "Landlock",
		[LAYER_TRACER] = "the tracer",
		[LAYER_PROXY] = "the proxy",
		[LAYER_LAUNCHER] = "the launcher",
	};

	return text[x->v.layer];
}

/*
 * The question as the second layer sees it; 0 where it is none of that: names,
 * addresses, a command that is not named by its path.
 */
static int
land_question(const struct explain *x, struct explain_land *q)
{
	memset(q, 0, sizeof(*q));
	q->image = x->o->image;
	q->what = x->q.op_name;
	q->allowed = x->v.allowed;
	if (x->q.domain == DD_FILE) {
		q->path = x->q.subject;
		explain_land_file(q, x->q.op);
		return 1;
	}
	if (x->q.domain != DD_EXEC || x->argv[0][0] != '/')
		return 0;
	q->path = x->argv[0];
	explain_land_exec(q);
	return 1;
}

static int
approvals_off(const struct explain *x)
{
	return x->v.decision == DEC_APPROVE &&
	    !image_settings(x->o->image)->approvals_enabled;
}

/* ---- the rules passed over ---- */

static enum ref_why
why_command(struct explain *x, unsigned int i, const struct prule **r)
{
	struct ref_cmd c = { x->argv[0], x->argv[0], x->args,
		strlen(x->args), 0 };

	*r = &x->o->policy->command_rules[i].r;
	return reference_command_why(&x->ref,
	    &x->o->policy->command_rules[i], &c);
}

static enum ref_why
why_net(struct explain *x, unsigned int i, const struct prule **r)
{
	struct ref_net q = { .dns = x->q.domain == DD_DNS,
		.bind = x->q.op == NOP_BIND, .name = x->q.name,
		.addr = x->q.addr, .port = x->q.port };

	if (q.dns)
		q.name = x->q.subject;
	*r = &x->o->policy->network_rules[i].r;
	return reference_net_why(&x->ref, &x->o->policy->network_rules[i], &q);
}

static enum ref_why
why_file(struct explain *x, unsigned int i, const struct prule **r)
{
	*r = &x->o->policy->file_rules[i].r;
	return reference_file_why(&x->ref, &x->o->policy->file_rules[i],
	    (enum file_op)x->q.op, x->q.subject);
}

static enum ref_why
why_unix(struct explain *x, unsigned int i, const struct prule **r)
{
	*r = &x->o->policy->unix_rules[i].r;
	return reference_unix_why(&x->ref, &x->o->policy->unix_rules[i],
	    (enum net_op)x->q.op, x->q.subject);
}

/* Rules of a domain: the number of the first in the image, how many, why. */
struct section {
	uint32_t first, n;
	enum ref_why (*why)(struct explain *, unsigned int,
	    const struct prule **);
};

static struct section
section_of(const struct explain *x)
{
	const struct policy *p = x->o->policy;
	struct section s = { 0, p->nfile_rules, why_file };

	if (x->q.domain == DD_FILE)
		return s;
	s.first += s.n;
	s.n = p->nnetwork_rules;
	s.why = why_net;
	if (x->q.domain == DD_NET || x->q.domain == DD_DNS)
		return s;
	s.first += s.n;
	s.n = p->ncommand_rules;
	s.why = why_command;
	if (x->q.domain == DD_EXEC)
		return s;
	s.first += s.n;
	s.n = p->nunix_rules;
	s.why = why_unix;
	return s;
}

static void
put_passed(struct explain *x, const struct prule *r, enum ref_why why)
{
	FILE *fp = x->o->out;

	if (x->o->json) {
		fputs(x->passed++ > 0 ? ",\n    {" : "\n    {", fp);
		put_member(fp, "rule", r->name.s);
		fputs(", ", fp);
		put_member(fp, "file", r->file);
		fprintf(fp, ", \"line\": %u, ", r->pos.line);
		put_member(fp, "why", ref_why_text[why]);
		fputc('}', fp);
		return;
	}
	if (x->passed++ == 0)
		fputs("passed over:\n", fp);
	fputs("  ", fp);
	put_text(fp, r->file);
	fprintf(fp, ":%u: ", r->pos.line);
	put_text(fp, r->name.s);
	fprintf(fp, ": %s\n", ref_why_text[why]);
}

static void
passed_over(struct explain *x)
{
	struct section s = section_of(x);
	const struct prule *r;
	enum ref_why why;
	unsigned int i;

	for (i = 0; i < s.n; i++) {
		if (x->v.rule == s.first + i)
			return;
		why = s.why(x, i, &r);
		if (why == RW_MATCH) /* a builtin stood before it */
			return;
		put_passed(x, r, why);
	}
}

/* The pattern that matched, where one did. */
static const struct pstr *
pattern_of(const struct explain *x)
{
	const struct policy *p = x->o->policy;
	uint32_t i = x->v.rule;

	if (x->q.domain == DD_FILE && i < p->nfile_rules)
		return reference_path_of(&x->ref, &p->file_rules[i].paths,
		    x->q.subject);
	return NULL;
}

/* The registry host that the name asked for is, where the rule met it so. */
static const struct registry_host *
registry_of(const struct explain *x)
{
	const struct policy *p = x->o->policy;
	uint32_t i = x->v.rule - p->nfile_rules;
	const char *name = x->q.domain == DD_DNS ? x->q.subject : x->q.name;

	if ((x->q.domain != DD_NET && x->q.domain != DD_DNS) ||
	    x->v.rule < p->nfile_rules || i >= p->nnetwork_rules ||
	    name == NULL)
		return NULL;
	return registries_match(&p->network_rules[i], &x->o->registries, name);
}

/* The command behind a wrapper; what else an allowed one is asked. */
static void
print_command(const struct explain *x)
{
	FILE *fp = x->o->out;

	if (x->argv != x->q.argv) {
		fputs("refused is what it runs: ", fp);
		put_text(fp, x->argv[0]);
		fputs(x->args[0] != '\0' ? " " : "", fp);
		put_text(fp, x->args);
		fputc('\n', fp);
	}
	if (x->v.allowed)
		fputs("then: every file it loads is asked as file read\n", fp);
}

static void
print_text(struct explain *x)
{
	const struct pstr *pat = pattern_of(x);
	const struct registry_host *reg;
	struct explain_land q;
	FILE *fp = x->o->out;

	fprintf(fp, "%s by ", decision_name[x->v.decision]);
	put_text(fp, x->rule.name);
	if (x->rule.line != 0) {
		fputs(" (", fp);
		put_text(fp, x->o->policy->file);
		fprintf(fp, ":%u)", x->rule.line);
	} else {
		fputs(" (a rule that no file wrote)", fp);
	}
	fputc('\n', fp);
	if (approvals_off(x))
		fprintf(fp, "approvals are off: %s\n", x->v.allowed ?
		    "allowed (approvals.when_disabled: allow)" : "denied");
	if (pat != NULL) {
		fprintf(fp, "pattern: ");
		put_text(fp, pat->s);
		fprintf(fp, " (line %u)\n", pat->pos.line);
	}
	if ((reg = registry_of(x)) != NULL) {
		fprintf(fp, "registry: %s, from ", registry_eco_name[reg->eco]);
		put_text(fp, reg->from);
		fputc('\n', fp);
	}
	fprintf(fp, "layer: %s\n", layer_text(x));
	if (land_question(x, &q))
		explain_land_text(&q, fp);
	if (x->q.domain == DD_EXEC)
		print_command(x);
	if (x->message[0] != '\0')
		fprintf(fp, "message: %s\n", x->message);
	passed_over(x);
}

static void
print_json(struct explain *x)
{
	const struct registry_host *reg = registry_of(x);
	struct explain_land q;
	FILE *fp = x->o->out;

	fputs("{\n  ", fp);
	put_member(fp, "domain", decide_domain_name[x->q.domain]);
	fputs(",\n  ", fp);
	put_member(fp, "operation", x->q.op_name);
	fputs(",\n  ", fp);
	put_member(fp, "subject", x->joined);
	fputs(",\n  ", fp);
	put_member(fp, "decision", decision_name[x->v.decision]);
	fprintf(fp, ",\n  \"allowed\": %s,\n  ",
	    x->v.allowed ? "true" : "false");
	put_member(fp, "rule", x->rule.name);
	fputs(",\n  ", fp);
	put_member(fp, "file", x->rule.line != 0 ? x->o->policy->file : "");
	fprintf(fp, ",\n  \"line\": %u,\n  ", x->rule.line);
	if (reg != NULL) {
		put_member(fp, "registry", registry_eco_name[reg->eco]);
		fputs(",\n  ", fp);
		put_member(fp, "registry_from", reg->from);
		fputs(",\n  ", fp);
	}
	put_member(fp, "layer", layer_name[x->v.layer]);
	fputs(",\n  ", fp);
	if (land_question(x, &q))
		explain_land_json(&q, fp);
	put_member(fp, "message", x->message);
	fputs(",\n  \"passed_over\": [", fp);
	passed_over(x);
	fputs(x->passed > 0 ? "\n  ]\n}\n" : "]\n}\n", fp);
}

/* The entry that settled a variable, and in words what it settled. */
static const struct pstr *
env_entry(const struct explain *x, const char **why)
{
	const struct penv *e = &x->o->policy->env;
	const struct pstr *p = reference_name_of(&x->ref, &e->deny, x->env);

	*why = "on the deny list";
	if (p != NULL)
		return p;
	p = reference_name_of(&x->ref, &e->allow, x->env);
	*why = p != NULL ? "on the allow list" : "not on the allow list";
	if (e->allow.n == 0)
		*why = image_env_allowed(x->o->image, RULE_BUILTIN, x->env,
		    strlen(x->env)) ? "there is no allow list" :
		    "a built-in secret";
	return p;
}

static int
explain_env(struct explain *x)
{
	int ok = image_env_allowed(x->o->image, RULE_BUILTIN, x->env,
	    strlen(x->env));
	const char *why, *dec = ok ? "allow" : "deny";
	const struct pstr *p = env_entry(x, &why);
	FILE *fp = x->o->out;

	if (x->o->json) {
		fputs("{\n  ", fp);
		put_member(fp, "variable", x->env);
		fputs(",\n  ", fp);
		put_member(fp, "decision", dec);
		fputs(",\n  ", fp);
		put_member(fp, "why", why);
		fputs(",\n  ", fp);
		put_member(fp, "pattern", p != NULL ? p->s : "");
		fprintf(fp, ",\n  \"line\": %u,\n  ",
		    p != NULL ? p->pos.line : 0);
		put_member(fp, "layer", layer_name[LAYER_LAUNCHER]);
		fputs("\n}\n", fp);
		return 0;
	}
	fprintf(fp, "%s by env_policy: %s", dec, why);
	if (p != NULL) {
		fputs(" (", fp);
		put_text(fp, x->o->policy->file);
		fprintf(fp, ":%u: ", p->pos.line);
		put_text(fp, p->s);
		fputc(')', fp);
	}
	fputs("\nlayer: the launcher\n", fp);
	return 0;
}

int
explain_run(const struct explain_opts *o, char **args, int nargs)
{
	struct explain *x = calloc(1, sizeof(*x));
	int rv = 2;

	if (x == NULL)
		return 1;
	x->o = o;
	x->ref.policy = o->policy;
	x->ref.config = o->config;
	x->ref.vars = o->vars;
	x->ref.search = search;
	if (parse(x, args, nargs) == -1)
		goto out;
	rv = 0;
	if (x->env != NULL) {
		rv = explain_env(x);
		goto out;
	}
	decide_ask(o->image, &x->q, &x->v);
	image_rule_get(o->image, x->v.rule, &x->rule);
	if (x->q.domain == DD_EXEC)
		find_argv(x);
	expand_message(x);
	if (o->json)
		print_json(x);
	else
		print_text(x);
 out:
	free(x);
	return rv;
}
