/*
 * A policy file as it was written: the tree that policyload.c makes of the YAML, and that the
 * compiler, lint, explain and `policy show` read.  Nothing is compiled here:
 * patterns are raw text with the place they stand at, variables are expanded per
 * session by policy_expand().
 *
 * All memory belongs to the policy's arena and lives until policy_free().  No
 * string is NULL: what was not written is "" with line 0.  Used by
 * policyd and by agentshctl's confined copy of it; never blocks.
 */

#ifndef POLICYD_POLICY_H
#define POLICYD_POLICY_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "common/decision.h"

struct arena;
struct diag;
struct policy;
struct ynode;
struct ysource;

/* Where something stands in the file; both from 1, 0 = was not written. */
struct pos {
	uint32_t line;
	uint32_t column; /* in characters, of a scalar's first content byte */
};

/* A scalar with its place.  s is NUL-terminated and never NULL. */
struct pstr {
	const char *s;
	size_t len;
	struct pos pos;
	uint32_t src; /* byte offset of the first content byte in the source */
	char quote; /* 0 plain, '\'', '"', or '|' for block scalars */
};

struct plist {
	struct pstr *v;
	unsigned int n;
	struct pos pos; /* of the list; line 0 = key absent */
};

/* A boolean, an integer or a duration that may be absent (set 0). */
struct pnum {
	uint64_t v;
	uint8_t set;
	struct pos pos;
};

struct pkv {
	struct pstr key;
	struct pstr value;
};

struct pmap {
	struct pkv *v;
	unsigned int n;
	struct pos pos;
};

/* What every kind of rule has.  pos is the place of the rule's first key. */
struct prule {
	struct pstr name; /* "file_rules-3" (from 1) where none is written */
	struct pstr description;
	struct pstr message;
	const char *file; /* as policy.file */
	struct pos pos;
	struct pos decision_pos;
	enum decision decision;
	struct pnum timeout_ns;
};

/*
 * The words that `operations` of a file rule may hold, as bits.  What each word
 * covers is the table in SEMANTICS.md, Files; the compiler applies it.  An
 * absent or empty list and "*" are FW_ALL.
 */
#define FW_READ	    0x00001u
#define FW_OPEN	    0x00002u
#define FW_LIST	    0x00004u
#define FW_STAT	    0x00008u
#define FW_ACCESS   0x00010u /* the original's word; covered like stat */
#define FW_READLINK 0x00020u
#define FW_WRITE    0x00040u
#define FW_TRUNCATE 0x00080u
#define FW_CREATE   0x00100u
#define FW_SYMLINK  0x00200u
#define FW_LINK	    0x00400u
#define FW_MKNOD    0x00800u
#define FW_MKDIR    0x01000u
#define FW_CHMOD    0x02000u
#define FW_CHOWN    0x04000u
#define FW_UTIME    0x08000u
#define FW_XATTR    0x10000u
#define FW_RENAME   0x20000u
#define FW_DELETE   0x40000u
#define FW_RMDIR    0x80000u
#define FW_ALL	    0xfffffu

struct pword {
	const char *name;
	uint32_t value;
};
extern const struct pword file_word_tab[]; /* ends with name NULL */

struct pfile_rule {
	struct prule r;
	struct plist paths;
	struct plist operations; /* as written */
	uint32_t words; /* FW_* */
	struct pstr redirect_to; /* a directory; "" = none */
	uint8_t preserve_tree;
};

/* v4 is held mapped: addr ::ffff:a.b.c.d and prefix 96 + n; host bits are cleared. */
struct pcidr {
	struct pstr text;
	struct in6_addr addr;
	uint8_t prefix;
};

struct pport {
	uint16_t port;
	struct pos pos;
};

struct pnet_rule {
	struct prule r;
	struct plist domains;
	struct plist registries; /* ecosystems, checked; registries.h */
	struct pport *ports;
	unsigned int nports;
	struct pcidr *cidrs;
	unsigned int ncidrs;
};

/* Environment rules: of the policy, or of a command rule where they replace it. */
struct penv {
	struct plist allow;
	struct plist deny;
	struct pnum max_bytes; /* 0 = none */
	struct pnum max_keys;
	struct pnum block_iteration;
};

#define PCMD_DEPTH_MAX UINT32_MAX

struct pcmd_rule {
	struct prule r;
	struct plist commands; /* trimmed; blank entries are dropped */
	uint8_t any_command; /* the list is absent, empty or only blanks */
	struct plist args_patterns;
	struct pstr redirect_command; /* "" = no target */
	struct plist redirect_args;
	struct plist redirect_append; /* args_append */
	struct pmap redirect_env;
	uint32_t min_depth; /* 0 = the session's own command */
	uint32_t max_depth; /* inclusive; PCMD_DEPTH_MAX = unlimited */
	struct pos context_pos;
	struct penv env;
};

struct punix_rule {
	struct prule r;
	struct plist paths;
	struct plist operations;
	uint32_t ops; /* bits 1u << enum net_op; absent or "*": all four */
};

enum psig_target {
	PST_NONE, /* target was not written: any */
	PST_SELF,
	PST_CHILDREN,
	PST_DESCENDANTS,
	PST_SIBLINGS,
	PST_SESSION,
	PST_PARENT,
	PST_EXTERNAL,
	PST_SYSTEM,
	PST_USER,
	PST_PROCESS, /* pattern: glob on the process name */
	PST_PID_RANGE, /* min..max, inclusive */
	PST_MAX
};
extern const char *const psig_target_name[PST_MAX];

struct psig_rule {
	struct prule r;
	struct plist signals; /* as written */
	uint64_t mask; /* bit n-1 is signal n, 1..64 */
	enum psig_target target;
	struct pos target_pos;
	struct pstr pattern;
	uint32_t pid_min;
	uint32_t pid_max;
	enum decision fallback; /* DEC_MAX = none */
	struct pstr redirect_text;
	int redirect_signal; /* 0 = none */
};

struct pdns_redirect {
	struct prule r; /* decision DEC_REDIRECT */
	struct pstr match;
	struct pstr resolve_to;
	struct in6_addr addr; /* v4 mapped */
	struct pstr visibility; /* silent, audit_only, warn */
	struct pstr on_failure; /* fail_closed, fail_open, retry_original */
};

struct pconn_redirect {
	struct prule r;
	struct pstr match;
	struct pstr redirect_to; /* host:port or [v6]:port, checked */
	struct pstr tls_mode; /* passthrough, rewrite_sni */
	struct pstr sni;
	struct pstr visibility;
	struct pstr on_failure;
};

struct plimits {
	struct pnum max_memory_mb; /* MiB */
	struct pnum memory_swap_max_mb;
	struct pnum cpu_quota_percent; /* of one CPU */
	struct pnum pids_max;
	struct pnum disk_read_bps_max;
	struct pnum disk_write_bps_max;
	struct pnum net_bandwidth_mbps;
	struct pnum command_timeout_ns;
	struct pnum session_timeout_ns;
	struct pnum idle_timeout_ns;
};

struct paudit {
	struct pnum log_allowed;
	struct pnum log_denied;
	struct pnum log_approved;
	struct pnum include_stdout;
	struct pnum include_stderr;
	struct pnum include_file_content;
	struct pnum retention_days;
};

struct policy {
	struct arena *arena;
	const char *file; /* as it is to be printed, e.g. "default.yaml" */
	const struct ysource *src; /* the file's bytes and lines, ytree.h */
	const struct ynode *tree; /* the whole document */

	struct pnum version;
	struct pstr name;
	struct pstr description;
	struct pfile_rule *file_rules;
	unsigned int nfile_rules;
	struct pnet_rule *network_rules;
	unsigned int nnetwork_rules;
	struct pcmd_rule *command_rules;
	unsigned int ncommand_rules;
	struct punix_rule *unix_rules;
	unsigned int nunix_rules;
	struct pos unix_rules_pos; /* line 0: no unix_socket_rules key */
	struct psig_rule *signal_rules;
	unsigned int nsignal_rules;
	struct pdns_redirect *dns_redirects;
	unsigned int ndns_redirects;
	struct pconn_redirect *connect_redirects;
	unsigned int nconnect_redirects;
	struct plimits limits;
	struct penv env;
	struct pmap env_inject;
	struct paudit audit;
	struct plist transparent_add;
	struct plist transparent_remove;

	/*
	 * Sections checked against their schema, kept as YAML, without effect yet or on
	 * this system; NULL when absent.
	 */
	const struct ynode *registry_rules;
	const struct ynode *mcp_rules;
	const struct ynode *process_contexts;
	const struct ynode *process_identities;
	const struct ynode *package_rules;
};

/* Values of the variables of a session; PROJECT_ROOT, HOME, GIT_ROOT, -D. */
struct var {
	const char *name;
	const char *value;
};

struct vars {
	const struct var *v;
	unsigned int n;
};

/* A pattern after expansion: runs of literal bytes and of pattern text. */
struct piece {
	const char *s; /* not terminated; borrowed from the pstr or the vars */
	size_t len;
	size_t off; /* where it came from: byte offset in the pstr */
	uint8_t literal;
};

#define PIECES_MAX 64

struct pieces {
	struct piece v[PIECES_MAX];
	unsigned int n;
};

/*
 * Split p into pieces, with ${NAME} and ${NAME:-default} replaced by literal
 * pieces (NAME is [A-Za-z_][A-Za-z0-9_]*; everything else, a lone $ or ${ too, is pattern text).
 * A name that vars does not hold and that has no default is an error in d at file:line:column of the "$".
 * More than PIECES_MAX pieces are an error too.  0 or -1.  out borrows
 * from p and vars.
 */
int policy_expand(const struct policy *pol, const struct pstr *p,
    const struct vars *vars, struct pieces *out, struct diag *d);

/*
 * The same for config values: an unknown name without default stays as it is.
 * -1 only for too many pieces.
 */
int policy_expand_lenient(const struct pstr *p, const struct vars *vars,
    struct pieces *out);

/*
 * The place in the file of byte off of the scalar p, for diagnostics of a pattern's
 * parser: follows the escapes of quoted scalars; for folded and block
 * scalars it is the scalar's first byte.
 */
struct pos policy_place(const struct policy *pol, const struct pstr *p,
    size_t off);

/*
 * Parse bytes (the whole file, any bytes) called file in diagnostics.  Returns
 * the policy, which the caller frees, or NULL when d got an error; every
 * error of the file is reported, as far as d's limit allows.
 */
struct policy *policy_load(const char *file, const void *bytes,
    size_t size_bytes, struct diag *d);
void policy_free(struct policy *pol);

#endif
