/*
 * agentsh and agentshctl: one binary, the name it is called by picks the usage
 * and the form of what is printed.  Every command is a row of cmd_tab.  Runs as
 * the user who types, with no right of its own; what it may do is decided by
 * agentshd, from the socket.  Must never run a command unprotected because
 * something failed.
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/words.h"

static ctl_run_fn version_run, help_run;

static const struct opt no_opts[] = { { .kind = OPT_END } };

#define BOTH (CTL_IN_USER | CTL_IN_ADMIN)

/* clang-format off */
static const struct cmd cmd_tab[] = {
	{ NULL, "exec", NULL, exec_opts, "[session] -- command [argument ...]",
	    0, -1, 1, CTL_IN_USER, NULL, exec_run,
	    "become a command in a session" },
	{ "session", "create", NULL, session_create_opts, "",
	    0, 0, OPTS_ALL, CTL_IN_USER, NULL, session_create_run,
	    "make a session for a workspace" },
	{ "session", "list", "ls", session_show_opts, "",
	    0, 0, OPTS_ALL, BOTH, NULL, session_list_run,
	    "your sessions; root sees all" },
	{ "session", "info", "show", session_show_opts, "session",
	    1, 1, OPTS_ALL, BOTH, NULL, session_info_run,
	    "one session" },
	{ "session", "destroy", "rm", no_opts, "session ...",
	    1, -1, OPTS_ALL, BOTH, NULL, session_destroy_run,
	    "end sessions and all that runs in them" },
	{ "policy", "list", NULL, policy_list_opts, "",
	    0, 0, OPTS_ALL, CTL_IN_ADMIN, NULL, policy_list_run,
	    "the policies of the policy directory" },
	{ "policy", "check", "validate", policy_check_opts, "file ...",
	    1, -1, OPTS_ALL, CTL_IN_ADMIN, NULL, policy_run,
	    "is a policy file well-formed?" },
	{ "policy", "show", NULL, policy_show_opts, "[policy]",
	    0, 1, OPTS_ALL, CTL_IN_ADMIN, NULL, policy_run,
	    "a policy as it is understood" },
	{ "policy", "lint", NULL, policy_check_opts, "file ...",
	    1, -1, OPTS_ALL, CTL_IN_ADMIN, NULL, policy_run,
	    "rules that can never decide, and why" },
	{ "policy", "explain", NULL, policy_ask_opts, "operation subject ...",
	    2, -1, 1, CTL_IN_ADMIN, "exec", policy_run,
	    "what is decided, by which rule, past which others" },
	{ "policy", "decide", NULL, policy_decide_opts, "[file]",
	    0, 1, OPTS_ALL, CTL_IN_ADMIN, NULL, policy_run,
	    "decide questions read from a file" },
	{ "config", "check", "validate", config_check_opts, "[file]",
	    0, 1, OPTS_ALL, CTL_IN_ADMIN, NULL, policy_run,
	    "is the configuration well-formed?" },
	{ "detect", "registries", NULL, detect_registries_opts, "",
	    0, 0, OPTS_ALL, CTL_IN_ADMIN, NULL, detect_registries_run,
	    "where this machine's package managers fetch from" },
	{ "events", "query", NULL, events_query_opts, "",
	    0, 0, OPTS_ALL, CTL_IN_ADMIN, NULL, events_query_run,
	    "what was asked and decided" },
	{ "events", "tail", NULL, events_tail_opts, "[session]",
	    0, 1, OPTS_ALL, CTL_IN_ADMIN, NULL, events_tail_run,
	    "the same, as it happens" },
	{ "audit", "verify", NULL, audit_verify_opts, "[database]",
	    0, 1, OPTS_ALL, CTL_IN_ADMIN, NULL, audit_verify_run,
	    "is the audit trail whole?" },
	{ NULL, "net", NULL, net_opts, "session",
	    1, 1, OPTS_ALL, CTL_IN_ADMIN, NULL, net_run,
	    "names, addresses and connections of a session" },
	{ NULL, "reload", NULL, no_opts, "",
	    0, 0, OPTS_ALL, CTL_IN_ADMIN, NULL, reload_run,
	    "read the configuration and the policies again" },
	{ NULL, "version", NULL, no_opts, "",
	    0, 0, OPTS_ALL, BOTH, NULL, version_run,
	    "print the version" },
	{ NULL, "help", NULL, no_opts, "[command ...]",
	    0, 2, OPTS_ALL, BOTH, NULL, help_run,
	    "print this, or the options of a command" },
	{ .name = NULL },
};

static const struct opt global_opts[] = {
	{ "server", 0, OPT_STRING, "address", "AGENTSH_SERVER",
	    "control socket, as unix:///path" },
	{ "client-timeout", 0, OPT_DURATION, "duration", NULL,
	    "longest wait for one answer (30s)" },
	{ "api-key", 0, OPT_STRING, "key", "AGENTSH_API_KEY", NULL },
	{ "transport", 0, OPT_CHOICE, "http", NULL, NULL },
	{ "help", 'h', OPT_FLAG, NULL, NULL, "print the options" },
	{ "version", 0, OPT_FLAG, NULL, NULL, "print the version" },
	{ .kind = OPT_END },
};
/* clang-format on */

int
ctl_fail(const struct ctl *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAIL;
}

bool
ctl_json(const struct ctl *c, const struct opts *o)
{
	return opts_flag(o, "json") || !c->admin;
}

/* The i-th word that may stand first: a group, or a command without one. */
static const char *
first_word(const void *tab, size_t i)
{
	const struct cmd *t = tab;

	return t[i].group != NULL ? t[i].group : t[i].name;
}

static void
print_opt(const struct opt *t, FILE *fp)
{
	if (t->help == NULL)
		return;
	if (t->letter != 0)
		fprintf(fp, " [-%c", t->letter);
	else
		fprintf(fp, " [--%s", t->name);
	if (t->arg != NULL)
		fprintf(fp, " %s", t->arg);
	fputs(t->kind == OPT_LIST ? " ...]" : "]", fp);
}

/* One command as a line of the synopsis. */
static void
print_synopsis(const struct ctl *c, const struct cmd *t, const char *lead,
    FILE *fp)
{
	const struct opt *o;

	fprintf(fp, "%s%s%s%s %s", lead, c->name, t->group ? " " : "",
	    t->group ? t->group : "", t->name);
	for (o = t->opts; o->kind != OPT_END; o++)
		print_opt(o, fp);
	fprintf(fp, "%s%s\n", *t->args ? " " : "", t->args);
}

static void
print_usage(const struct ctl *c, const char *group, FILE *fp)
{
	const char *lead = "usage: ";
	const struct cmd *t;

	for (t = cmd_tab; t->name != NULL; t++) {
		if (group != NULL &&
		    (t->group == NULL || strcmp(t->group, group) != 0))
			continue;
		if (group == NULL &&
		    !(t->listed & (c->admin ? CTL_IN_ADMIN : CTL_IN_USER)))
			continue;
		print_synopsis(c, t, lead, fp);
		lead = "       ";
	}
}

static void
print_opts(const struct opt *o, const char *title, FILE *fp)
{
	char left[64];

	for (; o->kind != OPT_END; o++) {
		if (o->help == NULL)
			continue;
		if (title != NULL)
			fprintf(fp, "\n%s:\n", title);
		title = NULL;
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s",
		    o->letter ? "-" : " ", o->letter ? o->letter : ' ',
		    o->letter ? ", " : "  ", o->name, o->arg ? " " : "",
		    o->arg ? o->arg : "");
		fprintf(fp, "  %-34s %s\n", left, o->help);
	}
}

static void
print_cmd_help(const struct ctl *c, const struct cmd *t)
{
	print_synopsis(c, t, "usage: ", stdout);
	printf("\n%s\n", t->help);
	print_opts(t->opts, "options", stdout);
	print_opts(global_opts, "everywhere", stdout);
}

static int
print_help(const struct ctl *c)
{
	const struct cmd *t;
	char left[64];

	printf("usage: %s [option ...] command [argument ...]\n\n", c->name);
	for (t = cmd_tab; t->name != NULL; t++) {
		snprintf(left, sizeof(left), "%s%s%s", t->group ? t->group : "",
		    t->group ? " " : "", t->name);
		printf("  %-18s %s\n", left, t->help);
	}
	print_opts(global_opts, "options", stdout);
	printf("\nSee agentsh(1) and agentshctl(8).\n");
	return 0;
}

/* Say that word is none, and which one was perhaps meant. */
static int
unknown_word(const struct ctl *c, const char *group, const char *word,
    const char *near)
{
	fprintf(stderr, "unknown command \"%s\" for \"%s%s%s\"\n", word,
	    c->name, group ? " " : "", group ? group : "");
	if (near != NULL)
		fprintf(stderr, "did you mean \"%s\"?\n", near);
	return EXIT_FAIL;
}

static int
ambiguous_word(const struct ctl *c, const char *word)
{
	return ctl_fail(c, "\"%s\" is the beginning of more than one command",
	    word);
}

/* The words of one group: the names, or the aliases. */
struct group_words {
	const char *word[16];
	const struct cmd *row[16];
};

static void
group_collect(struct group_words *g, const char *group, bool alias)
{
	const struct cmd *t;
	size_t n = 0;

	memset(g, 0, sizeof(*g));
	for (t = cmd_tab; t->name != NULL; t++) {
		if (t->group == NULL || strcmp(t->group, group) != 0 ||
		    (alias && t->alias == NULL) || n == 15)
			continue;
		g->row[n] = t;
		g->word[n++] = alias ? t->alias : t->name;
	}
}

/* The second word of a command.  NULL: said why, or printed the usage. */
static const struct cmd *
find_second(const struct ctl *c, const char *group, const char *word)
{
	struct group_words g;
	int i;

	if (word == NULL || *word == '-') {
		print_usage(c, group, word == NULL ? stderr : stdout);
		return NULL;
	}
	group_collect(&g, group, true);
	if ((i = words_find(words_array, g.word, word, false)) >= 0)
		return g.row[i];
	group_collect(&g, group, false);
	if ((i = words_find(words_array, g.word, word, c->admin)) >= 0)
		return g.row[i];
	if (i == WORDS_AMBIGUOUS)
		ambiguous_word(c, word);
	else
		unknown_word(c, group, word,
		    words_nearest(words_array, g.word, word));
	return NULL;
}

/*
 * The command that argv names, and in *used how many words that took.  NULL:
 * said why.
 */
static const struct cmd *
find_cmd(const struct ctl *c, int argc, char **argv, int *used)
{
	const char *group;
	int i;

	i = words_find(first_word, cmd_tab, argv[0], c->admin);
	if (i < 0) {
		if (i == WORDS_AMBIGUOUS)
			ambiguous_word(c, argv[0]);
		else
			unknown_word(c, NULL, argv[0],
			    words_nearest(first_word, cmd_tab, argv[0]));
		return NULL;
	}
	*used = 1;
	if ((group = cmd_tab[i].group) == NULL)
		return &cmd_tab[i];
	*used = 2;
	return find_second(c, group, argc > 1 ? argv[1] : NULL);
}

static int
version_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	printf("%s %s\n", c->name, AGENTSH_VERSION);
	return 0;
}

static int
help_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	int used;

	if (o->npos == 0)
		return print_help(c);
	if ((t = find_cmd(c, o->npos, o->pos, &used)) == NULL)
		return EXIT_FAIL;
	print_cmd_help(c, t);
	return 0;
}

/* Global options that stand before the command.  How many words, or -1. */
static int
leading_globals(struct ctl *c, int argc, char **argv)
{
	static const struct opt none[] = { { .kind = OPT_END } };
	struct opts o;
	int used, error;

	error = opts_parse(&o, none, &c->global, argc, argv, 0);
	used = argc - o.npos;
	if (error == -1)
		fprintf(stderr, "%s\n", o.error);
	opts_clear(&o);
	return error == -1 ? -1 : used;
}

/* Where the daemon is, from --server or AGENTSH_SERVER. */
static int
set_server(struct ctl *c)
{
	const char *s = opts_str(&c->global, "server", "unix://" CTL_SOCKET);

	if (strncmp(s, "unix://", 7) == 0)
		s += 7;
	if (*s != '/')
		return ctl_fail(c,
		    "cannot use server \"%s\": expected unix:///PATH", s);
	if (strlen(s) >= sizeof(c->socket))
		return ctl_fail(c, "the path of the server is too long: %s", s);
	strcpy(c->socket, s);
	return 0;
}

static int
set_globals(struct ctl *c)
{
	const struct optval *v = opts_get(&c->global, "client-timeout");

	c->timeout_ms = 30000;
	if (v->set && v->num / 1000000 > 0)
		c->timeout_ms = v->num / 1000000 > 86400000 ?
		    86400000 :
		    (int)(v->num / 1000000);
	return set_server(c);
}

static int
check_count(const struct ctl *c, const struct opts *o, const struct cmd *t)
{
	if (o->npos >= t->min_pos &&
	    (t->max_pos == -1 || o->npos <= t->max_pos))
		return 0;
	ctl_fail(c, "%s%s%s: %s", t->group ? t->group : "", t->group ? " " : "",
	    t->name,
	    o->npos < t->min_pos ? "something is missing" :
				   "too many arguments");
	print_synopsis(c, t, "usage: ", stderr);
	return EXIT_FAIL;
}

/*
 * Where options end: a command line that is asked about has options of its own.
 */
static int
stop_at(const struct cmd *t, int argc, char **argv)
{
	int i;

	if (t->stop_word == NULL)
		return t->stop_at;
	for (i = 0; i < argc; i++)
		if (strcmp(argv[i], t->stop_word) == 0)
			return t->stop_at;
	return OPTS_ALL;
}

static int
run_cmd(struct ctl *c, const struct cmd *t, int argc, char **argv)
{
	struct opts o;
	int code = EXIT_FAIL;

	if (opts_parse(&o, t->opts, &c->global, argc, argv,
		stop_at(t, argc, argv)) == -1)
		fprintf(stderr, "%s\n", o.error);
	else if (opts_flag(&c->global, "help")) {
		print_cmd_help(c, t);
		code = 0;
	} else if (check_count(c, &o, t) == 0 && set_globals(c) == 0)
		code = t->run(c, &o, t);
	opts_clear(&o);
	return code;
}

static void
init(struct ctl *c, const char *argv0)
{
	const char *base = strrchr(argv0, '/'), *term = getenv("TERM");

	memset(c, 0, sizeof(*c));
	base = base == NULL ? argv0 : base + 1;
	c->admin = strcmp(base, "agentshctl") == 0;
	c->name = c->admin ? "agentshctl" : "agentsh";
	c->colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

static int
dispatch(struct ctl *c, int argc, char **argv)
{
	const struct cmd *t;
	int used;

	if ((used = leading_globals(c, argc, argv)) == -1)
		return EXIT_FAIL;
	argc -= used;
	argv += used;
	if (opts_flag(&c->global, "version"))
		return version_run(c, NULL, NULL);
	if (argc == 0 && opts_flag(&c->global, "help"))
		return print_help(c);
	if (argc == 0) {
		print_usage(c, NULL, stderr);
		return EXIT_FAIL;
	}
	if ((t = find_cmd(c, argc, argv, &used)) == NULL)
		return EXIT_FAIL;
	return run_cmd(c, t, argc - used, argv + used);
}

/*
 * What was printed must have arrived: a full disk is a failure, not a success.
 */
static int
flush_out(const struct ctl *c, int code)
{
	if (fflush(stdout) == EOF || ferror(stdout)) {
		if (errno == EPIPE)
			return code;
		ctl_fail(c, "standard output: %s", strerror(errno));
		return code == 0 ? EXIT_FAIL : code;
	}
	return code;
}

int
main(int argc, char **argv)
{
	struct ctl c;
	int code = EXIT_FAIL;

	init(&c, argc > 0 ? argv[0] : "agentsh");
	if (opts_init(&c.global, global_opts) == -1)
		fprintf(stderr, "%s\n", c.global.error);
	else
		code = dispatch(&c, argc > 0 ? argc - 1 : 0, argv + 1);
	opts_clear(&c.global);
	return flush_out(&c, code);
}
