/*
 * Cgroups of sessions, see cgroup.h.
 *
 * Runs in the monitor.  Trusts /proc and the cgroup file systems.  The only name it
 * takes from outside is the session's id, of which the caller has checked that it is
 * letters, digits, '_' and '-'.
 */

#include "supervisor/cgroup.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define CPU_PERIOD_US 100000
#define CPU_QUOTA_MIN 1000
#define LEAF	      "agentshd" /* where the daemon itself goes, in v2 */
#define PREFIX	      "agentsh-" /* of a session's group */
#define DISKS_MAX     16
#define SWEEP_ROUNDS  100
#define SWEEP_PAUSE_US 10000

const char *const cgroup_ctl_name[CG_MAX] = {
	[CG_MEMORY] = "memory",
	[CG_PIDS] = "pids",
	[CG_CPU] = "cpu",
	[CG_IO] = "blkio",
	[CG_FREEZER] = "freezer",
	[CG_UNIFIED] = "",
};

static const char *const v2_name[CG_MAX] = {
	[CG_MEMORY] = "memory",
	[CG_PIDS] = "pids",
	[CG_CPU] = "cpu",
	[CG_IO] = "io",
	[CG_FREEZER] = "",
	[CG_UNIFIED] = "",
};

/* ---- what the machine offers ---- */

/* Is word one of list, whose words are separated by sep? */
static bool
has_word(const char *list, const char *word, char sep)
{
	size_t len = strlen(word);
	const char *p;

	if (len == 0)
		return false;
	for (p = list; (p = strstr(p, word)) != NULL; p += len) {
		if ((p == list || p[-1] == sep) &&
		    (p[len] == '\0' || p[len] == sep || p[len] == '\n'))
			return true;
	}
	return false;
}

/* \040 and its like in mountinfo. */
static void
unescape(char *s)
{
	char *d = s;

	for (; *s != '\0'; s++, d++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*d = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    (s[3] - '0'));
			s += 3;
		} else {
			*d = *s;
		}
	}
	*d = '\0';
}

struct cg_mount {
	char root[PATH_MAX], point[PATH_MAX], options[512];
	bool v2;
};

/* One line of mountinfo; false if it is no cgroup. */
static bool
mount_parse(char *line, struct cg_mount *m)
{
	char *dash = strstr(line, " - "), type[32];

	if (dash == NULL ||
	    sscanf(dash, " - %31s %*s %511s", type, m->options) != 2)
		return false;
	if (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0)
		return false;
	m->v2 = strcmp(type, "cgroup2") == 0;
	if (sscanf(line, "%*d %*d %*s %4095s %4095s", m->root, m->point) != 2)
		return false;
	unescape(m->root);
	unescape(m->point);
	return true;
}

/* Our own directory, given our path in the hierarchy and where it is mounted. */
static void
own_dir(char *out, const struct cg_mount *m, const char *own)
{
	size_t len = strlen(m->root);
	const char *rest = own;

	if (len == 1)
		len = 0; /* "/" */
	if (strncmp(own, m->root, len) == 0 &&
	    (own[len] == '/' || own[len] == '\0'))
		rest = own + len;
	else
		rest = "";
	if (strcmp(rest, "/") == 0)
		rest = "";
	if ((size_t)snprintf(out, PATH_MAX, "%s%s", m->point, rest) >= PATH_MAX)
		out[0] = '\0';
}

/* Our path in the hierarchy that line of /proc/self/cgroup is about. */
static void
own_parse(char *line, char paths[CG_MAX][PATH_MAX])
{
	char *ctls = strchr(line, ':'), *path;
	int c;

	if (ctls == NULL || (path = strchr(ctls + 1, ':')) == NULL)
		return;
	*path++ = '\0';
	ctls++;
	path[strcspn(path, "\n")] = '\0';
	for (c = 0; c < CG_MAX; c++) {
		if (c == CG_UNIFIED ? ctls[0] == '\0' :
				      has_word(ctls, cgroup_ctl_name[c], ','))
			snprintf(paths[c], PATH_MAX, "%s", path);
	}
}

void
cgroup_host_parse(struct cgroup_host *h, FILE *mountinfo, FILE *cgroup)
{
	static char paths[CG_MAX][PATH_MAX]; /* too large for a stack */
	static struct cg_mount m;
	char *line = NULL;
	size_t size = 0;
	int c;

	memset(h, 0, sizeof(*h));
	memset(paths, 0, sizeof(paths));
	while (getline(&line, &size, cgroup) != -1)
		own_parse(line, paths);
	while (getline(&line, &size, mountinfo) != -1) {
		if (!mount_parse(line, &m))
			continue;
		for (c = 0; c < CG_MAX; c++) {
			if (h->dir[c][0] != '\0' || m.v2 != (c == CG_UNIFIED))
				continue;
			if (m.v2 ||
			    has_word(m.options, cgroup_ctl_name[c], ','))
				own_dir(h->dir[c], &m, paths[c]);
		}
	}
	free(line);
}

static ssize_t
read_file(int at, const char *name, char *buf, size_t size)
{
	ssize_t n;
	int fd = openat(at, name, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static int
write_file(int at, const char *name, const char *text)
{
	ssize_t n;
	int saved, fd = openat(at, name, O_WRONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	n = write(fd, text, strlen(text));
	saved = errno;
	close(fd);
	errno = saved;
	return n == -1 ? -1 : 0;
}

static int write_fmt(int at, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
write_fmt(int at, const char *name, const char *fmt, ...)
{
	char buf[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return write_file(at, name, buf);
}

/*
 * In v2 a group with processes in it gives no controllers to those below: the
 * daemon goes into a leaf of its own.  The root group is exempt.
 */
static void
v2_leaf(int dir)
{
	char type[32];
	int leaf;

	if (read_file(dir, "cgroup.type", type, sizeof(type)) == -1)
		return; /* the root */
	if (mkdirat(dir, LEAF, 0755) == -1 && errno != EEXIST)
		return;
	if ((leaf = openat(dir, LEAF, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1)
		return;
	(void)write_fmt(leaf, "cgroup.procs", "%d", (int)getpid());
	close(leaf);
}

/* What one group of v2 gives to those below it. */
struct v2_offer {
	bool given[CG_FREEZER];
	int error[CG_FREEZER];
	unsigned int count;
};

/* Make the controllers usable below path; -1 where that is no v2 group. */
static int
v2_enable(const char *path, bool own, struct v2_offer *o)
{
	char have[256] = "", given[256] = "";
	struct statfs fs;
	int c, dir;

	memset(o, 0, sizeof(*o));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return -1;
	if (fstatfs(dir, &fs) == -1 || fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(dir);
		return -1;
	}
	if (read_file(dir, "cgroup.controllers", have, sizeof(have)) > 1) {
		if (own)
			v2_leaf(dir);
		for (c = 0; c < CG_FREEZER; c++) {
			if (has_word(have, v2_name[c], ' ') &&
			    write_fmt(dir, "cgroup.subtree_control", "+%s",
				v2_name[c]) == -1)
				o->error[c] = errno;
		}
		(void)read_file(dir, "cgroup.subtree_control", given,
		    sizeof(given));
	}
	for (c = 0; c < CG_FREEZER; c++) {
		o->given[c] = has_word(given, v2_name[c], ' ');
		o->count += o->given[c];
	}
	close(dir);
	return 0;
}

/* This is where sessions go: each controller that v2 has, it has here. */
static void
v2_take(struct cgroup_host *h, const char *path, const struct v2_offer *o)
{
	int c;

	snprintf(h->dir[CG_UNIFIED], PATH_MAX, "%s", path);
	for (c = 0; c < CG_FREEZER; c++) {
		h->error[c] = o->error[c];
		h->v2[c] = o->given[c];
		if (o->given[c])
			snprintf(h->dir[c], PATH_MAX, "%s", path);
		else if (o->error[c] != 0)
			h->dir[c][0] = '\0';
	}
}

/*
 * Our own group, where it can give all that is wanted; where it cannot, since
 * others are in it or it was given less, the nearest above that gives most.
 */
static void
v2_find(struct cgroup_host *h)
{
	struct v2_offer o, best;
	char path[PATH_MAX], *slash;

	snprintf(path, sizeof(path), "%s", h->dir[CG_UNIFIED]);
	if (v2_enable(path, true, &best) == -1) {
		h->dir[CG_UNIFIED][0] = '\0';
		return;
	}
	v2_take(h, path, &best);
	while (best.count < CG_FREEZER && (slash = strrchr(path, '/')) != path) {
		*slash = '\0';
		if (v2_enable(path, false, &o) == -1)
			break;
		if (o.count <= best.count)
			continue;
		best = o;
		v2_take(h, path, &best);
	}
}

void
cgroup_host_init(struct cgroup_host *h)
{
	FILE *mi = fopen("/proc/self/mountinfo", "re");
	FILE *cg = fopen("/proc/self/cgroup", "re");
	size_t len;

	memset(h, 0, sizeof(*h));
	if (mi != NULL && cg != NULL)
		cgroup_host_parse(h, mi, cg);
	if (mi != NULL)
		fclose(mi);
	if (cg != NULL)
		fclose(cg);
	/* Started again below the leaf of an earlier start. */
	len = strlen(h->dir[CG_UNIFIED]);
	if (len > sizeof(LEAF) &&
	    strcmp(h->dir[CG_UNIFIED] + len - sizeof(LEAF), "/" LEAF) == 0)
		h->dir[CG_UNIFIED][len - sizeof(LEAF)] = '\0';
	if (h->dir[CG_UNIFIED][0] != '\0')
		v2_find(h);
}

/* ---- limits ---- */

/* A number, or what stands for no limit. */
static int
write_limit(int fd, const char *name, bool limit, uint64_t value,
    const char *none)
{
	if (!limit)
		return write_file(fd, name, none);
	return write_fmt(fd, name, "%" PRIu64, value);
}

/*
 * memory plus swap is never less than memory: it is opened first, so that both
 * can go up and down.
 */
static int
set_memory_v1(int fd, const struct cgroup_limits *lim)
{
	bool limit = lim->memory_bytes != 0;
	bool swap = limit && lim->swap_bytes != UINT64_MAX;

	(void)write_file(fd, "memory.memsw.limit_in_bytes", "-1");
	if (write_limit(fd, "memory.limit_in_bytes", limit, lim->memory_bytes,
		"-1") == -1)
		return -1;
	if (!swap)
		return 0;
	if (write_fmt(fd, "memory.memsw.limit_in_bytes", "%" PRIu64,
		lim->memory_bytes + lim->swap_bytes) == 0)
		return 0;
	/* Swap is not counted on this machine: keep the session from using it. */
	return errno == ENOENT ? write_file(fd, "memory.swappiness", "0") : -1;
}

static int
set_memory(int fd, bool v2, const struct cgroup_limits *lim)
{
	if (!v2)
		return set_memory_v1(fd, lim);
	if (write_limit(fd, "memory.max", lim->memory_bytes != 0,
		lim->memory_bytes, "max") == -1)
		return -1;
	if (write_limit(fd, "memory.swap.max", lim->swap_bytes != UINT64_MAX,
		lim->swap_bytes, "max") == 0)
		return 0;
	return errno == ENOENT ? 0 : -1; /* a kernel without swap */
}

static int
set_pids(int fd, bool v2, const struct cgroup_limits *lim)
{
	return write_limit(fd, "pids.max", lim->pids != 0, lim->pids, "max");
}

static int
set_cpu(int fd, bool v2, const struct cgroup_limits *lim)
{
	uint64_t quota = (uint64_t)lim->cpu_percent * CPU_PERIOD_US / 100;
	bool limit = lim->cpu_percent != 0;

	if (quota < CPU_QUOTA_MIN)
		quota = CPU_QUOTA_MIN;
	if (v2 && limit)
		return write_fmt(fd, "cpu.max", "%" PRIu64 " %d", quota,
		    CPU_PERIOD_US);
	if (v2)
		return write_file(fd, "cpu.max", "max");
	if (write_fmt(fd, "cpu.cfs_period_us", "%d", CPU_PERIOD_US) == -1)
		return -1;
	return write_limit(fd, "cpu.cfs_quota_us", limit, quota, "-1");
}

/* Whole disks with a device behind them; file systems say little about theirs. */
static int
disks_list(char dev[DISKS_MAX][32])
{
	static const char *const skip[] = { "loop", "ram", "zram", "sr", "fd" };
	struct dirent *de;
	char path[300];
	DIR *dp = opendir("/sys/block");
	size_t i;
	int n = 0;

	if (dp == NULL)
		return 0;
	while (n < DISKS_MAX && (de = readdir(dp)) != NULL) {
		for (i = 0; i < sizeof(skip) / sizeof(skip[0]); i++) {
			if (strncmp(de->d_name, skip[i], strlen(skip[i])) == 0)
				break;
		}
		if (de->d_name[0] == '.' || i < sizeof(skip) / sizeof(skip[0]))
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/dev", de->d_name);
		if (read_file(AT_FDCWD, path, dev[n], 32) <= 0)
			continue;
		dev[n][strcspn(dev[n], "\n")] = '\0';
		n++;
	}
	closedir(dp);
	return n;
}

static int
set_bps(int fd, bool v2, const char *dev, bool is_read, uint64_t bps)
{
	const char *word = is_read ? "rbps" : "wbps";
	const char *file = is_read ? "blkio.throttle.read_bps_device" :
				     "blkio.throttle.write_bps_device";

	if (!v2) /* 0: none */
		return write_fmt(fd, file, "%s %" PRIu64, dev, bps);
	if (bps == 0)
		return write_fmt(fd, "io.max", "%s %s=max", dev, word);
	return write_fmt(fd, "io.max", "%s %s=%" PRIu64, dev, word, bps);
}

static int
set_io(int fd, bool v2, const struct cgroup_limits *lim)
{
	char dev[DISKS_MAX][32];
	int i, n = disks_list(dev);

	for (i = 0; i < n; i++) {
		if (set_bps(fd, v2, dev[i], true, lim->read_bps) == -1 ||
		    set_bps(fd, v2, dev[i], false, lim->write_bps) == -1)
			return -1;
	}
	return 0;
}

static bool
wants(enum cgroup_ctl c, const struct cgroup_limits *lim)
{
	switch (c) {
	case CG_MEMORY:
		return lim->memory_bytes != 0 || lim->swap_bytes != UINT64_MAX;
	case CG_PIDS:
		return lim->pids != 0;
	case CG_CPU:
		return lim->cpu_percent != 0;
	case CG_IO:
		return lim->read_bps != 0 || lim->write_bps != 0;
	case CG_FREEZER:
	case CG_UNIFIED:
	case CG_MAX:
		break;
	}
	return true;
}

typedef int set_fn(int fd, bool v2, const struct cgroup_limits *lim);

static set_fn *const set_tab[CG_MAX] = {
	[CG_MEMORY] = set_memory,
	[CG_PIDS] = set_pids,
	[CG_CPU] = set_cpu,
	[CG_IO] = set_io,
};

static int
dir_make(const char *parent, const char *name)
{
	int at, fd = -1, saved;

	at = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at == -1)
		return -1;
	if (mkdirat(at, name, 0755) == 0 || errno == EEXIST)
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	saved = errno;
	close(at);
	errno = saved;
	return fd;
}

static void
why_add(char *why, size_t size, enum cgroup_ctl c, const char *reason)
{
	size_t n = strlen(why);

	snprintf(why + n, size - n, "%s%s (%s)", n == 0 ? "" : ", ",
	    c == CG_IO ? "disk bandwidth" : cgroup_ctl_name[c], reason);
}

/*
 * The group of one controller and its limit.  All that can be had are made, so that a
 * reload may limit what was not limited.  0, or -1 with why grown by a limit that does not
 * hold.
 */
static int
ctl_set(struct cgroup *cg, enum cgroup_ctl c, const struct cgroup_limits *lim,
    char *why, size_t size)
{
	const struct cgroup_host *h = cg->host;
	bool wanted = c < CG_FREEZER && wants(c, lim), fresh = cg->fd[c] == -1;
	const char *reason = h->error[c] != 0 ?
	    strerror(h->error[c]) :
	    "no such cgroup controller here";

	if (fresh && h->dir[c][0] != '\0') {
		cg->fd[c] = dir_make(h->dir[c], cg->name);
		reason = strerror(errno);
	}
	if (cg->fd[c] == -1) {
		if (wanted)
			why_add(why, size, c, reason);
		return wanted ? -1 : 0;
	}
	if (c >= CG_FREEZER || (fresh && !wanted))
		return 0;
	if (set_tab[c](cg->fd[c], h->v2[c], lim) == 0 || !wanted)
		return 0;
	why_add(why, size, c, strerror(errno));
	return -1;
}

int
cgroup_limit(struct cgroup *cg, const struct cgroup_limits *lim, char *why,
    size_t size)
{
	int c, bad = 0;

	why[0] = '\0';
	for (c = 0; c < CG_MAX; c++) {
		if (ctl_set(cg, (enum cgroup_ctl)c, lim, why, size) == -1)
			bad = 1;
	}
	return bad;
}

int
cgroup_make(struct cgroup *cg, const struct cgroup_host *h, const char *id,
    const struct cgroup_limits *lim, char *why, size_t size)
{
	int c;

	memset(cg, 0, sizeof(*cg));
	cg->host = h;
	snprintf(cg->name, sizeof(cg->name), PREFIX "%s.%d", id, (int)getpid());
	for (c = 0; c < CG_MAX; c++)
		cg->fd[c] = -1;
	return cgroup_limit(cg, lim, why, size);
}

int
cgroup_place(const struct cgroup *cg, pid_t pid)
{
	int c, rc = 0;

	for (c = 0; c < CG_MAX; c++) {
		if (cg->fd[c] != -1 &&
		    write_fmt(cg->fd[c], "cgroup.procs", "%d", (int)pid) == -1)
			rc = -1;
	}
	return rc;
}

/* ---- whom to kill ---- */

/* SIGKILL (0: nothing) to each process listed in one hierarchy: how many, or -1. */
static int
procs_signal(int at, int sig)
{
	char *line = NULL;
	size_t size = 0;
	FILE *fp;
	int n = 0, fd;

	if ((fd = openat(at, "cgroup.procs", O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	if ((fp = fdopen(fd, "r")) == NULL) {
		close(fd);
		return -1;
	}
	while (getline(&line, &size, fp) != -1) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		n++;
		if (pid > 1 && sig != 0)
			(void)kill(pid, sig);
	}
	free(line);
	fclose(fp);
	return n;
}

/* The hierarchy to ask: the unified one, else any of ours. */
static int
best_fd(const struct cgroup *cg)
{
	int c;

	for (c = CG_MAX - 1; c >= 0; c--) {
		if (cg->fd[c] != -1)
			return cg->fd[c];
	}
	return -1;
}

int
cgroup_count(const struct cgroup *cg)
{
	int fd = best_fd(cg);

	return fd == -1 ? -1 : procs_signal(fd, 0);
}

int
cgroup_kill(const struct cgroup *cg)
{
	int fd = best_fd(cg), n, freezer = cg->fd[CG_FREEZER];

	if (fd == -1)
		return -1;
	if (cg->fd[CG_UNIFIED] != -1 &&
	    write_file(cg->fd[CG_UNIFIED], "cgroup.kill", "1") == 0)
		return procs_signal(fd, 0);
	if (freezer != -1)
		(void)write_file(freezer, "freezer.state", "FROZEN");
	n = procs_signal(fd, SIGKILL);
	if (freezer != -1)
		(void)write_file(freezer, "freezer.state", "THAWED");
	return n;
}

void
cgroup_remove(struct cgroup *cg)
{
	char path[PATH_MAX + sizeof(cg->name) + 1];
	int c;

	for (c = 0; c < CG_MAX; c++) {
		if (cg->fd[c] == -1)
			continue;
		close(cg->fd[c]);
		cg->fd[c] = -1;
		snprintf(path, sizeof(path), "%s/%s", cg->host->dir[c],
		    cg->name);
		if (rmdir(path) == -1 && errno != ENOENT)
			log_debug("cannot remove %s: %m", path);
	}
}

/* The pid at the end of a session's group, or 0. */
static pid_t
name_pid(const char *name)
{
	const char *dot = strrchr(name, '.');
	long pid;
	char *end;

	if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0 || dot == NULL)
		return 0;
	pid = strtol(dot + 1, &end, 10);
	return *end == '\0' && pid > 1 && pid < INT_MAX ? (pid_t)pid : 0;
}

static void
sweep_one(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned int round;

	if (fd == -1)
		return;
	for (round = 0; round < SWEEP_ROUNDS; round++) {
		(void)write_file(fd, "freezer.state", "THAWED");
		if (write_file(fd, "cgroup.kill", "1") == -1)
			(void)procs_signal(fd, SIGKILL);
		if (procs_signal(fd, 0) <= 0)
			break;
		(void)usleep(SWEEP_PAUSE_US);
	}
	close(fd);
	if (unlinkat(at, name, AT_REMOVEDIR) == 0)
		log_notice("removed the cgroup %s of a dead agentshd", name);
}

void
cgroup_sweep(const struct cgroup_host *h)
{
	struct dirent *de;
	DIR *dp;
	pid_t pid;
	int c;

	for (c = 0; c < CG_MAX; c++) {
		if (h->dir[c][0] == '\0' || (dp = opendir(h->dir[c])) == NULL)
			continue;
		while ((de = readdir(dp)) != NULL) {
			pid = name_pid(de->d_name);
			if (pid != 0 && pid != getpid() &&
			    kill(pid, 0) == -1 && errno == ESRCH)
				sweep_one(dirfd(dp), de->d_name);
		}
		closedir(dp);
	}
}
