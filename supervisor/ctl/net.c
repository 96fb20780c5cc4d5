/*
 * agentshctl net: the names that a session knows, its connections, what was last
 * decided.  Runs as the user; whose sessions they are is decided by the daemon.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/ctl/api.h"
#include "supervisor/ctl/out.h"

#define VERDICTS "&type=dns_query,net_connect,net_http_request,dns_redirect," \
		 "connect_redirect"

/* clang-format off */
const struct opt net_opts[] = {
	{ "json", 0, OPT_FLAG, NULL, NULL, "print JSON" },
	{ "limit", 0, OPT_UINT, "number", NULL,
	    "how many of the last verdicts (20)" },
	{ "watch", 'w', OPT_FLAG, NULL, NULL,
	    "again every second, until interrupted" },
	{ .kind = OPT_END },
};
/* clang-format on */

static const char *
number(const json_t *j, const char *key, char buf[32])
{
	snprintf(buf, 32, "%" JSON_INTEGER_FORMAT,
	    json_integer_value(json_object_get(j, key)));
	return buf;
}

static void
head(struct table *t, const char *const *cells)
{
	struct table_row *r = table_add(t, cells);

	if (r != NULL)
		r->hue = HUE_BOLD;
}

static void
put(struct ctl *c, struct table *t)
{
	table_print(t, stdout, c->colour);
	table_clear(t);
}

static void
print_names(struct ctl *c, const json_t *j)
{
	struct table t;
	char left[32];
	size_t i;
	json_t *n;

	table_init(&t, 3);
	head(&t, (const char *[]) { "NAME", "ADDRESS", "SECONDS" });
	json_array_foreach(json_object_get(j, "names"), i, n) table_add(&t,
	    (const char *[]) { out_str(n, "name"), out_str(n, "address"),
		number(n, "expires_in", left) });
	put(c, &t);
}

static void
print_connections(struct ctl *c, const json_t *j)
{
	char to[128], up[32], down[32], port[32];
	struct table t;
	size_t i;
	json_t *n;

	table_init(&t, 6);
	head(&t,
	    (const char *[]) { "BY", "HOST", "ADDRESS", "UP", "DOWN",
		"RULE" });
	json_array_foreach(json_object_get(j, "connections"), i, n)
	{
		snprintf(to, sizeof(to), "%s %s", out_str(n, "address"),
		    json_object_get(n, "port") != NULL ?
			number(n, "port", port) :
			"");
		table_add(&t,
		    (const char *[]) { out_str(n, "proto"), out_str(n, "host"),
			to, number(n, "up", up), number(n, "down", down),
			out_str(n, "rule") });
	}
	put(c, &t);
}

static void
print_verdicts(struct ctl *c, const json_t *list)
{
	const json_t *p;
	struct table t;
	struct table_row *r;
	char what[512];
	size_t i;
	json_t *e;

	table_init(&t, 5);
	head(&t,
	    (const char *[]) { "TIME", "EVENT", "WHAT", "VERDICT", "RULE" });
	json_array_foreach(list, i, e)
	{
		p = json_object_get(e, "policy");
		snprintf(what, sizeof(what), "%s%s%s", out_str(e, "domain"),
		    out_str(e, "domain")[0] != '\0' ? " " : "",
		    out_str(e, "remote"));
		if (what[0] == '\0')
			snprintf(what, sizeof(what), "%s", out_str(e, "path"));
		r = table_add(&t,
		    (const char *[]) { out_str(e, "timestamp"),
			out_str(e, "type"), what,
			out_str(p, "effective_decision"), out_str(p, "rule") });
		if (r != NULL &&
		    strcmp(out_str(p, "effective_decision"), "deny") == 0)
			r->cell_hue[3] = HUE_RED;
	}
	put(c, &t);
}

/* Both answers of the daemon, owned; 0, or -1 when why has been printed. */
static int
get(struct ctl *c, const char *id, uint64_t limit, json_t **net,
    json_t **verdicts)
{
	char base[256] = "/api/v1/sessions", target[512];

	*net = *verdicts = NULL;
	if (api_segment(base, sizeof(base), id) == -1)
		return ctl_fail(c, "no session has so long a name");
	snprintf(target, sizeof(target), "%s/net", base);
	if ((*net = api_get(c, target)) == NULL)
		return -1;
	snprintf(target, sizeof(target),
	    "%s/history?limit=%" PRIu64 VERDICTS, base, limit);
	if ((*verdicts = api_get(c, target)) != NULL)
		return 0;
	json_decref(*net);
	return -1;
}

static int
show(struct ctl *c, struct opts *o)
{
	const struct optval *limit = opts_get(o, "limit");
	json_t *net, *verdicts;
	int code = 0;

	if (get(c, o->pos[0], limit->set ? limit->num : 20, &net,
		&verdicts) != 0)
		return EXIT_FAIL;
	if (opts_flag(o, "watch") && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	if (ctl_json(c, o)) {
		json_object_set(net, "verdicts", verdicts);
		code = out_json(stdout, net) == -1 ? EXIT_FAIL : 0;
	} else {
		print_names(c, net);
		puts("");
		print_connections(c, net);
		puts("");
		print_verdicts(c, verdicts);
	}
	json_decref(net);
	json_decref(verdicts);
	return fflush(stdout) == EOF ? EXIT_FAIL : code;
}

int
net_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	static const struct timespec second = { 1, 0 };
	int code;

	while ((code = show(c, o)) == 0 && opts_flag(o, "watch")) {
		nanosleep(&second, NULL);
		if (!isatty(STDOUT_FILENO) && !ctl_json(c, o))
			puts("");
	}
	return code;
}
