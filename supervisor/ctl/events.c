/*
 * agentshctl events query and tail, audit verify: what auditd recorded, as JSON
 * or one line each.  Runs as the user, who is shown only what is his (root:
 * all), as the daemon decides.  Names in events were chosen by workloads: they
 * are never printed raw.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "supervisor/ctl/api.h"
#include "supervisor/ctl/events.h"
#include "supervisor/ctl/exec.h"
#include "supervisor/ctl/out.h"
#include "supervisor/ctl/summary.h"

#include "supervisor/ctl/sibling.h"

#define EVENTS_PAGE 5000 /* most that auditd gives at once */
#define EVENTS_ALL  "5000"

/* clang-format off */
const struct opt events_query_opts[] = {
	{ "session", 0, OPT_STRING, "session", NULL, "only of this session" },
	{ "type", 0, OPT_STRING, "type[,type]", NULL, "only of these types" },
	{ "decision", 0, OPT_STRING, "decision", NULL,
	    "only with this decision" },
	{ "since", 0, OPT_STRING, "time", NULL,
	    "not before: RFC 3339, or a duration back from now" },
	{ "until", 0, OPT_STRING, "time", NULL, "not after" },
	{ "path-like", 0, OPT_STRING, "pattern", NULL,
	    "only where the path is like this (% is any text)" },
	{ "domain-like", 0, OPT_STRING, "pattern", NULL, "the same of names" },
	{ "text-like", 0, OPT_STRING, "pattern", NULL,
	    "the same of the whole event" },
	{ "limit", 0, OPT_UINT, "number", NULL, "at most so many (200)" },
	{ "offset", 0, OPT_UINT, "number", NULL, "after so many (0)" },
	{ "order", 0, OPT_CHOICE, "asc|desc", NULL,
	    "oldest or newest first (desc)" },
	{ "summary", 0, OPT_FLAG, NULL, NULL,
	    "count equal events; of what was allowed, only by which rule" },
	{ "json", 0, OPT_FLAG, NULL, NULL, "print JSON" },
	{ .kind = OPT_END },
};

const struct opt events_tail_opts[] = {
	{ "session", 0, OPT_STRING, "session", NULL, "only of this session" },
	{ "type", 0, OPT_STRING, "type[,type]", NULL, "only of these types" },
	{ "decision", 0, OPT_STRING, "decision", NULL,
	    "only with this decision" },
	{ "json", 0, OPT_FLAG, NULL, NULL, "print JSON, one event a line" },
	{ .kind = OPT_END },
};

const struct opt audit_verify_opts[] = {
	{ "key-file", 'k', OPT_STRING, "file", NULL,
	    "key of the chain, for a database that is given" },
	{ "json", 0, OPT_FLAG, NULL, NULL, "print JSON" },
	{ .kind = OPT_END },
};

/* Option of events query -> parameter of the request. */
static const struct {
	const char *opt, *param;
} param_tab[] = {
	{ "session", "session_id" },
	{ "type", "type" },
	{ "decision", "decision" },
	{ "since", "since" },
	{ "until", "until" },
	{ "path-like", "path_like" },
	{ "domain-like", "domain_like" },
	{ "text-like", "text_like" },
	{ "limit", "limit" },
	{ "offset", "offset" },
	{ "order", "order" },
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define COLS	 6

/* The rule's decision, as a colour. */
static enum out_hue
decision_hue(const json_t *policy)
{
	const char *d = out_str(policy, "effective_decision");

	if (*d == '\0')
		d = out_str(policy, "decision");
	if (strcmp(d, "deny") == 0)
		return HUE_RED;
	return strcmp(d, "allow") == 0 ? HUE_GREEN : HUE_NONE;
}

/* What an event was about: the first of these that it has. */
const char *
events_target(const json_t *ev)
{
	static const char *const keys[] = { "path", "domain", "remote",
		"filename" };
	static const char *const fields[] = { "message", "path2", "comm" };
	const json_t *f = json_object_get(ev, "fields");
	const char *s = "";
	size_t i;

	for (i = 0; i < COUNT(keys) && *s == '\0'; i++)
		s = out_str(ev, keys[i]);
	for (i = 0; i < COUNT(fields) && *s == '\0'; i++)
		s = out_str(f, fields[i]);
	return s;
}

/* The same for people: a command with its arguments, cut to size. */
static void
target_text(const json_t *ev, char *buf, size_t size)
{
	const json_t *argv = json_object_get(ev, "argv");
	json_t *one;
	size_t i, n;

	n = (size_t)snprintf(buf, size, "%s", events_target(ev));
	json_array_foreach(argv, i, one)
	{
		if (i == 0 || n >= size || !json_is_string(one))
			continue;
		n += (size_t)snprintf(buf + n, size - n, " %s",
		    json_string_value(one));
	}
}

/*
 * "deny", or where what was written and what came of it differ: "approve:
 * deny".
 */
static void
decision_text(const json_t *policy, char *buf, size_t size)
{
	const char *d = out_str(policy, "decision");
	const char *e = out_str(policy, "effective_decision");
	bool plain = *e == '\0' || strcmp(d, e) == 0 || strcmp(e, "allow") == 0;

	snprintf(buf, size, "%s%s%s", d, plain ? "" : ": ", plain ? "" : e);
}

/* "2026-01-01T10:11:12.123456789Z" as "2026-01-01 10:11:12.123" */
static void
short_time(char *buf, size_t size, const char *ts)
{
	snprintf(buf, size, "%.23s", ts);
	if (strlen(buf) > 10 && buf[10] == 'T')
		buf[10] = ' ';
	buf[strcspn(buf, "Z+")] = '\0';
}

static struct table_row *
add_event(struct table *tab, const json_t *ev)
{
	const json_t *policy = json_object_get(ev, "policy");
	json_int_t n = json_integer_value(json_object_get(ev, "pid"));
	char time[32], pid[24] = "", target[512], decision[40];
	struct table_row *r;

	short_time(time, sizeof(time), out_str(ev, "timestamp"));
	if (n > 0)
		snprintf(pid, sizeof(pid), "%lld", (long long)n);
	target_text(ev, target, sizeof(target));
	decision_text(policy, decision, sizeof(decision));
	r = table_add(tab,
	    (const char *[]) { time, decision, out_str(ev, "type"), pid,
		out_str(policy, "rule"), target });
	if (r != NULL)
		r->cell_hue[1] = decision_hue(policy);
	return r;
}

static void
print_events(const struct ctl *c, const json_t *events)
{
	struct table tab;
	struct table_row *r;
	json_t *ev;
	size_t i;

	table_init(&tab, COLS);
	r = table_add(&tab,
	    (const char *[]) { "TIME", "DECISION", "TYPE", "PID", "RULE",
		"TARGET" });
	if (r != NULL)
		r->hue = HUE_BOLD;
	json_array_foreach(events, i, ev) add_event(&tab, ev);
	table_print(&tab, stdout, c->colour);
	table_clear(&tab);
}

/*
 * Options of o that are parameters, appended to target, those of a page only if
 * page.  0 or -1.
 */
static int
add_params(const struct opts *o, char *target, size_t size, bool page)
{
	size_t i, j;

	for (i = 0; i < COUNT(param_tab); i++) {
		if (!page && (strcmp(param_tab[i].opt, "limit") == 0 ||
		    strcmp(param_tab[i].opt, "offset") == 0))
			continue;
		for (j = 0; o->tab[j].kind != OPT_END; j++)
			if (strcmp(o->tab[j].name, param_tab[i].opt) == 0 &&
			    o->val[j].set &&
			    api_param(target, size, param_tab[i].param,
				o->val[j].str) == -1)
				return -1;
	}
	return 0;
}

static unsigned long long
number(const struct opts *o, const char *name, unsigned long long dflt)
{
	const char *s = opts_str(o, name, NULL);

	return s == NULL ? dflt : strtoull(s, NULL, 10);
}

/* limit events from offset on, as target asks for them.  NULL after a message. */
static json_t *
get_page(struct ctl *c, const char *target, unsigned long long offset,
    unsigned long long limit)
{
	char page[2304], num[32];

	snprintf(page, sizeof(page), "%s", target);
	snprintf(num, sizeof(num), "%llu", limit);
	if (api_param(page, sizeof(page), "limit", num) == -1)
		return NULL;
	snprintf(num, sizeof(num), "%llu", offset);
	if (api_param(page, sizeof(page), "offset", num) == -1)
		return NULL;
	return api_get(c, page);
}

/*
 * More than are given at once, page after page; what happens meanwhile is not of
 * them.
 */
static json_t *
get_pages(struct ctl *c, const struct opts *o)
{
	char target[2048] = "/api/v1/events/search", now[48];
	unsigned long long offset = number(o, "offset", 0), n,
	    left = number(o, "limit", EVENTS_PAGE);
	json_t *all = json_array(), *j = NULL;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	exec_time(now, sizeof(now),
	    (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
	if (all == NULL || add_params(o, target, sizeof(target), false) == -1 ||
	    (opts_str(o, "until", NULL) == NULL &&
	    api_param(target, sizeof(target), "until", now) == -1)) {
		ctl_fail(c, "the question is too long");
		json_decref(all);
		return NULL;
	}
	do {
		n = left < EVENTS_PAGE ? left : EVENTS_PAGE;
		if ((j = get_page(c, target, offset, n)) == NULL ||
		    (json_is_array(j) && json_array_extend(all, j) == -1)) {
			json_decref(j);
			json_decref(all);
			return NULL;
		}
		offset += n;
		left -= n;
		n = n == EVENTS_PAGE ? json_array_size(j) : 0;
		json_decref(j);
	} while (left > 0 && n == EVENTS_PAGE);
	if (json_array_size(all) != 0)
		return all;
	json_decref(all);
	return json_null(); /* as one page without any */
}

int
events_query_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	char target[2048] = "/api/v1/events/search";
	json_t *j;
	int code = 0;

	if (add_params(o, target, sizeof(target), true) == -1)
		return ctl_fail(c, "the question is too long");
	/* A summary is of all there is, unless asked otherwise. */
	if (opts_flag(o, "summary") &&
	    ((opts_str(o, "limit", NULL) == NULL &&
		 api_param(target, sizeof(target), "limit", EVENTS_ALL) == -1) ||
		(opts_str(o, "order", NULL) == NULL &&
		    api_param(target, sizeof(target), "order", "asc") == -1)))
		return ctl_fail(c, "the question is too long");
	j = number(o, "limit", 0) > EVENTS_PAGE ? get_pages(c, o) :
						  api_get(c, target);
	if (j == NULL)
		return EXIT_FAIL;
	if (opts_flag(o, "summary") && !opts_flag(o, "json"))
		code = summary_print(j, stdout, c->colour) == -1 ? EXIT_FAIL : 0;
	else if (ctl_json(c, o))
		code = out_json(stdout, j) == -1 ? EXIT_FAIL : 0;
	else
		print_events(c, j);
	json_decref(j);
	return code;
}

/* One event of a stream, as a line. */
static void
print_live(const struct ctl *c, const char *data, size_t len, bool json)
{
	struct table tab;
	json_t *ev;

	if ((ev = json_loadb(data, len, 0, NULL)) == NULL)
		return;
	if (json) {
		json_dumpf(ev, stdout, JSON_COMPACT);
		putchar('\n');
	} else if (json_object_get(ev, "type") != NULL) {
		table_init(&tab, COLS);
		add_event(&tab, ev);
		table_print(&tab, stdout, c->colour);
		table_clear(&tab);
	}
	json_decref(ev);
}

struct tail_arg {
	const struct ctl *c;
	bool json;
};

static void
tail_line(void *arg, const char *data, size_t len)
{
	const struct tail_arg *a = arg;

	if (len > 2 || memcmp(data, "{}", 2) != 0) /* not the "ready" */
		print_live(a->c, data, len, a->json);
}

static int
tail(struct ctl *c, struct http *h, bool json)
{
	struct events_lines *l = calloc(1, sizeof(*l));
	struct tail_arg arg = { c, json };
	char buf[8192];
	ssize_t n = -1;

	if (l == NULL)
		return ctl_fail(c, "out of memory");
	while ((n = http_read(h, buf, sizeof(buf))) > 0) {
		if (events_feed(l, buf, (size_t)n, tail_line, &arg) == -1) {
			n = -1;
			break;
		}
		if (fflush(stdout) == EOF)
			break;
	}
	free(l);
	return n == -1 ? ctl_fail(c, "the stream of events broke off") : 0;
}

int
events_tail_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	char target[2048] = "/api/v1/events";
	const char *session = opts_str(o, "session", NULL);
	struct http h;
	int code = EXIT_FAIL;

	if (o->npos > 0)
		session = o->pos[0];
	if (session != NULL) {
		strcpy(target, "/api/v1/sessions");
		if (api_segment(target, sizeof(target) - 8, session) == -1)
			return ctl_fail(c, "no session has so long a name");
		strcat(target, "/events");
	}
	if (add_params(o, target, sizeof(target), true) == -1)
		return ctl_fail(c, "the question is too long");
	if (api_stream(c, target, &h) == 0)
		code = tail(c, &h, ctl_json(c, o));
	http_close(&h);
	return code;
}

/* Verified N entries; broken: at which one and why. */
static int
print_verified(const json_t *j)
{
	bool ok = json_is_true(json_object_get(j, "ok"));
	json_int_t n = json_integer_value(json_object_get(j, "entries"));
	json_int_t at = json_integer_value(json_object_get(j, "broken_at"));
	char why[256];

	if (ok) {
		printf("Verified %lld entries\nChain intact: OK\n",
		    (long long)n);
		return 0;
	}
	out_safe(why, sizeof(why), out_str(j, "error"));
	printf("Chain BROKEN at entry %lld%s%s\n", (long long)at,
	    *why ? ": " : "", why);
	return EXIT_FAIL;
}

/* A database that is not in use: auditd reads it for us.  NULL: said why. */
static json_t *
verify_file(const struct ctl *c, const char *file, const char *key)
{
	const char *argv[] = { "agentsh-auditd", "-V", file,
		key == NULL ? NULL : "-k", key, NULL };
	char path[PATH_MAX], out[4096];
	json_t *j;

	if (sibling_path(path, sizeof(path), argv[0]) == -1 ||
	    sibling_run(path, (char *const *)(uintptr_t)argv, out,
		sizeof(out)) == -1) {
		ctl_fail(c, "agentsh-auditd: %s", strerror(errno));
		return NULL;
	}
	if ((j = json_loads(out, 0, NULL)) == NULL && *out != '\0')
		ctl_fail(c, "agentsh-auditd: cannot understand its answer");
	return j;
}

int
audit_verify_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	const char *key = opts_str(o, "key-file", NULL);
	json_t *j;
	int code;

	j = o->npos > 0 ? verify_file(c, o->pos[0], key) :
			  api_get(c, "/api/v1/audit/verify");
	if (j == NULL)
		return EXIT_FAIL;
	if (opts_flag(o, "json")) {
		code = json_is_true(json_object_get(j, "ok")) ? 0 : EXIT_FAIL;
		if (out_json(stdout, j) == -1)
			code = EXIT_FAIL;
	} else
		code = print_verified(j);
	json_decref(j);
	return code;
}
