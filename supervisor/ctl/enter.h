/*
 * Becoming a session's workload in place: the asker's side of common/entry.h.
 * The calling process must have one thread.  Used by agentsh exec, by the child
 * that a waiting agentsh exec forks, later by the shim.
 */

#ifndef CTL_ENTER_H
#define CTL_ENTER_H

#include <stdbool.h>
#include <stdint.h>

struct enter_request;
struct enter_result;

/*
 * The directory of q is not in the session's workspace: go there, and set what
 * that changes in q.  0, or -1 with the end in r.
 */
typedef int enter_away_fn(void *arg, const char *workspace,
    struct enter_request *q, struct enter_result *r);

struct enter_request {
	const char *socket; /* path of entry.sock */
	const char *session; /* id; "" asks only whether we are inside one */
	const char *program; /* what is given to execve; NULL: there is none */
	const char *name; /* of the program as it was asked for */
	char *const *argv;
	char *const *envp; /* before the session's filter */
	uint32_t flags; /* ENTRY_F_* */
	uint64_t timeout_ns; /* 0 = the policy's */
	const char *cwd; /* to be compared with the workspace; NULL: is not */
	enter_away_fn *away;
	void *arg; /* away's */
};

enum enter_end {
	ENTER_UNREACHABLE, /* nobody listens at entry.sock: error */
	ENTER_REFUSED, /* the daemon's verdict: exit_code, rule ... */
	ENTER_BROKEN, /* something of the way in failed: what, error */
	ENTER_EXEC, /* inside, and execve failed: error */
	ENTER_TOLD, /* by who asked, in away */
};

/* Why we are still here; no pointers, so that it can be written to a pipe. */
struct enter_result {
	uint32_t end; /* enum enter_end */
	uint32_t exit_code; /* what to exit with */
	int32_t error; /* an errno, or 0 */
	uint32_t decision; /* enum decision */
	uint32_t line; /* of the rule in file */
	char what[64];
	char rule[160];
	char file[256];
	char message[1024];
	char hint[512];
};

/*
 * The daemon itself refused, not the policy: there is no such session, for one.
 */
bool enter_is_daemons(const struct enter_result *r);

/*
 * Enter and execve.  Where there is no program the session is asked all the
 * same: what the policy says of the name comes first.  Returns only when that
 * failed, with why in r: the command has not run.  Unless agentshd itself refused
 * (enter_is_daemons) the process may be left without capabilities, in a Landlock
 * domain and under a filter that nobody serves, so that it must print and exit.
 */
void enter(const struct enter_request *q, struct enter_result *r);

#endif
