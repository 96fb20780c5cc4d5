/*
 * The printable names of decision.h.  Linked by every process; data only.
 */

#include "common/decision.h"

const char *const decision_name[DEC_MAX] = {
	[DEC_ALLOW] = "allow",
	[DEC_AUDIT] = "audit",
	[DEC_DENY] = "deny",
	[DEC_APPROVE] = "approve",
	[DEC_REDIRECT] = "redirect",
	[DEC_SOFT_DELETE] = "soft_delete",
	[DEC_ABSORB] = "absorb",
};

const char *const file_op_name[FOP_MAX] = {
	[FOP_READ] = "read",
	[FOP_LIST] = "list",
	[FOP_STAT] = "stat",
	[FOP_READLINK] = "readlink",
	[FOP_WRITE] = "write",
	[FOP_TRUNCATE] = "truncate",
	[FOP_CREATE] = "create",
	[FOP_SYMLINK] = "symlink",
	[FOP_LINK] = "link",
	[FOP_MKDIR] = "mkdir",
	[FOP_CHMOD] = "chmod",
	[FOP_CHOWN] = "chown",
	[FOP_UTIME] = "utime",
	[FOP_XATTR] = "xattr",
	[FOP_RENAME] = "rename",
	[FOP_RENAME_TO] = "rename_to",
	[FOP_DELETE] = "delete",
	[FOP_RMDIR] = "rmdir",
};

const char *const net_op_name[NOP_MAX] = {
	[NOP_CONNECT] = "connect",
	[NOP_BIND] = "bind",
	[NOP_LISTEN] = "listen",
	[NOP_SENDTO] = "sendto",
};

const char *const layer_name[LAYER_MAX] = {
	[LAYER_NONE] = "none",
	[LAYER_BPF] = "bpf",
	[LAYER_LANDLOCK] = "landlock",
	[LAYER_TRACER] = "tracer",
	[LAYER_PROXY] = "proxy",
	[LAYER_LAUNCHER] = "launcher",
};

const char *const builtin_rule_name[BR_MAX] = {
	[BR_DEFAULT_DENY_FILES] = "default-deny-files",
	[BR_DEFAULT_DENY_COMMANDS] = "default-deny-commands",
	[BR_DEFAULT_DENY_NETWORK] = "default-deny-network",
	[BR_DEFAULT_DENY_UNIX] = "default-deny-unix",
	[BR_DEFAULT_DENY_SIGNALS] = "default-deny-signals",
	[BR_DEFAULT_ALLOW_READS] = "default-allow-reads",
	[BR_DEFAULT_ALLOW_SIGNALS] = "default-allow-signals",
	[BR_IMPLICIT_RUNTIME] = "implicit-runtime",
	[BR_IMPLICIT_TRAVERSE] = "implicit-traverse",
	[BR_SUPERVISOR] = "builtin-supervisor",
	[BR_SYSCALL] = "builtin-syscall",
	[BR_SESSION] = "builtin-session",
	[BR_UNJUDGEABLE] = "unjudgeable",
	[BR_SESSION_OBJECT] = "session-object",
	[BR_EXEC_MISMATCH] = "exec-mismatch",
	[BR_AUDIT_UNAVAILABLE] = "audit-unavailable",
	[BR_PORT_ZERO] = "port-zero",
	[BR_ENV_LIMIT] = "env-limit",
	[BR_OWN_NET] = "builtin-own-network",
	[BR_NO_MIRROR] = "builtin-no-mirror",
	[BR_DNS_TYPE] = "builtin-dns-type",
	[BR_DNS_LIMIT] = "builtin-dns-limit",
};
