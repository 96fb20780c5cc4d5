/*
 * agentsh and agentshctl: one binary, two names.  What every command gets, and
 * the row that describes a command.  main.c owns the struct ctl; handlers
 * borrow it.
 */

#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include "supervisor/ctl/opt.h"

#define CTL_SOCKET     "/run/agentsh/control.sock"
#define CTL_ENTRY      "entry.sock" /* beside the control socket */

/* Exit codes, as SEMANTICS.md, Limits. */
#define EXIT_FAIL      1
#define EXIT_BAD_DIR   2
#define EXIT_TIMED_OUT 124
#define EXIT_DENIED    126
#define EXIT_NOT_FOUND 127

struct ctl {
	const char *name; /* "agentsh" or "agentshctl" */
	bool admin; /* called as agentshctl: tables rather than JSON */
	bool colour; /* standard output is a terminal that may be coloured */
	struct opts global; /* options that every command takes */
	char socket[108]; /* the control socket's path */
	int timeout_ms; /* of one request, 0 = none */
};

#define CTL_IN_USER  0x1u /* listed by agentsh */
#define CTL_IN_ADMIN 0x2u /* listed by agentshctl */

struct cmd {
	const char *group; /* first word of two, or NULL */
	const char *name;
	const char *alias; /* another name, or NULL */
	const struct opt *opts;
	const char *args; /* positional arguments, for usage; "" if none */
	int min_pos, max_pos; /* how many of them; -1: any number */
	int stop_at; /* see opts_parse */
	unsigned int listed; /* CTL_IN_* */
	const char *stop_word; /* stop only where it is given; or NULL */
	int (*run)(struct ctl *, struct opts *, const struct cmd *);
	const char *help; /* one line */
};

/* Print "agentsh: MESSAGE" on standard error.  Returns EXIT_FAIL. */
int ctl_fail(const struct ctl *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

typedef int ctl_run_fn(struct ctl *, struct opts *, const struct cmd *);

/* Handlers and their options, each in the file of its first word. */
ctl_run_fn exec_run;
ctl_run_fn session_create_run, session_list_run, session_info_run,
    session_destroy_run;
ctl_run_fn policy_run, policy_list_run, reload_run, net_run;
ctl_run_fn events_query_run, events_tail_run, audit_verify_run;

ctl_run_fn detect_registries_run;

extern const struct opt exec_opts[];
extern const struct opt detect_registries_opts[];
extern const struct opt session_create_opts[], session_show_opts[];
extern const struct opt net_opts[];
extern const struct opt policy_check_opts[], policy_show_opts[],
    policy_ask_opts[], policy_decide_opts[], policy_list_opts[],
    config_check_opts[];
extern const struct opt events_query_opts[], events_tail_opts[],
    audit_verify_opts[];

/*
 * Should a command print JSON?  --json says so; agentsh, whose readers are
 * scripts, does so anyway for what the original printed as JSON.
 */
bool ctl_json(const struct ctl *c, const struct opts *o);

#endif
