/*
 * Messages between the processes of the house: AF_UNIX SOCK_SEQPACKET, one sendmsg is
 * one message, fixed-width header, fixed payload, at most one bounded tail of
 * bytes, at most MSG_FDS_MAX descriptors.  Everything that can be said about a type is in
 * MSG_TABLE; the check that runs before any handler, the names, the man page and the
 * fuzz dictionary come from it.
 *
 * No message carries a sender: the channel is the sender.  A client's connection is passed
 * along as a descriptor, and its credentials are read from that by the monitor.
 */

#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_BODY_MAX	 16384 /* bytes after the header; more travels as a memfd */
#define MSG_FDS_MAX	 4
#define MSG_SESSION_LEN 64  /* with the NUL; ids are [A-Za-z0-9_-]+ */
#define MSG_PATH_LEN	 256 /* paths of the daemon itself, with the NUL */

struct msg_hdr {
	uint32_t length; /* of header, payload and tail */
	uint16_t type;	 /* enum msg_type */
	uint8_t flags;	 /* 0 */
	uint8_t nfds;	 /* descriptors that came along */
	uint32_t id;	 /* a reply repeats its question's */
	uint32_t session; /* the monitor's session number, 0 = none */
};

/* Who may be at an end of a channel; bits, so that a row can name several. */
#define PROC_MONITOR  0x01u
#define PROC_CONTROL  0x02u
#define PROC_POLICYD  0x04u
#define PROC_AUDITD   0x08u
#define PROC_TRACER   0x10u
#define PROC_NETPROXY 0x20u
#define PROC_ASKER    0x40u /* agentsh exec on entry.sock */
#define PROC_CHILDREN \
	(PROC_CONTROL | PROC_POLICYD | PROC_AUDITD | PROC_TRACER | PROC_NETPROXY)

/* ---- payloads: fixed width, no pointers, no padding left to chance ---- */

struct msg_none {
	uint32_t zero;
};

/* Monitor to every child, first message.  The child confines itself, then says READY. */
struct msg_hello {
	uint32_t uid, gid;	/* to become */
	uint32_t log_level;	/* syslog's numbers */
	uint32_t sandbox_kill;	/* 1: seccomp violations kill (CI), 0: ENOSYS and a log line */
	uint32_t root_session;	/* tracer only */
	uint32_t arch_pad;
};

/* A child's log line; the tail is the text. */
struct msg_log {
	uint32_t level;
};

/* What the monitor must know of config.yaml; strings are NUL-terminated. */
struct daemon_conf {
	char base_dir[MSG_PATH_LEN];	/* sessions.base_dir */
	char sqlite_path[MSG_PATH_LEN]; /* audit.storage.sqlite_path */
	char policies_dir[MSG_PATH_LEN];
	char default_policy[MSG_SESSION_LEN];
	char log_output[MSG_PATH_LEN]; /* "stderr", "stdout", "syslog" or a file */
	char audit_key_file[MSG_PATH_LEN]; /* HMAC key, "" = none */
	uint32_t log_level;		/* syslog's numbers */
	uint32_t log_json;
	uint32_t max_sessions;
	uint32_t cgroups_enabled;
	uint32_t allow_degraded;
	uint32_t audit_enabled;
	uint32_t net_proxy;	/* sandbox.network.enabled: proxy variables */
	uint32_t net_intercept; /* sandbox.network.intercept_mode: all */
	uint32_t net_port;	/* of the proxy, 0: any */
	uint32_t net_pad;
	char net_upstream[MSG_PATH_LEN]; /* network.dns_upstream, by blanks */
	uint64_t default_timeout_ns;
	uint64_t default_idle_timeout_ns;
	uint64_t cleanup_interval_ns;
	uint32_t retention_days; /* the longest of the loaded policies, 0 = for ever */
	uint32_t pad;
};

/* In the count of an IMAGE_RESULT, beside Landlock's ABI: the rules refuse nothing. */
#define MSG_LANDLOCK_IDLE 0x10000u

/* Outcome of a load or compile: 0 or an errno; the tail is diagnostics text. */
struct msg_status {
	uint32_t error;
	uint32_t count; /* of diagnostics, policies, ... as the row says */
};

/* fd: struct feedconf, when threat feeds are on. */
struct msg_conf_result {
	uint32_t error;
	uint32_t pad;
	struct daemon_conf conf;
};

/* tail: policy NUL project_root NUL home NUL workspace NUL; fd: a struct
 * registries.  Without it a policy that names registries is answered ENODATA:
 * look for them and ask again. */
struct msg_compile {
	uint32_t root_session;
	uint32_t arch_pad;
	uint64_t features; /* tracer/feature.h bits that hold on this machine */
};

/* tail: id NUL workspace NUL policy NUL project_root NUL (each may be empty) */
struct msg_session_create {
	uint32_t flags;
	uint32_t pad;
};

/* A session's name in a request. */
struct msg_session_name {
	char id[MSG_SESSION_LEN];
};

enum session_state {
	SES_REQUESTED,
	SES_CREATED,
	SES_LAUNCHING,
	SES_RUNNING,
	SES_STOPPING,
	SES_REAPED,
	SES_AUDITED,
	SES_STATE_MAX
};

/* One session, as list and info show it.
 * tail: workspace NUL policy NUL project_root NUL degraded-text NUL not-built-yet-text NUL
 * Landlock-text NUL proxy-url NUL */
struct msg_session_item {
	uint32_t error; /* 0, or an errno and the tail is one text */
	uint32_t state; /* enum session_state */
	char id[MSG_SESSION_LEN];
	uint32_t uid, gid;
	uint64_t created_ns; /* CLOCK_REALTIME */
	uint64_t last_activity_ns;
	uint32_t commands_running;
	uint32_t commands_total;
	uint64_t timeout_ns, idle_timeout_ns;
	int32_t tracer_pid;
	uint32_t pad;
};

/* A query of the audit trail.  control sends the client's filter; the monitor
 * replaces uid by what the client's socket says before auditd sees it. */
#define EVQ_QUERY  0
#define EVQ_TAIL   1
#define EVQ_VERIFY 2
#define EVQ_STATS  3
struct msg_event_query {
	uint32_t what; /* EVQ_* */
	uint32_t uid;  /* only sessions of this uid; 0 = all */
	char session[MSG_SESSION_LEN]; /* "" = all */
	char type[256];		       /* event types, separated by commas; "" = all */
	char decision[16];	       /* "" = all */
	uint64_t since_ns, until_ns;   /* CLOCK_REALTIME, 0 = open */
	uint32_t limit, offset;
	uint32_t oldest_first;
	uint32_t pad;
	/* tail: path substring NUL text substring NUL */
};

/* Monitor to auditd: a ring to drain.  fds: ring, wake socket, for session 0 the
 * monitor's own.  The tail of ATTACH is the session's id NUL. */
struct msg_audit_attach {
	uint32_t uid;
	uint32_t producer_pid;
};

/* auditd's health: error 0 or the errno of the last commit. */
struct msg_audit_status {
	uint32_t error;
	uint32_t pad;
	uint64_t committed; /* records since start */
	uint64_t waiting;   /* bytes not yet acknowledged */
};

/* Monitor to tracer, once.  fds: ring, wake socket, trash directory (or none). 
 * tail: session id NUL state directory NUL trash path NUL; the paths of the house that
 * a session may never touch (builtin-supervisor), each NUL-terminated, follow. */
struct msg_tracer_conf {
	uint32_t root_session;
	uint32_t threads; /* serving threads per listener at start */
	uint32_t can_boost; /* 1: BOOST may be sent, the monitor can */
	int32_t yama;	     /* kernel.yama.ptrace_scope, -1 = none */
};

/* Monitor to tracer: someone enters.  fds: connection, pidfd of the asker. */
struct msg_entry {
	uint32_t entry; /* number of this entry in its session, from 1 */
	int32_t pid;	/* of the asker, as the monitor sees it */
	uint32_t uid, gid;
	uint32_t placing; /* 1: PLACED follows; the asker does not go on before */
};

/* Monitor to tracer: the asker is in the session's cgroup. */
struct msg_placed {
	uint32_t entry;
};

/* Tracer to monitor: what became of an entry. */
struct msg_entry_state {
	uint32_t entry;
	uint32_t running; /* 1: exec'ed, 0: its front-door process has ended */
	int32_t status;	  /* reserved for a waiter; -1 unknown */
	uint32_t tasks;	  /* alive in the session, as far as known */
};

/* ---- the network ---- */

/* What a listening socket of the mirror is for. */
enum net_listen {
	NET_LISTEN_DNS_UDP,
	NET_LISTEN_DNS_TCP,
	NET_LISTEN_PROXY,     /* HTTP proxy */
	NET_LISTEN_INTERCEPT, /* what was meant for port 80 or 443 */
	NET_LISTEN_MAX
};

/* Monitor to netproxy, once.  fds: its ring and the wake socket. */
struct msg_net_conf {
	uint32_t proxy_port;
	uint32_t pad;
};

/* Monitor to netproxy.  fd: the socket, which the monitor keeps as well. */
struct msg_net_listen {
	uint32_t kind; /* enum net_listen */
	uint32_t family; /* AF_INET or AF_INET6 */
};

/*
 * Monitor to netproxy: who resolves for us, again whenever it changes.  fd:
 * resolv.conf, or none; tail: addresses of the config, "ADDRESS" or
 * "ADDRESS:PORT", each with its NUL; where there are some, the file is not read.
 */
struct msg_net_upstream {
	uint32_t zero;
};

/* The files of a row of feedconf.h: a fetched feed's two slots, or one list. */
struct msg_feed_files {
	uint32_t row;
	uint32_t pad;
};

/*
 * Monitor to netproxy: a session, or its new image.  fds: image, facts.  tail: id NUL
 */
struct msg_net_session {
	uint32_t uid;
	uint32_t host; /* the session's number in the mirror: netaddr.h */
};

/* Monitor to tracer, before its image.  fd: facts, read-only. */
struct msg_tracer_net {
	uint32_t mirror; /* 0: there is none: port 53 and the proxy are refused */
	uint32_t proxy_port; /* 0: no proxy variables */
	uint32_t intercept; /* sandbox.network.intercept_mode: all */
	uint32_t host; /* as msg_net_session */
};

/*
 * Tracer to monitor: a new socket in the mirror, bound to the session's own
 * address there.  The answer is NET_SOCKET_IS with the same id.
 */
struct msg_net_socket {
	uint32_t domain; /* AF_INET or AF_INET6 */
	uint32_t type; /* SOCK_STREAM or SOCK_DGRAM */
	uint32_t mapped; /* AF_INET6: bound to the v4-mapped address */
	uint32_t port; /* to have, if it is free; 0: any */
};

/* ---- entry.sock: the asker's side (see entry.h for the blobs) ---- */

#define ENTRY_VERSION 2
struct msg_entry_hello {
	uint32_t version;
	uint32_t flags;
	char session[MSG_SESSION_LEN];
};

/*
 * asker to tracer; fds: sealed memfd with struct entry_blob: argv, environment.  timeout_ns 0: the
 * policy's.  tail: the asker's directory, where it wants to know whether that is in the session's
 * workspace; it asks again when it has gone there.
 */
#define ENTRY_F_STDIN_TTY 0x1u /* standard input is a terminal */
#define ENTRY_F_WAITED	  0x2u /* a parent outside waits and keeps the time */
struct msg_entry_ask {
	uint32_t flags;
	uint32_t pad;
	uint64_t timeout_ns;
};

/*
 * tracer to asker, before the verdict: under what it is to live, so that it gets ready meanwhile.
 * fds: BPF program; Landlock's rules where the session has them.
 */
struct msg_entry_terms {
	uint32_t drop_caps; /* root session: cut the bounding set */
	uint32_t listener_flags; /* for seccomp(2) NEW_LISTENER */
	uint32_t fetch;	    /* 1: the tracer can take the listener by its number */
};

/*
 * tracer (or monitor, on refusal) to asker.  exit_code 0: go; fds: environment blob.
 * inside 1: the asker already is in a session: exec plainly.
 * elsewhere 1: nothing was judged, the directory is not in the workspace, which is the message.
 * Else exit with exit_code.
 * tail: rule NUL file NUL message NUL hint NUL
 */
struct msg_entry_verdict {
	uint32_t exit_code;
	uint32_t inside;
	uint32_t decision; /* enum decision */
	uint32_t line;	   /* of the rule in its file */
	uint32_t elsewhere;
};

/*
 * asker to tracer; fds: the listener.  Or none, and its number in the asker: then by write(2), which
 * no filter asks about.
 */
struct msg_entry_listener {
	int32_t fd;
};

/*
 *	name		from		to		payload			tail	fds	phase
 * tail is the most bytes that may follow the payload (0: exact size); fds is min | max << 4;
 * phase: MSG_P_START before READY, MSG_P_RUN after, MSG_P_ANY; MSG_ONCE is or'ed in.
 */
#define MSG_P_START 0x1u
#define MSG_P_RUN   0x2u
#define MSG_P_ANY   0x3u
#define MSG_ONCE    0x80u
#define MSG_TAIL    12288u
#define FDS(lo, hi) ((lo) | (hi) << 4)

/* clang-format off */
#define MSG_TABLE(X) \
	X(HELLO,	PROC_MONITOR,	PROC_CHILDREN,	msg_hello,	0,	FDS(0, 4),	MSG_P_START | MSG_ONCE) \
	X(READY,	PROC_CHILDREN,	PROC_MONITOR,	msg_status,	MSG_TAIL, FDS(0, 0),	MSG_P_START | MSG_ONCE) \
	X(LOG,		PROC_CHILDREN,	PROC_MONITOR,	msg_log,	4096,	FDS(0, 0),	MSG_P_ANY) \
	X(STOP,		PROC_MONITOR,	PROC_CHILDREN,	msg_none,	0,	FDS(0, 0),	MSG_P_ANY) \
	X(CONF_LOAD,	PROC_MONITOR,	PROC_POLICYD,	msg_none,	1024,	FDS(1, 1),	MSG_P_RUN) \
	X(CONF_RESULT,	PROC_POLICYD,	PROC_MONITOR,	msg_conf_result, MSG_TAIL, FDS(0, 1),	MSG_P_RUN) \
	X(POLICY_BEGIN,	PROC_MONITOR,	PROC_POLICYD,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(POLICY_FILE,	PROC_MONITOR,	PROC_POLICYD,	msg_none,	1024,	FDS(1, 1),	MSG_P_RUN) \
	X(POLICY_COMMIT, PROC_MONITOR,	PROC_POLICYD,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(POLICY_RESULT, PROC_POLICYD,	PROC_MONITOR,	msg_status,	MSG_TAIL, FDS(0, 0),	MSG_P_RUN) \
	X(COMPILE,	PROC_MONITOR,	PROC_POLICYD,	msg_compile,	MSG_TAIL, FDS(0, 1),	MSG_P_RUN) \
	X(COMPILED,	PROC_POLICYD,	PROC_MONITOR,	msg_status,	MSG_TAIL, FDS(0, 1),	MSG_P_RUN) \
	X(LISTEN,	PROC_MONITOR,	PROC_CONTROL,	msg_none,	0,	FDS(1, 2),	MSG_P_RUN) \
	X(SESSION_CREATE, PROC_CONTROL,	PROC_MONITOR,	msg_session_create, MSG_TAIL, FDS(1, 1), MSG_P_RUN) \
	X(SESSION_LIST,	PROC_CONTROL,	PROC_MONITOR,	msg_none,	0,	FDS(1, 1),	MSG_P_RUN) \
	X(SESSION_INFO,	PROC_CONTROL,	PROC_MONITOR,	msg_session_name, 0,	FDS(1, 1),	MSG_P_RUN) \
	X(SESSION_DESTROY, PROC_CONTROL, PROC_MONITOR,	msg_session_name, 0,	FDS(1, 1),	MSG_P_RUN) \
	X(SESSION_ITEM,	PROC_MONITOR,	PROC_CONTROL,	msg_session_item, MSG_TAIL, FDS(0, 0),	MSG_P_RUN) \
	X(SESSION_END,	PROC_MONITOR,	PROC_CONTROL,	msg_status,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(RELOAD,	PROC_CONTROL,	PROC_MONITOR,	msg_none,	0,	FDS(1, 1),	MSG_P_RUN) \
	X(RELOADED,	PROC_MONITOR,	PROC_CONTROL,	msg_status,	MSG_TAIL, FDS(0, 0),	MSG_P_RUN) \
	X(EVENT_QUERY,	PROC_CONTROL | PROC_MONITOR, PROC_MONITOR | PROC_AUDITD, msg_event_query, 1024, FDS(1, 1), MSG_P_RUN) \
	X(EVENT_STREAM,	PROC_MONITOR,	PROC_CONTROL,	msg_status,	1024,	FDS(0, 1),	MSG_P_RUN) \
	X(AUDIT_ATTACH,	PROC_MONITOR,	PROC_AUDITD,	msg_audit_attach, MSG_SESSION_LEN, FDS(2, 2), MSG_P_RUN) \
	X(AUDIT_DETACH,	PROC_MONITOR,	PROC_AUDITD,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(AUDIT_DRAINED, PROC_AUDITD,	PROC_MONITOR,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(AUDIT_STATUS,	PROC_AUDITD,	PROC_MONITOR,	msg_audit_status, 0,	FDS(0, 0),	MSG_P_RUN) \
	X(AUDIT_RETAIN,	PROC_MONITOR,	PROC_AUDITD,	msg_status,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(TRACER_CONF,	PROC_MONITOR,	PROC_TRACER,	msg_tracer_conf, MSG_TAIL, FDS(3, 4),	MSG_P_RUN | MSG_ONCE) \
	X(IMAGE,	PROC_MONITOR,	PROC_TRACER,	msg_none,	0,	FDS(1, 1),	MSG_P_RUN) \
	X(IMAGE_RESULT,	PROC_TRACER,	PROC_MONITOR,	msg_status,	1024,	FDS(0, 0),	MSG_P_RUN) \
	X(ENTRY,	PROC_MONITOR,	PROC_TRACER,	msg_entry,	0,	FDS(2, 2),	MSG_P_RUN) \
	X(ENTRY_STATE,	PROC_TRACER,	PROC_MONITOR,	msg_entry_state, 0,	FDS(0, 0),	MSG_P_RUN) \
	X(LISTENER,	PROC_TRACER,	PROC_MONITOR,	msg_entry_state, 0,	FDS(1, 1),	MSG_P_RUN) \
	X(NET_CONF,	PROC_MONITOR,	PROC_NETPROXY,	msg_net_conf,	0,	FDS(2, 2),	MSG_P_RUN | MSG_ONCE) \
	X(NET_LISTEN,	PROC_MONITOR,	PROC_NETPROXY,	msg_net_listen,	0,	FDS(1, 1),	MSG_P_RUN) \
	X(NET_UPSTREAM,	PROC_MONITOR,	PROC_NETPROXY,	msg_net_upstream, 1024,	FDS(0, 1),	MSG_P_RUN) \
	X(FEED_CONF,	PROC_MONITOR,	PROC_NETPROXY,	msg_none,	0,	FDS(1, 2),	MSG_P_RUN) \
	X(FEED_FILES,	PROC_MONITOR,	PROC_NETPROXY,	msg_feed_files,	0,	FDS(1, 2),	MSG_P_RUN) \
	X(FEED_START,	PROC_MONITOR,	PROC_NETPROXY,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(NET_SESSION,	PROC_MONITOR,	PROC_NETPROXY,	msg_net_session, MSG_SESSION_LEN, FDS(2, 2), MSG_P_RUN) \
	X(NET_SESSION_END, PROC_MONITOR, PROC_NETPROXY,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(NET_SHOW,	PROC_CONTROL | PROC_MONITOR, PROC_MONITOR | PROC_NETPROXY, msg_session_name, 0, FDS(1, 1), MSG_P_RUN) \
	X(TRACER_NET,	PROC_MONITOR,	PROC_TRACER,	msg_tracer_net,	0,	FDS(1, 1),	MSG_P_RUN | MSG_ONCE) \
	X(NET_SOCKET,	PROC_TRACER,	PROC_MONITOR,	msg_net_socket,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(NET_SOCKET_IS, PROC_MONITOR,	PROC_TRACER,	msg_status,	0,	FDS(0, 1),	MSG_P_RUN) \
	X(ENTRY_HELLO,	PROC_ASKER,	PROC_MONITOR,	msg_entry_hello, 0,	FDS(0, 0),	MSG_P_START | MSG_ONCE) \
	X(ENTRY_ASK,	PROC_ASKER,	PROC_TRACER,	msg_entry_ask,	4096,	FDS(1, 1),	MSG_P_RUN) \
	X(ENTRY_TERMS,	PROC_TRACER,	PROC_ASKER,	msg_entry_terms, 0,	FDS(1, 2),	MSG_P_RUN | MSG_ONCE) \
	X(ENTRY_VERDICT, PROC_TRACER | PROC_MONITOR, PROC_ASKER, msg_entry_verdict, MSG_TAIL, FDS(0, 1), MSG_P_ANY) \
	X(ENTRY_LISTENER, PROC_ASKER,	PROC_TRACER,	msg_entry_listener, 0,	FDS(0, 1),	MSG_P_RUN | MSG_ONCE) \
	X(ENTRY_GO,	PROC_TRACER,	PROC_ASKER,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN | MSG_ONCE) \
	X(BOOST,	PROC_TRACER,	PROC_MONITOR,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(BUSY,		PROC_MONITOR,	PROC_TRACER,	msg_none,	0,	FDS(0, 0),	MSG_P_RUN) \
	X(PLACED,	PROC_MONITOR,	PROC_TRACER,	msg_placed,	0,	FDS(0, 0),	MSG_P_RUN)
/* clang-format on */

enum msg_type {
	MSG_NONE,
#define X(name, from, to, payload, tail, fds, phase) MSG_##name,
	MSG_TABLE(X)
#undef X
	MSG_MAX
};

extern const char *const msg_name[MSG_MAX];

/* One message as received.  fd[i] is -1 once taken. */
struct msg {
	struct msg_hdr hdr;
	union {
		uint8_t body[MSG_BODY_MAX];
		uint64_t align;
	};
	int fd[MSG_FDS_MAX];
};

/* One end of a channel; the storage is the caller's. */
struct chan {
	int fd;		  /* owned; -1 when closed */
	unsigned int self; /* PROC_* of this end */
	unsigned int peer; /* PROC_* of the other end */
	unsigned int phase; /* MSG_P_START or MSG_P_RUN */
	uint8_t seen[(MSG_MAX + 7) / 8]; /* ONCE types that have come */
};

void chan_init(struct chan *c, int fd, unsigned int self, unsigned int peer);
void chan_close(struct chan *c);

/*
 * Receive one message into m and check it against the table: direction, exact
 * or bounded size, descriptors, phase, once.  1 a message (its descriptors are close-on-exec and owned by
 * m until taken), 0 end of file, -1 with errno: EAGAIN, EINTR, EPROTO for a message that
 * fails the check (its descriptors are closed).  Blocks as fd does.
 */
int chan_recv(struct chan *c, struct msg *m) __attribute__((warn_unused_result));

/*
 * Send a message: payload of the type's exact size, then tail_len bytes of tail.
 * fds stay the caller's.  0 or -1 with errno (EAGAIN when the peer is slow, EINVAL when our own
 * message breaks the table).  Never raises SIGPIPE.
 */
int chan_send(struct chan *c, enum msg_type type, uint32_t id,
    uint32_t session, const void *payload, const void *tail, size_t tail_len,
    const int *fds, unsigned int nfds) __attribute__((warn_unused_result));

/* The payload of m, exactly of its type's size (the check has run). */
const void *msg_payload(const struct msg *m);

/*
 * Descriptor i of m.  The caller owns it from now and must close it; a second
 * call for the same i gives -1.
 */
int msg_take_fd(struct msg *m, unsigned int i);
/* Close what was not taken. */
void msg_close_fds(struct msg *m);

/*
 * The n-th NUL-terminated string of the tail, or NULL when there is none that
 * ends inside it.  Lives as long as m.
 */
const char *msg_str(const struct msg *m, unsigned int n);
/* The tail's bytes and their number. */
const void *msg_tail(const struct msg *m, size_t *len);

/* Printed by the generator of agentsh-protocol.7 and by the golden test. */
struct msg_row {
	const char *name;
	unsigned int from, to, payload_bytes, tail_max, fds_min, fds_max, phase;
};
const struct msg_row *msg_row_get(enum msg_type type);

#endif
