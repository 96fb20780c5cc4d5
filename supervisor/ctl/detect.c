/*
 * agentshctl detect registries: the hosts of package registries that the
 * clients of this machine are configured to use, as a session of who asks would
 * be given them for `registries:` of its policy, and where each is written.
 * Needs no daemon.
 */

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "supervisor/ctl/ctl.h"
#include "supervisor/ctl/home.h"
#include "supervisor/ctl/out.h"
#include "supervisor/regfind.h"

/* clang-format off */
const struct opt detect_registries_opts[] = {
	{ "workspace", 'w', OPT_STRING, "directory", NULL,
	    "the session's workspace (this directory)" },
	{ "home", 0, OPT_STRING, "directory", NULL,
	    "the user's home (of who asks)" },
	/* for tests: another machine's files; what policyd is given */
	{ "root", 0, OPT_STRING, "directory", NULL, NULL },
	{ "raw", 0, OPT_FLAG, NULL, NULL, NULL },
	{ "json", 0, OPT_FLAG, NULL, NULL, "print JSON" },
	{ .kind = OPT_END },
};
/* clang-format on */

/* The canonical name of a directory, "" if there is none. */
static const char *
canonical(const char *dir, char buf[PATH_MAX])
{
	if (dir == NULL || realpath(dir, buf) == NULL)
		buf[0] = '\0';
	return buf;
}

static int
print_json(const struct ctl *c, const struct registries *r)
{
	json_t *list = json_array(), *j;
	uint32_t i;
	int code;

	for (i = 0; i < r->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}",
		    "ecosystem", registry_eco_name[r->v[i].eco], "host",
		    r->v[i].host, "level", r->v[i].user ? "user" : "system",
		    "from", r->v[i].from));
	j = json_pack("{s:o}", "registries", list);
	if (j == NULL)
		return ctl_fail(c, "out of memory");
	code = out_json(stdout, j) == -1 ? EXIT_FAIL : 0;
	json_decref(j);
	return code;
}

static int
by_eco(const void *a, const void *b)
{
	const struct registry_host *x = a, *y = b;

	return x->eco != y->eco ? x->eco - y->eco : x->user - y->user;
}

static void
print_table(const struct registries *r)
{
	uint32_t i, e, seen = 0, users = 0;

	printf("%-10s %-7s %-40s %s\n", "ECOSYSTEM", "LEVEL", "HOST", "FROM");
	for (i = 0; i < r->n; i++) {
		printf("%-10s %-7s %-40s %s\n",
		    registry_eco_name[r->v[i].eco],
		    r->v[i].user ? "user" : "system", r->v[i].host,
		    r->v[i].from);
		users += r->v[i].user;
		seen |= 1u << r->v[i].eco;
	}
	for (e = 0; e < REG_MAX; e++)
		if ((seen & (1u << e)) == 0)
			printf("%-10s %-7s\n", registry_eco_name[e], "none");
	if (users > 0)
		puts("\nWhat a session may write itself (user) counts with "
		    "network.user_registries only;\nof the environment, "
		    "nothing does.");
}

int
detect_registries_run(struct ctl *c, struct opts *o, const struct cmd *t)
{
	char dir[PATH_MAX], home[PATH_MAX], work[PATH_MAX];
	const char *own = home_of(getuid(), dir, sizeof(dir));
	struct registries r;

	(void)t;
	regfind(opts_str(o, "root", ""),
	    canonical(opts_str(o, "home", own), home),
	    canonical(opts_str(o, "workspace", "."), work), 1, &r);
	if (opts_flag(o, "raw"))
		return fwrite(&r, sizeof(r), 1, stdout) == 1 ? 0 : EXIT_FAIL;
	qsort(r.v, r.n, sizeof(r.v[0]), by_eco);
	if (r.dropped > 0)
		ctl_fail(c, "%u hosts more than there is room for", r.dropped);
	if (opts_flag(o, "json"))
		return print_json(c, &r);
	print_table(&r);
	return 0;
}
