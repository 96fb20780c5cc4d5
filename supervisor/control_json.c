/*
 * Shapes of the API: what the original's clients send and expect, to and from
 * messages.  Runs in control.  Trusts nothing of a body or a query; must never pass on a
 * string with a NUL in it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "supervisor/control.h"

#define NS_PER_S UINT64_C(1000000000)

/* ---- out ---- */

/* 2026-01-01T00:00:00.123456789Z */
static json_t *
time_json(uint64_t ns)
{
	time_t t = (time_t)(ns / NS_PER_S);
	char day[32], out[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, sizeof(out), "%s.%09uZ", day,
	    (unsigned int)(ns % NS_PER_S));
	return json_string(out);
}

/* Bytes that are no UTF-8 become '?': JSON can hold no others. */
static json_t *
text_json(const char *s)
{
	json_t *j = json_string(s);
	char *copy, *p;

	if (j != NULL || (copy = strdup(s)) == NULL)
		return j;
	for (p = copy; *p != '\0'; p++) {
		if (*p & 0x80)
			*p = '?';
	}
	j = json_string(copy);
	free(copy);
	return j;
}

/* Lines to an array. */
static json_t *
lines_json(const char *text)
{
	json_t *a = json_array();
	char *copy = strdup(text), *save = NULL, *line;

	if (copy == NULL)
		return a;
	for (line = strtok_r(copy, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		json_array_append_new(a, text_json(line));
	free(copy);
	return a;
}

static const char *
state_word(const struct msg_session_item *it)
{
	static const char *const word[SES_STATE_MAX] = {
		[SES_REQUESTED] = "pending",
		[SES_CREATED] = "creating",
		[SES_LAUNCHING] = "starting",
		[SES_RUNNING] = "ready",
		[SES_STOPPING] = "stopping",
		[SES_REAPED] = "terminating",
		[SES_AUDITED] = "completed",
	};

	if (it->state >= SES_STATE_MAX)
		return "failed";
	if (it->state == SES_RUNNING && it->commands_running > 0)
		return "busy";
	return word[it->state];
}

json_t *
shape_session(const struct msg *m)
{
	const struct msg_session_item *it = msg_payload(m);
	const char *workspace = msg_str(m, 0), *policy = msg_str(m, 1);
	const char *root = msg_str(m, 2), *degraded = msg_str(m, 3);
	const char *not_built = msg_str(m, 4), *landlock = msg_str(m, 5);
	const char *proxy = msg_str(m, 6);
	json_t *j;

	if (landlock == NULL || memchr(it->id, '\0', sizeof(it->id)) == NULL ||
	    (j = json_object()) == NULL)
		return NULL;
	json_object_set_new(j, "id", json_string(it->id));
	json_object_set_new(j, "state", json_string(state_word(it)));
	json_object_set_new(j, "created_at", time_json(it->created_ns));
	json_object_set_new(j, "last_activity",
	    time_json(it->last_activity_ns));
	json_object_set_new(j, "workspace", text_json(workspace));
	json_object_set_new(j, "workspace_mount", text_json(workspace));
	json_object_set_new(j, "policy", text_json(policy));
	json_object_set_new(j, "cwd", text_json(workspace));
	json_object_set_new(j, "virtual_root", text_json(workspace));
	json_object_set_new(j, "project_root", text_json(root));
	json_object_set_new(j, "git_root", text_json(root));
	if (proxy != NULL && proxy[0] != '\0')
		json_object_set_new(j, "proxy_url", text_json(proxy));
	json_object_set_new(j, "uid", json_integer(it->uid));
	json_object_set_new(j, "commands_running",
	    json_integer(it->commands_running));
	json_object_set_new(j, "commands_total",
	    json_integer(it->commands_total));
	json_object_set_new(j, "tracer_pid", json_integer(it->tracer_pid));
	json_object_set_new(j, "degraded", lines_json(degraded));
	json_object_set_new(j, "not_built", lines_json(not_built));
	json_object_set_new(j, "landlock", text_json(landlock));
	return j;
}

/* ---- in ---- */

/* A string member and its NUL; absent is "".  -1: not a string, or too long. */
static int
add_member(const json_t *j, const char *key, char *tail, size_t size, size_t *n)
{
	const json_t *v = json_object_get(j, key);
	size_t len = 0;

	if (v != NULL && !json_is_null(v)) {
		if (!json_is_string(v))
			return -1;
		len = json_string_length(v);
		if (strlen(json_string_value(v)) != len || len + 1 > size - *n)
			return -1;
		memcpy(tail + *n, json_string_value(v), len);
	}
	if (len + 1 > size - *n)
		return -1;
	tail[*n + len] = '\0';
	*n += len + 1;
	return 0;
}

ssize_t
shape_create(const char *body, size_t len, char *tail, size_t size,
    const char **why)
{
	static const char *const keys[] = { "id", "workspace", "policy",
		"project_root" };
	json_t *j = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	size_t i, n = 0;

	*why = "invalid json";
	if (j == NULL || !json_is_object(j)) {
		json_decref(j);
		return -1;
	}
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (add_member(j, keys[i], tail, size, &n) == -1) {
			json_decref(j);
			return -1;
		}
	}
	json_decref(j);
	return (ssize_t)n;
}

/* ---- query strings ---- */

/* "90s", "1h30m": ns.  -1 when it is none. */
static int
parse_duration(const char *s, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} tab[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", NS_PER_S },
		{ "m", 60 * NS_PER_S },
		{ "h", 3600 * NS_PER_S },
		{ "d", 86400 * NS_PER_S },
	};
	uint64_t total = 0, v, one;
	size_t i, len;
	char *end;

	if (*s < '0' || *s > '9')
		return -1;
	while (*s != '\0') {
		if (*s < '0' || *s > '9')
			return -1;
		errno = 0;
		v = strtoull(s, &end, 10);
		len = strcspn(end, "0123456789");
		for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
			if (strlen(tab[i].unit) == len &&
			    strncmp(end, tab[i].unit, len) == 0)
				break;
		}
		if (errno != 0 || i == sizeof(tab) / sizeof(tab[0]) ||
		    __builtin_mul_overflow(v, tab[i].ns, &one) ||
		    __builtin_add_overflow(total, one, &total))
			return -1;
		s = end + len;
	}
	*ns = total;
	return 0;
}

/* Fraction and zone of an RFC 3339 time: ns to add, seconds to subtract. */
static int
parse_zone(const char *p, uint64_t *frac, long *offset)
{
	uint64_t unit = NS_PER_S;
	int h, m, i;

	*frac = 0;
	*offset = 0;
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			unit /= 10;
			*frac += (uint64_t)(*p - '0') * unit;
		}
	}
	if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return 0;
	if ((*p != '+' && *p != '-') || strlen(p) != 6 || p[3] != ':')
		return -1;
	for (i = 1; i < 6; i++) {
		if (i != 3 && (p[i] < '0' || p[i] > '9'))
			return -1;
	}
	h = (p[1] - '0') * 10 + p[2] - '0';
	m = (p[4] - '0') * 10 + p[5] - '0';
	*offset = (h * 3600L + m * 60L) * (*p == '-' ? -1 : 1);
	return 0;
}

/* RFC 3339, or a duration back from now. */
static int
parse_time(const char *s, uint64_t now_ns, uint64_t *ns)
{
	struct tm tm;
	const char *rest;
	uint64_t frac, back;
	long offset;
	time_t t;

	if (parse_duration(s, &back) == 0) {
		*ns = back < now_ns ? now_ns - back : 1;
		return 0;
	}
	memset(&tm, 0, sizeof(tm));
	rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL || parse_zone(rest, &frac, &offset) == -1)
		return -1;
	t = timegm(&tm) - offset;
	if (t < 0)
		return -1;
	/* Past what 64 bits hold lies no event: as far as they go. */
	*ns = t < INT64_MAX / (time_t)NS_PER_S ? (uint64_t)t * NS_PER_S + frac :
						 INT64_MAX;
	return 0;
}

static int
copy_arg(const struct evkeyvalq *args, const char *key, char *dst, size_t size)
{
	const char *v = evhttp_find_header(args, key);

	if (v == NULL)
		return 0;
	return (size_t)snprintf(dst, size, "%s", v) < size ? 0 : -1;
}

static int
number_arg(const struct evkeyvalq *args, const char *key, uint32_t *n)
{
	const char *v = evhttp_find_header(args, key);
	unsigned long u;
	char *end;

	if (v == NULL || *v == '\0')
		return 0;
	errno = 0;
	u = strtoul(v, &end, 10);
	if (*v < '0' || *v > '9' || *end != '\0' || errno != 0 ||
	    u > UINT32_MAX)
		return -1;
	*n = (uint32_t)u;
	return 0;
}

static int
time_arg(const struct evkeyvalq *args, const char *key, uint64_t now_ns,
    uint64_t *ns)
{
	const char *v = evhttp_find_header(args, key);

	return v == NULL || *v == '\0' ? 0 : parse_time(v, now_ns, ns);
}

ssize_t
shape_query(const struct evkeyvalq *args, uint64_t now_ns,
    struct msg_event_query *q, char *tail, size_t size, const char **why)
{
	const char *path = evhttp_find_header(args, "path_like");
	const char *text = evhttp_find_header(args, "text_like");
	const char *order = evhttp_find_header(args, "order");
	int n;

	if (path == NULL)
		path = evhttp_find_header(args, "domain_like");
	q->oldest_first = order != NULL && strcmp(order, "asc") == 0;
	*why = "invalid session_id, type or decision";
	if (copy_arg(args, "session_id", q->session, sizeof(q->session)) ==
		-1 ||
	    copy_arg(args, "type", q->type, sizeof(q->type)) == -1 ||
	    copy_arg(args, "decision", q->decision, sizeof(q->decision)) == -1)
		return -1;
	*why = "invalid limit or offset";
	if (number_arg(args, "limit", &q->limit) == -1 ||
	    number_arg(args, "offset", &q->offset) == -1)
		return -1;
	*why = "invalid since or until: RFC 3339, or a duration back from now";
	if (time_arg(args, "since", now_ns, &q->since_ns) == -1 ||
	    time_arg(args, "until", now_ns, &q->until_ns) == -1)
		return -1;
	*why = "command_id is not built yet";
	if (evhttp_find_header(args, "command_id") != NULL)
		return -1;
	*why = "path_like or text_like is too long";
	n = snprintf(tail, size, "%s%c%s", path != NULL ? path : "", 0,
	    text != NULL ? text : "");
	return n < 0 || (size_t)n + 1 > size ? -1 : n + 1;
}
