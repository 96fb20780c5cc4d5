/*
 * What a system call asks: one row for every call of x86_64 and aarch64.  The row says
 * whether the call passes, is refused, or is judged and by which question, and
 * which of its arguments plays which part, so that the engine that stops callers needs
 * no knowledge of single calls: it looks up the row, sorts the arguments by role and
 * runs the question's function.  bpfgen.c compiles the same rows to the filter.
 *
 * Pure data and pure functions: no system calls, no state, no allocation.  Linked by the
 * tracer, by policyd (which compiles the filter) and by `policy explain`.
 */

#ifndef TRACER_SYSTAB_H
#define TRACER_SYSTAB_H

#include <stdbool.h>
#include <stdint.h>

struct seccomp_data; /* linux/seccomp.h */

enum systab_arch { SYSTAB_X86_64, SYSTAB_AARCH64, SYSTAB_ARCH_MAX };

#if defined(__x86_64__)
#define SYSTAB_ARCH_HERE SYSTAB_X86_64
#elif defined(__aarch64__)
#define SYSTAB_ARCH_HERE SYSTAB_AARCH64
#endif

/* x32 calls on x86_64: this bit, and not the sign. */
#define SYSTAB_X32_BIT 0x40000000

/* All numbers of the table are below this. */
#define SYSTAB_NR_END 512

/* AUDIT_ARCH_* of each architecture. */
extern const uint32_t systab_audit_arch[SYSTAB_ARCH_MAX];

enum systab_class {
	SYSTAB_PASS,   /* the kernel decides alone */
	SYSTAB_REFUSE, /* refused under any policy, and recorded: rule builtin-syscall */
	SYSTAB_ERRNO,  /* answered by the filter without a record: programs probe for it */
	SYSTAB_JUDGE,  /* asks the row's question */
	SYSTAB_ARG,    /* the row's tests on numbers and flags say which of the above */
	SYSTAB_CLASS_MAX
};

/* When a JUDGE row (or a test) is in force; where it is not, the call passes. */
enum systab_cond {
	SYSTAB_ALWAYS,
	SYSTAB_METADATA, /* file_monitor.metadata */
	SYSTAB_ROOT,	 /* root sessions, whose credentials can change */
	SYSTAB_COND_MAX
};

/* Who judges a question. */
enum systab_domain {
	SYSTAB_D_NONE,
	SYSTAB_D_FILE,
	SYSTAB_D_EXEC,
	SYSTAB_D_SOCK,
	SYSTAB_D_SIGNAL,
	SYSTAB_D_TASK, /* scheduling, limits, credentials */
	SYSTAB_D_MAX
};

/*
 * The questions.  All variants of a family are one question: the roles and the
 * row's fixed flags carry the difference, in the terms of the family's newest *at form.
 *
 *	name		text		domain		first op	second op
 * FOP_MAX: no such op, or the arguments say which (open: read, list, write, create; unlink: rmdir with
 * AT_REMOVEDIR; rename: a victim is also a delete).
 */
/* clang-format off */
#define SYSTAB_ASKS(X) \
	X(NONE,		"",		NONE,	FOP_MAX,	FOP_MAX) \
	X(REFUSE,	"refuse",	NONE,	FOP_MAX,	FOP_MAX) \
	X(OPEN,		"open",		FILE,	FOP_READ,	FOP_MAX) \
	X(EXEC,		"exec",		EXEC,	FOP_READ,	FOP_MAX) \
	X(TRUNCATE,	"truncate",	FILE,	FOP_TRUNCATE,	FOP_MAX) \
	X(UNLINK,	"unlink",	FILE,	FOP_DELETE,	FOP_MAX) \
	X(RENAME,	"rename",	FILE,	FOP_RENAME,	FOP_RENAME_TO) \
	X(LINK,		"link",		FILE,	FOP_RENAME,	FOP_LINK) \
	X(SYMLINK,	"symlink",	FILE,	FOP_SYMLINK,	FOP_MAX) \
	X(MKDIR,	"mkdir",	FILE,	FOP_MKDIR,	FOP_MAX) \
	X(MKNOD,	"mknod",	FILE,	FOP_CREATE,	FOP_MAX) \
	X(CHMOD,	"chmod",	FILE,	FOP_CHMOD,	FOP_MAX) \
	X(CHOWN,	"chown",	FILE,	FOP_CHOWN,	FOP_MAX) \
	X(UTIME,	"utime",	FILE,	FOP_UTIME,	FOP_MAX) \
	X(SETXATTR,	"setxattr",	FILE,	FOP_XATTR,	FOP_MAX) \
	X(REMOVEXATTR,	"removexattr",	FILE,	FOP_XATTR,	FOP_MAX) \
	X(SETATTR,	"setattr",	FILE,	FOP_XATTR,	FOP_MAX) \
	X(STAT,		"stat",		FILE,	FOP_STAT,	FOP_MAX) \
	X(STATX,	"statx",	FILE,	FOP_STAT,	FOP_MAX) \
	X(STATFS,	"statfs",	FILE,	FOP_STAT,	FOP_MAX) \
	X(ACCESS,	"access",	FILE,	FOP_STAT,	FOP_MAX) \
	X(READLINK,	"readlink",	FILE,	FOP_READLINK,	FOP_MAX) \
	X(GETXATTR,	"getxattr",	FILE,	FOP_STAT,	FOP_MAX) \
	X(LISTXATTR,	"listxattr",	FILE,	FOP_STAT,	FOP_MAX) \
	X(GETATTR,	"getattr",	FILE,	FOP_STAT,	FOP_MAX) \
	X(WATCH,	"watch",	FILE,	FOP_STAT,	FOP_MAX) \
	X(CONNECT,	"connect",	SOCK,	FOP_MAX,	FOP_MAX) \
	X(BIND,		"bind",		SOCK,	FOP_MAX,	FOP_MAX) \
	X(LISTEN,	"listen",	SOCK,	FOP_MAX,	FOP_MAX) \
	X(SENDTO,	"sendto",	SOCK,	FOP_MAX,	FOP_MAX) \
	X(SENDMSG,	"sendmsg",	SOCK,	FOP_MAX,	FOP_MAX) \
	X(SENDMMSG,	"sendmmsg",	SOCK,	FOP_MAX,	FOP_MAX) \
	X(KILL,		"kill",		SIGNAL,	FOP_MAX,	FOP_MAX) \
	X(TKILL,	"tkill",	SIGNAL,	FOP_MAX,	FOP_MAX) \
	X(QUEUE,	"sigqueue",	SIGNAL,	FOP_MAX,	FOP_MAX) \
	X(PIDFD_SIGNAL,	"pidfd signal",	SIGNAL,	FOP_MAX,	FOP_MAX) \
	X(SETOWN,	"setown",	SIGNAL,	FOP_MAX,	FOP_MAX) \
	X(ASYNC,	"async",	SIGNAL,	FOP_MAX,	FOP_MAX) \
	X(PRLIMIT,	"prlimit",	TASK,	FOP_MAX,	FOP_MAX) \
	X(SCHED,	"sched",	TASK,	FOP_MAX,	FOP_MAX) \
	X(AFFINITY,	"affinity",	TASK,	FOP_MAX,	FOP_MAX) \
	X(CRED,		"credentials",	TASK,	FOP_MAX,	FOP_MAX) \
	X(SHARE,	"share",	TASK,	FOP_MAX,	FOP_MAX) \
	X(UMASK,	"umask",	TASK,	FOP_MAX,	FOP_MAX) \
	X(LOCK,		"lock",		TASK,	FOP_MAX,	FOP_MAX)
/* clang-format on */

enum ask {
#define X(id, text, domain, op1, op2) ASK_##id,
	SYSTAB_ASKS(X)
#undef X
	ASK_MAX
};

struct systab_ask {
	const char *name;
	uint8_t domain; /* enum systab_domain */
	uint8_t op1;	/* enum file_op of the first path, or FOP_MAX */
	uint8_t op2;	/* of the second */
};
extern const struct systab_ask systab_ask_tab[ASK_MAX];

/*
 * The parts that arguments play.  A role appears at most once in a row.
 */
enum systab_role {
	SR_NONE,    /* not looked at */
	SR_DIRFD,   /* base of SR_PATH; absent: the current directory */
	SR_PATH,    /* string; NULL or "" is a question's own matter (utimensat, AT_EMPTY_PATH) */
	SR_DIRFD2,  /* base of SR_PATH2 */
	SR_PATH2,
	SR_FD,	    /* the object itself: f* forms, sockets, pidfds, inotify */
	SR_TARGET,  /* text of a symbolic link, not resolved */
	SR_FLAGS,   /* O_*, AT_*, RENAME_*, MSG_*; or'ed with the row's fixed flags */
	SR_XFLAGS,  /* XATTR_CREATE, XATTR_REPLACE */
	SR_MODE,    /* file mode, or access mode */
	SR_HOW,	    /* pointer to struct open_how, xattr_args, file_attr, SR_SIZE bytes of it */
	SR_DEV,
	SR_UID,
	SR_GID,
	SR_LENGTH,  /* truncate */
	SR_TIMESPEC, /* pointer to two struct timespec, or NULL */
	SR_TIMEVAL,  /* pointer to two struct timeval, or NULL */
	SR_UTIMBUF,  /* pointer to struct utimbuf, or NULL */
	SR_NAME,    /* xattr name, string */
	SR_BUF,	    /* pointer to SR_SIZE bytes that the call reads: xattr value, payload, masks */
	SR_OUT,	    /* pointer that the result is written to, SR_SIZE bytes if there is that role */
	SR_SIZE,
	SR_MASK,    /* statx, inotify */
	SR_ARGV,
	SR_ENVP,
	SR_ADDR,    /* sockaddr, SR_ADDRLEN bytes */
	SR_ADDRLEN,
	SR_MSG,	    /* struct msghdr, or SR_VLEN struct mmsghdr */
	SR_VLEN,
	SR_PID,	    /* process, group or 0 */
	SR_TID,	    /* thread */
	SR_SIG,
	SR_INFO,    /* siginfo_t */
	SR_CMD,	    /* of fcntl, prctl, prlimit's resource, setpriority's which */
	SR_ARG,	    /* of fcntl */
	SR_MAX
};

#define SYSTAB_NARGS 6

/* What a test on an argument does when all its comparisons hold. */
enum systab_act {
	SYSTAB_ACT_PASS,
	SYSTAB_ACT_ERRNO,  /* answered by the filter */
	SYSTAB_ACT_REFUSE, /* by the engine, with a record */
	SYSTAB_ACT_ASK,
	SYSTAB_ACT_KILL,   /* the process: a foreign architecture, x32 */
	SYSTAB_ACT_MAX
};

/* How a comparison looks at an argument. */
enum systab_cmp {
	SYSTAB_C_END,	/* no more comparisons */
	SYSTAB_C_EQ,	/* (low half & mask) == value */
	SYSTAB_C_ANY,	/* (low half & mask) != 0 */
	SYSTAB_C_NULL,	/* both halves 0 */
};

struct systab_cmpr {
	uint8_t cmp; /* enum systab_cmp */
	uint8_t arg; /* 0-5 */
	uint32_t mask, value;
};

/* Tests are tried in order; the first whose comparisons all hold decides.  Every
 * list ends with one that has no comparisons. */
#define SYSTAB_NCMP 3
struct systab_test {
	struct systab_cmpr c[SYSTAB_NCMP];
	uint8_t act;  /* enum systab_act */
	uint8_t err;  /* errno of ERRNO and REFUSE */
	uint8_t ask;  /* enum ask of ASK */
	uint8_t cond; /* enum systab_cond; a test not in force is skipped */
	bool last;
};

struct systab_row {
	const char *name;
	int16_t nr[SYSTAB_ARCH_MAX]; /* -1: there is none */
	uint8_t class;		     /* enum systab_class */
	uint8_t ask;		     /* enum ask; ASK_NONE unless JUDGE */
	uint8_t cond;		     /* enum systab_cond */
	uint8_t err;		     /* errno of REFUSE and ERRNO */
	uint8_t role[SYSTAB_NARGS];  /* enum systab_role of each argument */
	uint32_t fixed;		     /* flags that the call implies, or'ed into SR_FLAGS */
	uint32_t flags_ok;	     /* flags the call may carry (others are EINVAL), 0: not checked */
	const struct systab_test *tests; /* of ARG rows */
};

extern const struct systab_row systab_tab[];
extern const unsigned int systab_cnt;

/* What the table is read under: the session's and the machine's part of the answer. */
struct systab_opts {
	uint8_t arch;	     /* enum systab_arch */
	bool metadata;	     /* SYSTAB_METADATA rows are in force */
	bool root_session;   /* SYSTAB_ROOT rows are in force */
	bool silent_refuse;  /* no engine to record: REFUSE is answered by the filter */
	const uint64_t *blocked; /* SYSTAB_NR_END bits by number, refused besides; or NULL */
};

/* The answer for one call. */
struct systab_answer {
	uint8_t act; /* enum systab_act */
	uint8_t ask; /* enum ask; ASK_REFUSE with SYSTAB_ACT_REFUSE */
	uint8_t err; /* errno of ERRNO and REFUSE */
	const struct systab_row *row; /* NULL: no such call */
};

/* Sorted arguments of one call. */
struct systab_args {
	uint64_t has;	     /* bit per role */
	uint64_t v[SR_MAX];  /* raw 64-bit values; SR_DIRFD, SR_DIRFD2 AT_FDCWD when absent */
	uint32_t flags;	     /* the low half of SR_FLAGS | fixed */
};

/* The row of call nr, or NULL. */
const struct systab_row *systab_find(enum systab_arch arch, int nr);

/* The row called name, or NULL. */
const struct systab_row *systab_find_name(const char *name);

/*
 * What becomes of a call, read slowly and directly from the table.  The engine uses it to
 * classify a notification (so that a filter that is wrong can trap too much but never
 * makes the engine answer the wrong question); the test compares the filter with it.
 */
void systab_decide(const struct systab_opts *o, const struct seccomp_data *sd,
    struct systab_answer *a);

/* The same for a row of another class than ARG, for which arguments do not matter. */
void systab_decide_row(const struct systab_opts *o,
    const struct systab_row *row, struct systab_answer *a);

/*
 * Is row blocked by the options?  What is refused or unknown anyway is not: it keeps
 * its own answer.
 */
bool systab_blocked(const struct systab_opts *o, const struct systab_row *row);

/* Is a condition in force under these options? */
bool systab_in_force(const struct systab_opts *o, unsigned int cond);

/* Sort args[6] by role. */
void systab_sort(const struct systab_row *row, const uint64_t *args,
    struct systab_args *out);

static inline bool
systab_has(const struct systab_args *a, enum systab_role r)
{
	return (a->has >> r & 1) != 0;
}

#endif
