/*
 * agentshctl policy and config check: needs no daemon.  We open the files that
 * the user names, with the user's rights, and become a policyd of our own that
 * gets them as descriptors, confines itself and does the parsing.  Nothing of a
 * policy is parsed here.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/home.h"
#include "supervisor/ctl/out.h"
#include "supervisor/ctl/sibling.h"
#include "supervisor/ctl/words.h"
#include "supervisor/regfind.h"

#define POLICY_DIR    "/etc/agentsh/policies"
#define CONFIG_FILE   "/etc/agentsh/config.yaml"

/* clang-format off */
#define OPT_DIR { "dir", 0, OPT_STRING, "directory", NULL, \
	"where policies are looked up by name (" POLICY_DIR ")" }
#define OPT_CONFIG { "config", 'f', OPT_STRING, "config", NULL, \
	"judge under this configuration" }
#define OPT_POLICY { "policy", 'p', OPT_LIST, "file", NULL, \
	"policy file or name (the default policy)" }
#define OPT_DEFINE { "define", 'D', OPT_LIST, "name=value", NULL, \
	"value of a variable, such as PROJECT_ROOT" }
#define OPT_JSON { "json", 0, OPT_FLAG, NULL, NULL, "print JSON" }

const struct opt policy_check_opts[] = {
	OPT_DIR, OPT_CONFIG, OPT_JSON, { .kind = OPT_END },
};
const struct opt policy_show_opts[] = {
	OPT_DIR, OPT_CONFIG, OPT_DEFINE, OPT_JSON, { .kind = OPT_END },
};
const struct opt policy_ask_opts[] = {
	OPT_DIR, OPT_CONFIG, OPT_POLICY, OPT_DEFINE, OPT_JSON,
	{ .kind = OPT_END },
};
const struct opt policy_decide_opts[] = {
	OPT_DIR, OPT_CONFIG, OPT_POLICY, OPT_DEFINE, { .kind = OPT_END },
};
const struct opt policy_list_opts[] = {
	OPT_DIR, OPT_JSON, { .kind = OPT_END },
};
const struct opt config_check_opts[] = {
	{ "strict", 0, OPT_FLAG, NULL, NULL, "warnings are errors" },
	{ "path", 0, OPT_STRING, "file", NULL, NULL },
	OPT_JSON, { .kind = OPT_END },
};
/* clang-format on */

/* What the command words are called on policyd's side, and what they take. */
#define WANT_POLICY   0x01u /* a policy file, else the default one */
#define POS_ARE_FILES 0x02u /* positional arguments are policy files */
#define POS_IS_INPUT  0x04u /* the one positional argument is standard input */
#define WANT_VARS     0x08u
#define IS_CONFIG     0x10u
#define WANT_HOSTS    0x20u /* registries, as a session here would have them */

static const struct {
	const char *group, *name, *word;
	unsigned int flags;
} front_tab[] = {
	{ "policy", "check", "check", POS_ARE_FILES },
	{ "policy", "show", "show", WANT_POLICY | POS_ARE_FILES | WANT_VARS },
	{ "policy", "lint", "lint", POS_ARE_FILES | WANT_HOSTS },
	{ "policy", "explain", "explain",
	    WANT_POLICY | WANT_VARS | WANT_HOSTS },
	{ "policy", "decide", "decide",
	    WANT_POLICY | POS_IS_INPUT | WANT_VARS | WANT_HOSTS },
	{ "config", "check", "config-check", IS_CONFIG },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ARGS_MAX 512

/*
 * The command line that policyd will get; strings are never freed: we become
 * it.
 */
struct front {
	const struct ctl *c;
	const struct opts *o;
	unsigned int flags;
	char *argv[ARGS_MAX + 1];
	size_t argc;
};

static int
push(struct front *f, const char *s)
{
	if (s == NULL || f->argc == ARGS_MAX)
		return ctl_fail(f->c, "too many arguments");
	f->argv[f->argc++] = (char *)(uintptr_t)s;
	return 0;
}

/* The value of an option that this command's table may not have. */
static const struct optval *
maybe(const struct opts *o, const char *name)
{
	static const struct optval none;
	size_t i;

	for (i = 0; o->tab[i].kind != OPT_END; i++)
		if (strcmp(o->tab[i].name, name) == 0)
			return &o->val[i];
	return &none;
}

static bool
is_path(const char *s)
{
	const char *dot = strrchr(s, '.');

	return strchr(s, '/') != NULL || strcmp(s, "-") == 0 ||
	    (dot != NULL &&
		(strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0));
}

/*
 * The name as an operator would write it in an error: nearest file of the
 * directory.
 */
static void
say_no_policy(const struct ctl *c, const char *dir, const char *name)
{
	const char *word[128] = { NULL }, *near;
	char *copy[127];
	struct dirent *d;
	size_t n = 0;
	DIR *dp = opendir(dir);

	while (dp != NULL && n < COUNT(copy) && (d = readdir(dp)) != NULL) {
		if (!is_path(d->d_name) || d->d_name[0] == '.' ||
		    (copy[n] = strdup(d->d_name)) == NULL)
			continue;
		*strrchr(copy[n], '.') = '\0';
		word[n] = copy[n];
		n++;
	}
	near = words_nearest(words_array, word, name);
	ctl_fail(c, "policy \"%s\" not found in \"%s\"%s%s%s", name, dir,
	    near ? " (did you mean \"" : "", near ? near : "",
	    near ? "\"?)" : "");
	while (n > 0)
		free(copy[--n]);
	if (dp != NULL)
		closedir(dp);
}

/*
 * Open a policy by path or name; the path that was opened in buf.  -1: said
 * why.
 */
static int
open_policy(const struct front *f, const char *name, char *buf, size_t size)
{
	static const char *const ext[] = { "yaml", "yml" };
	const struct optval *v = maybe(f->o, "dir");
	const char *dir = v->set ? v->str : POLICY_DIR;
	size_t i;
	int fd;

	if (strcmp(name, "-") == 0) {
		snprintf(buf, size, "stdin");
		return dup(STDIN_FILENO);
	}
	if (is_path(name)) {
		snprintf(buf, size, "%s", name);
		if ((fd = open(name, O_RDONLY | O_NOCTTY)) == -1)
			ctl_fail(f->c, "%s: %s", name, strerror(errno));
		return fd;
	}
	for (i = 0; i < COUNT(ext); i++) {
		snprintf(buf, size, "%s/%s.%s", dir, name, ext[i]);
		if ((fd = open(buf, O_RDONLY | O_NOCTTY)) != -1)
			return fd;
		if (errno != ENOENT) {
			ctl_fail(f->c, "%s: %s", buf, strerror(errno));
			return -1;
		}
	}
	say_no_policy(f->c, dir, name);
	return -1;
}

/* "-p FD:NAME" */
static int
push_fd(struct front *f, const char *flag, int fd, const char *name)
{
	char *arg;

	if (asprintf(&arg, "%d:%s", fd, name) == -1)
		return ctl_fail(f->c, "out of memory");
	return push(f, flag) != 0 || push(f, arg) != 0 ? EXIT_FAIL : 0;
}

static int
push_policy(struct front *f, const char *name)
{
	char path[PATH_MAX];
	int fd;

	if ((fd = open_policy(f, name, path, sizeof(path))) == -1)
		return EXIT_FAIL;
	return push_fd(f, "-p", fd, path);
}

static int
push_config(struct front *f, const char *path, bool must)
{
	int fd = open(path, O_RDONLY | O_NOCTTY);

	if (fd == -1 && !must)
		return 0;
	if (fd == -1)
		return ctl_fail(f->c, "%s: %s", path, strerror(errno));
	return push_fd(f, "-c", fd, path);
}

/* Policies from -p, from the command line, or the default one. */
static int
push_policies(struct front *f)
{
	const struct optval *v = maybe(f->o, "policy");
	size_t i, cnt = v->cnt;
	int n;

	for (i = 0; i < v->cnt; i++)
		if (push_policy(f, v->list[i]) != 0)
			return EXIT_FAIL;
	if (f->flags & POS_ARE_FILES)
		for (n = 0; n < f->o->npos; n++, cnt++)
			if (push_policy(f, f->o->pos[n]) != 0)
				return EXIT_FAIL;
	if (cnt == 0 && (f->flags & WANT_POLICY)) {
		/* The machine's own policy is judged under its own config. */
		if (push_policy(f, "default") != 0 ||
		    (!maybe(f->o, "config")->set &&
			push_config(f, CONFIG_FILE, false) != 0))
			return EXIT_FAIL;
	}
	return 0;
}

static bool
defines(const struct optval *v, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < v->cnt; i++)
		if (strncmp(v->list[i], name, len) == 0 &&
		    v->list[i][len] == '=')
			return true;
	return false;
}

static int
push_var(struct front *f, const char *name, const char *value)
{
	char *arg;

	if (asprintf(&arg, "%s=%s", name, value) == -1)
		return ctl_fail(f->c, "out of memory");
	return push(f, "-D") != 0 || push(f, arg) != 0 ? EXIT_FAIL : 0;
}

/* What -D says; where it does not, a session made here would have these. */
static int
push_vars(struct front *f)
{
	const struct optval *v = maybe(f->o, "define");
	char cwd[PATH_MAX], dir[PATH_MAX];
	const char *home;
	size_t i;

	for (i = 0; i < v->cnt; i++) {
		if (strchr(v->list[i], '=') == NULL)
			return ctl_fail(f->c, "-D %s: expected NAME=VALUE",
			    v->list[i]);
		if (push(f, "-D") != 0 || push(f, v->list[i]) != 0)
			return EXIT_FAIL;
	}
	if (!defines(v, "PROJECT_ROOT") && getcwd(cwd, sizeof(cwd)) != NULL &&
	    push_var(f, "PROJECT_ROOT", cwd) != 0)
		return EXIT_FAIL;
	if (!defines(v, "HOME") &&
	    (home = home_of(getuid(), dir, sizeof(dir))) != NULL &&
	    push_var(f, "HOME", home) != 0)
		return EXIT_FAIL;
	return 0;
}

/* The value that -D gives a variable, or NULL. */
static const char *
defined(const struct optval *v, const char *name)
{
	size_t i, len = strlen(name);

	for (i = v->cnt; i-- > 0;)
		if (strncmp(v->list[i], name, len) == 0 &&
		    v->list[i][len] == '=')
			return v->list[i] + len + 1;
	return NULL;
}

/* "-r FD": a struct registries. */
static int
push_hosts(struct front *f)
{
	const struct optval *v = maybe(f->o, "define");
	const char *home = defined(v, "HOME"), *work;
	char cwd[PATH_MAX], dir[PATH_MAX], *arg;
	struct registries r;
	int fd = memfd_create("registries", 0);

	if (home == NULL && (home = home_of(getuid(), dir, sizeof(dir))) == NULL)
		home = "";
	work = defined(v, "PROJECT_ROOT");
	if (work == NULL)
		work = getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "";
	regfind("", home, work, 0, &r);
	if (fd == -1 || write(fd, &r, sizeof(r)) != (ssize_t)sizeof(r) ||
	    asprintf(&arg, "%d", fd) == -1)
		return ctl_fail(f->c, "out of memory");
	return push(f, "-r") != 0 || push(f, arg) != 0 ? EXIT_FAIL : 0;
}

static int
set_input(struct front *f, const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return 0;
	if ((fd = open(path, O_RDONLY | O_NOCTTY)) == -1 ||
	    dup2(fd, STDIN_FILENO) == -1)
		return ctl_fail(f->c, "%s: %s", path, strerror(errno));
	close(fd);
	return 0;
}

static int
push_config_check(struct front *f)
{
	const char *path = opts_str(f->o, "path", CONFIG_FILE);

	if (f->o->npos > 0)
		path = f->o->pos[0];
	if (opts_flag(f->o, "strict") && push(f, "-s") != 0)
		return EXIT_FAIL;
	return push_config(f, path, true);
}

static int
push_all(struct front *f)
{
	const struct optval *config = maybe(f->o, "config");
	int i;

	if (maybe(f->o, "json")->set && push(f, "-j") != 0)
		return EXIT_FAIL;
	if (f->flags & IS_CONFIG)
		return push_config_check(f);
	if (config->set && push_config(f, config->str, true) != 0)
		return EXIT_FAIL;
	if (push_policies(f) != 0)
		return EXIT_FAIL;
	if ((f->flags & WANT_VARS) && push_vars(f) != 0)
		return EXIT_FAIL;
	if ((f->flags & WANT_HOSTS) && push_hosts(f) != 0)
		return EXIT_FAIL;
	if (f->flags & POS_ARE_FILES)
		return 0;
	if (f->flags & POS_IS_INPUT)
		return f->o->npos > 0 ? set_input(f, f->o->pos[0]) : 0;
	for (i = 0; i < f->o->npos; i++)
		if (push(f, f->o->pos[i]) != 0)
			return EXIT_FAIL;
	return 0;
}

int
policy_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	struct front f = { .c = c, .o = o };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < COUNT(front_tab); i++)
		if (strcmp(front_tab[i].group, t->group) == 0 &&
		    strcmp(front_tab[i].name, t->name) == 0)
			break;
	if (i == COUNT(front_tab) ||
	    sibling_path(path, sizeof(path), "agentsh-policyd") == -1)
		return ctl_fail(c, "cannot find agentsh-policyd");
	f.flags = front_tab[i].flags;
	if (push(&f, "agentsh-policyd") != 0 || push(&f, "-T") != 0 ||
	    push(&f, front_tab[i].word) != 0 || push_all(&f) != 0)
		return EXIT_FAIL;
	execv(path, f.argv);
	return ctl_fail(c, "%s: %s", path, strerror(errno));
}

static int
name_cmp(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/*
 * Names of the policy files in dir, sorted; *cnt of them, owned.  NULL: said
 * why.
 */
static char **
list_dir(const struct ctl *c, const char *dir, size_t *cnt)
{
	struct dirent *d;
	char **v = NULL, **p;
	size_t n = 0;
	DIR *dp;

	if ((dp = opendir(dir)) == NULL) {
		ctl_fail(c, "%s: %s", dir, strerror(errno));
		return NULL;
	}
	if ((v = calloc(1, sizeof(*v))) == NULL)
		goto out;
	while ((d = readdir(dp)) != NULL) {
		if (d->d_name[0] == '.' || !is_path(d->d_name))
			continue;
		if ((p = reallocarray(v, n + 2, sizeof(*v))) == NULL)
			break;
		v = p;
		if ((v[n] = strdup(d->d_name)) == NULL)
			break;
		n++;
	}
	qsort(v, n, sizeof(*v), name_cmp);
out:
	closedir(dp);
	*cnt = n;
	return v;
}

static int
print_policies(const struct ctl *c, const char *dir, char **v, size_t cnt,
    bool json)
{
	json_t *j, *names;
	size_t i;
	int code;

	if (!json) {
		for (i = 0; i < cnt; i++)
			puts(v[i]);
		return 0;
	}
	names = cnt == 0 ? json_null() : json_array();
	for (i = 0; i < cnt; i++)
		json_array_append_new(names, json_string(v[i]));
	j = json_pack("{s:s, s:o}", "dir", dir, "policies", names);
	if (j == NULL)
		return ctl_fail(c, "out of memory");
	code = out_json(stdout, j) == -1 ? EXIT_FAIL : 0;
	json_decref(j);
	return code;
}

int
policy_list_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	const char *dir = opts_str(o, "dir", POLICY_DIR);
	size_t cnt = 0;
	char **v;
	int code;

	if ((v = list_dir(c, dir, &cnt)) == NULL)
		return EXIT_FAIL;
	code = print_policies(c, dir, v, cnt, ctl_json(c, o));
	while (cnt > 0)
		free(v[--cnt]);
	free(v);
	return code;
}
