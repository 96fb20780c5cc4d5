/*
 * policyd as a tool: check, show, lint, explain, decide, compile, config-check.
 * See tool.h.  Trusts nothing of the files; opens nothing; after tool_confine
 * it could not.
 */

#include "policyd/tool.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/image.h"
#include "common/privdrop.h"
#include "policyd/compile.h"
#include "policyd/config.h"
#include "policyd/decide.h"
#include "policyd/diag.h"
#include "policyd/explain.h"
#include "policyd/lint.h"
#include "policyd/policy.h"
#include "policyd/policyshow.h"
#include "policyd/registries.h"
#include "policyd/slurp.h"
#include "policyd/ytree.h"

#define FILES_MAX 64
#define VARS_MAX  64

/* A descriptor and what it is called in diagnostics. */
struct tool_file {
	int fd;
	const char *name;
};

struct tool {
	struct tool_file policy[FILES_MAX];
	unsigned int npolicies;
	struct tool_file config; /* fd -1: none */
	struct var var[VARS_MAX];
	struct vars vars;
	struct registries found; /* -r; else none */
	struct policy *base; /* behind the expanded policy that is in use */
	int json, strict, out_fd;
	char **args;
	int nargs;
	struct config *conf; /* NULL: none was given */
	struct diag d;
};

static int
usage(void)
{
	fprintf(stderr, "usage: agentsh-policyd -T check|show|lint|explain|"
	    "decide|compile|config-check [-js]\n"
	    "\t[-c FD:NAME] [-p FD:NAME]... [-D NAME=VALUE]... [-o FD] "
	    "[-r FD]\n\t[ARGUMENT...]\n");
	return 2;
}

static int
read_fd(const char *s, struct tool_file *f)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno != 0 || end == s || *end != ':' || v > INT_MAX)
		return -1;
	f->fd = (int)v;
	f->name = end + 1;
	return 0;
}

/* A session's directories are canonical: no slash stands at their end. */
static void
trim_slashes(char *s)
{
	size_t n = strlen(s);

	while (n > 1 && s[n - 1] == '/')
		s[--n] = '\0';
}

static int
read_var(struct tool *t, char *s)
{
	char *eq = strchr(s, '=');

	if (eq == NULL || eq == s || t->vars.n == VARS_MAX - 1)
		return -1;
	*eq = '\0';
	if (eq[1] == '/')
		trim_slashes(eq + 1);
	t->var[t->vars.n].name = s;
	t->var[t->vars.n].value = eq + 1;
	t->vars.n++;
	return 0;
}

static int
read_option(struct tool *t, int opt, char *arg)
{
	char *end;

	switch (opt) {
	case 'j':
		t->json = 1;
		return 0;
	case 's':
		t->strict = 1;
		return 0;
	case 'c':
		return read_fd(arg, &t->config);
	case 'p':
		if (t->npolicies == FILES_MAX)
			return -1;
		return read_fd(arg, &t->policy[t->npolicies++]);
	case 'D':
		return read_var(t, arg);
	case 'o':
		t->out_fd = (int)strtoul(arg, &end, 10);
		return *end == '\0' ? 0 : -1;
	case 'r':
		return registries_read(&t->found, (int)strtoul(arg, &end, 10));
	default:
		return -1;
	}
}

/*
 * GIT_ROOT is PROJECT_ROOT where nobody said otherwise: every session has
 * one.
 */
static void
default_vars(struct tool *t)
{
	const char *root = NULL;
	unsigned int i;

	for (i = 0; i < t->vars.n; i++) {
		if (strcmp(t->var[i].name, "GIT_ROOT") == 0)
			return;
		if (strcmp(t->var[i].name, "PROJECT_ROOT") == 0)
			root = t->var[i].value;
	}
	if (root == NULL)
		return;
	t->var[t->vars.n].name = "GIT_ROOT";
	t->var[t->vars.n].value = root;
	t->vars.n++;
}

/*
 * The row of the daemon's policyd, as far as a user who is not root can have
 * it.  What is left is enough to read descriptors and to write the answer.
 */
static int
confine(void)
{
	const struct rights *r = rights_get(PROC_POLICYD);
	const struct rights_limit *l;
	struct rlimit rl;

	for (l = r->limits; l->resource != -1; l++) {
		rl.rlim_cur = rl.rlim_max = (rlim_t)l->value;
		if (setrlimit((__rlimit_resource_t)l->resource, &rl) == -1 &&
		    errno != EPERM) /* our limit is lower already */
			return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return -1;
	return privdrop_seccomp(r, 0);
}

static char *
read_file(const struct tool_file *f, size_t *size)
{
	char *bytes = slurp(f->fd, YTREE_BYTES_MAX + 1, size);

	if (bytes == NULL)
		fprintf(stderr, "%s: %s\n", f->name, strerror(errno));
	return bytes;
}

/* Print what is wrong so far; -1 when that includes an error. */
static int
flush_diag(struct tool *t)
{
	int rv = t->d.errors > 0 ? -1 : 0;

	diag_sort(&t->d);
	diag_print(&t->d, stderr);
	diag_clear(&t->d);
	diag_init(&t->d);
	return rv;
}

static struct policy *
load_policy(struct tool *t, const struct tool_file *f)
{
	struct policy *pol;
	size_t size;
	char *bytes = read_file(f, &size);

	if (bytes == NULL)
		return NULL;
	pol = policy_load(f->name, bytes, size, &t->d);
	free(bytes);
	return pol;
}

static struct registries_opts
registries_of(const struct tool *t)
{
	struct registries_opts o = { &t->found,
		t->conf != NULL && t->conf->user_registries };

	return o;
}

/* The policy as a session gets it.  drop_policy frees it. */
static struct policy *
load_expanded(struct tool *t, const struct tool_file *f)
{
	struct registries_opts o = registries_of(t);
	struct policy *pol = load_policy(t, f), *full;

	t->base = NULL;
	if (pol == NULL || registries_wanted(pol) == 0)
		return pol;
	if ((full = registries_expand(pol, &o)) == NULL) {
		fprintf(stderr, "%s: out of memory\n", f->name);
		policy_free(pol);
		return NULL;
	}
	t->base = pol;
	return full;
}

static void
drop_policy(struct tool *t, struct policy *pol)
{
	policy_free(pol);
	policy_free(t->base);
	t->base = NULL;
}

static int
load_config(struct tool *t)
{
	struct config_opts o = { .vars = NULL, .strict = (uint8_t)t->strict };
	size_t size;
	char *bytes;

	if (t->config.fd == -1)
		return 0;
	bytes = read_file(&t->config, &size);
	if (bytes == NULL)
		return -1;
	t->conf = config_load(t->config.name, bytes, size, &o, &t->d);
	free(bytes);
	return t->conf != NULL ? 0 : -1;
}

/* Load and compile the one policy.  The image's bytes are in *out. */
static struct policy *
compile_one(struct tool *t, struct compiled *out, int bpf)
{
	struct compile_opts o = { .config = t->conf, .vars = &t->vars,
		.no_bpf = !bpf };
	struct policy *pol;

	memset(out, 0, sizeof(*out));
	if (t->npolicies != 1) {
		fprintf(stderr, "agentsh-policyd: one policy is needed\n");
		return NULL;
	}
	pol = load_expanded(t, &t->policy[0]);
	o.policy = pol;
	if (pol != NULL && compile_image(&o, out, &t->d) == -1) {
		drop_policy(t, pol);
		pol = NULL;
	}
	return pol;
}

static int
run_check(struct tool *t)
{
	struct policy *pol;
	unsigned int i;
	int rv = 0, ok;

	for (i = 0; i < t->npolicies; i++) {
		pol = load_policy(t, &t->policy[i]);
		ok = pol != NULL && compile_check(pol, t->conf, &t->d) == 0;
		policy_free(pol);
		if (flush_diag(t) == -1 || !ok)
			rv = 1;
		else
			printf("%s: ok\n", t->policy[i].name);
	}
	return t->npolicies > 0 ? rv : usage();
}

static int
run_show(struct tool *t)
{
	struct policy *pol;
	unsigned int i;
	int rv = 0;

	for (i = 0; i < t->npolicies; i++) {
		pol = load_policy(t, &t->policy[i]);
		if (flush_diag(t) == -1 || pol == NULL)
			rv = 1;
		else
			(t->json ? policyshow_json : policyshow_text)(pol,
			    stdout);
		policy_free(pol);
	}
	return t->npolicies > 0 ? rv : usage();
}

static int
run_decide(struct tool *t)
{
	struct compiled c;
	struct policy *pol;
	struct image im;
	int rv = 1;

	pol = compile_one(t, &c, 0);
	if (flush_diag(t) == 0 && pol != NULL &&
	    image_check(&im, c.bytes, c.size_bytes) == 0)
		rv = decide_run(&im, stdin, "input", stdout);
	compile_clear(&c);
	drop_policy(t, pol);
	return rv;
}

static int
run_explain(struct tool *t)
{
	struct explain_opts o = { .config = t->conf, .vars = &t->vars,
		.json = t->json, .out = stdout };
	struct compiled c;
	struct policy *pol;
	struct image im;
	int rv = 1;

	pol = compile_one(t, &c, 0);
	if (flush_diag(t) == 0 && pol != NULL &&
	    image_check(&im, c.bytes, c.size_bytes) == 0) {
		o.policy = pol;
		o.image = &im;
		o.registries = registries_of(t);
		rv = explain_run(&o, t->args, t->nargs);
	}
	compile_clear(&c);
	drop_policy(t, pol);
	return rv;
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = write(fd, p, n);
		if (w == -1 && errno == EINTR)
			w = 0;
		else if (w <= 0)
			return -1;
	}
	return 0;
}

static int
run_compile(struct tool *t)
{
	struct compiled c;
	struct policy *pol;
	int rv = 1;

	pol = compile_one(t, &c, 1);
	if (flush_diag(t) == 0 && pol != NULL) {
		rv = write_all(t->out_fd, c.bytes, c.size_bytes) == 0 ? 0 : 1;
		if (rv != 0)
			fprintf(stderr, "output: %s\n", strerror(errno));
	}
	compile_clear(&c);
	drop_policy(t, pol);
	return rv;
}

static int
run_config_check(struct tool *t)
{
	if (t->config.fd == -1)
		return usage();
	printf("%s: ok\n", t->config.name);
	return 0;
}

/* 1 when something was found, or when there is nothing to look at. */
static int
run_lint(struct tool *t)
{
	struct lint_ctx ctx = { .config = t->conf, .vars = &t->vars,
		.d = &t->d };
	struct policy *pol;
	unsigned int i;
	int rv = 0, found;

	for (i = 0; i < t->npolicies; i++) {
		pol = load_expanded(t, &t->policy[i]);
		found = pol != NULL ? lint_policy(pol, &ctx, stdout) : -1;
		drop_policy(t, pol);
		if (flush_diag(t) == -1 || found != 0)
			rv = 1;
	}
	return t->npolicies > 0 ? rv : usage();
}

static const struct {
	const char *word;
	int (*run)(struct tool *);
} word_tab[] = {
	{ "check", run_check },
	{ "show", run_show },
	{ "lint", run_lint },
	{ "explain", run_explain },
	{ "decide", run_decide },
	{ "compile", run_compile },
	{ "config-check", run_config_check },
};

static int
run_word(struct tool *t, const char *word)
{
	size_t i;
	int rv;

	for (i = 0; i < sizeof(word_tab) / sizeof(word_tab[0]); i++)
		if (strcmp(word_tab[i].word, word) == 0)
			break;
	if (i == sizeof(word_tab) / sizeof(word_tab[0]))
		return usage();
	if (confine() == -1) {
		fprintf(stderr, "agentsh-policyd: cannot confine itself: %s\n",
		    strerror(errno));
		return 1;
	}
	if (load_config(t) == -1) {
		(void)flush_diag(t);
		return 1;
	}
	/* warnings of a config are config-check's to say */
	if (word_tab[i].run == run_config_check)
		(void)flush_diag(t);
	else
		diag_clear(&t->d);
	rv = word_tab[i].run(t);
	config_free(t->conf);
	if (fflush(stdout) == EOF && rv == 0)
		rv = 1;
	return rv;
}

int
tool_main(int argc, char **argv)
{
	struct tool t;
	int opt, rv;

	memset(&t, 0, sizeof(t));
	registries_init(&t.found);
	t.config.fd = -1;
	t.out_fd = STDOUT_FILENO;
	t.vars.v = t.var;
	diag_init(&t.d);
	optind = 1;
	while ((opt = getopt(argc, argv, "+jsc:p:D:o:r:")) != -1)
		if (read_option(&t, opt, optarg) == -1)
			return usage();
	t.args = argv + optind;
	t.nargs = argc - optind;
	default_vars(&t);
	rv = run_word(&t, argv[0]);
	diag_clear(&t.d);
	return rv;
}
