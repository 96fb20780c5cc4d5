/*
 * One event, as a tracer or the monitor says it and as auditd reads it.  A
 * record is a fixed part (struct evrec_fix) and up to EVS_MAX texts behind it;
 * ring.h carries it in slots.  Everything auditd needs travels in the record:
 * it never sees a policy image, so the rule's name, file and line are texts and
 * numbers here.
 *
 * Pure: no state, no system calls.  evrec_decode trusts nothing in the bytes it
 * is given; what it accepts holds only offsets inside them.
 */

#ifndef COMMON_EVREC_H
#define COMMON_EVREC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decision.h"

/*
 * Types of event.  The second column is what a user sees as "type"; "" means
 * that the operation decides (evrec_type_name).  M: mergeable when allowed.
 */
/* clang-format off */
#define EV_TABLE(X) \
	X(FILE,			"",			1) \
	X(EXEC,			"execve",		0) \
	X(NET,			"",			1) \
	X(DNS,			"dns_query",		1) \
	X(UNIX,			"unix_socket_op",	1) \
	X(SIGNAL,		"",			1) \
	X(ENV,			"env_blocked",		0) \
	X(SYSCALL,		"seccomp_blocked",	0) \
	X(COMMAND_POLICY,	"command_policy",	0) \
	X(COMMAND_STARTED,	"command_started",	0) \
	X(COMMAND_FINISHED,	"command_finished",	0) \
	X(COMMAND_KILLED,	"command_killed",	0) \
	X(SOFT_DELETED,		"file_soft_deleted",	0) \
	X(PROCESS_EXIT,		"process_exit",		0) \
	X(SESSION_CREATED,	"session_created",	0) \
	X(SESSION_UPDATED,	"session_updated",	0) \
	X(SESSION_EXPIRED,	"session_expired",	0) \
	X(SESSION_DESTROYED,	"session_destroyed",	0) \
	X(POLICY_LOADED,	"policy_loaded",	0) \
	X(POLICY_CHANGED,	"policy_changed",	0) \
	X(CGROUP_APPLIED,	"cgroup_applied",	0) \
	X(CGROUP_FAILED,	"cgroup_apply_failed",	0) \
	X(DEGRADED,		"degraded",		0) \
	X(NOT_BUILT,		"not_built",		0) \
	X(TRACER_DIED,		"tracer_died",		0) \
	X(CHILD_DIED,		"child_died",		0) \
	X(DAEMON_STARTED,	"daemon_started",	0) \
	X(DAEMON_STOPPED,	"daemon_stopped",	0) \
	X(EVENTS_DROPPED,	"events_dropped",	0) \
	X(RECORDS_LOST,		"records_unreadable",	0) \
	X(HTTP,			"net_http_request",	0) \
	X(DNS_REDIRECT,		"dns_redirect",		0) \
	X(CONNECT_REDIRECT,	"connect_redirect",	0)
/* clang-format on */

enum ev_type {
	EV_NONE,
#define X(name, text, merge) EV_##name,
	EV_TABLE(X)
#undef X
	EV_MAX
};

/*
 * Texts of a record.  evrec_text_max[] is the most bytes of each; more is cut
 * and flagged.
 */
enum ev_text {
	EVS_RULE, /* rule name, or builtin_rule_name[] */
	EVS_FILE, /* policy file of the rule; for refusals, else absent */
	EVS_MESSAGE, /* the rule's message, expanded; a reason; a detail */
	EVS_EXE, /* executable of the caller */
	EVS_PATH, /* object: path, "@name", domain, workspace, command */
	EVS_PATH2, /* second path; of exec and command argv, each with its NUL */
	/*
	 * Session id; believed in the monitor's own ring only, and fix.uid is
	 * then the uid that owns the session.
	 */
	EVS_SESSION,
	EVS_MAX
};

#define EVF_TRUNCATED 0x0001u /* a text was cut; set by ring_put */
#define EVF_ALWAYS     0x0002u /* never merged, never dropped */
#define EVF_NO_SYSCALL 0x0004u /* syscall is meaningless */
#define EVF_LET_GO     0x0008u /* the kernel makes the call: error is unknown */

#define EVREC_COMM     16

/*
 * The fixed part.  Fields before `type` differ from one occurrence to the next
 * and are those of the first when identical allows are merged; all from `type`
 * on, and the texts, must be equal for two records to be merged.  Zero what
 * does not apply.
 */
struct evrec_fix {
	uint64_t time_ns; /* CLOCK_REALTIME, when it was asked */
	uint64_t duration_ns; /* from receipt to answer */
	uint32_t tid;
	uint32_t reserved;

	uint16_t type; /* enum ev_type */
	uint8_t op; /* enum file_op for EV_FILE, net_op for EV_NET, EV_UNIX */
	uint8_t decision; /* enum decision, as written in the rule */
	uint8_t allowed; /* 1: the call went on */
	uint8_t layer; /* enum layer */
	uint16_t flags; /* EVF_* */
	uint32_t pid; /* thread group */
	uint32_t ppid;
	uint32_t uid;
	uint32_t command; /* number of the entry in its session, 0 = none */
	uint32_t rule_line;
	int32_t syscall;
	uint16_t error; /* errno given to the caller, 0 = none */
	uint16_t depth;
	uint16_t family; /* AF_*, 0 = no address */
	uint16_t port; /* host order */
	uint8_t addr[16]; /* in6_addr; IPv4 is v4-mapped */
	/*
	 * By type: SIGNAL value = signal, value2 = target pid; COMMAND_FINISHED
	 * and PROCESS_EXIT value = wait status as waitpid gives it, value2 =
	 * run time in ns; EVENTS_DROPPED value = how many; CHILD_DIED value =
	 * wait status; FILE value = open flags, value2 = mode; DNS value = query
	 * type; HTTP value = status.
	 */
	int64_t value, value2;
	char comm[EVREC_COMM]; /* NUL-padded */
	uint16_t len[EVS_MAX]; /* set by ring_put */
	uint16_t total; /* bytes of all texts; set by ring_put */
};
_Static_assert(sizeof(struct evrec_fix) == 128, "evrec_fix is a wire format");
_Static_assert(offsetof(struct evrec_fix, type) == 24,
    "evrec_fix is a wire format");

/*
 * What a producer fills.  Texts are borrowed for the call; NULL or len 0 is
 * absent.
 */
struct evrec {
	struct evrec_fix fix;
	struct {
		const char *p;
		size_t len;
	} text[EVS_MAX];
};

/* Most bytes of a record: the fixed part and every text at its longest. */
#define EVREC_TEXT_MAX (128 + 256 + 512 + 1024 + 4096 + 4096 + 64)
#define EVREC_WIRE_MAX (sizeof(struct evrec_fix) + EVREC_TEXT_MAX)

extern const uint16_t evrec_text_max[EVS_MAX];

/* Set text i of e to the bytes at p, borrowed. */
static inline void
evrec_set(struct evrec *e, enum ev_text i, const char *p, size_t len)
{
	e->text[i].p = p;
	e->text[i].len = len;
}

/*
 * Bytes that e takes on the wire.  Fills e->fix.len and total and sets
 * EVF_TRUNCATED where a text is longer than its limit.
 */
size_t evrec_measure(struct evrec *e);

/* Write e, measured, to out, which holds what evrec_measure said. */
void evrec_encode(const struct evrec *e, void *out);

/*
 * Read len bytes at in (which the caller owns and nobody else can change) into
 * e, whose texts point into in.  0, or -1 where a length, type or enum is out
 * of range. len may be longer than the record: what is left is padding.
 */
int evrec_decode(struct evrec *e, const void *in, size_t len)
    __attribute__((warn_unused_result));

/*
 * true: e is a plain allow that may be merged with its like, or dropped under
 * `count`.
 */
bool evrec_is_plain(const struct evrec_fix *f);

/*
 * true: the event is about a question that a policy answered, and has a
 * decision.
 */
bool evrec_is_judged(const struct evrec_fix *f);

/* "file_open", "net_connect", "session_created" ...; never NULL. */
const char *evrec_type_name(const struct evrec_fix *f);

/* "read", "connect", ... or "" where the type has no operations. */
const char *evrec_op_name(const struct evrec_fix *f);

#endif
