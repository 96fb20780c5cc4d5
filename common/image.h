/*
 * The policy image: one sealed memfd per session that policyd compiles and the
 * tracer, the launcher's front door and (later) netproxy map read-only and
 * evaluate in place.  No function here allocates, formats or makes a system call, but
 * for image_open and image_close.
 *
 * Trust: the bytes come from policyd, which parsed a stranger's YAML.  image_open
 * checks seals, bounds, every offset, every table; whatever it accepts is safe to evaluate on
 * any input.
 */

#ifndef COMMON_IMAGE_H
#define COMMON_IMAGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decision.h"

struct image_hdr; /* image_fmt.h */

struct image {
	const struct image_hdr *hdr;
	const uint8_t *base;
	size_t size_bytes;
};

/*
 * Map and validate the image behind fd (which stays the caller's).  0, or -1
 * with errno EINVAL (not sealed, malformed) or of mmap.  Used by tracer, netproxy, ctl and tests.
 */
int image_open(struct image *im, int fd);
void image_close(struct image *im);

/* Validate bytes already in memory: 0 or -1.  For fuzzing and unit tests. */
int image_check(struct image *im, const void *bytes, size_t size_bytes);

/*
 * Judge op on a canonical absolute path of len bytes (no NUL needed; any bytes).
 * "/proc/<own pid>" is already spelled "/proc/self" by the caller.
 */
void image_file(const struct image *im, enum file_op op, const char *path,
    size_t len, struct verdict *v);

/*
 * May a directory called from be called to?  Everything below it gets another
 * name unasked.  No (false, and the rule in *v) where something that could lie
 * there may not be renamed and would be refused less than it is, or may not be
 * made there though it may be here.  Both names canonical; work: IMAGE_MOVE_BYTES,
 * aligned to 8, of any contents.  What takes too long to find out is no.
 */
#define IMAGE_MOVE_BYTES (2u << 20)
bool image_move(const struct image *im, const char *from, size_t from_len,
    const char *to, size_t to_len, void *work, struct verdict *v)
    __attribute__((warn_unused_result));

/*
 * Judge a command.  path: resolved path of the executable; given: as the program named it
 * (may equal path); args: argv[1..] joined by one blank, len bytes; depth 0
 * is the session's front door.  Wrapper unwrapping is the caller's (wrapper.h).
 */
struct image_cmd {
	const char *path;
	size_t path_len;
	const char *given;
	size_t given_len;
	const char *args;
	size_t args_len;
	uint32_t depth;
};
void image_command(const struct image *im, const struct image_cmd *c,
    struct verdict *v);

/*
 * Judge a connection to addr (v4-mapped is taken as v4) and port (host order).  name
 * is a name under which the session knows the address, or NULL with len 0 when
 * there is none.  bind: the same question with op NOP_BIND.
 */
void image_net(const struct image *im, enum net_op op, const char *name,
    size_t name_len, const struct in6_addr *addr, uint16_t port,
    struct verdict *v);

/*
 * The first of dns_redirects (dns) that matches a name, or of connect_redirects
 * that matches "host:port"; text of len bytes.  Strings live as long as the
 * image.  false: none.
 */
struct image_redirect {
	struct in6_addr addr; /* DNS: the answer, v4-mapped or IPv6 */
	const char *host;     /* connect: where to, without brackets */
	const char *sni;
	uint16_t port;
	bool rewrite_sni;
	bool silent;
};
bool image_redirect(const struct image *im, bool dns, const char *text,
    size_t len, struct image_redirect *r, struct verdict *v)
    __attribute__((warn_unused_result));

/* Is addr private, and no exception of the config's for name (NULL: none)? */
bool image_is_private(const struct image *im, const char *name,
    size_t name_len, const struct in6_addr *addr);

/* Judge a DNS query for name. */
void image_dns(const struct image *im, const char *name, size_t name_len,
    struct verdict *v);

/*
 * Judge an AF_UNIX address: a canonical path, or "@name" for an abstract one.
 */
void image_unix(const struct image *im, enum net_op op, const char *path,
    size_t len, struct verdict *v);

/*
 * Judge a signal within the session.  rel is what the target is to the sender:
 * bits of IMAGE_SIG_*.  comm is the target's process name.  On DEC_REDIRECT
 * *sig_out is the signal to send instead.
 */
#define IMAGE_SIG_SELF	     0x01
#define IMAGE_SIG_CHILD	     0x02
#define IMAGE_SIG_DESCENDANT 0x04
#define IMAGE_SIG_SIBLING    0x08
#define IMAGE_SIG_PARENT     0x10
#define IMAGE_SIG_USER	     0x20 /* same uid */
void image_signal(const struct image *im, int sig, unsigned int rel,
    int target_pid, const char *comm, struct verdict *v, int *sig_out);

/*
 * May the variable NAME (len bytes, without '=') enter a session's environment?
 * cmd_rule: the rule index that allowed the command (its env_allow/env_deny replace the
 * policy's), or RULE_BUILTIN.  1 yes, 0 no.
 */
int image_env_allowed(const struct image *im, uint32_t cmd_rule,
    const char *name, size_t len);
/* Limits on the filtered environment; 0 means none. */
void image_env_limits(const struct image *im, uint32_t cmd_rule,
    uint32_t *max_keys, uint32_t *max_bytes);
/* The i-th env_inject entry as "NAME=VALUE", or NULL past the last. */
const char *image_env_inject(const struct image *im, unsigned int i);

/* What a rule is called and where it stands.  Strings live as long as the image. */
struct image_rule {
	const char *name;    /* never NULL */
	const char *file;    /* base name of the policy file; "" for builtins */
	unsigned int line;   /* 0 for builtins */
	const char *message; /* template with {{.Path}} etc., "" if none */
	uint64_t timeout_ns; /* of an approve rule, 0 = approvals.timeout */
};
void image_rule_get(const struct image *im, uint32_t rule,
    struct image_rule *r);

/*
 * Expand {{.Path}} {{.Operation}} {{.Command}} {{.Args}} {{.RemoteAddr}}
 * {{.Domain}} {{.Port}} {{.Rule}} of a message into buf (always terminated,
 * control characters replaced by '?').  Missing values expand to "".
 */
struct image_msgvars {
	const char *path, *operation, *command, *args, *remote_addr, *domain,
	    *port, *rule;
};
void image_message(const char *tmpl, const struct image_msgvars *v, char *buf,
    size_t size);

/* The session's settings, copied from config and policy by policyd. */
struct image_settings {
	uint8_t metadata;	   /* judge stat, access, readlink at run time */
	uint8_t approvals_enabled; /* approvals.enabled */
	uint8_t when_disabled_allow; /* approvals.when_disabled: allow */
	uint8_t log_allowed, log_denied, log_approved; /* policy audit section */
	uint8_t has_unix_rules, has_signal_rules;
	uint8_t ring_full_count; /* audit: 1 = count, 0 = block */
	uint8_t landlock;	 /* the config asks for it */
	uint8_t pad[6];
	uint64_t command_timeout_ns, session_timeout_ns, idle_timeout_ns;
	uint64_t approval_timeout_ns;
	uint64_t max_memory_bytes; /* 0 = no limit, for all below */
	uint64_t swap_max_bytes;   /* UINT64_MAX = not set (0 is a limit) */
	uint32_t cpu_quota_percent; /* of one CPU */
	uint32_t pids_max;
	uint64_t disk_read_bps, disk_write_bps;
	uint32_t retention_days;
	uint32_t pad2;
};
const struct image_settings *image_settings(const struct image *im);

/* Session variables, for display and for the tracer: never NULL. */
const char *image_project_root(const struct image *im);
const char *image_home(const struct image *im);
const char *image_policy_name(const struct image *im);

/*
 * The workload's seccomp program (array of struct sock_filter), compiled by
 * policyd with tracer/bpfgen for this machine's architecture.
 */
const void *image_bpf(const struct image *im, unsigned int *insns);

/*
 * sandbox.seccomp.syscalls.block: a bit for each call's number, or NULL where
 * none is blocked.
 */
#define IMAGE_BLOCKED_WORDS 8u /* 512 numbers */
const uint64_t *image_blocked(const struct image *im);

/*
 * Landlock's rules, the second layer: where the config asks for it, hierarchies and files
 * that between them hold everything the policy allows.  Pure questions about
 * them, for explain and tests; common/landlock.h puts them into force.
 */
struct image_land {
	const char *path; /* lives as long as the image */
	uint32_t tree, exact; /* LANDLOCK_* bits */
	uint64_t may_make;
};

/* The i-th rule; false past the last. */
bool image_land_get(const struct image *im, unsigned int i,
    struct image_land *r);

/* The rights that the rules give on a path, all of them where there is no rule. */
uint32_t image_land_rights(const struct image *im, const char *path,
    size_t len);

/*
 * What the kernel asks Landlock for when op is done to path: rights on the
 * object and on its directory.  dir: the object is a directory.  Neither:
 * Landlock has no say.  A move between two directories needs LANDLOCK_REFER at
 * both besides, and loses if the object would gain a right by it.
 */
void image_land_needs(enum file_op op, bool dir, uint32_t *own,
    uint32_t *parent);

/*
 * What of that the rules lack: *own on the path, *parent on its directory.
 * true: Landlock refuses it.
 */
bool image_land_refuses(const struct image *im, enum file_op op, bool dir,
    const char *path, size_t len, uint32_t *own, uint32_t *parent);

#endif
