/*
 * The rights table.  Data, and two functions that print and look up.  Linked by
 * every process: privdrop.c makes each what its row says.
 *
 * A right without a reason in this file does not exist.
 */

#include "common/rights.h"

#include <sys/resource.h>

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>

#define MIB	    (UINT64_C(1) << 20)

/* clang-format off */

static const struct rights_cap none_caps[] = { { -1, NULL } };

static const struct rights_cap monitor_caps[] = {
	{ CAP_SETUID,		"children become their own users" },
	{ CAP_SETGID,		"children become their own groups, a tracer its session's" },
	{ CAP_SETPCAP,		"children cut their bounding sets" },
	{ CAP_SYS_CHROOT,	"children that need no file get an empty root" },
	{ CAP_CHOWN,		"a session's state and trash belong to its user" },
	{ CAP_DAC_OVERRIDE,	"state folders of other users, cgroup files; a root session's tracer" },
	{ CAP_FOWNER,		"modes of state folders of other users; a root session's tracer" },
	{ CAP_FSETID,		"a root session's tracer acts with it for its callers" },
	{ CAP_KILL,		"ends the processes of sessions of other users" },
	{ CAP_NET_BIND_SERVICE,	"a root session's tracer binds for its callers" },
	{ CAP_SETFCAP,		"a root session's tracer acts with it for its callers" },
	{ CAP_SYS_PTRACE,	"looks at the namespaces and the root of who asks to enter; a root session's tracer" },
	{ CAP_SYS_ADMIN,	"makes the mirror, a network namespace, and sockets in it" },
	{ CAP_SYS_NICE,		"takes threads of tracers back from SCHED_IDLE where RLIMIT_NICE cannot be set" },
	{ CAP_SYS_RESOURCE,	"sets the limits of who enters, and RLIMIT_NICE of tracers (where the machine gives it)" },
	{ -1, NULL },
};

/* DESIGN: the workload of a root session keeps these but the last. */
static const struct rights_cap root_tracer_caps[] = {
	{ CAP_CHOWN,		"performs chown for callers that may" },
	{ CAP_DAC_OVERRIDE,	"opens for callers that may" },
	{ CAP_FOWNER,		"chmod, utimes for callers that may" },
	{ CAP_FSETID,		"keeps set-id bits where callers would" },
	{ CAP_SETUID,		"serves tasks of the session that changed their uid" },
	{ CAP_SETGID,		"serves tasks of the session that changed their gid" },
	{ CAP_SETPCAP,		"cuts its own bounding set" },
	{ CAP_KILL,		"signals tasks of the session that changed their uid" },
	{ CAP_NET_BIND_SERVICE,	"binds low ports for callers that may" },
	{ CAP_SETFCAP,		"file capabilities for callers that may" },
	{ CAP_SYS_PTRACE,	"reads the memory of tasks that hold capabilities" },
	{ -1, NULL },
};

#define LIMIT_CORE	{ RLIMIT_CORE, 0, "a core holds what others said" }
#define LIMIT_NO_FORK	{ RLIMIT_NPROC, 0, "it starts nothing" }
#ifdef AGENTSH_SANITIZED /* its shadow of the memory alone is beyond any limit */
#define LIMIT_AS(bytes, because)
#else
#define LIMIT_AS(bytes, because) { RLIMIT_AS, bytes, because },
#endif
#define LIMIT_END	{ -1, 0, NULL }
#define FD_NULL \
	{ 0, "/dev/null", "nothing to read" }, \
	{ 1, "/dev/null", "nothing to say" }, \
	{ 2, "", "the C library's last words: standard error of agentshd -F, else /dev/null" }
#define FD_CHANNEL	{ CHANNEL_FD, "socket:", "the channel to the monitor" }
#define FD_EPOLL	{ -1, "anon_inode:[eventpoll]", "waits" }
#define FD_EVENTFD	{ -1, "anon_inode:[event", "wakes itself" }
#define CHANNEL_FD	3

static const struct rights rights_tab[] = {
	{
		.proc = PROC_MONITOR,
		.name = "monitor",
		.program = "agentshd",
		.ids = RIDS_ROOT,
		.ids_because = "it makes the others what they are",
		.root = RROOT_HOST,
		.root_because = "configuration, policies, state folders and sockets",
		.caps = monitor_caps,
		.no_new_privs = 1,
		.dumpable = 0,
		.dumpable_because = "it holds listeners and, when configured, the audit key",
		.landlock = RLL_NONE,
		.landlock_because = "tracers descend from it, and a domain would keep them from their workload",
		.limits = { LIMIT_CORE, LIMIT_END },
		.fds = {
			{ 0, "/dev/null", "nothing to read" },
			{ 1, "", "where it was started; logging.output: stdout" },
			{ 2, "", "where it was started; logging.output: stderr" },
			{ -1, "socket:", "listening sockets, one channel for each child, entries on their way" },
			FD_EPOLL,
			{ -1, "anon_inode:[signalfd]", "its signals" },
			{ -1, "anon_inode:[pidfd]", "children and who enters" },
			{ -1, "anon_inode:seccomp notify", "a duplicate of every listener, so that calls wait when a tracer dies" },
			{ -1, "/memfd:", "rings, images, facts and task tables, which outlive the processes that use them" },
			{ -1, "net:", "the mirror and its own network namespace" },
			{ -1, "/", "log file, lock file, policy folder, state and cgroup folders" },
			{ -1, NULL, NULL },
		},
		.seclist = "monitor",
		.seclist_because = "children inherit it: the sum of all lists",
	},
	{
		.proc = PROC_CONTROL,
		.name = "control",
		.program = "agentsh-control",
		.user = "_agentsh-control",
		.base_offset = 0,
		.ids = RIDS_OWN,
		.ids_because = "parses what clients say",
		.root = RROOT_EMPTY,
		.root_because = "opens no file",
		.caps = none_caps,
		.no_new_privs = 1,
		.dumpable = 0,
		.dumpable_because = "nobody reads its clients' words",
		.landlock = RLL_NOTHING,
		.landlock_because = "opens no file",
		.limits = { LIMIT_CORE, LIMIT_NO_FORK,
			{ RLIMIT_FSIZE, 0, "it writes no file" },
			{ RLIMIT_NOFILE, 1024, "clients and their streams" },
			LIMIT_AS(1024 * MIB, "clients' requests are bounded")
			LIMIT_END },
		.fds = { FD_NULL, FD_CHANNEL, FD_EPOLL, FD_EVENTFD,
			{ -1, "pipe:", "libevent wakes itself" },
			{ -1, "socket:", "the listening sockets it was handed, clients, event streams" },
			{ -1, NULL, NULL } },
		.seclist = "control",
		.seclist_because = "sockets it was handed, nothing else",
	},
	{
		.proc = PROC_POLICYD,
		.name = "policyd",
		.program = "agentsh-policyd",
		.user = "_agentsh-policyd",
		.base_offset = 1,
		.ids = RIDS_OWN,
		.ids_because = "parses YAML",
		.root = RROOT_EMPTY,
		.root_because = "is given a descriptor for every file",
		.caps = none_caps,
		.no_new_privs = 1,
		.dumpable = 0,
		.dumpable_because = "nobody changes a policy while it is compiled",
		.landlock = RLL_NOTHING,
		.landlock_because = "opens no file",
		.limits = { LIMIT_CORE, LIMIT_NO_FORK,
			{ RLIMIT_FSIZE, 256 * MIB, "an image in a memfd" },
			{ RLIMIT_NOFILE, 64, "one file and one image at a time" },
			LIMIT_AS(2048 * MIB, "documents and automata are bounded")
			LIMIT_END },
		.fds = { FD_NULL, FD_CHANNEL,
			{ -1, "/memfd:", "the image being compiled" },
			{ -1, "/", "the one file being read" },
			{ -1, NULL, NULL } },
		.seclist = "policyd",
		.seclist_because = "reads descriptors, writes memfds",
	},
	{
		.proc = PROC_NETPROXY,
		.name = "netproxy",
		.program = "agentsh-netproxy",
		.user = "_agentsh-netproxy",
		.base_offset = 2,
		.ids = RIDS_OWN,
		.ids_because = "parses DNS, HTTP and TLS hellos of everybody",
		.root = RROOT_EMPTY,
		.root_because = "opens no file",
		.caps = none_caps,
		.no_new_privs = 1,
		.dumpable = 0,
		.dumpable_because = "it holds what sessions say to others",
		.landlock = RLL_FILES,
		.landlock_because = "opens no file; connects to servers for sessions",
		.limits = { LIMIT_CORE, LIMIT_NO_FORK,
			{ RLIMIT_FSIZE, 128 * MIB, "what it fetched of threat feeds" },
			{ RLIMIT_NOFILE, 16384, "two sockets for each connection of a session" },
			LIMIT_AS(8192 * MIB, "clients, caches and feeds are bounded; an image and facts for each session")
			LIMIT_END },
		.fds = { FD_NULL, FD_CHANNEL, FD_EPOLL, FD_EVENTFD,
			{ -1, "pipe:", "libevent wakes itself" },
			{ -1, "socket:", "the mirror's listening sockets it was handed, sessions' connections, servers, the wake socket" },
			{ -1, "/memfd:", "its ring" },
			{ -1, "anon_inode:[timerfd]", "waits" },
			{ -1, "/", "the caches of threat feeds that it was handed" },
			{ -1, NULL, NULL } },
		.seclist = "netproxy",
		.seclist_because = "sockets, and images that it was handed",
	},
	{
		.proc = PROC_AUDITD,
		.name = "auditd",
		.program = "agentsh-auditd",
		.user = "_agentsh-auditd",
		.base_offset = 3,
		.ids = RIDS_OWN,
		.ids_because = "the database belongs to nobody who could be asked to change it",
		.root = RROOT_AUDIT,
		.root_because = "SQLite makes and removes files beside its database",
		.caps = none_caps,
		.no_new_privs = 1,
		.dumpable = 0,
		.dumpable_because = "it may hold the audit key",
		.landlock = RLL_ROOT,
		.landlock_because = "the audit directory and nothing else",
		.limits = { LIMIT_CORE, LIMIT_NO_FORK,
			{ RLIMIT_NOFILE, 4096, "a ring and a socket for each session, event streams" },
			LIMIT_END },
		.fds = { FD_NULL, FD_CHANNEL, FD_EPOLL, FD_EVENTFD,
			{ -1, "socket:", "wake sockets, event streams" },
			{ -1, "/memfd:", "rings" },
			{ -1, "anon_inode:[timerfd]", "waits" },
			{ -1, "/", "the database, its log and lock files; the audit key, read-only" },
			{ -1, NULL, NULL } },
		.seclist = "auditd",
		.seclist_because = "files below its root, rings, no socket of its own",
	},
	{
		.proc = PROC_TRACER,
		.name = "tracer",
		.program = "agentsh-tracer",
		.ids = RIDS_SESSION,
		.ids_because = "reads the memory of its workload and acts with its credentials",
		.root = RROOT_HOST,
		.root_because = "resolves the paths its workload names",
		.caps = none_caps,
		.caps_root = root_tracer_caps,
		.no_new_privs = 1,
		.dumpable = 0,
		.dumpable_because = "its workload has the same uid and must not trace it",
		.landlock = RLL_NONE,
		.landlock_because = "a domain would keep it from its workload",
		.limits = { LIMIT_CORE,
			{ RLIMIT_NOFILE, 16384, "pinned objects, a pidfd for each task, sockets" },
			{ RLIMIT_NICE, 20, "its threads come back from SCHED_IDLE (where the machine gives it)" },
			LIMIT_END },
		.fds = { FD_NULL, FD_CHANNEL, FD_EPOLL, FD_EVENTFD,
			{ -1, "socket:", "entries, the wake socket, sockets of its workload while they are judged" },
			{ -1, "/memfd:", "ring, image and task table" },
			{ -1, "anon_inode:seccomp notify", "the listeners of its workload" },
			{ -1, "anon_inode:[pidfd]", "tasks of its workload" },
			{ -1, "anon_inode:", "timers and signals; objects of its workload while they are judged" },
			{ -1, "pipe:", "objects of its workload while they are judged" },
			{ -1, "/", "objects pinned while they are judged, the trash, /proc" },
			{ -1, NULL, NULL } },
		.seclist = "tracer",
		.seclist_because = "performs the calls of its workload, and nothing that starts a program",
	},
};

/* clang-format on */

#define RIGHTS_ROWS (sizeof(rights_tab) / sizeof(rights_tab[0]))

static const char *const rights_ids_name[RIDS_MAX] = {
	[RIDS_ROOT] = "0",
	[RIDS_OWN] = "own",
	[RIDS_SESSION] = "session",
};

static const char *const rights_root_name[RROOT_MAX] = {
	[RROOT_HOST] = "/",
	[RROOT_EMPTY] = "empty",
	[RROOT_AUDIT] = "audit",
};

static const char *const rights_landlock_name[RLL_MAX] = {
	[RLL_NONE] = "none",
	[RLL_NOTHING] = "nothing",
	[RLL_FILES] = "no-files",
	[RLL_ROOT] = "root",
};

static const char *const cap_name[] = {
	[CAP_CHOWN] = "chown",
	[CAP_DAC_OVERRIDE] = "dac_override",
	[CAP_FOWNER] = "fowner",
	[CAP_FSETID] = "fsetid",
	[CAP_KILL] = "kill",
	[CAP_SETGID] = "setgid",
	[CAP_SETUID] = "setuid",
	[CAP_SETPCAP] = "setpcap",
	[CAP_NET_BIND_SERVICE] = "net_bind_service",
	[CAP_SYS_ADMIN] = "sys_admin",
	[CAP_SYS_CHROOT] = "sys_chroot",
	[CAP_SYS_PTRACE] = "sys_ptrace",
	[CAP_SYS_NICE] = "sys_nice",
	[CAP_SYS_RESOURCE] = "sys_resource",
	[CAP_SETFCAP] = "setfcap",
};

const struct rights *
rights_row(unsigned int i)
{
	return i < RIGHTS_ROWS ? &rights_tab[i] : NULL;
}

const struct rights *
rights_get(unsigned int proc)
{
	size_t i;

	for (i = 0; i < RIGHTS_ROWS; i++) {
		if (rights_tab[i].proc == proc)
			return &rights_tab[i];
	}
	return NULL;
}

const char *
rights_proc_name(unsigned int proc)
{
	const struct rights *r = rights_get(proc);

	if (r != NULL)
		return r->name;
	return proc == PROC_ASKER ? "asker" : "unknown";
}

static const struct rights_cap *
caps_of(const struct rights *r, int root_session)
{
	return root_session && r->caps_root != NULL ? r->caps_root : r->caps;
}

uint64_t
rights_cap_mask(const struct rights *r, int root_session)
{
	const struct rights_cap *c;
	uint64_t mask = 0;

	for (c = caps_of(r, root_session); c->cap != -1; c++)
		mask |= UINT64_C(1) << c->cap;
	return mask;
}

static const char *
limit_name(int resource)
{
	static const struct {
		int resource;
		const char *name;
	} tab[] = {
		{ RLIMIT_CORE, "core" },
		{ RLIMIT_NPROC, "nproc" },
		{ RLIMIT_FSIZE, "fsize" },
		{ RLIMIT_NOFILE, "nofile" },
		{ RLIMIT_AS, "as" },
		{ RLIMIT_NICE, "nice" },
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		if (tab[i].resource == resource)
			return tab[i].name;
	}
	return "other";
}

static void
print_caps(FILE *fp, const struct rights *r, const char *right,
    const struct rights_cap *caps)
{
	const struct rights_cap *c;

	if (caps->cap == -1)
		fprintf(fp, "%s\t%s\t-\tneeds none\n", r->name, right);
	for (c = caps; c->cap != -1; c++)
		fprintf(fp, "%s\t%s\t%s\t%s\n", r->name, right,
		    cap_name[c->cap], c->because);
}

static void
print_ids(FILE *fp, const struct rights *r, unsigned int uid_base)
{
	if (r->ids == RIDS_OWN && uid_base != 0)
		fprintf(fp, "%s\tuid\t%u\t%s\n", r->name,
		    uid_base + r->base_offset, r->ids_because);
	else
		fprintf(fp, "%s\tuid\t%s\t%s\n", r->name,
		    r->ids == RIDS_OWN ? r->user : rights_ids_name[r->ids],
		    r->ids_because);
	fprintf(fp, "%s\tgroups\t%s\t%s\n", r->name,
	    r->ids == RIDS_SESSION ? "session" : "-",
	    r->ids == RIDS_SESSION ? "its workload's files" : "needs none");
}

static void
print_row(FILE *fp, const struct rights *r, unsigned int uid_base)
{
	const struct rights_limit *l;
	const struct rights_fd *f;

	print_ids(fp, r, uid_base);
	print_caps(fp, r, "capability", r->caps);
	if (r->caps_root != NULL)
		print_caps(fp, r, "capability-root-session", r->caps_root);
	fprintf(fp, "%s\troot\t%s\t%s\n", r->name, rights_root_name[r->root],
	    r->root_because);
	fprintf(fp, "%s\tno_new_privs\t%d\tstarts no set-id program\n", r->name,
	    r->no_new_privs);
	fprintf(fp, "%s\tdumpable\t%d\t%s\n", r->name, r->dumpable,
	    r->dumpable_because);
	fprintf(fp, "%s\tlandlock\t%s\t%s\n", r->name,
	    rights_landlock_name[r->landlock], r->landlock_because);
	fprintf(fp, "%s\tseccomp\t%s\t%s\n", r->name, r->seclist,
	    r->seclist_because);
	for (l = r->limits; l->resource != -1; l++)
		fprintf(fp, "%s\tlimit\t%s=%ju\t%s\n", r->name,
		    limit_name(l->resource), (uintmax_t)l->value, l->because);
	for (f = r->fds; f->because != NULL; f++) {
		if (f->fd == -1)
			fprintf(fp, "%s\tfd\t* %s\t%s\n", r->name, f->kind,
			    f->because);
		else
			fprintf(fp, "%s\tfd\t%d %s\t%s\n", r->name, f->fd,
			    f->kind, f->because);
	}
}

void
rights_print(FILE *fp, unsigned int uid_base)
{
	size_t i;

	for (i = 0; i < RIGHTS_ROWS; i++)
		print_row(fp, &rights_tab[i], uid_base);
}
