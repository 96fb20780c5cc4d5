/*
 * config.yaml as policyd understood it: the values this program acts on, with defaults
 * filled in, and two lists of what was accepted without effect.  The
 * monitor gets a fixed-size copy of the daemon's part; the session's part goes into every image.
 *
 * All memory belongs to the config's arena and lives until config_free().
 * Strings are never NULL.  What the file sets explicitly, zero, false and []
 * too, stands; `set` tells it from a default where that matters.
 */

#ifndef POLICYD_CONFIG_H
#define POLICYD_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "policyd/policy.h"

struct arena;
struct diag;
struct feedconf;
struct vars;

enum config_log_level {
	CLOG_DEBUG,
	CLOG_INFO,
	CLOG_WARN,
	CLOG_ERROR,
	CLOG_MAX
};

enum config_ring_full {
	CRING_BLOCK, /* park the call 5 s, then refuse it */
	CRING_COUNT, /* drop plain allows and count them */
	CRING_MAX
};

enum config_when_disabled {
	CWD_DENY, /* approve rules deny while approvals are off */
	CWD_ALLOW,
	CWD_MAX
};

enum config_approval_mode {
	CAPP_LOCAL_TTY,
	CAPP_API, /* "async" is the same */
	CAPP_TOTP,
	CAPP_WEBAUTHN,
	CAPP_MAX
};

enum config_security_mode {
	CSEC_AUTO,
	CSEC_FULL,
	CSEC_LANDLOCK,
	CSEC_LANDLOCK_ONLY,
	CSEC_MINIMAL,
	CSEC_MAX
};

/* A key that was accepted and changes nothing. */
struct config_note {
	const char *key; /* "sandbox.fuse.enabled" */
	const char *part; /* "FUSE"; "" when no part is meant */
	struct pos pos;
};

struct config_notes {
	struct config_note *v;
	unsigned int n;
};

struct config {
	struct arena *arena;
	const char *file;
	const struct ysource *src;
	const struct ynode *tree;

	/* server, logging */
	struct pstr http_addr; /* "127.0.0.1:18080" */
	uint64_t http_read_timeout_ns;
	uint64_t http_write_timeout_ns;
	uint64_t http_max_request_bytes;
	uint8_t unix_socket_enabled;
	struct pstr unix_socket_path;
	int log_level; /* enum config_log_level */
	int log_json; /* logging.format: json */
	struct pstr
	    log_output; /* "stderr", "stdout", "syslog" or a path; "" = syslog */

	/* sessions */
	struct pstr sessions_dir; /* sessions.base_dir */
	uint32_t max_sessions;
	uint64_t session_timeout_ns; /* sessions.default_timeout, 0 = none */
	uint64_t idle_timeout_ns;
	uint64_t cleanup_interval_ns;
	uint8_t real_paths;

	/* audit */
	uint8_t audit_enabled;
	struct pstr audit_db; /* audit.storage.sqlite_path */
	uint32_t audit_batch; /* audit.storage.batch_size */
	uint64_t audit_flush_ns; /* audit.storage.flush_interval */
	struct pstr audit_output; /* audit.output, a JSONL file; "" = none */
	int audit_when_full; /* enum config_ring_full */
	uint8_t audit_hmac; /* audit.integrity.enabled */
	struct pstr audit_key_file; /* audit.integrity.key_file */
	struct pstr audit_key_env;
	int audit_key_source; /* 0 file, 1 env */
	int audit_algorithm; /* 0 HMAC-SHA-256 */

	/* policies */
	struct pstr policy_dir;
	struct pstr policy_default;
	struct plist policy_allowed; /* empty = every one in the directory */
	uint8_t detect_project_root;
	struct plist project_markers;

	/* sandbox */
	uint8_t sandbox_enabled;
	uint8_t allow_degraded;
	uint8_t baseline; /* the implicit rules, SEMANTICS.md Files */
	struct pnum limit_memory_mb;
	struct pnum limit_cpu_percent;
	struct pnum limit_processes;
	struct pnum limit_disk_io_mbps;
	struct pnum limit_network_mbps;
	struct pmap env_inject;
	uint8_t cgroups_enabled;
	struct pstr cgroups_base;
	uint8_t seccomp_enabled;
	struct pnum
	    file_monitor; /* set when written; else as seccomp_enabled */
	uint8_t metadata; /* file_monitor.metadata or .intercept_metadata */
	struct pnum unix_sockets; /* unset = default true, may be degraded */
	struct plist syscalls_block; /* added to what is always refused */

	/* landlock */
	uint8_t landlock_enabled;
	struct plist landlock_execute;
	struct plist landlock_read;
	struct plist landlock_write;
	struct plist landlock_deny;

	/* network */
	struct plist private_answers; /* network.private_answers: names */
	uint8_t net_enabled;	      /* sandbox.network.enabled */
	int net_intercept;	      /* 1: intercept_mode: all */
	struct pstr net_listen;	      /* 127.0.0.1:PORT */
	struct plist net_upstream;    /* sandbox.network.dns_upstream */
	uint8_t user_registries; /* network.user_registries */

	/* threat_feeds */
	uint8_t feeds_enabled;
	int feeds_audit; /* 1: action audit */
	struct plist feeds_local;
	struct plist feeds_allow;
	uint64_t feeds_interval_ns;
	struct pstr feeds_cache_dir;
	const struct feedconf *feeds; /* of all these; no row when not enabled */

	/* approvals */
	uint8_t approvals_enabled;
	int approvals_mode; /* enum config_approval_mode */
	uint64_t approvals_timeout_ns;
	int approvals_when_disabled; /* enum config_when_disabled */

	/* the rest */
	uint8_t disable_auth;
	struct plist capabilities_allow;
	int security_mode; /* enum config_security_mode */
	uint8_t security_strict;
	uint8_t warn_degraded;
	uint8_t metrics_enabled;
	struct pstr metrics_path;
	struct pstr health_path;
	struct pstr ready_path;

	struct config_notes not_built; /* switched on, not built yet */
	struct config_notes no_effect; /* accepted, changes nothing here */
	unsigned int unknown; /* keys nobody knows */
};

struct config_opts {
	const struct vars *vars; /* for ${NAME} in values; may be NULL */
	uint8_t strict; /* unknown and unused keys are errors */
};

/*
 * Parse bytes (the whole file, any bytes) called file in diagnostics.  Returns
 * the config, which the caller frees, or NULL when d got an error.  Unknown keys
 * and keys without effect are warnings in d.  o may be NULL.
 */
struct config *config_load(const char *file, const void *bytes,
    size_t size_bytes, const struct config_opts *o, struct diag *d);
void config_free(struct config *c);

#endif
