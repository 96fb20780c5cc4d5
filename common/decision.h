/*
 * The words of a policy: domains, operations, decisions, layers and the rules
 * that exist without being written.  Pure data, used by every process; the
 * names are those of SEMANTICS.md and are what users write and read.
 */

#ifndef COMMON_DECISION_H
#define COMMON_DECISION_H

#include <stdint.h>

/* What a rule, or the absence of one, decides. */
enum decision {
	DEC_ALLOW,
	DEC_AUDIT,
	DEC_DENY,
	DEC_APPROVE,
	DEC_REDIRECT,
	DEC_SOFT_DELETE,
	DEC_ABSORB, /* signals only */
	DEC_MAX
};

/*
 * Operations asked of file rules: what happens, not what a rule may write.  Which rule
 * words cover which operation is the table in SEMANTICS.md, Files; policyd
 * applies it when it compiles, so that the evaluator only indexes.
 */
enum file_op {
	FOP_READ, /* open for reading, execute; "open" is the same question */
	FOP_LIST,
	FOP_STAT,
	FOP_READLINK,
	FOP_WRITE,
	FOP_TRUNCATE,
	FOP_CREATE,
	FOP_SYMLINK,
	FOP_LINK,
	FOP_MKDIR,
	FOP_CHMOD,
	FOP_CHOWN,
	FOP_UTIME,
	FOP_XATTR,
	FOP_RENAME,    /* the old name */
	FOP_RENAME_TO, /* the new name: rename or create */
	FOP_DELETE,
	FOP_RMDIR,
	FOP_MAX
};

enum net_op {
	NOP_CONNECT,
	NOP_BIND,
	NOP_LISTEN,
	NOP_SENDTO,
	NOP_MAX
};

/* Which layer enforces a rule. */
enum layer {
	LAYER_NONE, /* explained only, e.g. stat with metadata off */
	LAYER_BPF,
	LAYER_LANDLOCK,
	LAYER_TRACER,
	LAYER_PROXY,
	LAYER_LAUNCHER,
	LAYER_MAX
};

/*
 * Rules that no file wrote.  A verdict's rule is an index into the image's
 * rule table, or RULE_BUILTIN + one of these.
 */
#define RULE_BUILTIN 0x80000000u

enum builtin_rule {
	BR_DEFAULT_DENY_FILES,
	BR_DEFAULT_DENY_COMMANDS,
	BR_DEFAULT_DENY_NETWORK,
	BR_DEFAULT_DENY_UNIX,
	BR_DEFAULT_DENY_SIGNALS,
	BR_DEFAULT_ALLOW_READS,
	BR_DEFAULT_ALLOW_SIGNALS,
	BR_IMPLICIT_RUNTIME,
	BR_IMPLICIT_TRAVERSE,
	BR_SUPERVISOR, /* its own files, sockets and processes */
	BR_SYSCALL,    /* refused under any policy, with the call's name */
	BR_SESSION,    /* signals to processes that are not the session's */
	BR_UNJUDGEABLE,
	BR_SESSION_OBJECT, /* a socket the session itself made, a socketpair */
	BR_EXEC_MISMATCH,  /* what was loaded is not what was judged */
	BR_AUDIT_UNAVAILABLE,
	BR_PORT_ZERO, /* bind of port 0 on loopback or unspecified */
	BR_ENV_LIMIT,
	BR_OWN_NET,   /* the session's own resolver and proxy */
	BR_NO_MIRROR, /* port 53 and the proxy where there is no mirror */
	BR_DNS_TYPE,  /* a query type that is not passed on; PTR */
	BR_DNS_LIMIT, /* more names than hosts have: a tunnel */
	BR_MAX
};

extern const char *const decision_name[DEC_MAX];   /* "allow" ... */
extern const char *const file_op_name[FOP_MAX];	   /* "read" ... */
extern const char *const net_op_name[NOP_MAX];	   /* "connect" ... */
extern const char *const layer_name[LAYER_MAX];	   /* "tracer" ... */
extern const char *const builtin_rule_name[BR_MAX]; /* "default-deny-files" ... */

/* What one question was answered. */
struct verdict {
	uint8_t decision; /* enum decision, as written in the rule */
	uint8_t allowed;  /* 1: the call goes on (allow, audit, soft_delete) */
	uint8_t layer;	  /* enum layer */
	uint8_t always;	  /* 1: audit whatever the audit settings */
	uint32_t rule;	  /* index in the image, or RULE_BUILTIN + enum */
};

#endif
