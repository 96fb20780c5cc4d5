/*
 * Judging a signal inside a session by the signal rules in order.  That sender
 * and target are of one session is the caller's to know (builtin-session).
 * Runs in the tracer.
 */

#include <string.h>

#include "common/image_get.h"

/*
 * Signal 0 has no place in a mask: it asks what a rule for every signal (@all,
 * 1..31) says.
 */
#define EVERY_SIGNAL 0x7fffffffu

static int
lists(const struct image_sig_rec *r, int sig)
{
	if (sig == 0)
		return (r->mask & EVERY_SIGNAL) == EVERY_SIGNAL;
	return (int)(r->mask >> (sig - 1) & 1);
}

static int
matches(const struct image *im, const struct image_sig_rec *r, int sig,
    unsigned int rel, int pid, const char *comm)
{
	if (!lists(r, sig))
		return 0;
	if (r->rel != 0 && (r->rel & rel) == 0)
		return 0;
	if (pid < 0 || (uint32_t)pid < r->pid_min || (uint32_t)pid > r->pid_max)
		return 0;
	return r->comm_dfa == IMAGE_NONE || (comm != NULL &&
	    dfa_run(image_dfa(im, r->comm_dfa), comm, strlen(comm)) != 0);
}

void
image_signal(const struct image *im, int sig, unsigned int rel,
    int target_pid, const char *comm, struct verdict *v, int *sig_out)
{
	const struct image_sig_rec *r = image_sec_SIGS(im);
	uint32_t i, n = image_count(im, IS_SIGS);

	*sig_out = sig;
	if (sig < 0 || sig > 64) {
		image_builtin(im, BR_UNJUDGEABLE, v);
		return;
	}
	for (i = 0; i < n; i++) {
		if (!matches(im, &r[i], sig, rel, target_pid, comm))
			continue;
		image_outcome(im, r[i].outcome, v);
		if (v->decision == DEC_REDIRECT)
			*sig_out = (int)r[i].redirect;
		return;
	}
	if (!image_settings(im)->has_signal_rules ||
	    (rel & (IMAGE_SIG_SELF | IMAGE_SIG_CHILD)) != 0)
		image_builtin(im, BR_DEFAULT_ALLOW_SIGNALS, v);
	else
		image_builtin(im, BR_DEFAULT_DENY_SIGNALS, v);
}
