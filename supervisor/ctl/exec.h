/*
 * What `agentsh exec` was asked to do, from the command line or from a JSON
 * request, and the pieces that carry it out.  Used by agentsh and agentshctl
 * only.
 */

#ifndef CTL_EXEC_H
#define CTL_EXEC_H

#include <sys/resource.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/enter.h"

struct exec_req {
	char *command; /* as it was written */
	char **argv; /* owned; argv[0] as the command sees it */
	char **envp; /* owned */
	char *program; /* looked up in PATH; owned */
	const char *dir; /* working_dir of a JSON request, or NULL */
	const char *in; /* bytes for standard input, or NULL */
	size_t in_len;
	uint64_t timeout_ns; /* 0 = the policy's */
	const char *events; /* all, summary, blocked or none */
	bool waited; /* a parent waits and captures */
	bool want_json; /* print an ExecResponse */
	bool from_json; /* --json: standard input is the request's */
	json_t *echo; /* the request as JSON, owned; NULL where none is reported */
};

/*
 * Fill q from the command line.  0, or an exit code after saying why.
 * exec_req_clear in either case.
 */
int exec_req_parse(const struct ctl *c, const struct opts *o,
    struct exec_req *q, char **words, int cnt);
void exec_req_clear(struct exec_req *q);
/*
 * Look q->command up, again if need be, in the PATH of q->envp: 0 with q->program set, or 126
 * (found, no program) or 127.
 */
int exec_req_lookup(struct exec_req *q);
/* Set NAME=VALUE in q->envp.  0 or -1. */
int exec_req_setenv(struct exec_req *q, const char *name, const char *value);

/*
 * Split the words before and after "--": which session, and where the command
 * begins. env_session is AGENTSH_SESSION_ID or NULL.  0, or -1 when words are
 * missing.
 */
struct exec_words {
	const char *session; /* NULL: none named */
	char **command; /* cnt words */
	int cnt;
};
void exec_words_split(const struct opts *o, const char *env_session,
    struct exec_words *w);

#define CAPTURE_MAX (1u << 20) /* bytes kept of each stream, as the original */

struct capture {
	char *buf; /* owned */
	size_t len;
	uint64_t total;
};

/* How a command that was waited for ended. */
struct exec_end {
	int exit_code;
	bool entered; /* the command ran; else why has the reason */
	bool timed_out;
	struct enter_result why;
	struct capture out, err; /* for JSON only */
	struct rusage usage;
	int pid; /* of the command, for its events */
	uint64_t start_ns, duration_ns; /* CLOCK_REALTIME; monotonic */
};

/*
 * Fork, enter in the child, wait, relay or capture, kill on time-out.  0 with e
 * filled, or -1 with errno when no child could be made.  Blocks.
 */
int exec_wait(const struct exec_req *q, const struct enter_request *eq,
    struct exec_end *e);
void exec_end_clear(struct exec_end *e);

/* Print why a command did not run: one line, and the hint if there is one. */
void exec_say(const char *command, const struct enter_result *r);

/*
 * The ExecResponse: events is the array of this command's events or NULL; owned
 * by the caller, NULL when out of memory.
 */
json_t *exec_response(const struct exec_req *q, const struct exec_end *e,
    const char *session, json_t *events);

/*
 * Of a session's events those of the command whose first process was pid;
 * owned.
 */
json_t *exec_own_events(const json_t *events, int pid);
bool exec_events_complete(const json_t *events);

/* RFC 3339 with nanoseconds, UTC. */
void exec_time(char *buf, size_t size, uint64_t ns);

#endif
