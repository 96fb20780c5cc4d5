/*
 * One cgroup per session, each controller from v2 where it is listed there, else from
 * v1.  The session's limits are set in it, who enters is placed in it, and when a tracer has
 * died it knows whom to kill.
 *
 * The directories lie below the monitor's own cgroup of each hierarchy, so that limits
 * above it go on to hold; in v2, where that cannot give controllers to those below
 * (it was started by hand beside others), below the nearest group above that can.  Monitor only; blocks as sysfs writes do.
 */

#ifndef SUPERVISOR_CGROUP_H
#define SUPERVISOR_CGROUP_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cgroup_ctl {
	CG_MEMORY,
	CG_PIDS,
	CG_CPU,
	CG_IO,
	CG_FREEZER, /* v1; in v2 every group can be frozen and killed */
	CG_UNIFIED, /* the v2 hierarchy itself */
	CG_MAX
};

extern const char *const cgroup_ctl_name[CG_MAX]; /* as v1 spells it */

/* What the machine offers; dir "" where there is nothing. */
struct cgroup_host {
	char dir[CG_MAX][PATH_MAX];
	bool v2[CG_MAX]; /* the controller's directory is in v2 */
	int error[CG_MAX]; /* errno of enabling it there */
};

/* 0 is no limit; swap UINT64_MAX is no limit. */
struct cgroup_limits {
	uint64_t memory_bytes, swap_bytes;
	uint64_t read_bps, write_bps;
	uint32_t pids, cpu_percent;
};

struct cgroup {
	const struct cgroup_host *host;
	char name[96]; /* agentsh-ID.PID, PID the monitor's */
	int fd[CG_MAX]; /* directories, owned; -1 */
};

/*
 * Read mounts and our own place in them (/proc/self/mountinfo and
 * /proc/self/cgroup).  Makes nothing.
 */
void cgroup_host_parse(struct cgroup_host *h, FILE *mountinfo, FILE *cgroup);

/* The same for this machine; where v2 has controllers, makes them usable below us. */
void cgroup_host_init(struct cgroup_host *h);

/* Kill and remove what a monitor that has died left behind. */
void cgroup_sweep(const struct cgroup_host *h);

/*
 * Make the group of session id and set its limits.  0: all hold; 1: some do not,
 * why names them in one line.  Whether that is good enough is the caller's.
 * cgroup_remove afterwards in either case.
 */
int cgroup_make(struct cgroup *cg, const struct cgroup_host *h, const char *id,
    const struct cgroup_limits *lim, char *why, size_t size);

/* Set other limits on a group that stands; as cgroup_make. */
int cgroup_limit(struct cgroup *cg, const struct cgroup_limits *lim, char *why,
    size_t size);

/* Put process pid in.  0, or -1 with errno when one of the group's hierarchies refused. */
int cgroup_place(const struct cgroup *cg, pid_t pid);

/*
 * SIGKILL to every process in it (frozen while they are listed, so that none is
 * born behind our back).  How many there were, or -1 when no hierarchy knows.
 */
int cgroup_kill(const struct cgroup *cg);
/* How many processes are in it, or -1 when no hierarchy knows. */
int cgroup_count(const struct cgroup *cg);

/* Remove the directories; they must be empty to go. */
void cgroup_remove(struct cgroup *cg);

#endif
