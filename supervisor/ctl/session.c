/*
 * agentsh session create, list, info, destroy: what the daemon says, in the
 * original's JSON or as a table.  Runs as the user; whose sessions they are is
 * decided by the daemon from the socket, never here.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/api.h"
#include "supervisor/ctl/out.h"
#include "supervisor/ctl/session.h"

#define SESSIONS "/api/v1/sessions"

/* clang-format off */
const struct opt session_create_opts[] = {
	{ "workspace", 0, OPT_STRING, "directory", NULL,
	    "what the session may work on (.)" },
	{ "policy", 0, OPT_STRING, "name", NULL,
	    "policy to live under (the configuration's default)" },
	{ "id", 0, OPT_STRING, "session", NULL,
	    "name of the session (made up)" },
	{ "json", 0, OPT_FLAG, NULL, NULL, "print the session as JSON" },
	{ "real-paths", 0, OPT_FLAG, NULL, NULL, NULL },
	{ .kind = OPT_END },
};

const struct opt session_show_opts[] = {
	{ "json", 0, OPT_FLAG, NULL, NULL, "print JSON" },
	{ .kind = OPT_END },
};

/* Members of a session that have a line of their own, and what it is called. */
static const struct {
	const char *key, *title;
} info_tab[] = {
	{ "id", "Session:" },
	{ "state", "State:" },
	{ "policy", "Policy:" },
	{ "workspace", "Workspace:" },
	{ "project_root", "Project root:" },
	{ "created_at", "Created:" },
	{ "proxy_url", "Proxy:" },
	{ "llm_proxy_url", "LLM proxy:" },
	{ "landlock", "Landlock:" },
	{ "degraded", "Degraded:" },
	{ "not_built", "Not built yet:" },
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

json_t *
session_request(const char *id, const char *workspace, const char *policy)
{
	char *real = realpath(workspace, NULL);
	json_t *j;

	if (real == NULL)
		return NULL;
	j = json_object();
	if (id != NULL)
		json_object_set_new(j, "id", json_string(id));
	json_object_set_new(j, "workspace", json_string(real));
	if (policy != NULL)
		json_object_set_new(j, "policy", json_string(policy));
	free(real);
	return j;
}

json_t *
session_make(const struct ctl *c, const char *id, const char *workspace,
    const char *policy)
{
	struct api_reply r;
	json_t *body, *j = NULL;

	if ((body = session_request(id, workspace, policy)) == NULL) {
		ctl_fail(c, "workspace %s: %s", workspace, strerror(errno));
		return NULL;
	}
	if (api_call(c, "POST", SESSIONS, body, &r) == -1)
		;
	else if (r.status != 201 || out_str(r.json, "id")[0] == '\0')
		api_refused("POST", SESSIONS, &r);
	else
		j = json_incref(r.json);
	api_clear(&r);
	json_decref(body);
	return j;
}

/* A member as text: a string, or the strings of an array one after another. */
static void
member_text(const json_t *j, const char *key, char *buf, size_t size)
{
	const json_t *m = json_object_get(j, key);
	char text[2048];
	size_t i, n = 0;
	json_t *one;

	snprintf(text, sizeof(text), "%s", out_str(j, key));
	json_array_foreach(m, i, one) if (json_is_string(one) &&
	    n < sizeof(text)) n += (size_t)snprintf(text + n, sizeof(text) - n,
	    "%s%s", i > 0 ? ", " : "", json_string_value(one));
	out_safe(buf, size, text);
}

/* A member that people should see, if the session has it. */
static void
print_member(const json_t *j, const char *key, const char *title)
{
	char text[2048];

	member_text(j, key, text, sizeof(text));
	if (*text != '\0')
		printf("  %s %s\n", title, text);
}

int
session_create_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	json_t *j;
	int code = 0;

	j = session_make(c, opts_str(o, "id", NULL),
	    opts_str(o, "workspace", "."), opts_str(o, "policy", NULL));
	if (j == NULL)
		return EXIT_FAIL;
	if (opts_flag(o, "json")) {
		code = out_json(stdout, j) == -1 ? EXIT_FAIL : 0;
	} else {
		printf("Session %s started\n", out_str(j, "id"));
		print_member(j, "proxy_url", "Proxy:");
		print_member(j, "degraded", "Degraded:");
		print_member(j, "not_built", "Not built yet:");
	}
	json_decref(j);
	return code;
}

static void
list_row(struct table *tab, const json_t *j)
{
	const char *state = out_str(j, "state");
	struct table_row *r;

	r = table_add(tab,
	    (const char *[]) { out_str(j, "id"), state, out_str(j, "policy"),
		out_str(j, "created_at"), out_str(j, "workspace") });
	if (r != NULL)
		r->cell_hue[1] = strcmp(state, "ready") == 0 ||
			strcmp(state, "busy") == 0 ?
		    HUE_GREEN :
		    HUE_YELLOW;
}

int
session_list_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	struct table tab;
	struct table_row *r;
	json_t *j, *one;
	size_t i;
	int code = 0;

	if ((j = api_get(c, SESSIONS)) == NULL)
		return EXIT_FAIL;
	if (ctl_json(c, o)) {
		code = out_json(stdout, j) == -1 ? EXIT_FAIL : 0;
	} else {
		table_init(&tab, 5);
		r = table_add(&tab,
		    (const char *[]) { "SESSION", "STATE", "POLICY", "CREATED",
			"WORKSPACE" });
		if (r != NULL)
			r->hue = HUE_BOLD;
		json_array_foreach(j, i, one) list_row(&tab, one);
		table_print(&tab, stdout, c->colour);
		table_clear(&tab);
	}
	json_decref(j);
	return code;
}

static void
print_info(const struct ctl *c, const json_t *j)
{
	struct table tab;
	struct table_row *r;
	char value[2048];
	size_t i;

	table_init(&tab, 2);
	for (i = 0; i < COUNT(info_tab); i++) {
		member_text(j, info_tab[i].key, value, sizeof(value));
		if (*value == '\0')
			continue;
		r = table_add(&tab,
		    (const char *[]) { info_tab[i].title, value });
		if (r != NULL)
			r->cell_hue[0] = HUE_BOLD;
	}
	table_print(&tab, stdout, c->colour);
	table_clear(&tab);
}

json_t *
session_get(const struct ctl *c, const char *id)
{
	char target[256] = SESSIONS;

	if (api_segment(target, sizeof(target), id) == -1) {
		ctl_fail(c, "no session has so long a name");
		return NULL;
	}
	return api_get(c, target);
}

int
session_info_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	json_t *j;
	int code = 0;

	if ((j = session_get(c, o->pos[0])) == NULL)
		return EXIT_FAIL;
	if (ctl_json(c, o))
		code = out_json(stdout, j) == -1 ? EXIT_FAIL : 0;
	else
		print_info(c, j);
	json_decref(j);
	return code;
}

static int
destroy(const struct ctl *c, const char *id)
{
	char target[256] = SESSIONS;
	struct api_reply r;
	int code = EXIT_FAIL;

	if (api_segment(target, sizeof(target), id) == -1)
		return ctl_fail(c, "no session has so long a name");
	if (api_call(c, "DELETE", target, NULL, &r) == 0) {
		if (r.status == 204 || r.status == 200)
			code = 0;
		else
			api_refused("DELETE", target, &r);
	}
	api_clear(&r);
	if (code == 0)
		puts("ok");
	return code;
}

int
session_destroy_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	int i, code = 0;

	for (i = 0; i < o->npos; i++)
		if (destroy(c, o->pos[i]) != 0)
			code = EXIT_FAIL;
	return code;
}

/* What policyd says of the files comes as text in either case. */
static void
print_diagnostics(const struct api_reply *r)
{
	const char *text = out_str(r->json, "diagnostics");
	char line[1024], safe[1024];
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		out_safe(safe, sizeof(safe), line);
		fprintf(stderr, "%s\n", safe);
	}
}

int
reload_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	struct api_reply r;
	int code = EXIT_FAIL;

	if (api_call(c, "POST", "/api/v1/reload", NULL, &r) == 0) {
		print_diagnostics(&r);
		code = r.status == 200 ?
		    0 :
		    api_refused("POST", "/api/v1/reload", &r);
	}
	if (code == 0)
		puts("ok");
	api_clear(&r);
	return code;
}
