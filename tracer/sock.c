/*
 * connect, bind and listen, and the judging of addresses: see sock.h.
 *
 * Trust: nothing of the address but that our copy does not change.  A path socket is
 * connected to through the descriptor that pins it, never by its name again; a new one is
 * made by its last name in the pinned parent, which is this thread's working directory
 * for the moment, so that the socket's own idea of its address is that last name.
 *
 * Must never act on an address that was not judged.
 */

#include "tracer/sock.h"

#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tracer/event.h"
#include "tracer/fileops.h"
#include "tracer/pathres.h"
#include "tracer/redirect.h"
#include "tracer/socktab.h"
#include "tracer/task.h"
#include "tracer/tracer.h"

/* ---- the socket ---- */

bool
sock_get_fd(struct call *c, struct sock *s)
{
	int err;

	*s = (struct sock) { .type = -1, .protocol = -1 };
	if ((s->fd = call_getfd(c, call_int(c, SR_FD), &err)) != -1)
		return true;
	if (err == EACCES)
		call_unjudgeable(c, "socket cannot be had");
	else
		answer_errno(c, err);
	return false;
}

bool
sock_option(int fd, int level, int name, int *v)
{
	socklen_t len = sizeof(*v);

	return getsockopt(fd, level, name, v, &len) == 0;
}

bool
sock_get(struct call *c, struct sock *s)
{
	if (!sock_get_fd(c, s))
		return false;
	if (sock_option(s->fd, SOL_SOCKET, SO_DOMAIN, &s->domain))
		return true;
	answer_errno(c, errno);
	close(s->fd);
	return false;
}

int
sock_type(struct sock *s)
{
	if (s->type == -1 &&
	    !sock_option(s->fd, SOL_SOCKET, SO_TYPE, &s->type))
		s->type = -1;
	return s->type;
}

int
sock_protocol(struct sock *s)
{
	if (s->protocol == -1 &&
	    !sock_option(s->fd, SOL_SOCKET, SO_PROTOCOL, &s->protocol))
		s->protocol = -1;
	return s->protocol;
}

static uint64_t
inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* ---- judging ---- */

/* Commit a refusal; the errno it means. */
static int
refused(struct call *c, const struct verdict *v)
{
	int err = v->rule == (RULE_BUILTIN | BR_SUPERVISOR) ||
		v->rule == (RULE_BUILTIN | BR_SYSCALL) ?
	    EPERM :
	    EACCES;

	event_commit(c, err);
	return err;
}

/* 0 when v lets the call go on and the ring has room for its event. */
static int
outcome(struct call *c, struct verdict *v)
{
	if (!call_verdict(c, v))
		return refused(c, v);
	return event_room(c) ? 0 : -1;
}

static void
allow_builtin(struct verdict *v, enum builtin_rule rule)
{
	*v = (struct verdict) { .decision = DEC_ALLOW,
		.allowed = 1,
		.layer = LAYER_TRACER,
		.rule = RULE_BUILTIN | (uint32_t)rule };
}

/* The session's own resolver or proxy: whatever the policy says. */
static void
own_net(struct call *c, struct verdict *v)
{
	if (redirect_has_mirror(c->tracer->redirect))
		allow_builtin(v, BR_OWN_NET);
	else
		call_builtin(v, BR_NO_MIRROR);
}

static int
judge_inet(struct call *c, struct sock *s, const struct sockname *n,
    enum net_op op)
{
	enum redirect_to to = op == NOP_BIND ?
	    REDIRECT_HOME :
	    redirect_where(c->tracer->redirect, s, n);
	const char *name = NULL;
	struct verdict v;
	int e;

	event_begin(c, EV_NET);
	c->ev.fix.op = (uint8_t)op;
	c->ev.fix.family = (uint16_t)n->family;
	c->ev.fix.port = n->port;
	memcpy(c->ev.fix.addr, n->addr.s6_addr, sizeof(c->ev.fix.addr));
	if (to == REDIRECT_OWN)
		own_net(c, &v);
	else
		redirect_judge(c, op, n, &v, &name);
	if (name != NULL)
		event_text(c, EVS_PATH, name, strlen(name));
	if ((e = outcome(c, &v)) != 0)
		return e;
	if ((e = redirect_move(c, s, to, n)) == 0)
		return 0;
	/* What the kernel says to a bind of one that is connected. */
	if (op == NOP_BIND && (e == EISCONN || e == EALREADY))
		e = EINVAL;
	event_commit(c, e);
	return e;
}

/* The kernel answers netlink; another process behind it is somebody else. */
static int
judge_netlink(struct call *c, const struct sockname *n, enum net_op op)
{
	struct verdict v;

	if (op == NOP_BIND || (n->peer == 0 && n->groups == 0))
		return 0;
	event_begin(c, EV_NET);
	c->ev.fix.op = (uint8_t)op;
	c->ev.fix.family = AF_NETLINK;
	call_builtin(&v, BR_SYSCALL);
	return outcome(c, &v);
}

static void
unix_event(struct call *c, enum net_op op, const char *path, size_t len)
{
	event_begin(c, EV_UNIX);
	c->ev.fix.op = (uint8_t)op;
	c->ev.fix.family = AF_UNIX;
	event_text(c, EVS_PATH, path, len);
}

/* "@name" in the worker's text buffer. */
static size_t
abstract_text(struct call *c, const struct sockname *n)
{
	c->w->text[0] = '@';
	memcpy(c->w->text + 1, n->text, n->text_len);
	return n->text_len + 1;
}

static int
judge_abstract(struct call *c, const struct sockname *n, enum net_op op)
{
	size_t len = abstract_text(c, n);
	struct verdict v;
	bool own;

	unix_event(c, op, c->w->text, len);
	if (op == NOP_BIND)
		own = !image_settings(c->im)->has_unix_rules;
	else
		own = socktab_has_abstract(c->tracer->socks, c->w->text, len);
	if (own)
		allow_builtin(&v, BR_SESSION_OBJECT);
	else
		image_unix(c->im, op, c->w->text, len, &v);
	return outcome(c, &v);
}

static bool
file_of(int dir, const char *name, int flags, struct socktab_file *f)
{
	struct statx sx;

	if (statx(dir, name, flags, STATX_INO | STATX_BTIME | STATX_TYPE,
		&sx) == -1 ||
	    !S_ISSOCK(sx.stx_mode))
		return false;
	f->dev = (uint64_t)sx.stx_dev_major << 32 | sx.stx_dev_minor;
	f->ino = sx.stx_ino;
	f->birth_ns = 0;
	if (sx.stx_mask & STATX_BTIME)
		f->birth_ns = (uint64_t)sx.stx_btime.tv_sec * 1000000000u +
		    sx.stx_btime.tv_nsec;
	return true;
}

/* The session's own, or the one of the house that its programs may knock at. */
static bool
is_session_object(struct call *c, const struct pathres *r)
{
	const char *entry = c->tracer->entry_sock;
	struct socktab_file f;

	if (entry != NULL && strlen(entry) == r->len &&
	    memcmp(entry, r->canon, r->len) == 0)
		return true;
	return file_of(r->fd, "", AT_EMPTY_PATH, &f) &&
	    socktab_has_file(c->tracer->socks, &f);
}

/* A socket of the supervisor's own, or one below a directory of its own. */
static bool
is_of_the_house(const struct tracer *t, const struct pathres *r)
{
	for (unsigned int i = 0; i < t->own_cnt; i++) {
		size_t n = t->own[i].len;

		if (r->len >= n && memcmp(r->canon, t->own[i].path, n) == 0 &&
		    (r->len == n || r->canon[n] == '/'))
			return true;
	}
	return false;
}

/* The path, terminated, in the worker's first buffer. */
static void
path_text(struct call *c, const struct sockname *n)
{
	memcpy(c->w->path[0], n->text, n->text_len);
	c->w->path[0][n->text_len] = '\0';
}

/* Pin the socket file that n names and point to at it. */
static int
judge_path(struct call *c, const struct sockname *n, enum net_op op,
    struct sock_to *to)
{
	struct pathres *r = &c->w->res[0];
	struct sockaddr_un *un = (struct sockaddr_un *)&to->ss;
	struct verdict v;
	int e;

	path_text(c, n);
	e = pathres_resolve(c, AT_FDCWD, c->w->path[0], n->text_len,
	    PATHRES_OBJECT, r);
	if (e != 0) {
		fileops_failed(c, FOP_STAT, r, e);
		return -1;
	}
	to->pinned = true;
	unix_event(c, op, r->canon, r->len);
	if (is_session_object(c, r))
		allow_builtin(&v, BR_SESSION_OBJECT);
	else if (is_of_the_house(c->tracer, r))
		call_builtin(&v, BR_SUPERVISOR);
	else
		image_unix(c->im, op, r->canon, r->len, &v);
	if ((e = outcome(c, &v)) != 0) {
		sock_to_close(c, to);
		return e;
	}
	fileops_self(un->sun_path, r->fd);
	to->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(un->sun_path) + 1);
	return 0;
}

/* The new name is a new file, and then a socket. */
static int
judge_bind_path(struct call *c, const struct sockname *n, struct sock_to *to)
{
	struct pathres *r = &c->w->res[0];
	struct verdict v;
	int e;

	path_text(c, n);
	event_begin(c, EV_FILE);
	c->ev.fix.op = FOP_CREATE;
	e = pathres_resolve(c, AT_FDCWD, c->w->path[0], n->text_len,
	    PATHRES_PARENT, r);
	if (e != 0) {
		fileops_failed(c, FOP_CREATE, r, e);
		return -1;
	}
	to->pinned = true;
	if (!call_judge_file(c, FOP_CREATE, r->canon, r->len, &v)) {
		e = refused(c, &v);
		sock_to_close(c, to);
		return e;
	}
	unix_event(c, NOP_BIND, r->canon, r->len);
	if (image_settings(c->im)->has_unix_rules)
		image_unix(c->im, NOP_BIND, r->canon, r->len, &v);
	if ((e = outcome(c, &v)) != 0)
		sock_to_close(c, to);
	return e;
}

static int
judge(struct call *c, struct sock *s, enum net_op op, struct sock_to *to)
{
	const struct sockname *n = &to->name;

	switch (n->kind) {
	case SOCKNAME_INET:
		return judge_inet(c, s, n, op);
	case SOCKNAME_PATH:
		return op == NOP_BIND ? judge_bind_path(c, n, to) :
					judge_path(c, n, op, to);
	case SOCKNAME_ABSTRACT:
		return judge_abstract(c, n, op);
	case SOCKNAME_NETLINK:
		return judge_netlink(c, n, op);
	case SOCKNAME_NONE:
	case SOCKNAME_AUTO:
		break;
	}
	return 0;
}

/*
 * Who connects or sends to 0.0.0.0 or :: means this machine: the kernel takes the
 * loopback or, for IPv4, what the socket is bound to.  It is judged as the
 * loopback, so that is where it goes.
 */
static void
make_loopback(struct sock_to *to)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	struct sockname *n = &to->name;
	uint8_t *tail = n->addr.s6_addr + 12;

	if (memcmp(tail, "\0\0\0", 4) != 0)
		return;
	if (IN6_IS_ADDR_V4MAPPED(&n->addr))
		memcpy(tail, v4, sizeof(v4));
	else if (IN6_IS_ADDR_UNSPECIFIED(&n->addr))
		n->addr = in6addr_loopback;
	if (n->family == AF_INET6)
		memcpy(to->bytes + 8, &n->addr, sizeof(n->addr));
	else
		memcpy(to->bytes + 4, tail, sizeof(v4));
}

/* len bytes at copy, which stays until they are judged, are to's address. */
static int
take_name(struct call *c, struct sock *s, enum sockname_use use,
    enum net_op op, const char *copy, size_t len, struct sock_to *to)
{
	int e;

	/* name.text points into copy, which to->bytes may replace. */
	memcpy(to->bytes, copy, len);
	to->len = (socklen_t)len;
	e = sockname_read(s->domain, use, copy, len, &to->name);
	if (e != 0)
		return e;
	if (to->name.kind == SOCKNAME_INET && use != SOCKNAME_BIND)
		make_loopback(to);
	/* AF_UNSPEC names nobody as long as the socket is AF_INET6. */
	if (to->name.kind == SOCKNAME_NONE && use == SOCKNAME_SEND &&
	    sock_type(s) != SOCK_STREAM)
		to->len = 0;
	return judge(c, s, op, to);
}

int
sock_to_read(struct call *c, struct sock *s, enum sockname_use use,
    enum net_op op, uint64_t addr, int len, struct sock_to *to)
{
	char *copy = c->w->text + CALL_CANON_MAX - SOCKNAME_ADDR_MAX;
	int e;

	to->pinned = false;
	to->len = 0;
	if (len < 0 || len > SOCKNAME_ADDR_MAX)
		return EINVAL;
	if ((e = call_read(c, addr, copy, (size_t)len)) != 0)
		return e;
	return take_name(c, s, use, op, copy, (size_t)len, to);
}

bool
sock_wants_name(struct sock *s, int flags, uint64_t addr, int len)
{
	if (addr == 0)
		return false;
	/* TCP looks at it with MSG_FASTOPEN only, unix streams never. */
	if (s->domain == AF_INET || s->domain == AF_INET6)
		return sock_type(s) != SOCK_STREAM ||
		    (flags & MSG_FASTOPEN) != 0;
	return len != 0 &&
	    (s->domain != AF_UNIX || sock_type(s) == SOCK_DGRAM);
}

int
sock_to_judge(struct call *c, struct sock *s, const char *copy, size_t len,
    struct sock_to *to)
{
	bool stream = sock_type(s) == SOCK_STREAM;

	to->pinned = false;
	return take_name(c, s, SOCKNAME_SEND,
	    stream ? NOP_CONNECT : NOP_SENDTO, copy, len, to);
}

void
sock_to_none(struct sock *s, uint64_t addr, int len, struct sock_to *to)
{
	to->pinned = false;
	to->len = 0;
	/* Refused by the kernel, as one who is connected or not. */
	if (s->domain == AF_UNIX && addr != 0 && len != 0 &&
	    sock_type(s) == SOCK_STREAM) {
		to->sa.sa_family = AF_UNIX;
		to->len = sizeof(to->sa.sa_family);
	}
}

void
sock_to_close(struct call *c, struct sock_to *to)
{
	if (to->pinned)
		pathres_close(&c->w->res[0]);
	to->pinned = false;
}

/* Commit the event and answer. */
static void
done(struct call *c, long r, int e)
{
	event_commit(c, r == -1 ? e : 0);
	answer_result(c, r, e);
}

/* ---- connect ---- */

/* Connect to what was judged.  0 or an errno. */
static int
connect_judged(struct call *c, struct sock *s, const struct sock_to *to)
{
	int r;

	do
		r = connect(s->fd, &to->sa, to->len);
	while (r == -1 && errno == EINTR && !call_interrupted(c));
	return r == -1 ? errno : 0;
}

void
sock_ask_connect(struct call *c)
{
	struct sock_to to;
	struct sock s;
	int e;

	if (!sock_get(c, &s))
		return;
	e = sock_to_read(c, &s, SOCKNAME_CONNECT, NOP_CONNECT,
	    call_v(c, SR_ADDR), call_int(c, SR_ADDRLEN), &to);
	if (e != 0) {
		close(s.fd);
		if (e > 0)
			answer_errno(c, e);
		return;
	}
#ifdef CONTINUE_AFTER_CHECK
	(void)connect_judged;
	event_commit(c, 0);
	answer_continue(c);
#else
	e = connect_judged(c, &s, &to);
#endif
	/* First: a close() of the caller's must end what it ends. */
	sock_to_close(c, &to);
	close(s.fd);
#ifndef CONTINUE_AFTER_CHECK
	done(c, e == 0 ? 0 : -1, e);
#endif
}

/* ---- bind ---- */

/* Kernels stamp files with the coarse clock. */
static uint64_t
coarse_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/*
 * Make the socket file in the pinned parent.  What then has the name is the new file if it was
 * born since; another that was renamed over it meanwhile is older, and not ours.
 */
static int
bind_path(struct call *c, const struct sock *s)
{
	const struct pathres *r = &c->w->res[0];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(r->name);
	uint64_t before = coarse_now_ns();
	struct socktab_file f;
	int e;

	if (len >= sizeof(un.sun_path))
		return ENAMETOOLONG;
	/* The working directory must be this thread's alone. */
	if (!fileops_umask(c) || unshare(CLONE_FS) == -1)
		return EACCES;
	if (fchdir(r->dir) == -1)
		return errno;
	memcpy(un.sun_path, r->name, len);
	e = bind(s->fd, (struct sockaddr *)&un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
		    1)) == -1 ?
	    errno :
	    0;
	/* Not to keep somebody's directory busy. */
	if (fchdir(c->tracer->rootfd) == -1 || e != 0)
		return e;
	if (file_of(r->dir, r->name, AT_SYMLINK_NOFOLLOW, &f) &&
	    f.birth_ns >= before)
		socktab_add(c->tracer->socks, inode_of(s->fd), &f, r->canon,
		    r->len);
	return 0;
}

/* The name that the kernel chose, or that was given, as a policy spells it. */
static void
remember_abstract(struct call *c, const struct sock *s)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	struct sockname n;

	if (getsockname(s->fd, (struct sockaddr *)&un, &len) == -1 ||
	    sockname_read(AF_UNIX, SOCKNAME_BIND, &un, len, &n) != 0 ||
	    n.kind != SOCKNAME_ABSTRACT)
		return;
	socktab_add(c->tracer->socks, inode_of(s->fd), NULL, c->w->text,
	    abstract_text(c, &n));
}

void
sock_ask_bind(struct call *c)
{
	struct sock_to to;
	struct sock s;
	int e;

	if (!sock_get(c, &s))
		return;
	e = sock_to_read(c, &s, SOCKNAME_BIND, NOP_BIND, call_v(c, SR_ADDR),
	    call_int(c, SR_ADDRLEN), &to);
	if (e != 0) {
		close(s.fd);
		if (e > 0)
			answer_errno(c, e);
		return;
	}
	if (to.name.kind == SOCKNAME_PATH)
		e = bind_path(c, &s);
	else
		e = bind(s.fd, &to.sa, to.len) == -1 ? errno : 0;
	if (e == 0 && s.domain == AF_UNIX && to.name.kind != SOCKNAME_PATH)
		remember_abstract(c, &s);
	sock_to_close(c, &to);
	close(s.fd);
	done(c, e == 0 ? 0 : -1, e);
}

/* ---- listen ---- */

/* A rule that names what s was bound to may say no.  0, or the call is answered. */
static int
judge_listen(struct call *c, struct sock *s)
{
	struct verdict v;
	size_t len;

	if (s->domain != AF_UNIX ||
	    !socktab_name(c->tracer->socks, inode_of(s->fd), c->w->text,
		CALL_CANON_MAX, &len))
		return 0;
	image_unix(c->im, NOP_LISTEN, c->w->text, len, &v);
	if (v.rule & RULE_BUILTIN)
		allow_builtin(&v, BR_SESSION_OBJECT);
	unix_event(c, NOP_LISTEN, c->w->text, len);
	if (call_verdict(c, &v))
		return 0;
	call_refuse(c, &v, 0);
	return -1;
}

/*
 * What is listened on was bound, and judged, before; a rule that names it and says no to listen is
 * left to ask.  The call goes on itself where its descriptor stays what it is: peers are told by
 * SO_PEERCRED who listens.
 */
void
sock_ask_listen(struct call *c)
{
	struct sock s;
	int r;

	if (!image_settings(c->im)->has_unix_rules) {
		answer_continue(c);
		return;
	}
	if (!sock_get(c, &s))
		return;
	if (judge_listen(c, &s) == -1) {
		close(s.fd);
		return;
	}
	if (task_is_alone(c->tracer->tasks, c->task)) {
		close(s.fd);
		event_let_go(c);
		answer_continue(c);
		return;
	}
	r = listen(s.fd, (int)(uint32_t)c->rq->data.args[1]);
	close(s.fd);
	done(c, r, errno);
}
