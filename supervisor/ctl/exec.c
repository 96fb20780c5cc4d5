/*
 * agentsh exec: chooses the session, then becomes the command in place, or
 * forks, waits and reports where a time-out or JSON was asked for.  Runs as the
 * user.  Whatever fails before the command is in its session ends with a
 * message and an exit code, never with the command running free.
 */

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/entry.h"
#include "common/msg.h"
#include "supervisor/ctl/api.h"
#include "supervisor/ctl/exec.h"
#include "supervisor/ctl/out.h"
#include "supervisor/ctl/session.h"

/* clang-format off */
const struct opt exec_opts[] = {
	{ "session", 0, OPT_STRING, "session", NULL, "session to enter" },
	{ "root", 0, OPT_STRING, "directory", "AGENTSH_SESSION_ROOT",
	    "workspace, where a session is made (.)" },
	{ "policy", 0, OPT_STRING, "name", NULL,
	    "its policy, where a session is made" },
	{ "timeout", 0, OPT_DURATION, "duration", NULL,
	    "kill the command after this time, exit 124" },
	{ "json", 0, OPT_STRING, "request", NULL,
	    "the command as JSON; - reads it, @file too" },
	{ "output", 'o', OPT_CHOICE, "text|shell|json", "AGENTSH_OUTPUT",
	    "json: report the outcome as JSON" },
	{ "events", 0, OPT_CHOICE, "all|summary|blocked|none",
	    "AGENTSH_EVENTS", "which events a report holds" },
	{ "argv0", 0, OPT_STRING, "name", NULL, "argv[0] of the command" },
	/* The original's, which change nothing where output is native. */
	{ "stream", 0, OPT_FLAG, NULL, NULL, NULL },
	{ "pty", 0, OPT_FLAG, NULL, NULL, NULL },
	{ "real-paths", 0, OPT_FLAG, NULL, NULL, NULL },
	{ "no-detect-root", 0, OPT_FLAG, NULL, NULL, NULL },
	{ "project-root", 0, OPT_STRING, "directory", NULL, NULL },
	{ "session-file", 0, OPT_STRING, "file", NULL, NULL },
	{ .kind = OPT_END },
};
/* clang-format on */

struct run {
	const struct ctl *c;
	const struct opts *o;
	struct exec_req req;
	char session[MSG_SESSION_LEN]; /* "": not known yet */
	bool named; /* by the user: it must be that one */
	char workspace[PATH_MAX]; /* of the session; "": not known */
	char entry[108]; /* path of entry.sock */
};

void
exec_time(char *buf, size_t size, uint64_t ns)
{
	time_t sec = (time_t)(ns / 1000000000);
	char text[32];
	struct tm tm;

	gmtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, size, "%s.%09lluZ", text,
	    (unsigned long long)(ns % 1000000000));
}

/* May we start what was not asked for in so many words? */
static bool
no_auto(void)
{
	static const char *const yes[] = { "1", "true", "t", "yes", "y", "on" };
	const char *s = getenv("AGENTSH_NO_AUTO");
	size_t i;

	for (i = 0; s != NULL && i < sizeof(yes) / sizeof(yes[0]); i++)
		if (strcasecmp(s, yes[i]) == 0)
			return true;
	return false;
}

static const char *
run_root(const struct run *r)
{
	return opts_str(r->o, "root", ".");
}

/* entry.sock stands beside the control socket. */
static int
find_entry(struct run *r)
{
	const char *slash = strrchr(r->c->socket, '/');
	int n;

	n = snprintf(r->entry, sizeof(r->entry), "%.*s/%s",
	    (int)(slash - r->c->socket), r->c->socket, CTL_ENTRY);
	if (n < 0 || (size_t)n >= sizeof(r->entry))
		return ctl_fail(r->c, "the path of the server is too long");
	return 0;
}

/* The session that j describes is the one. */
static int
set_session(struct run *r, const json_t *j)
{
	const char *id = out_str(j, "id");

	if (strlen(id) >= sizeof(r->session))
		return ctl_fail(r->c, "no session has so long a name: %s", id);
	strcpy(r->session, id);
	snprintf(r->workspace, sizeof(r->workspace), "%s",
	    out_str(j, "workspace"));
	return 0;
}

/* Is j one that we may enter, alive, with this workspace and policy? */
static bool
is_ours(const json_t *j, const char *workspace, const char *policy)
{
	const json_t *uid = json_object_get(j, "uid");
	const char *state = out_str(j, "state");

	if (json_is_integer(uid) &&
	    json_integer_value(uid) != (json_int_t)geteuid())
		return false;
	if (strcmp(state, "ready") != 0 && strcmp(state, "busy") != 0)
		return false;
	if (policy != NULL && strcmp(out_str(j, "policy"), policy) != 0)
		return false;
	return strcmp(out_str(j, "workspace"), workspace) == 0;
}

/*
 * The newest session of ours for this workspace, or NULL; borrowed from list.
 */
static const json_t *
pick_session(const json_t *list, const char *workspace, const char *policy)
{
	const json_t *best = NULL;
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one) if (is_ours(one, workspace, policy) &&
	    (best == NULL ||
		strcmp(out_str(one, "created_at"),
		    out_str(best, "created_at")) > 0)) best = one;
	return best;
}

static int
make_session(struct run *r, const char *id)
{
	json_t *j;
	int code;

	j = session_make(r->c, id, run_root(r), opts_str(r->o, "policy", NULL));
	if (j == NULL)
		return EXIT_FAIL;
	code = set_session(r, j);
	json_decref(j);
	return code;
}

/* The newest of the list, or a new one. */
static int
listed_session(struct run *r, const json_t *list, const char *workspace)
{
	const json_t *best;

	best = pick_session(list, workspace, opts_str(r->o, "policy", NULL));
	if (best != NULL)
		return set_session(r, best);
	if (!no_auto())
		return make_session(r, NULL);
	return ctl_fail(r->c,
	    "no session for %s, and AGENTSH_NO_AUTO forbids to make one",
	    workspace);
}

/* A session of the workspace: the one there is, else a new one. */
static int
workspace_session(struct run *r)
{
	static const char target[] = "/api/v1/sessions";
	char *real = realpath(run_root(r), NULL);
	struct api_reply rep;
	int n, code = EXIT_FAIL;

	if (real == NULL)
		return ctl_fail(r->c, "workspace %s: %s", run_root(r),
		    strerror(errno));
	n = api_try(r->c, "GET", target, NULL, &rep);
	if (n == API_BARRED)
		code = 0;
	else if (n == 0 && rep.status == 200 && json_is_array(rep.json))
		code = listed_session(r, rep.json, real);
	else if (n == 0)
		api_refused("GET", target, &rep);
	api_clear(&rep);
	free(real);
	return code;
}

/* Root sees other users' sessions and enters none of them. */
static int
take_session(struct run *r, const json_t *j)
{
	const json_t *uid = json_object_get(j, "uid");

	if (json_is_integer(uid) &&
	    json_integer_value(uid) != (json_int_t)geteuid())
		return ctl_fail(r->c,
		    "session %s is another user's: only its own user enters it",
		    out_str(j, "id"));
	return set_session(r, j);
}

/* The session of that name; where there is none it is made. */
static int
named_session(struct run *r, const char *name)
{
	char target[256] = "/api/v1/sessions";
	struct api_reply rep;
	int n, code = EXIT_FAIL;

	if (strlen(name) >= sizeof(r->session) ||
	    api_segment(target, sizeof(target), name) == -1)
		return ctl_fail(r->c, "no session has so long a name");
	n = api_try(r->c, "GET", target, NULL, &rep);
	if (n == API_BARRED) {
		strcpy(r->session, name);
		code = 0;
	} else if (n == 0 && rep.status == 200 && rep.json != NULL)
		code = take_session(r, rep.json);
	else if (n == 0 && rep.status == 404 && !no_auto())
		code = make_session(r, name);
	else if (n == 0)
		api_refused("GET", target, &rep);
	api_clear(&rep);
	return code;
}

/*
 * Inside a session the control socket is refused to us; then entry.sock tells,
 * from who connects, that we are inside, whatever name we give.
 */
static int
choose_session(struct run *r, const char *name)
{
	r->named = name != NULL;
	return name != NULL ? named_session(r, name) : workspace_session(r);
}

static const char *
reason(const char *command, int error)
{
	return error == ENOENT && strchr(command, '/') == NULL ?
	    "command not found" :
	    strerror(error);
}

/* The daemon refused, and no rule: there is no such session or program, ... */
static void
say_daemons(const char *command, const struct enter_result *r)
{
	if (r->exit_code == EXIT_NOT_FOUND)
		fprintf(stderr, "agentsh: %s: %s\n", command,
		    reason(command, ENOENT));
	else
		fprintf(stderr, "agentsh: %s: not run: %s\n", command,
		    r->message[0] ? r->message : "agentshd refused");
}

static void
say_refused(const char *command, const struct enter_result *r)
{
	if (r->line > 0)
		fprintf(stderr,
		    "agentsh: %s: refused by policy (rule=%s, %s:%u)%s%s\n",
		    command, r->rule, r->file, r->line,
		    r->message[0] ? ": " : "", r->message);
	else
		fprintf(stderr,
		    "agentsh: %s: refused by policy (rule=%s)%s%s\n", command,
		    r->rule, r->message[0] ? ": " : "", r->message);
}

void
exec_say(const char *command, const struct enter_result *r)
{
	switch ((enum enter_end)r->end) {
	case ENTER_TOLD:
		return;
	case ENTER_UNREACHABLE:
		fprintf(stderr,
		    "agentsh: cannot reach agentshd at its entry socket: %s "
		    "(is agentshd running? start it as root); %s not run\n",
		    strerror(r->error), command);
		return;
	case ENTER_BROKEN:
		fprintf(stderr, "agentsh: %s: %s: %s; not run\n", command,
		    r->what, strerror(r->error));
		return;
	case ENTER_EXEC:
		fprintf(stderr, "agentsh: %s: %s\n", command,
		    reason(command, r->error));
		return;
	case ENTER_REFUSED:
		break;
	}
	if (enter_is_daemons(r))
		say_daemons(command, r);
	else
		say_refused(command, r);
	if (r->hint[0] != '\0')
		fprintf(stderr, "agentsh: hint: %s\n", r->hint);
}

/* Refused by the monitor, before anything was judged. */
static bool
is_about_session(const struct enter_result *res)
{
	return enter_is_daemons(res) &&
	    strncmp(res->message, "session ", 8) == 0;
}

/*
 * Refused for want of a session that we may make: the one that was named is not
 * there, or the one that we found for the workspace is not for us (other
 * groups) or has ended.
 */
static bool
want_session(const struct run *r, const struct enter_result *res)
{
	if (!is_about_session(res) || no_auto() || r->session[0] == '\0')
		return false;
	return !r->named || strncmp(res->message, "session not found", 17) == 0;
}

static void
fill_enter(const struct run *r, struct enter_request *eq)
{
	*eq = (struct enter_request) {
		.socket = r->entry,
		.session = r->session,
		.program = r->req.program,
		.name = r->req.command,
		.argv = r->req.argv,
		.envp = r->req.envp,
		.flags = (isatty(STDIN_FILENO) ? ENTRY_F_STDIN_TTY : 0) |
		    (r->req.waited ? ENTRY_F_WAITED : 0),
		.timeout_ns = r->req.timeout_ns,
	};
}

/* The original's clients know the workspace by this name. */
#define VIRTUAL_ROOT "/workspace"

/* What working_dir means: the virtual root stands for the workspace.  Owned. */
static char *
real_dir(const char *dir, const char *workspace)
{
	size_t n = strlen(VIRTUAL_ROOT);
	bool alias = strncmp(dir, VIRTUAL_ROOT, n) == 0 &&
	    (dir[n] == '/' || dir[n] == '\0') &&
	    strncmp(workspace, VIRTUAL_ROOT, n) != 0;
	const char *slash = *dir == '/' || *dir == '\0' ? "" : "/";
	char *joined, *real;

	if (alias)
		dir += n;
	if (asprintf(&joined, "%s%s%s", alias || *dir != '/' ? workspace : "",
		slash, dir) == -1)
		return NULL;
	real = realpath(joined, NULL);
	free(joined);
	return real;
}

static int
change_dir(const struct run *r, const char *dir)
{
	if (chdir(dir) == 0)
		return 0;
	ctl_fail(r->c, "working directory %s: %s", dir, strerror(errno));
	return EXIT_BAD_DIR;
}

/* In the workspace, or below it where working_dir says so. */
static int
request_dir(const struct run *r)
{
	const char *dir = r->req.dir == NULL ? "" : r->req.dir;
	char *real = real_dir(dir, r->workspace);
	int code;

	if (real == NULL || !entry_is_below(real, r->workspace)) {
		fprintf(stderr, "working_dir must be under %s\n", r->workspace);
		code = EXIT_BAD_DIR;
	} else
		code = change_dir(r, real);
	free(real);
	return code;
}

/* A command runs where we are if that is in the workspace, else at its top. */
static int
prepare_dir(const struct run *r)
{
	char cwd[PATH_MAX];

	if (r->workspace[0] == '\0')
		return 0;
	if (r->req.from_json)
		return request_dir(r);
	if (getcwd(cwd, sizeof(cwd)) != NULL && entry_is_below(cwd, r->workspace))
		return 0;
	return change_dir(r, r->workspace);
}

/* Events of the session since start, oldest first; owned, or NULL. */
static json_t *
query_events(const struct run *r, uint64_t start_ns)
{
	char target[512] = "/api/v1/events/search", since[48];
	struct api_reply rep;
	json_t *j = NULL;

	exec_time(since, sizeof(since), start_ns);
	if (api_param(target, sizeof(target), "session_id", r->session) ||
	    api_param(target, sizeof(target), "since", since) ||
	    api_param(target, sizeof(target), "order", "asc") ||
	    api_param(target, sizeof(target), "limit", "5000"))
		return NULL;
	if (api_call(r->c, "GET", target, NULL, &rep) == 0 && rep.status == 200)
		j = json_incref(rep.json);
	api_clear(&rep);
	return j;
}

#define EVENTS_TRIES 40 /* of 25 ms: the trail is committed in batches */

/*
 * The events of the command that ended as e: all of them, or what there is
 * after a second.
 */
static json_t *
own_events(const struct run *r, const struct exec_end *e)
{
	static const struct timespec pause = { 0, 25000000 };
	json_t *all, *own = NULL;
	int i;

	for (i = 0; i < EVENTS_TRIES; i++) {
		if ((all = query_events(r, e->start_ns)) == NULL)
			break;
		json_decref(own);
		own = exec_own_events(all, e->pid);
		json_decref(all);
		if (own != NULL && exec_events_complete(own))
			break;
		nanosleep(&pause, NULL);
	}
	return own;
}

static void
say_guidance(const struct exec_req *q, const struct exec_end *e,
    const json_t *report)
{
	const json_t *g = json_object_get(report, "guidance"), *list;
	const char *rule = out_str(g, "policy_rule");
	json_t *one;
	size_t i;

	if (!e->entered) {
		exec_say(q->command, &e->why);
		return;
	}
	if (e->timed_out)
		fputs("command timed out\n", stderr);
	if (e->exit_code == 0)
		return;
	fprintf(stderr, "agentsh: %s%s%s%s\n", out_str(g, "reason"),
	    *rule ? " (rule=" : "", rule, *rule ? ")" : "");
	list = json_object_get(g, "substitutions");
	json_array_foreach(list, i, one)
	    fprintf(stderr, "agentsh: try: %s\n", out_str(one, "command"));
	list = json_object_get(g, "suggestions");
	json_array_foreach(list, i, one)
	    fprintf(stderr, "agentsh: hint: %s\n", out_str(one, "reason"));
}

static int
report(const struct run *r, const struct exec_end *e)
{
	bool ask = r->req.want_json || (e->exit_code != 0 && e->entered);
	json_t *events = NULL, *j;
	int code = e->exit_code;

	if (ask && r->session[0] != '\0')
		events = own_events(r, e);
	j = exec_response(&r->req, e, r->session, events);
	json_decref(events);
	if (j == NULL)
		return ctl_fail(r->c, "out of memory");
	if (!r->req.want_json)
		say_guidance(&r->req, e, j);
	else if (out_json(stdout, j) == -1)
		code = EXIT_FAIL;
	json_decref(j);
	return code;
}

/*
 * There is no such program, or none that can be executed: as execve would say
 * it.
 */
static int
not_run(const struct run *r, int code)
{
	struct exec_end e = {
		.exit_code = code,
		.why.end = ENTER_EXEC,
		.why.exit_code = (uint32_t)code,
		.why.error = code == EXIT_NOT_FOUND ? ENOENT : EACCES,
	};
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	e.start_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	return report(r, &e);
}

/* Is what exec_req_lookup says the end? */
static bool
is_hopeless(const struct run *r, int code)
{
	/* Of a bare name the policy may have something to say all the same. */
	return code == EXIT_DENIED ||
	    (code != 0 && strchr(r->req.command, '/') != NULL);
}

/* The session's workspace is dir, and we are not in it. */
static int
on_away(void *arg, const char *dir, struct enter_request *eq,
    struct enter_result *res)
{
	struct run *r = arg;
	int code;

	if ((code = change_dir(r, dir)) != 0) {
		res->end = ENTER_TOLD;
		res->exit_code = (uint32_t)code;
		return -1;
	}
	code = exec_req_lookup(&r->req);
	eq->program = r->req.program;
	if (!is_hopeless(r, code))
		return 0;
	res->end = ENTER_EXEC;
	res->exit_code = (uint32_t)code;
	res->error = code == EXIT_NOT_FOUND ? ENOENT : EACCES;
	return -1;
}

/*
 * In place in the session of that name, without a word to control.  -1: not run,
 * and control must be asked why, or to make the session.
 */
static int
run_direct(struct run *r, const char *session)
{
	struct enter_request eq;
	struct enter_result res;
	char cwd[PATH_MAX];

	if (strlen(session) >= sizeof(r->session) ||
	    getcwd(cwd, sizeof(cwd)) == NULL ||
	    is_hopeless(r, exec_req_lookup(&r->req)))
		return -1;
	strcpy(r->session, session);
	fill_enter(r, &eq);
	eq.cwd = cwd;
	eq.away = on_away;
	eq.arg = r;
	enter(&eq, &res);
	if (res.end == ENTER_UNREACHABLE || is_about_session(&res))
		return -1;
	exec_say(r->req.command, &res);
	return (int)res.exit_code;
}

/* In place: returns only when the command was not run. */
static int
run_in_place(struct run *r)
{
	struct enter_request eq;
	struct enter_result res;

	fill_enter(r, &eq);
	enter(&eq, &res);
	if (want_session(r, &res)) {
		if (make_session(r, r->named ? r->session : NULL) != 0)
			return EXIT_FAIL;
		fill_enter(r, &eq);
		enter(&eq, &res);
	}
	exec_say(r->req.command, &res);
	return (int)res.exit_code;
}

/* With a parent that waits: time-out, JSON in, JSON out. */
static int
run_waited(struct run *r)
{
	struct enter_request eq;
	struct exec_end e;
	int code;

	fill_enter(r, &eq);
	code = exec_wait(&r->req, &eq, &e);
	if (code == 0 && !e.entered && want_session(r, &e.why)) {
		exec_end_clear(&e);
		if (make_session(r, r->named ? r->session : NULL) != 0)
			return EXIT_FAIL;
		fill_enter(r, &eq);
		code = exec_wait(&r->req, &eq, &e);
	}
	if (code == -1)
		return ctl_fail(r->c, "cannot start a process: %s",
		    strerror(errno));
	code = report(r, &e);
	exec_end_clear(&e);
	return code;
}

static int
run(struct run *r, const char *session)
{
	int code;

	if ((code = find_entry(r)) != 0)
		return code;
	if (session != NULL && !r->req.waited &&
	    (code = run_direct(r, session)) != -1)
		return code;
	if ((code = choose_session(r, session)) != 0 ||
	    (code = prepare_dir(r)) != 0)
		return code;
	code = exec_req_lookup(&r->req);
	if (is_hopeless(r, code))
		return not_run(r, code);
	return r->req.waited ? run_waited(r) : run_in_place(r);
}

static const char *
env_session(void)
{
	const char *s = getenv("AGENTSH_SESSION_ID");

	return s == NULL || *s == '\0' ? NULL : s;
}

int
exec_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	struct run r = { .c = c, .o = o };
	struct exec_words w;
	int code;

	exec_words_split(o, env_session(), &w);
	if (opts_get(o, "session")->set)
		w.session = opts_str(o, "session", NULL);
	code = exec_req_parse(c, o, &r.req, w.command, w.cnt);
	if (code == 0)
		code = run(&r, w.session);
	exec_req_clear(&r.req);
	return code;
}
