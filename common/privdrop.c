/*
 * The drop of DESIGN.md section 4, in its order, from the rights table.  Runs once at
 * the start of every process of the house.
 *
 * Trusts the monitor's HELLO (it is our parent and root) and nothing else.  Must never
 * return success with more than the row says: every step that fails is an error
 * the caller may only end on.
 */

#include "common/privdrop.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/seclist.h"

#define CAP_BITS 64

static int
failed(const char *what)
{
	log_error("cannot drop privileges: %s: %s", what, strerror(errno));
	return -1;
}

/* ---- HELLO and READY ---- */

/*
 * A log line goes as a message; when the monitor does not read, the line is
 * lost rather than the work delayed.
 */
static void
sink_channel(int level, const char *text, void *arg)
{
	struct msg_log log = { .level = (uint32_t)level };
	struct chan c;

	/* A copy: threads log at once and the phase is not theirs to move. */
	memcpy(&c, arg, sizeof(c));
	if (c.fd != -1 &&
	    chan_send(&c, MSG_LOG, 0, 0, &log, text, strlen(text) + 1, NULL,
		0) == -1)
		return;
}

int
child_hello(struct child *c, unsigned int proc)
{
	struct msg m;
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->proc = proc;
	if ((c->rights = rights_get(proc)) == NULL)
		return -1;
	log_init(c->rights->name, LOG_INFO);
	tzset(); /* while the C library's files can be reached */
	if (fcntl(CHILD_FD, F_SETFD, FD_CLOEXEC) == -1)
		return failed("no channel: started by agentshd only");
	chan_init(&c->chan, CHILD_FD, proc, PROC_MONITOR);
	if (chan_recv(&c->chan, &m) != 1 || m.hdr.type != MSG_HELLO) {
		log_error("no greeting from the monitor");
		return -1;
	}
	memcpy(&c->hello, msg_payload(&m), sizeof(c->hello));
	for (i = 0; i < MSG_FDS_MAX; i++)
		c->fd[i] = msg_take_fd(&m, i);
	log_init(c->rights->name, (int)c->hello.log_level);
	log_set_sink(sink_channel, &c->chan);
	return 0;
}

int
child_ready(struct child *c)
{
	struct msg_status st = { 0, 0 };
	char line[512];

	privdrop_describe(line, sizeof(line));
	log_info("%s", line);
	return chan_send(&c->chan, MSG_READY, 0, 0, &st, NULL, 0, NULL, 0);
}

int
child_start(struct child *c, unsigned int proc)
{
	if (child_hello(c, proc) == -1 || privdrop_ids(c) == -1 ||
	    privdrop_seccomp(c->rights, (int)c->hello.sandbox_kill) == -1)
		return -1;
	return child_ready(c);
}

/* ---- the steps ---- */

/* Only 0-3 and what HELLO brought stay open. */
static int
drop_fds(const struct child *c)
{
	unsigned int i, top = CHILD_FD;

	for (i = 0; i < MSG_FDS_MAX; i++) {
		if (c->fd[i] != -1 && (unsigned int)c->fd[i] > top)
			top = (unsigned int)c->fd[i];
	}
	if (syscall(SYS_close_range, top + 1, ~0u, 0) == -1 && errno != ENOSYS)
		return failed("close_range");
	return 0;
}

/*
 * The bounding set goes while SETPCAP is still there: after setresuid to
 * another user nothing could cut it any more.
 */
static int
drop_bounding(uint64_t keep)
{
	int cap;

	for (cap = 0; cap < CAP_BITS; cap++) {
		if (keep & (UINT64_C(1) << cap))
			continue;
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return failed("PR_CAPBSET_DROP");
	}
	return 0;
}

static int
drop_root(struct child *c)
{
	if (c->rights->root == RROOT_HOST)
		return 0;
	if (c->fd[0] == -1) {
		errno = EBADF;
		return failed("no root directory came with HELLO");
	}
	if (fchdir(c->fd[0]) == -1)
		return failed("fchdir");
	if (chroot(".") == -1)
		return failed("chroot");
	if (chdir("/") == -1)
		return failed("chdir");
	close(c->fd[0]);
	c->fd[0] = -1;
	return 0;
}

static int
drop_ids(const struct child *c)
{
	uid_t uid = c->hello.uid;
	gid_t gid = c->hello.gid;

	if (c->rights->ids == RIDS_ROOT)
		return 0;
	if (c->rights->ids == RIDS_OWN && (uid == 0 || gid == 0)) {
		errno = EINVAL;
		return failed("HELLO names root");
	}
	if (c->rights->ids == RIDS_OWN && setgroups(0, NULL) == -1)
		return failed("setgroups");
	if (setresgid(gid, gid, gid) == -1)
		return failed("setresgid");
	if (setresuid(uid, uid, uid) == -1)
		return failed("setresuid");
	return 0;
}

int
privdrop_prove(uint32_t uid, uint32_t gid)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	if (getresuid(&ru, &eu, &su) == -1 || ru != uid || eu != uid ||
	    su != uid)
		return -1;
	if (getresgid(&rg, &eg, &sg) == -1 || rg != gid || eg != gid ||
	    sg != gid)
		return -1;
	if (uid == 0)
		return 0;
	if (setresuid((uid_t)-1, 0, (uid_t)-1) != -1 || setuid(0) != -1)
		return -1;
	if (gid != 0 &&
	    (setresgid((gid_t)-1, 0, (gid_t)-1) != -1 || setgid(0) != -1))
		return -1;
	if (setgroups(0, NULL) != -1)
		return -1;
	return 0;
}

/* Permitted and effective become keep, inheritable and ambient empty. */
static int
drop_caps(uint64_t keep)
{
	int cap;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return failed("PR_CAP_AMBIENT_CLEAR_ALL");
	capng_clear(CAPNG_SELECT_CAPS);
	for (cap = 0; cap < CAP_BITS; cap++) {
		if ((keep & (UINT64_C(1) << cap)) == 0)
			continue;
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
			(unsigned int)cap) == -1)
			return failed("capng_update");
	}
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return failed("capng_apply");
	return 0;
}

static int
drop_limits(const struct rights *r)
{
	const struct rights_limit *l;
	struct rlimit rl;

	for (l = r->limits; l->resource != -1; l++) {
		if (getrlimit((__rlimit_resource_t)l->resource, &rl) == -1)
			return failed("getrlimit");
		if (rl.rlim_max > l->value)
			rl.rlim_max = l->value;
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit((__rlimit_resource_t)l->resource, &rl) == -1)
			return failed("setrlimit");
	}
	return 0;
}

/* ---- Landlock ---- */

static uint64_t
landlock_fs_bits(int abi)
{
	uint64_t bits = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		bits |= 1ULL << 13; /* REFER */
	if (abi >= 3)
		bits |= 1ULL << 14; /* TRUNCATE */
	if (abi >= 5)
		bits |= 1ULL << 15; /* IOCTL_DEV */
	return bits;
}

static int
landlock_add_root(int ruleset, uint64_t bits)
{
	struct landlock_path_beneath_attr pb = { .allowed_access = bits };
	int rc;

	pb.parent_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pb.parent_fd == -1)
		return -1;
	rc = (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &pb, 0);
	close(pb.parent_fd);
	return rc;
}

/* A kernel without Landlock is no failure: the empty root stands without it. */
static int
drop_landlock(const struct rights *r)
{
	uint64_t attr[2] = { 0, 0 }; /* access_fs, access_net (ABI 4) */
	int abi, rs, rc;

	if (r->landlock == RLL_NONE)
		return 0;
	abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return 0;
	attr[0] = landlock_fs_bits(abi);
	/* BIND_TCP | CONNECT_TCP */
	attr[1] = abi >= 4 && r->landlock != RLL_FILES ? 3 : 0;
	rs = (int)syscall(SYS_landlock_create_ruleset, attr,
	    abi >= 4 ? sizeof(attr) : sizeof(attr[0]), 0);
	if (rs == -1)
		return failed("landlock_create_ruleset");
	rc = r->landlock == RLL_ROOT ? landlock_add_root(rs, attr[0]) : 0;
	if (rc == 0)
		rc = (int)syscall(SYS_landlock_restrict_self, rs, 0);
	close(rs);
	return rc == 0 ? 0 : failed("landlock");
}

/* ---- seccomp ---- */

static int
list_add(scmp_filter_ctx ctx, const struct seclist *list)
{
	const char *const *name;
	unsigned int i;
	int nr, rc;

	for (i = 0; list->groups[i] != NULL; i++) {
		for (name = list->groups[i]->names; *name != NULL; name++) {
			nr = seccomp_syscall_resolve_name(*name);
			if (nr < 0)
				nr = seclist_number(*name);
			if (nr < 0)
				continue;
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
			if (rc != 0 && rc != -EEXIST)
				return rc;
		}
	}
	return 0;
}

/* The monitor's filter is inherited by all: it is the sum of the lists. */
static int
list_build(scmp_filter_ctx ctx, const struct rights *r)
{
	const struct seclist *list;
	unsigned int i;
	int rc;

	if (r->proc != PROC_MONITOR) {
		if ((list = seclist_get(r->seclist)) == NULL)
			return -ENOENT;
		return list_add(ctx, list);
	}
	for (i = 0; (list = seclist_row(i)) != NULL; i++) {
		if ((rc = list_add(ctx, list)) != 0)
			return rc;
	}
	return 0;
}

int
privdrop_seccomp(const struct rights *r, int kill)
{
	scmp_filter_ctx ctx;
	int rc;

	ctx = seccomp_init(
	    kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(ENOSYS));
	if (ctx == NULL) {
		errno = ENOMEM;
		return failed("seccomp_init");
	}
	if ((rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1)) == 0 &&
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
		 SCMP_ACT_KILL_PROCESS)) == 0 &&
	    (rc = list_build(ctx, r)) == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0) {
		errno = -rc;
		return failed("seccomp");
	}
	return 0;
}

/* ---- the whole ---- */

static int
drop_rest(const struct rights *r, uint64_t keep)
{
	if (drop_caps(keep) == -1)
		return -1;
	if (r->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return failed("PR_SET_NO_NEW_PRIVS");
	if (drop_limits(r) == -1)
		return -1;
	if (!r->dumpable && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return failed("PR_SET_DUMPABLE");
	return drop_landlock(r);
}

int
privdrop_ids(struct child *c)
{
	const struct rights *r = c->rights;
	int root_session = r->ids == RIDS_SESSION && c->hello.uid == 0;
	uint64_t keep = rights_cap_mask(r, root_session);

	if (drop_fds(c) == -1 || drop_bounding(keep) == -1 ||
	    drop_root(c) == -1 || drop_ids(c) == -1)
		return -1;
	if (drop_rest(r, keep) == -1)
		return -1;
	if (r->ids != RIDS_ROOT &&
	    privdrop_prove(c->hello.uid, c->hello.gid) == -1) {
		log_error("cannot drop privileges: the old ids came back");
		return -1;
	}
	return 0;
}

/* What the machine gave us of the row: containers hold less. */
static uint64_t
caps_held(void)
{
	uint64_t held = 0;
	int cap;

	capng_get_caps_process();
	for (cap = 0; cap < 41; cap++) {
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned int)cap))
			held |= UINT64_C(1) << cap;
	}
	return held;
}

int
privdrop_monitor(int kill)
{
	const struct rights *r = rights_get(PROC_MONITOR);
	uint64_t keep = rights_cap_mask(r, 0) & caps_held();

	if (setgroups(0, NULL) == -1)
		return failed("setgroups");
	if (drop_bounding(keep) == -1 || drop_rest(r, keep) == -1)
		return -1;
	return privdrop_seccomp(r, kill);
}

static int
seccomp_mode(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

void
privdrop_describe(char *buf, size_t size)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];
	gid_t groups[64];
	uint64_t prm, eff, bnd = 0;
	int cap, n;

	memset(d, 0, sizeof(d));
	syscall(SYS_capget, &h, d);
	prm = d[0].permitted | (uint64_t)d[1].permitted << 32;
	eff = d[0].effective | (uint64_t)d[1].effective << 32;
	for (cap = 0; cap < CAP_BITS; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			bnd |= UINT64_C(1) << cap;
	}
	n = getgroups(64, groups);
	snprintf(buf, size,
	    "holds uid=%u gid=%u groups=%d permitted=%016jx "
	    "effective=%016jx bounding=%016jx no_new_privs=%d dumpable=%d "
	    "seccomp=%d",
	    geteuid(), getegid(), n, (uintmax_t)prm, (uintmax_t)eff,
	    (uintmax_t)bnd, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), seccomp_mode());
}
