/*
 * Every key of config.yaml that the original or its deployments know, and ours.
 * A key that is not here is unknown; one that is here and does nothing says so
 * when it is used.  Data only.
 */

#include "policyd/configtab.h"

const char *const configtab_kind_name[CK_MAX] = {
	[CK_LIVE] = "live",
	[CK_SWITCH] = "not built yet",
	[CK_LATER] = "detail of a part not built yet",
	[CK_DEAD] = "without effect",
};

/* clang-format off */
static const struct pword level_words[] = { { "debug", CLOG_DEBUG },
	{ "info", CLOG_INFO }, { "warn", CLOG_WARN }, { "warning", CLOG_WARN },
	{ "error", CLOG_ERROR }, { NULL, 0 } };
static const struct pword format_words[] = { { "text", 0 }, { "json", 1 },
	{ NULL, 0 } };
static const struct pword full_words[] = { { "block", CRING_BLOCK },
	{ "count", CRING_COUNT }, { NULL, 0 } };
static const struct pword approval_words[] = {
	{ "local_tty", CAPP_LOCAL_TTY }, { "api", CAPP_API },
	{ "async", CAPP_API }, { "totp", CAPP_TOTP },
	{ "webauthn", CAPP_WEBAUTHN }, { NULL, 0 } };
static const struct pword disabled_words[] = { { "deny", CWD_DENY },
	{ "allow", CWD_ALLOW }, { NULL, 0 } };
static const struct pword security_words[] = { { "auto", CSEC_AUTO },
	{ "full", CSEC_FULL }, { "landlock", CSEC_LANDLOCK },
	{ "landlock-only", CSEC_LANDLOCK_ONLY }, { "minimal", CSEC_MINIMAL },
	{ NULL, 0 } };
static const struct pword fuse_mode_words[] = { { "monitor", 0 },
	{ "soft_block", 0 }, { "soft_delete", 0 }, { "strict", 0 },
	{ NULL, 0 } };
static const struct pword intercept_words[] = { { "all", 1 },
	{ "tcp_only", 0 }, { "monitor", 0 }, { NULL, 0 } };
static const struct pword attach_words[] = { { "children", 0 }, { "pid", 0 },
	{ NULL, 0 } };
static const struct pword fail_words[] = { { "fail_open", 0 },
	{ "fail_closed", 0 }, { NULL, 0 } };
static const struct pword off_words[] = { { "off", 0 }, { NULL, 0 } };
static const struct pword platform_words[] = { { "auto", 0 }, { "linux", 0 },
	{ "darwin", 0 }, { "darwin-lima", 0 }, { "windows", 0 },
	{ "windows-wsl2", 0 }, { NULL, 0 } };
static const struct pword feed_action_words[] = { { "deny", 0 },
	{ "audit", 1 }, { NULL, 0 } };
static const struct pword scope_words[] = { { "new_packages_only", 0 },
	{ "all_installs", 0 }, { NULL, 0 } };
static const struct pword signing_words[] = { { "off", 0 }, { "warn", 1 },
	{ "enforce", 2 }, { NULL, 0 } };
static const struct pword hmac_words[] = { { "hmac-sha256", 0 }, { NULL, 0 } };
static const struct pword key_source_words[] = { { "file", 0 }, { "env", 1 },
	{ NULL, 0 } };
static const struct pword auth_words[] = { { "none", 0 }, { "api_key", 1 },
	{ "oidc", 1 }, { "hybrid", 1 }, { NULL, 0 } };

#define LIVE(p, t, f)	{ p, CK_LIVE, t, offsetof(struct config, f), NULL, NULL }
#define LIVEW(p, f, w)	{ p, CK_LIVE, CT_WORD, offsetof(struct config, f), NULL, w }
#define SWITCH(p, t, n)	{ p, CK_SWITCH, t, CONFIGTAB_NOSTORE, n, NULL }
#define SWITCHW(p, n, w) { p, CK_SWITCH, CT_WORD, CONFIGTAB_NOSTORE, n, w }
#define SWITCHS(p, t, f, n) { p, CK_SWITCH, t, offsetof(struct config, f), n, NULL }
#define LATER(p, t, n)	{ p, CK_LATER, t, CONFIGTAB_NOSTORE, n, NULL }
#define LATERW(p, n, w)	{ p, CK_LATER, CT_WORD, CONFIGTAB_NOSTORE, n, w }
#define LATERS(p, t, f, n) { p, CK_LATER, t, offsetof(struct config, f), n, NULL }
#define DEAD(p, t)	{ p, CK_DEAD, t, CONFIGTAB_NOSTORE, NULL, NULL }
#define DEADW(p, w)	{ p, CK_DEAD, CT_WORD, CONFIGTAB_NOSTORE, NULL, w }
#define DEADS(p, t, f)	{ p, CK_DEAD, t, offsetof(struct config, f), NULL, NULL }
#define DEADN(p, t, n)	{ p, CK_DEAD, t, CONFIGTAB_NOSTORE, n, NULL }

#define ON_BEHALF "the network rules judge every connect and bind"

const struct ckey configtab[] = {
	SWITCHS("server.http.addr", CT_STR, http_addr, "HTTP API"),
	LATERS("server.http.read_timeout", CT_DURATION, http_read_timeout_ns, "HTTP API"),
	LATERS("server.http.write_timeout", CT_DURATION, http_write_timeout_ns, "HTTP API"),
	LATERS("server.http.max_request_size", CT_SIZE, http_max_request_bytes, "HTTP API"),
	SWITCH("server.grpc.enabled", CT_BOOL, "gRPC"),
	LATER("server.grpc.addr", CT_STR, "gRPC"),
	SWITCHS("server.unix_socket.enabled", CT_BOOL, unix_socket_enabled, "HTTP API"),
	LATERS("server.unix_socket.path", CT_STR, unix_socket_path, "HTTP API"),
	LATER("server.unix_socket.permissions", CT_STR, "HTTP API"),
	SWITCH("server.tls.enabled", CT_BOOL, "HTTP API over TLS"),
	LATER("server.tls.cert_file", CT_STR, "HTTP API over TLS"),
	LATER("server.tls.key_file", CT_STR, "HTTP API over TLS"),
	DEAD("server.tls.ca_file", CT_STR),
	DEAD("server.tls.client_auth", CT_ANY),

	SWITCHW("auth.type", "API authentication", auth_words),
	LATER("auth.api_key.keys_file", CT_STR, "API authentication"),
	LATER("auth.api_key.header_name", CT_STR, "API authentication"),
	LATER("auth.oidc", CT_ANY, "API authentication"),

	LIVEW("logging.level", log_level, level_words),
	LIVEW("logging.format", log_json, format_words),
	LIVE("logging.output", CT_STR, log_output),
	DEAD("logging.rotation", CT_ANY),

	LIVE("sessions.base_dir", CT_STR, sessions_dir),
	LIVE("sessions.max_sessions", CT_U32, max_sessions),
	LIVE("sessions.default_timeout", CT_DURATION, session_timeout_ns),
	LIVE("sessions.default_idle_timeout", CT_DURATION, idle_timeout_ns),
	LIVE("sessions.cleanup_interval", CT_DURATION, cleanup_interval_ns),
	/* A session's workspace is always at its own path. */
	DEADS("sessions.real_paths", CT_BOOL, real_paths),
	LATER("sessions.checkpoints", CT_ANY, "checkpoints"),
	DEAD("sessions.metadata_retention", CT_ANY),

	/* The audit trail is not optional: false changes nothing, and says so. */
	LIVE("audit.enabled", CT_BOOL, audit_enabled),
	SWITCHS("audit.output", CT_STR, audit_output, "audit JSONL file"),
	LIVEW("audit.when_full", audit_when_full, full_words),
	LATER("audit.rotation", CT_ANY, "audit JSONL file"),
	LIVE("audit.storage.sqlite_path", CT_STR, audit_db),
	LIVE("audit.storage.batch_size", CT_U32, audit_batch),
	LIVE("audit.storage.flush_interval", CT_DURATION, audit_flush_ns),
	DEAD("audit.storage.channel_size", CT_PNUM),
	DEAD("audit.storage.enabled", CT_BOOL),
	DEAD("audit.include", CT_ANY),
	SWITCH("audit.webhook.url", CT_STR, "audit webhook"),
	LATER("audit.webhook.batch_size", CT_PNUM, "audit webhook"),
	LATER("audit.webhook.flush_interval", CT_DURATION, "audit webhook"),
	LATER("audit.webhook.timeout", CT_DURATION, "audit webhook"),
	LATER("audit.webhook.headers", CT_MAP, "audit webhook"),
	SWITCH("audit.otel.enabled", CT_BOOL, "OpenTelemetry export"),
	LATER("audit.otel.endpoint", CT_STR, "OpenTelemetry export"),
	LATER("audit.otel.protocol", CT_STR, "OpenTelemetry export"),
	LATER("audit.otel.tls", CT_ANY, "OpenTelemetry export"),
	LATER("audit.otel.headers", CT_MAP, "OpenTelemetry export"),
	LATER("audit.otel.timeout", CT_DURATION, "OpenTelemetry export"),
	LATER("audit.otel.batch", CT_ANY, "OpenTelemetry export"),
	LATER("audit.otel.filter", CT_ANY, "OpenTelemetry export"),
	LATER("audit.otel.resource", CT_ANY, "OpenTelemetry export"),
	LATER("audit.otel.signals", CT_ANY, "OpenTelemetry export"),
	LIVE("audit.integrity.enabled", CT_BOOL, audit_hmac),
	LIVEW("audit.integrity.algorithm", audit_algorithm, hmac_words),
	LIVEW("audit.integrity.key_source", audit_key_source, key_source_words),
	LIVE("audit.integrity.key_file", CT_STR, audit_key_file),
	LIVE("audit.integrity.key_env", CT_STR, audit_key_env),
	LATER("audit.integrity.aws_kms", CT_ANY, "cloud key stores"),
	LATER("audit.integrity.azure_keyvault", CT_ANY, "cloud key stores"),
	LATER("audit.integrity.hashicorp_vault", CT_ANY, "cloud key stores"),
	LATER("audit.integrity.gcp_kms", CT_ANY, "cloud key stores"),
	SWITCH("audit.encryption.enabled", CT_BOOL, "audit encryption"),
	LATER("audit.encryption.key_source", CT_STR, "audit encryption"),
	LATER("audit.encryption.key_file", CT_STR, "audit encryption"),
	LATER("audit.encryption.key_env", CT_STR, "audit encryption"),
	LATER("audit.watchtower", CT_ANY, "watchtower"),

	LIVE("policies.dir", CT_STR, policy_dir),
	LIVE("policies.default", CT_STR, policy_default),
	LIVE("policies.allowed", CT_LIST, policy_allowed),
	SWITCH("policies.manifest_path", CT_STR, "policy manifest"),
	SWITCHW("policies.signing.mode", "policy signing", signing_words),
	LATER("policies.signing.trust_store", CT_STR, "policy signing"),
	/* No preloaded library: the environment holds only allowed names. */
	DEAD("policies.env_shim_path", CT_STR),
	/* PROJECT_ROOT is the session's workspace. */
	DEADS("policies.detect_project_root", CT_BOOL, detect_project_root),
	DEADS("policies.project_markers", CT_LIST, project_markers),
	DEAD("policies.env_policy", CT_ANY),
	DEAD("policies.reload_interval", CT_STR),
	DEAD("policies.system_dir", CT_STR),
	DEAD("policies.symlink_escape", CT_ANY),
	LATER("mount_profiles", CT_ANY, "mount profiles"),

	LIVE("sandbox.enabled", CT_BOOL, sandbox_enabled),
	LIVE("sandbox.allow_degraded", CT_BOOL, allow_degraded),
	LIVE("sandbox.baseline", CT_BOOL, baseline),
	LIVE("sandbox.limits.max_memory_mb", CT_PNUM, limit_memory_mb),
	LIVE("sandbox.limits.max_cpu_percent", CT_PNUM, limit_cpu_percent),
	LIVE("sandbox.limits.max_processes", CT_PNUM, limit_processes),
	LATERS("sandbox.limits.max_disk_io_mbps", CT_PNUM, limit_disk_io_mbps, "disk bandwidth limit"),
	LATERS("sandbox.limits.max_network_mbps", CT_PNUM, limit_network_mbps, "network bandwidth limit"),
	LIVE("sandbox.env_inject", CT_MAP, env_inject),
	SWITCH("sandbox.fuse.enabled", CT_BOOL, "FUSE"),
	LATER("sandbox.fuse.deferred", CT_BOOL, "FUSE"),
	LATER("sandbox.fuse.deferred_marker_file", CT_STR, "FUSE"),
	LATER("sandbox.fuse.deferred_enable_command", CT_LIST, "FUSE"),
	LATER("sandbox.fuse.mount_base_dir", CT_STR, "FUSE"),
	LATER("sandbox.fuse.max_background", CT_PNUM, "FUSE"),
	LATER("sandbox.fuse.audit.enabled", CT_BOOL, "FUSE"),
	LATERW("sandbox.fuse.audit.mode", "FUSE", fuse_mode_words),
	LATER("sandbox.fuse.audit.trash_path", CT_STR, "FUSE"),
	LATER("sandbox.fuse.audit.ttl", CT_DURATION, "FUSE"),
	LATER("sandbox.fuse.audit.quota", CT_SIZE, "FUSE"),
	LATER("sandbox.fuse.audit.hash_small_files_under", CT_SIZE, "FUSE"),
	DEAD("sandbox.fuse.audit.strict_on_audit_failure", CT_BOOL),
	DEAD("sandbox.fuse.audit.max_event_queue", CT_PNUM),
	LIVE("sandbox.network.enabled", CT_BOOL, net_enabled),
	LIVE("sandbox.network.proxy_listen_addr", CT_STR, net_listen),
	LIVEW("sandbox.network.intercept_mode", net_intercept, intercept_words),
	DEAD("sandbox.network.proxy_port", CT_PNUM),
	DEAD("sandbox.network.proxy_port_range", CT_ANY),
	DEAD("sandbox.network.dns_port", CT_PNUM),
	LIVE("sandbox.network.dns_upstream", CT_LIST, net_upstream),
	SWITCH("sandbox.network.transparent.enabled", CT_BOOL, "transparent network proxy"),
	LATER("sandbox.network.transparent.subnet_base", CT_STR, "transparent network proxy"),
	SWITCH("sandbox.network.ebpf.enabled", CT_BOOL, "eBPF network filter"),
	SWITCH("sandbox.network.ebpf.required", CT_BOOL, "eBPF network filter"),
	SWITCH("sandbox.network.ebpf.enforce", CT_BOOL, "eBPF network filter"),
	LATER("sandbox.network.ebpf.enforce_without_dns", CT_BOOL, "eBPF network filter"),
	LATER("sandbox.network.ebpf.map_allow_entries", CT_PNUM, "eBPF network filter"),
	LATER("sandbox.network.ebpf.map_deny_entries", CT_PNUM, "eBPF network filter"),
	LATER("sandbox.network.ebpf.map_lpm_entries", CT_PNUM, "eBPF network filter"),
	LATER("sandbox.network.ebpf.map_default_entries", CT_PNUM, "eBPF network filter"),
	LATER("sandbox.network.ebpf.dns_refresh_seconds", CT_PNUM, "eBPF network filter"),
	LATER("sandbox.network.ebpf.dns_max_ttl_seconds", CT_PNUM, "eBPF network filter"),
	DEAD("sandbox.network.ebpf.resolve_rdns", CT_BOOL),
	DEAD("sandbox.network.tls_inspection", CT_ANY),
	DEAD("sandbox.network.rate_limits", CT_ANY),
	LIVE("sandbox.cgroups.enabled", CT_BOOL, cgroups_enabled),
	LIVE("sandbox.cgroups.base_path", CT_STR, cgroups_base),
	DEAD("sandbox.cgroups.best_effort", CT_BOOL),
	LIVE("sandbox.unix_sockets.enabled", CT_PBOOL, unix_sockets),
	DEAD("sandbox.unix_sockets.wrapper_bin", CT_STR),
	LIVE("sandbox.seccomp.enabled", CT_BOOL, seccomp_enabled),
	DEAD("sandbox.seccomp.mode", CT_STR),
	DEAD("sandbox.seccomp.profile", CT_ANY),
	DEAD("sandbox.seccomp.unix_socket.enabled", CT_BOOL),
	DEAD("sandbox.seccomp.unix_socket.action", CT_STR),
	LIVE("sandbox.seccomp.syscalls.block", CT_LIST, syscalls_block),
	DEAD("sandbox.seccomp.syscalls.allow", CT_LIST),
	DEAD("sandbox.seccomp.syscalls.default_action", CT_STR),
	DEAD("sandbox.seccomp.syscalls.on_block", CT_STR),
	/* Every exec is judged, in full length, whatever these say. */
	DEAD("sandbox.seccomp.execve.enabled", CT_BOOL),
	DEAD("sandbox.seccomp.execve.max_argc", CT_PNUM),
	DEAD("sandbox.seccomp.execve.max_argv_bytes", CT_PNUM),
	DEAD("sandbox.seccomp.execve.on_truncated", CT_STR),
	DEAD("sandbox.seccomp.execve.approval_timeout", CT_DURATION),
	DEAD("sandbox.seccomp.execve.approval_timeout_action", CT_STR),
	DEAD("sandbox.seccomp.execve.internal_bypass", CT_LIST),
	LIVE("sandbox.seccomp.file_monitor.enabled", CT_PBOOL, file_monitor),
	LIVE("sandbox.seccomp.file_monitor.metadata", CT_BOOL, metadata),
	LIVE("sandbox.seccomp.file_monitor.intercept_metadata", CT_BOOL, metadata),
	DEAD("sandbox.seccomp.file_monitor.enforce_without_fuse", CT_BOOL),
	DEAD("sandbox.seccomp.file_monitor.block_io_uring", CT_BOOL),
	DEAD("sandbox.seccomp.file_monitor.openat_emulation", CT_BOOL),
	DEAD("sandbox.seccomp.file_monitor.audit_under_fuse", CT_BOOL),
	DEAD("sandbox.seccomp.file_monitor.write_only_opens", CT_ANY),
	DEAD("sandbox.seccomp.shellc", CT_ANY),
	DEAD("sandbox.seccomp.blocked_socket_families", CT_ANY),
	DEAD("sandbox.seccomp.socket_rules", CT_ANY),
	DEAD("sandbox.seccomp.mitigation_sets", CT_ANY),
	DEAD("sandbox.seccomp.mitigation_dirs", CT_ANY),
	DEAD("sandbox.seccomp.wait_killable", CT_ANY),
	SWITCH("sandbox.ptrace.enabled", CT_BOOL, "ptrace engine"),
	LATERW("sandbox.ptrace.attach_mode", "ptrace engine", attach_words),
	LATER("sandbox.ptrace.target_pid", CT_PNUM, "ptrace engine"),
	LATER("sandbox.ptrace.target_pid_file", CT_STR, "ptrace engine"),
	LATER("sandbox.ptrace.trace.execve", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.trace.file", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.trace.network", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.trace.signal", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.performance.seccomp_prefilter", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.performance.max_tracees", CT_PNUM, "ptrace engine"),
	LATER("sandbox.ptrace.performance.max_hold_ms", CT_PNUM, "ptrace engine"),
	LATER("sandbox.ptrace.performance.static_allow_file", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.performance.static_allow_network", CT_BOOL, "ptrace engine"),
	LATER("sandbox.ptrace.performance.arg_level_filter", CT_BOOL, "ptrace engine"),
	LATERW("sandbox.ptrace.mask_tracer_pid", "ptrace engine", off_words),
	/* Nothing fails open because a key says so. */
	DEADW("sandbox.ptrace.on_attach_failure", fail_words),
	LATER("sandbox.mcp", CT_ANY, "MCP inspection"),
	DEAD("sandbox.xpc", CT_ANY),
	DEAD("sandbox.namespaces", CT_ANY),
	DEAD("sandbox.wrap_env_policy", CT_ANY),

	LIVE("landlock.enabled", CT_BOOL, landlock_enabled),
	LIVE("landlock.allow_execute", CT_LIST, landlock_execute),
	LIVE("landlock.allow_read", CT_LIST, landlock_read),
	LIVE("landlock.allow_write", CT_LIST, landlock_write),
	LIVE("landlock.deny_paths", CT_LIST, landlock_deny),
	/* Landlock would see no connect and no bind: they are performed on behalf. */
	DEADN("landlock.network.allow_connect_tcp", CT_BOOL, ON_BEHALF),
	DEADN("landlock.network.allow_bind_tcp", CT_BOOL, ON_BEHALF),
	DEADN("landlock.network.bind_ports", CT_ANY, ON_BEHALF),

	LIVE("network.private_answers", CT_LIST, private_answers),
	LIVE("network.user_registries", CT_BOOL, user_registries),

	{ "security.mode", CK_DEAD, CT_WORD,
	  offsetof(struct config, security_mode), NULL, security_words },
	DEADW("security.minimum_mode", security_words),
	DEADS("security.strict", CT_BOOL, security_strict),
	DEADS("security.warn_degraded", CT_BOOL, warn_degraded),
	/* What a session keeps is fixed (DESIGN 4), never more. */
	DEADS("capabilities.allow", CT_LIST, capabilities_allow),

	SWITCH("proxy.mode", CT_STR, "LLM proxy"),
	LATER("proxy.port", CT_PNUM, "LLM proxy"),
	LATER("proxy.providers", CT_MAP, "LLM proxy"),
	LATER("proxy.rate_limits", CT_ANY, "LLM proxy"),
	DEADN("proxy.mcp", CT_ANY, "MCP inspection"),
	SWITCH("dlp.mode", CT_STR, "DLP"),
	LATER("dlp.patterns", CT_ANY, "DLP"),
	LATER("dlp.custom_patterns", CT_ANY, "DLP"),
	DEAD("dlp.redact_files", CT_ANY),
	LATER("llm_storage", CT_ANY, "LLM proxy"),
	DEADN("mcp", CT_ANY, "MCP inspection"),

	SWITCHS("approvals.enabled", CT_BOOL, approvals_enabled, "approvals"),
	LIVEW("approvals.mode", approvals_mode, approval_words),
	LIVE("approvals.timeout", CT_DURATION, approvals_timeout_ns),
	LIVEW("approvals.when_disabled", approvals_when_disabled, disabled_words),
	LATER("approvals.webauthn", CT_ANY, "approvals"),
	DEAD("approvals.notification", CT_ANY),
	DEAD("approvals.storage", CT_ANY),

	SWITCHS("metrics.enabled", CT_BOOL, metrics_enabled, "metrics"),
	LATERS("metrics.path", CT_STR, metrics_path, "metrics"),
	DEAD("metrics.include", CT_ANY),
	LATERS("health.path", CT_STR, health_path, "HTTP API"),
	LATERS("health.readiness_path", CT_STR, ready_path, "HTTP API"),

	LATERS("development.disable_auth", CT_BOOL, disable_auth, "HTTP API"),
	DEAD("development.verbose_errors", CT_BOOL),
	DEAD("development.pprof", CT_ANY),
	DEAD("development.debug", CT_BOOL),
	/* Never: a policy cannot be switched off. */
	DEAD("development.disable_policy", CT_BOOL),

	LIVE("threat_feeds.enabled", CT_BOOL, feeds_enabled),
	LIVEW("threat_feeds.action", feeds_audit, feed_action_words),
	{ "threat_feeds.feeds", CK_LIVE, CT_ANY, CONFIGTAB_NOSTORE, NULL, NULL },
	LIVE("threat_feeds.local_lists", CT_LIST, feeds_local),
	LIVE("threat_feeds.allowlist", CT_LIST, feeds_allow),
	LIVE("threat_feeds.sync_interval", CT_DURATION, feeds_interval_ns),
	LIVE("threat_feeds.cache_dir", CT_STR, feeds_cache_dir),
	DEAD("threat_feeds.realtime", CT_ANY),

	SWITCH("package_checks.enabled", CT_BOOL, "package checks"),
	LATERW("package_checks.scope", "package checks", scope_words),
	LATER("package_checks.cache", CT_ANY, "package checks"),
	LATER("package_checks.registries", CT_ANY, "package checks"),
	LATER("package_checks.providers", CT_ANY, "package checks"),
	LATER("package_checks.resolvers", CT_ANY, "package checks"),
	DEADN("package_scanning", CT_ANY, "package checks"),

	DEADW("platform.mode", platform_words),
	DEAD("platform.fallback", CT_ANY),
	DEAD("platform.mount_points", CT_ANY),
	DEAD("tor", CT_ANY),
	DEAD("skillcheck", CT_ANY),
	DEAD("policy_socket", CT_ANY),
	DEAD("watchtower", CT_ANY),
	DEAD("resource_limits", CT_ANY),
	{ .path = NULL },
};
/* clang-format on */
