/*
 * Records as JSON.  Runs in auditd on rows that it wrote; texts are a
 * stranger's bytes, and nothing of them reaches the output unescaped.  Keys
 * that have no value are left out, as the original does.
 */

#include "auditd/event_json.h"

#include <sys/wait.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- text that grows ---- */

void
jbuf_free(struct jbuf *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

static bool
grow(struct jbuf *b, size_t more)
{
	size_t size = b->size == 0 ? 4096 : b->size;
	char *p;

	if (b->failed)
		return false;
	while (size - b->len < more + 1)
		size *= 2;
	if (size == b->size)
		return true;
	p = realloc(b->p, size);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->size = size;
	return true;
}

void
jbuf_add(struct jbuf *b, const char *s, size_t len)
{
	if (len == 0 || !grow(b, len))
		return;
	memcpy(b->p + b->len, s, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void
jbuf_puts(struct jbuf *b, const char *s)
{
	jbuf_add(b, s, strlen(s));
}

void
jbuf_printf(struct jbuf *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		jbuf_add(b, text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Length of the well-formed UTF-8 sequence at s, or 0. */
static size_t
utf8_len(const uint8_t *s, size_t len)
{
	static const struct {
		uint8_t lo, hi, lo2, hi2;
		size_t n;
	} tab[] = {
		{ 0x00, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, k;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		if (s[0] < tab[i].lo || s[0] > tab[i].hi)
			continue;
		if (tab[i].n > len)
			return 0;
		for (k = 1; k < tab[i].n; k++) {
			if (s[k] < (k == 1 ? tab[i].lo2 : 0x80) ||
			    s[k] > (k == 1 ? tab[i].hi2 : 0xbf))
				return 0;
		}
		return tab[i].n;
	}
	return 0;
}

static void
escape(struct jbuf *b, uint8_t c)
{
	static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
	const char *p = c == 0 ? NULL : strchr(from, c);

	if (p != NULL)
		jbuf_printf(b, "\\%c", to[p - from]);
	else
		jbuf_printf(b, "\\u%04x", c);
}

bool
jbuf_string(struct jbuf *b, const char *str, size_t len)
{
	const uint8_t *s = (const uint8_t *)str;
	bool clean = true;
	size_t i, n;

	jbuf_add(b, "\"", 1);
	for (i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		/* A NUL is legal in JSON, and more than many readers bear. */
		if (n == 0 || s[i] == 0) {
			jbuf_puts(b, "\\ufffd");
			clean = false;
			n = 1;
		} else if (n == 1 &&
		    (s[i] < 0x20 || s[i] == '"' || s[i] == '\\' ||
			s[i] == 0x7f))
			escape(b, s[i]);
		else
			jbuf_add(b, str + i, n);
	}
	jbuf_add(b, "\"", 1);
	return clean;
}

/* ---- members; each begins with its comma, and id is always first ---- */

static void
key(struct jbuf *b, const char *name)
{
	if (b->len != 0 && b->p[b->len - 1] != '{')
		jbuf_add(b, ",", 1);
	jbuf_printf(b, "\"%s\":", name);
}

static void
add_text(struct jbuf *b, const char *name, const char *s, size_t len)
{
	size_t i;

	if (len == 0)
		return;
	key(b, name);
	if (jbuf_string(b, s, len))
		return;
	jbuf_printf(b, ",\"%s_hex\":\"", name);
	for (i = 0; i < len; i++)
		jbuf_printf(b, "%02x", (uint8_t)s[i]);
	jbuf_add(b, "\"", 1);
}

static void
add_str(struct jbuf *b, const char *name, const char *s)
{
	add_text(b, name, s, strlen(s));
}

static void
add_evs(struct jbuf *b, const char *name, const struct evrec *e, enum ev_text i)
{
	add_text(b, name, e->text[i].p, e->text[i].len);
}

static void
add_int(struct jbuf *b, const char *name, int64_t v)
{
	if (v == 0)
		return;
	key(b, name);
	jbuf_printf(b, "%lld", (long long)v);
}

static void
add_time(struct jbuf *b, const char *name, uint64_t ns)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;
	char text[40];

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	key(b, name);
	jbuf_printf(b, "\"%s.%09lluZ\"", text,
	    (unsigned long long)(ns % 1000000000));
}

/* Strings one after another, each with its NUL (the last may have lost it). */
static void
add_argv(struct jbuf *b, const char *name, const char *p, size_t len)
{
	const char *end, *nul;

	if (len == 0)
		return;
	end = p + len;
	key(b, name);
	jbuf_add(b, "[", 1);
	while (p < end) {
		nul = memchr(p, '\0', (size_t)(end - p));
		if (nul == NULL)
			nul = end;
		(void)jbuf_string(b, p, (size_t)(nul - p));
		p = nul + 1;
		if (p < end)
			jbuf_add(b, ",", 1);
	}
	jbuf_add(b, "]", 1);
}

/* ---- parts of an event ---- */

static void
add_policy(struct jbuf *b, const struct evrec *e)
{
	if (!evrec_is_judged(&e->fix))
		return;
	key(b, "policy");
	jbuf_add(b, "{", 1);
	add_str(b, "decision", decision_name[e->fix.decision]);
	add_str(b, "effective_decision", e->fix.allowed ? "allow" : "deny");
	add_evs(b, "rule", e, EVS_RULE);
	add_evs(b, "message", e, EVS_MESSAGE);
	jbuf_add(b, "}", 1);
}

static bool
has_argv(const struct evrec_fix *f)
{
	return f->type == EV_EXEC || f->type == EV_COMMAND_POLICY ||
	    f->type == EV_COMMAND_STARTED;
}

/* The object is a name of the net. */
static bool
is_domain(const struct evrec_fix *f)
{
	return f->type == EV_DNS || f->type == EV_NET ||
	    f->type == EV_DNS_REDIRECT || f->type == EV_CONNECT_REDIRECT;
}

static void
add_object(struct jbuf *b, const struct evrec *e)
{
	char remote[64];

	if (e->fix.type == EV_EXEC)
		add_evs(b, "filename", e, EVS_PATH);
	if (has_argv(&e->fix))
		add_argv(b, "argv", e->text[EVS_PATH2].p,
		    e->text[EVS_PATH2].len);
	if (e->fix.flags & EVF_TRUNCATED)
		jbuf_puts(b, ",\"truncated\":true");
	add_evs(b, is_domain(&e->fix) ? "domain" : "path", e, EVS_PATH);
	if (e->fix.type == EV_UNIX && e->text[EVS_PATH].len != 0 &&
	    e->text[EVS_PATH].p[0] == '@')
		jbuf_puts(b, ",\"abstract\":true");
	store_remote(&e->fix, remote, sizeof(remote));
	add_str(b, "remote", remote);
	add_str(b, "operation", evrec_op_name(&e->fix));
	if (evrec_is_judged(&e->fix))
		add_str(b, "effective_action",
		    e->fix.allowed ? "allowed" : "blocked");
}

static void
add_wait_status(struct jbuf *b, const struct evrec_fix *f)
{
	int st = (int)f->value;

	if (WIFEXITED(st)) {
		key(b, "exit_code");
		jbuf_printf(b, "%d", WEXITSTATUS(st));
	} else if (WIFSIGNALED(st)) {
		key(b, "exit_code");
		jbuf_printf(b, "%d", 128 + WTERMSIG(st));
		add_int(b, "signal", WTERMSIG(st));
	}
	if (f->type != EV_CHILD_DIED && f->type != EV_TRACER_DIED) {
		key(b, "duration_ms");
		jbuf_printf(b, "%lld", (long long)(f->value2 / 1000000));
	}
}

/* What value and value2 mean, by type. */
static void
add_values(struct jbuf *b, const struct evrec_fix *f)
{
	switch ((enum ev_type)f->type) {
	case EV_SIGNAL:
		add_int(b, "signal", f->value);
		add_int(b, "target_pid", f->value2);
		break;
	case EV_COMMAND_FINISHED:
	case EV_COMMAND_KILLED:
	case EV_PROCESS_EXIT:
	case EV_CHILD_DIED:
	case EV_TRACER_DIED:
		add_wait_status(b, f);
		break;
	case EV_EVENTS_DROPPED:
	case EV_RECORDS_LOST:
		add_int(b, "count", f->value);
		break;
	case EV_DNS:
		add_int(b, "query_type", f->value);
		break;
	case EV_HTTP:
		add_int(b, "status", f->value);
		break;
	case EV_FILE:
		add_int(b, "flags", f->value);
		add_int(b, "mode", f->value2);
		break;
	case EV_NONE:
	case EV_EXEC:
	case EV_NET:
	case EV_DNS_REDIRECT:
	case EV_CONNECT_REDIRECT:
	case EV_UNIX:
	case EV_ENV:
	case EV_SYSCALL:
	case EV_COMMAND_POLICY:
	case EV_COMMAND_STARTED:
	case EV_SOFT_DELETED:
	case EV_SESSION_CREATED:
	case EV_SESSION_UPDATED:
	case EV_SESSION_EXPIRED:
	case EV_SESSION_DESTROYED:
	case EV_POLICY_LOADED:
	case EV_POLICY_CHANGED:
	case EV_CGROUP_APPLIED:
	case EV_CGROUP_FAILED:
	case EV_DEGRADED:
	case EV_NOT_BUILT:
	case EV_DAEMON_STARTED:
	case EV_DAEMON_STOPPED:
	case EV_MAX:
		break;
	}
}

static void
add_fields(struct jbuf *b, const struct store_row *row)
{
	const struct evrec *e = &row->rec;
	const struct evrec_fix *f = &e->fix;

	key(b, "fields");
	jbuf_add(b, "{", 1);
	if (evrec_is_judged(f))
		add_str(b, "layer", layer_name[f->layer]);
	add_evs(b, "rule_file", e, EVS_FILE);
	add_int(b, "rule_line", f->rule_line);
	if (!has_argv(f))
		add_evs(b, f->type == EV_SOFT_DELETED ? "trash_token" : "path2",
		    e, EVS_PATH2);
	add_evs(b, "exe", e, EVS_EXE);
	add_text(b, "comm", f->comm, strnlen(f->comm, EVREC_COMM));
	add_int(b, "tid", f->tid != f->pid ? f->tid : 0);
	add_int(b, "uid", f->uid);
	if (evrec_is_judged(f) && (f->flags & EVF_NO_SYSCALL) == 0) {
		key(b, "syscall_nr");
		jbuf_printf(b, "%d", f->syscall);
	}
	add_int(b, "errno", f->error);
	if (f->flags & EVF_LET_GO) {
		key(b, "let_go");
		jbuf_puts(b, "true");
	}
	if (!evrec_is_judged(f))
		add_evs(b, "message", e, EVS_MESSAGE);
	add_int(b, "duration_ns", (int64_t)f->duration_ns);
	if (row->count > 1) {
		add_int(b, "count", row->count);
		add_time(b, "last_timestamp", f->time_ns + row->span_ns);
	}
	add_values(b, f);
	jbuf_add(b, "}", 1);
}

static const char *const source_tab[LAYER_MAX] = {
	[LAYER_NONE] = "",
	[LAYER_BPF] = "seccomp",
	[LAYER_LANDLOCK] = "landlock",
	[LAYER_TRACER] = "seccomp",
	[LAYER_PROXY] = "proxy",
	[LAYER_LAUNCHER] = "launcher",
};

void
event_json(struct jbuf *b, const struct store_row *row)
{
	const struct evrec *e = &row->rec;
	const struct evrec_fix *f = &e->fix;

	jbuf_printf(b, "{\"id\":\"ev-%llu\"", (unsigned long long)row->id);
	add_time(b, "timestamp", f->time_ns);
	add_str(b, "type", evrec_type_name(f));
	key(b, "session_id");
	(void)jbuf_string(b, row->session.id, strlen(row->session.id));
	if (f->command != 0)
		jbuf_printf(b, ",\"command_id\":\"cmd-%u\"", f->command);
	add_str(b, "source", source_tab[f->layer]);
	add_int(b, "pid", f->pid);
	add_policy(b, e);
	add_int(b, "parent_pid", f->ppid);
	add_int(b, "depth", f->depth);
	add_object(b, e);
	add_fields(b, row);
	jbuf_add(b, "}", 1);
}
