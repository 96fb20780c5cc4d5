/*
 * Credentials of marked tasks in a root session: read from /proc at every call
 * of such a task, worn by this thread, taken off before the next.  Raw system
 * calls, since libc's would change every thread.  Must never serve a marked
 * task with the session's own rights: what cannot be read or worn is refused,
 * and what cannot be taken off ends the tracer (and with it the session).
 */

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"
#include "tracer/cred.h"
#include "tracer/num.h"
#include "tracer/tracer.h"

#define GROUPS_MAX 256

/* uid[], gid[]: real, effective, saved, file system's, as /proc says them. */
enum { REAL, EFFECTIVE, SAVED, FS, IDS_CNT };

struct ids {
	uint32_t uid[IDS_CNT], gid[IDS_CNT];
	uint64_t caps;
	int groups_cnt;
	gid_t groups[GROUPS_MAX];
};

struct cred {
	bool worn;
	int own_groups_cnt;
	gid_t own_groups[GROUPS_MAX];
	uid_t own_uid;
	gid_t own_gid;
	struct __user_cap_data_struct own_caps[2];
};

static bool
caps_set(uint64_t effective, const struct __user_cap_data_struct *own)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { own[0], own[1] };

	d[0].effective = (uint32_t)effective & own[0].permitted;
	d[1].effective = (uint32_t)(effective >> 32) & own[1].permitted;
	return syscall(SYS_capset, &h, d) == 0;
}

/* n numbers after key. */
static bool
fields(const char *buf, const char *key, uint32_t *out, unsigned int n)
{
	const char *p = strstr(buf, key);
	char *end;
	unsigned int i;

	if (p == NULL)
		return false;
	for (p += strlen(key), i = 0; i < n; i++, p = end) {
		out[i] = (uint32_t)strtoul(p, &end, 10);
		if (end == p)
			return false;
	}
	return true;
}

static bool
parse_groups(const char *buf, struct ids *id)
{
	const char *p = strstr(buf, "\nGroups:");
	char *end;

	if (p == NULL)
		return false;
	id->groups_cnt = 0;
	for (p += 8;; p = end) {
		while (*p == ' ' || *p == '\t')
			p++;
		if (*p == '\n')
			return true;
		if (id->groups_cnt == GROUPS_MAX)
			return false;
		id->groups[id->groups_cnt++] = (gid_t)strtoul(p, &end, 10);
		if (end == p)
			return false;
	}
}

static bool
read_ids(const struct call *c, struct ids *id)
{
	struct task_status *st = &c->w->status;
	const char *buf = st->buf, *p;

	/* Its credentials are what they were: it waits for us. */
	if (st->len == 0 && !task_read_status(c->tracer->tasks,
	    (pid_t)c->rq->pid, st))
		return false;
	if (!fields(buf, "\nUid:", id->uid, IDS_CNT) ||
	    !fields(buf, "\nGid:", id->gid, IDS_CNT) || !parse_groups(buf, id) ||
	    (p = strstr(buf, "\nCapEff:\t")) == NULL)
		return false;
	id->caps = strtoull(p + 9, NULL, 16);
	return true;
}

/* What this thread has when it carries nobody's; once per thread. */
static struct cred *
own_cred(struct worker *w)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct cred *k = w->cred;

	if (k != NULL)
		return k;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	k->own_uid = geteuid();
	k->own_gid = getegid();
	k->own_groups_cnt = getgroups(GROUPS_MAX, k->own_groups);
	if (k->own_groups_cnt == -1 || syscall(SYS_capget, &h, k->own_caps)) {
		free(k);
		return NULL;
	}
	return w->cred = k;
}

static uint64_t
own_effective(const struct cred *k)
{
	return k->own_caps[0].effective |
	    (uint64_t)k->own_caps[1].effective << 32;
}

/* Does the task hold just what the session's own tasks do? */
static bool
is_own(const struct cred *k, const struct ids *id)
{
	uint64_t own = own_effective(k) & ~(1ull << CAP_SYS_PTRACE);
	unsigned int i;

	for (i = 0; i < IDS_CNT; i++)
		if (id->uid[i] != k->own_uid || id->gid[i] != k->own_gid)
			return false;
	return id->caps == own && id->groups_cnt == k->own_groups_cnt &&
	    memcmp(id->groups, k->own_groups,
	    (size_t)id->groups_cnt * sizeof(gid_t)) == 0;
}

int
cred_thread(struct worker *w)
{
	struct cred *k;

	if (!w->tracer->root_session)
		return 0;
	if ((k = own_cred(w)) == NULL)
		return -1;
	if (w->tracer->yama < 1)
		k->own_caps[0].effective &= ~(1u << CAP_SYS_PTRACE);
	return caps_set(own_effective(k), k->own_caps) ? 0 : -1;
}

bool
cred_has_ptrace(const struct worker *w)
{
	const struct cred *k = w->cred;

	return k != NULL && (k->worn ||
	    (k->own_caps[0].effective & 1u << CAP_SYS_PTRACE) != 0);
}

/*
 * Who had other credentials for a while cannot be read any more without a
 * capability, and nobody who shares or was forked with its memory, until they
 * exec: c's caller can be, from here on.
 */
static bool
reach(struct call *c, struct cred *k)
{
	char name[NUM_MAX + 8], byte;

	if (!task_creds_changed(c->tracer->tasks) || cred_has_ptrace(c->w))
		return true;
	num_text(num_put(name, c->rq->pid), "/exe");
	if (readlinkat(c->tracer->procfd, name, &byte, 1) != -1 ||
	    errno != EACCES)
		return true;
	k->worn = true;
	return caps_set(own_effective(k) | 1ull << CAP_SYS_PTRACE,
	    k->own_caps);
}

bool
cred_assume(struct call *c)
{
	struct cred *k;
	struct ids id;

	if ((k = own_cred(c->w)) == NULL)
		return false;
	if (!c->task->marked)
		return reach(c, k);
	if (!read_ids(c, &id))
		return false;
	if (is_own(k, &id)) {
		task_creds_own(c->tracer->tasks, c->task);
		return reach(c, k);
	}
	task_creds_change(c->tracer->tasks, c->task);
	k->worn = true;
	/*
	 * The real ids too: kill, prlimit, access and SO_PASSCRED go by them.  The saved ones stay, and
	 * with them what takes all this off again.
	 */
	if (syscall(SYS_setgroups, id.groups_cnt, id.groups) == -1 ||
	    syscall(SYS_setresgid, id.gid[REAL], id.gid[EFFECTIVE], -1) == -1 ||
	    syscall(SYS_setresuid, id.uid[REAL], id.uid[EFFECTIVE], -1) == -1)
		return false;
	syscall(SYS_setfsgid, id.gid[FS]);
	syscall(SYS_setfsuid, id.uid[FS]);
	if ((uid_t)syscall(SYS_setfsuid, -1) != id.uid[FS] ||
	    (gid_t)syscall(SYS_setfsgid, -1) != id.gid[FS])
		return false;
	return caps_set(id.caps | 1ull << CAP_SYS_PTRACE, k->own_caps);
}

static bool
is_one_of(const uint32_t *ids, uint32_t id)
{
	return ids[REAL] == id || ids[EFFECTIVE] == id || ids[SAVED] == id;
}

bool
cred_may_claim(struct call *c, uid_t uid, gid_t gid)
{
	struct ids id;

	if (!c->tracer->root_session)
		return true;
	if (!read_ids(c, &id))
		return false;
	return (is_one_of(id.uid, uid) || (id.caps & 1ull << CAP_SETUID)) &&
	    (is_one_of(id.gid, gid) || (id.caps & 1ull << CAP_SETGID));
}

void
cred_restore(struct call *c)
{
	struct cred *k = c->w->cred;
	uint64_t own;

	if (k == NULL || !k->worn)
		return;
	own = own_effective(k);
	/*
	 * First the capability to change ids, then the ids, then all of them
	 * again.
	 */
	if (!caps_set(own, k->own_caps) ||
	    syscall(SYS_setresuid, k->own_uid, k->own_uid, -1) == -1 ||
	    !caps_set(own, k->own_caps) ||
	    syscall(SYS_setresgid, k->own_gid, k->own_gid, -1) == -1 ||
	    syscall(SYS_setgroups, k->own_groups_cnt, k->own_groups) == -1) {
		log_error("credentials cannot be regained: %s",
		    strerror(errno));
		_exit(1);
	}
	k->worn = false;
}

void
cred_ask(struct call *c)
{
	task_creds_change(c->tracer->tasks, c->task);
	answer_continue(c);
}
