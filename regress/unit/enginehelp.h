/*
 * For tests of the engine's questions: a policy from text, compiled; this process as the
 * tracer; a child as the workload, under the real filter.
 */

#ifndef REGRESS_ENGINEHELP_H
#define REGRESS_ENGINEHELP_H

/* In the workload: what must hold, else its line and errno are the test's failure. */
#define MUST(x) \
	do { \
		errno = 0; \
		if (!(x)) \
			return __LINE__; \
	} while (0)

/* The call must fail with this errno. */
#define FAILS(e, x) MUST((x) == -1 && errno == (e))

/*
 * Run fn as a workload under policy (YAML). Fails the test when fn's result is not 0, skips
 * it where there is no user notification.
 */
void engine_run(const char *policy, int (*fn)(void));

/*
 * A process that is of no session and sleeps; engine_outsider_end ends and reaps it, and returns
 * its wait status: SIGKILL's when nothing else hit it.
 */
int engine_outsider(void);
int engine_outsider_end(int pid);

#endif
