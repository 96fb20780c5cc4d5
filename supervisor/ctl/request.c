/*
 * The request of `agentsh exec`: command line or JSON, environment, PATH
 * look-up.  Runs as the user, before anything is asked of the daemon.  Parses
 * only what the same user wrote.
 */

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/exec.h"

#define REQUEST_MAX (16u << 20)
#define PATH_DFLT   "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

static size_t
count(char *const *v)
{
	size_t n;

	for (n = 0; v[n] != NULL; n++)
		;
	return n;
}

static void
free_strings(char **v)
{
	size_t i;

	for (i = 0; v != NULL && v[i] != NULL; i++)
		free(v[i]);
	free(v);
}

/* A copy of cnt strings with room for more behind them. */
static char **
copy_strings(char *const *v, size_t cnt, size_t room)
{
	char **w = calloc(cnt + room + 1, sizeof(*w));
	size_t i;

	for (i = 0; w != NULL && i < cnt; i++) {
		if ((w[i] = strdup(v[i])) == NULL) {
			free_strings(w);
			return NULL;
		}
	}
	return w;
}

static int
env_find(char *const *envp, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; envp[i] != NULL; i++)
		if (strncmp(envp[i], name, len) == 0 && envp[i][len] == '=')
			return (int)i;
	return -1;
}

int
exec_req_setenv(struct exec_req *q, const char *name, const char *value)
{
	int i = env_find(q->envp, name);
	size_t n = count(q->envp);
	char **v, *s;

	if (asprintf(&s, "%s=%s", name, value) == -1)
		return -1;
	if (i >= 0) {
		free(q->envp[i]);
		q->envp[i] = s;
		return 0;
	}
	if ((v = reallocarray(q->envp, n + 2, sizeof(*v))) == NULL) {
		free(s);
		return -1;
	}
	v[n] = s;
	v[n + 1] = NULL;
	q->envp = v;
	return 0;
}

/* 1: a program, 0: nothing there, -1: there, but not to be executed. */
static int
probe(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno == EACCES ? -1 : 0;
	if (!S_ISREG(st.st_mode))
		return -1;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 1 : -1;
}

static int
take_program(struct exec_req *q, char *path, int found, bool *seen)
{
	if (found == 1) {
		q->program = path;
		return 0;
	}
	*seen |= found == -1;
	free(path);
	return -1;
}

int
exec_req_lookup(struct exec_req *q)
{
	int i = env_find(q->envp, "PATH");
	const char *p = i >= 0 ? q->envp[i] + 5 : PATH_DFLT;
	bool seen = false;
	char *path;
	size_t n;

	free(q->program);
	q->program = NULL;
	if (*q->command == '\0')
		return EXIT_NOT_FOUND;
	if (strchr(q->command, '/') != NULL) {
		path = strdup(q->command);
		if (path != NULL &&
		    take_program(q, path, probe(path), &seen) == 0)
			return 0;
		return seen ? EXIT_DENIED : EXIT_NOT_FOUND;
	}
	for (;; p += n + 1) {
		n = strcspn(p, ":");
		if (asprintf(&path, "%.*s%s%s", (int)n, p, n > 0 ? "/" : "./",
			q->command) == -1)
			return EXIT_NOT_FOUND;
		if (take_program(q, path, probe(path), &seen) == 0)
			return 0;
		if (p[n] == '\0')
			return seen ? EXIT_DENIED : EXIT_NOT_FOUND;
	}
}

/* The text of --json: itself, "-" for standard input, "@FILE". */
static json_t *
load_request(const struct ctl *c, const char *arg)
{
	json_error_t err;
	json_t *j;
	FILE *fp = stdin;

	if (*arg == '@' && (fp = fopen(arg + 1, "re")) == NULL) {
		ctl_fail(c, "%s: %s", arg + 1, strerror(errno));
		return NULL;
	}
	if (*arg == '@' || strcmp(arg, "-") == 0)
		j = json_loadf(fp, JSON_REJECT_DUPLICATES, &err);
	else
		j = json_loads(arg, JSON_REJECT_DUPLICATES, &err);
	if (fp != stdin)
		fclose(fp);
	if (j == NULL)
		ctl_fail(c, "--json: line %d, column %d: %s", err.line,
		    err.column, err.text);
	else if (!json_is_object(j)) {
		ctl_fail(c, "--json: expected an object");
		json_decref(j);
		j = NULL;
	}
	return j;
}

static int
args_from_json(const struct ctl *c, struct exec_req *q, const char *argv0)
{
	const json_t *args = json_object_get(q->echo, "args");
	json_t *one;
	size_t i;

	if (args != NULL && !json_is_null(args) && !json_is_array(args))
		return ctl_fail(c, "--json: args: expected an array");
	q->argv = calloc(json_array_size(args) + 2, sizeof(*q->argv));
	if (q->argv == NULL || (q->argv[0] = strdup(argv0)) == NULL)
		return ctl_fail(c, "out of memory");
	json_array_foreach(args, i, one)
	{
		if (!json_is_string(one))
			return ctl_fail(c,
			    "--json: args[%zu]: expected a string", i);
		if ((q->argv[i + 1] = strdup(json_string_value(one))) == NULL)
			return ctl_fail(c, "out of memory");
	}
	return 0;
}

static int
env_from_json(const struct ctl *c, struct exec_req *q)
{
	json_t *env = json_object_get(q->echo, "env"), *value;
	const char *name;

	if (env == NULL || json_is_null(env))
		return 0;
	if (!json_is_object(env))
		return ctl_fail(c, "--json: env: expected an object");
	json_object_foreach(env, name, value)
	{
		if (*name == '\0' || strchr(name, '=') != NULL ||
		    !json_is_string(value))
			return ctl_fail(c,
			    "--json: env: expected NAME: \"VALUE\", not %s",
			    name);
		if (exec_req_setenv(q, name, json_string_value(value)) == -1)
			return ctl_fail(c, "out of memory");
	}
	return 0;
}

/* A string member, or dflt; anything else is an error. */
static int
member(const struct ctl *c, const json_t *j, const char *key,
    const char **value)
{
	const json_t *m = json_object_get(j, key);

	if (m == NULL || json_is_null(m))
		return 0;
	if (!json_is_string(m))
		return ctl_fail(c, "--json: %s: expected a string", key);
	*value = json_string_value(m);
	return 0;
}

static int
from_json(const struct ctl *c, struct exec_req *q, const char *text,
    const char *argv0)
{
	const char *command = NULL, *timeout = NULL;

	if ((q->echo = load_request(c, text)) == NULL)
		return EXIT_FAIL;
	if (member(c, q->echo, "command", &command) != 0 ||
	    member(c, q->echo, "argv0", &argv0) != 0 ||
	    member(c, q->echo, "working_dir", &q->dir) != 0 ||
	    member(c, q->echo, "stdin", &q->in) != 0 ||
	    member(c, q->echo, "include_events", &q->events) != 0 ||
	    member(c, q->echo, "timeout", &timeout) != 0)
		return EXIT_FAIL;
	if (command == NULL || *command == '\0')
		return ctl_fail(c, "--json: command is required");
	if ((q->command = strdup(command)) == NULL)
		return ctl_fail(c, "out of memory");
	if (q->in != NULL)
		q->in_len = json_string_length(
		    json_object_get(q->echo, "stdin"));
	if (timeout != NULL && dur_parse(timeout, &q->timeout_ns) == -1)
		ctl_fail(c, "timeout \"%s\" is no duration: ignored", timeout);
	q->from_json = true;
	if (args_from_json(c, q, argv0 != NULL ? argv0 : command) != 0)
		return EXIT_FAIL;
	return env_from_json(c, q);
}

static int
from_words(const struct ctl *c, struct exec_req *q, char **words, int cnt,
    const char *argv0)
{
	json_t *args;
	int i;

	q->command = strdup(words[0]);
	q->argv = copy_strings(words, (size_t)cnt, 0);
	if (q->command == NULL || q->argv == NULL)
		return ctl_fail(c, "out of memory");
	if (argv0 != NULL) {
		free(q->argv[0]);
		if ((q->argv[0] = strdup(argv0)) == NULL)
			return ctl_fail(c, "out of memory");
	}
	if (!q->waited)
		return 0; /* nobody reports it */
	args = json_array();
	for (i = 1; i < cnt; i++)
		json_array_append_new(args, json_string(words[i]));
	q->echo = json_pack("{s:s}", "command", words[0]);
	if (argv0 != NULL)
		json_object_set_new(q->echo, "argv0", json_string(argv0));
	if (json_array_size(args) > 0)
		json_object_set(q->echo, "args", args);
	json_decref(args);
	return 0;
}

static int
set_events(const struct ctl *c, const struct opts *o, struct exec_req *q)
{
	static const char *const known[] = { "all", "summary", "blocked",
		"none" };
	size_t i;

	if (opts_get(o, "events")->set)
		q->events = opts_str(o, "events", NULL);
	if (q->events == NULL || *q->events == '\0')
		q->events = q->want_json ? "summary" : "none";
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(q->events, known[i]) == 0) {
			if (q->echo != NULL)
				json_object_set_new(q->echo, "include_events",
				    json_string(q->events));
			return 0;
		}
	return ctl_fail(c,
	    "--json: include_events: expected all, summary, blocked or none");
}

int
exec_req_parse(const struct ctl *c, const struct opts *o, struct exec_req *q,
    char **words, int cnt)
{
	const struct optval *json = opts_get(o, "json");
	const struct optval *timeout = opts_get(o, "timeout");
	const char *argv0 = opts_str(o, "argv0", NULL);
	int code;

	memset(q, 0, sizeof(*q));
	if ((q->envp = copy_strings(environ, count(environ), 0)) == NULL)
		return ctl_fail(c, "out of memory");
	if (json->set && cnt > 0)
		return ctl_fail(c, "--json and a command exclude each other");
	if (!json->set && cnt == 0)
		return ctl_fail(c,
		    "a command is missing: agentsh exec -- COMMAND");
	q->want_json = strcmp(opts_str(o, "output", "text"), "json") == 0;
	q->waited = json->set || timeout->set || q->want_json;
	code = json->set ? from_json(c, q, json->str, argv0) :
			   from_words(c, q, words, cnt, argv0);
	if (code != 0)
		return code;
	if (timeout->set) {
		q->timeout_ns = timeout->num;
		json_object_set_new(q->echo, "timeout",
		    json_string(timeout->str));
	}
	return set_events(c, o, q);
}

void
exec_req_clear(struct exec_req *q)
{
	free(q->command);
	free_strings(q->argv);
	free_strings(q->envp);
	free(q->program);
	json_decref(q->echo);
	memset(q, 0, sizeof(*q));
}

/*
 * The words that come before "--" name the session, those behind it are the
 * command; without "--" the first word is the session and the rest the command.
 * A session in the environment wins, and a first word equal to it is skipped.
 */
void
exec_words_split(const struct opts *o, const char *env_session,
    struct exec_words *w)
{
	int skip = 0;

	memset(w, 0, sizeof(*w));
	w->session = env_session;
	if (o->dash != -1 && o->dash <= 1)
		skip = o->dash;
	else if (o->npos > 0 &&
	    (env_session == NULL || strcmp(o->pos[0], env_session) == 0))
		skip = 1;
	if (skip == 1 && w->session == NULL)
		w->session = o->pos[0];
	w->command = o->pos + skip;
	w->cnt = o->npos - skip;
}
