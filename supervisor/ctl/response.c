/*
 * The ExecResponse of `agentsh exec --output json`: the original's shape,
 * filled from how the command ended and from the audit trail's events of that
 * command.  Runs as the user.  Reads events that control sent; member by
 * member, whatever is missing is absent.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "supervisor/ctl/events.h"
#include "supervisor/ctl/exec.h"
#include "supervisor/ctl/out.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum bucket { B_FILE, B_NET, B_BLOCKED, B_OTHER, B_MAX };

static const char *const bucket_tab[B_MAX] = {
	[B_FILE] = "file_operations",
	[B_NET] = "network_operations",
	[B_BLOCKED] = "blocked_operations",
	[B_OTHER] = "other",
};

static const struct {
	const char *prefix;
	enum bucket bucket;
} prefix_tab[] = {
	{ "file_", B_FILE },
	{ "dir_", B_FILE },
	{ "symlink_", B_FILE },
	{ "net_", B_NET },
	{ "dns_query", B_NET },
};

/* ---- which events are this command's ---- */

static bool
starts_command(const json_t *ev, int pid)
{
	const char *type = out_str(ev, "type");

	return (strcmp(type, "command_policy") == 0 ||
		   strcmp(type, "command_started") == 0) &&
	    json_integer_value(json_object_get(ev, "pid")) == pid &&
	    out_str(ev, "command_id")[0] != '\0';
}

json_t *
exec_own_events(const json_t *events, int pid)
{
	const char *id = NULL;
	json_t *ev, *own = json_array();
	size_t i;

	json_array_foreach(events, i, ev) if (id == NULL &&
	    starts_command(ev, pid)) id = out_str(ev, "command_id");
	if (id == NULL)
		return own;
	json_array_foreach(events, i,
	    ev) if (strcmp(out_str(ev, "command_id"), id) == 0)
	    json_array_append(own, ev);
	return own;
}

static bool
is_blocked(const json_t *ev)
{
	const json_t *policy = json_object_get(ev, "policy");
	const json_t *fields = json_object_get(ev, "fields");

	return strcmp(out_str(policy, "effective_decision"), "deny") == 0 ||
	    json_is_true(json_object_get(fields, "blocked"));
}

/* Has the trail come to the end of the command, or to its refusal? */
bool
exec_events_complete(const json_t *events)
{
	const char *type;
	json_t *ev;
	size_t i;

	json_array_foreach(events, i, ev)
	{
		type = out_str(ev, "type");
		if (strcmp(type, "command_finished") == 0 ||
		    strcmp(type, "command_killed") == 0 ||
		    (strcmp(type, "command_policy") == 0 && is_blocked(ev)))
			return true;
	}
	return false;
}

/* ---- the parts of the response ---- */

/* Members that are absent when they say nothing. */
static void
put_str(json_t *j, const char *key, const char *value)
{
	if (value != NULL && *value != '\0')
		json_object_set_new(j, key, json_string(value));
}

static void
put_int(json_t *j, const char *key, uint64_t value)
{
	if (value != 0)
		json_object_set_new(j, key, json_integer((json_int_t)value));
}

/* How many bytes at p are one well-formed UTF-8 character; 0 if none is. */
static size_t
utf8_len(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80	  ? 1 :
	    (p[0] & 0xe0) == 0xc0 ? 2 :
	    (p[0] & 0xf0) == 0xe0 ? 3 :
	    (p[0] & 0xf8) == 0xf0 ? 4 :
				    0;
	uint32_t v;
	size_t i;

	if (n <= 1 || n > len)
		return n == 1;
	v = p[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3fu);
	}
	return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 :
									     n;
}

/*
 * Output as a JSON string: bytes that are no UTF-8 become U+FFFD, as in the
 * original.
 */
static json_t *
text(const char *p, size_t len)
{
	const unsigned char *s = (const unsigned char *)p;
	char *buf = malloc(len * 3 + 1);
	size_t i, n, m = 0;
	json_t *j;

	if (buf == NULL)
		return NULL;
	for (i = 0; i < len; i += n == 0 ? 1 : n) {
		n = utf8_len(s + i, len - i);
		memcpy(buf + m, n == 0 ? "\357\277\275" : p + i,
		    n == 0 ? 3 : n);
		m += n == 0 ? 3 : n;
	}
	j = json_stringn(buf, m);
	free(buf);
	return j;
}

static void
put_stream(json_t *j, const struct capture *cap, const char *name, bool cut)
{
	char key[40];

	if (cap->len > 0)
		json_object_set_new(j, name, text(cap->buf, cap->len));
	snprintf(key, sizeof(key), "%s_truncated", name);
	if (cut || cap->total > cap->len)
		json_object_set_new(j, key, json_true());
}

static const char *
refusal_rule(const struct exec_end *e)
{
	return !e->entered && e->why.end == ENTER_REFUSED &&
		!enter_is_daemons(&e->why) ?
	    e->why.rule :
	    "";
}

static json_t *
suggestions(const char *reason)
{
	return json_pack("[{s:s, s:s, s:s}]", "action", "adjust_policy",
	    "command", "", "reason", reason);
}

#define ADVICE "operation denied by policy; adjust policy or change command"

/*
 * result.error: why there is no exit code of the command's own; NULL if there
 * is.
 */
static json_t *
make_error(const struct exec_end *e)
{
	bool denied = *refusal_rule(e) != '\0';
	json_t *j;

	if (e->entered && !e->timed_out)
		return NULL;
	j = json_pack("{s:s, s:s}", "code",
	    denied ? "E_POLICY_DENIED" : "E_COMMAND_FAILED", "message",
	    denied	     ? "command denied by policy" :
		e->timed_out ? "command timed out" :
			       "command could not be started");
	put_str(j, "policy_rule", refusal_rule(e));
	if (denied)
		json_object_set_new(j, "suggestions", suggestions(ADVICE));
	return j;
}

static json_t *
make_result(const struct exec_end *e)
{
	json_t *j = json_pack("{s:i}", "exit_code", e->exit_code), *error;

	put_stream(j, &e->out, "stdout", e->timed_out);
	put_stream(j, &e->err, "stderr", e->timed_out);
	put_int(j, "stdout_total_bytes", e->out.total);
	put_int(j, "stderr_total_bytes", e->err.total);
	json_object_set_new(j, "duration_ms",
	    json_integer((json_int_t)(e->duration_ns / 1000000)));
	if ((error = make_error(e)) != NULL)
		json_object_set_new(j, "error", error);
	return j;
}

static enum bucket
bucket_of(const json_t *ev)
{
	const char *type = out_str(ev, "type");
	size_t i;

	for (i = 0; i < COUNT(prefix_tab); i++)
		if (strncmp(type, prefix_tab[i].prefix,
			strlen(prefix_tab[i].prefix)) == 0)
			return prefix_tab[i].bucket;
	return B_OTHER;
}

/* Does a report of this kind show what falls into bucket b? */
static bool
is_shown(const char *kind, enum bucket b)
{
	if (strcmp(kind, "all") == 0)
		return true;
	return b == B_BLOCKED && strcmp(kind, "none") != 0;
}

static json_t *
make_events(const char *kind, const json_t *events)
{
	uint64_t cnt[B_MAX] = { 0 };
	json_t *list[B_MAX], *j = json_object(), *ev;
	enum bucket b;
	char key[40];
	size_t i;

	for (i = 0; i < B_MAX; i++)
		list[i] = json_array();
	json_array_foreach(events, i, ev)
	{
		b = bucket_of(ev);
		cnt[b]++;
		if (is_shown(kind, b))
			json_array_append(list[b], ev);
		if (!is_blocked(ev))
			continue;
		cnt[B_BLOCKED]++;
		if (is_shown(kind, B_BLOCKED))
			json_array_append(list[B_BLOCKED], ev);
	}
	for (i = 0; i < B_MAX; i++)
		if (i != B_OTHER || strcmp(kind, "all") == 0)
			json_object_set(j, bucket_tab[i], list[i]);
	for (i = 0; i < B_MAX; i++) {
		snprintf(key, sizeof(key), "%s_count", bucket_tab[i]);
		put_int(j, key, cnt[i]);
		json_decref(list[i]);
	}
	if (strcmp(kind, "summary") == 0 || strcmp(kind, "none") == 0)
		json_object_set_new(j, "truncated", json_true());
	return j;
}

static uint64_t
tv_ms(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * 1000 + (uint64_t)tv->tv_usec / 1000;
}

static void
put_resources(json_t *j, const struct exec_end *e)
{
	json_t *res = json_object();

	put_int(res, "cpu_user_ms", tv_ms(&e->usage.ru_utime));
	put_int(res, "cpu_system_ms", tv_ms(&e->usage.ru_stime));
	put_int(res, "memory_peak_kb", (uint64_t)e->usage.ru_maxrss);
	if (e->entered && json_object_size(res) > 0)
		json_object_set(j, "resources", res);
	json_decref(res);
}

/*
 * The refusal to speak of: the first by a rule that somebody wrote, for
 * programs look for many a file that no rule mentions; else the first.
 */
static const json_t *
telling_refusal(const json_t *events)
{
	const json_t *first = NULL;
	json_t *ev;
	size_t i;

	json_array_foreach(events, i, ev)
	{
		if (!is_blocked(ev))
			continue;
		if (json_object_get(json_object_get(ev, "fields"),
			"rule_line") != NULL)
			return ev;
		if (first == NULL)
			first = ev;
	}
	return first;
}

static json_t *
guide_denied(const struct exec_req *q, const char *rule)
{
	json_t *g = json_pack("{s:s, s:b, s:s, s:s}", "status", "blocked",
	    "blocked", 1, "reason", "command denied by policy", "policy_rule",
	    rule);

	put_str(g, "blocked_operation", "command_precheck");
	put_str(g, "blocked_target", q->command);
	json_object_set_new(g, "suggestions", suggestions(ADVICE));
	return g;
}

static json_t *
guide_blocked(const json_t *ev)
{
	const json_t *policy = json_object_get(ev, "policy");
	json_t *g = json_pack("{s:s, s:b, s:s}", "status", "blocked", "blocked",
	    1, "reason", "blocked by policy");
	const char *op = out_str(ev, "operation");

	put_str(g, "policy_rule", out_str(policy, "rule"));
	put_str(g, "blocked_operation", *op ? op : out_str(ev, "type"));
	put_str(g, "blocked_target", events_target(ev));
	json_object_set_new(g, "suggestions", suggestions(ADVICE));
	return g;
}

static json_t *
guide_timeout(void)
{
	json_t *g = json_pack("{s:s, s:b, s:s}", "status", "failed",
	    "retryable", 1, "reason", "command timed out");

	json_object_set_new(g, "substitutions",
	    json_pack("[{s:s, s:s, s:s}]", "action", "increase_timeout",
		"command", "agentsh exec --timeout 2m ...", "reason",
		"the command needs more time"));
	return g;
}

static json_t *
make_guidance(const struct exec_req *q, const struct exec_end *e,
    const json_t *events)
{
	const json_t *ev;

	if (*refusal_rule(e) != '\0')
		return guide_denied(q, refusal_rule(e));
	if (e->timed_out)
		return guide_timeout();
	if (e->exit_code == 0)
		return json_pack("{s:s}", "status", "ok");
	if (e->entered && (ev = telling_refusal(events)) != NULL)
		return guide_blocked(ev);
	return json_pack("{s:s, s:s}", "status", "failed", "reason",
	    "command failed");
}

/*
 * The id that the trail knows the command by; one of our own when it knows
 * none.
 */
static void
command_id(const json_t *events, char *buf, size_t size)
{
	const char *id = out_str(json_array_get(events, 0), "command_id");
	unsigned char b[16] = { 0 };
	size_t i, n;

	if (*id != '\0') {
		snprintf(buf, size, "%s", id);
		return;
	}
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		memset(b, 0, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	n = (size_t)snprintf(buf, size, "cmd-");
	for (i = 0; i < sizeof(b); i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

json_t *
exec_response(const struct exec_req *q, const struct exec_end *e,
    const char *session, json_t *events)
{
	char id[80], stamp[48];
	json_t *j;

	command_id(events, id, sizeof(id));
	exec_time(stamp, sizeof(stamp), e->start_ns);
	j = json_pack("{s:s, s:s, s:s}", "command_id", id, "session_id",
	    session, "timestamp", stamp);
	if (j == NULL)
		return NULL;
	json_object_set(j, "request", q->echo);
	json_object_set_new(j, "result", make_result(e));
	json_object_set_new(j, "events", make_events(q->events, events));
	put_resources(j, e);
	json_object_set_new(j, "guidance", make_guidance(q, e, events));
	return j;
}
