/*
 * config.yaml into struct config: defaults, explicit zeros, aliases, variables,
 * what is said about keys without effect, and that the table itself is sound.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/feedconf.h"
#include "policyd/config.h"
#include "policyd/configtab.h"
#include "policyd/diag.h"

#define SEC UINT64_C(1000000000)

static struct config *
load_opts(const char *text, const struct config_opts *o, struct diag *d)
{
	diag_init(d);
	return config_load("c.yaml", text, strlen(text), o, d);
}

static struct config *
load(const char *text)
{
	struct config *c;
	struct diag d;

	if ((c = load_opts(text, NULL, &d)) == NULL)
		fail_msg("%s", d.v[0].text);
	diag_clear(&d);
	return c;
}

static void
empty_file_gives_defaults(void **state)
{
	struct config *c = load("");

	assert_string_equal(c->policy_dir.s, "/etc/agentsh/policies");
	assert_string_equal(c->policy_default.s, "default");
	assert_string_equal(c->sessions_dir.s, "/var/lib/agentsh/sessions");
	assert_string_equal(c->audit_db.s, "/var/lib/agentsh/events.db");
	assert_int_equal(c->max_sessions, 100);
	assert_int_equal(c->cleanup_interval_ns, 60 * SEC);
	assert_int_equal(c->log_level, CLOG_INFO);
	assert_int_equal(c->baseline, 1);
	assert_int_equal(c->allow_degraded, 0);
	assert_int_equal(c->approvals_enabled, 0);
	assert_int_equal(c->approvals_timeout_ns, 300 * SEC);
	assert_int_equal(c->approvals_when_disabled, CWD_DENY);
	assert_int_equal(c->audit_when_full, CRING_BLOCK);
	assert_int_equal(c->metadata, 0);
	assert_int_equal(c->unix_sockets.set, 0);
	assert_non_null(c->cgroups_base.s);
	config_free(c);
}

static void
explicit_zero_false_and_empty_stand(void **state)
{
	struct config *c = load("sessions: {max_sessions: 0}\n"
				"sandbox: {baseline: false, enabled: no}\n"
				"audit: {storage: {batch_size: 0}}\n"
				"policies: {allowed: []}\n"
				"approvals: {timeout: 0}\n");

	assert_int_equal(c->max_sessions, 0);
	assert_int_equal(c->baseline, 0);
	assert_int_equal(c->sandbox_enabled, 0);
	assert_int_equal(c->audit_batch, 0);
	assert_int_equal(c->approvals_timeout_ns, 0);
	assert_int_equal(c->policy_allowed.n, 0);
	assert_int_not_equal(c->policy_allowed.pos.line, 0);
	config_free(c);
}

static void
null_leaves_the_default(void **state)
{
	struct config *c = load("sessions:\npolicies: {dir: ~}\n"
				"sandbox: {baseline: null}\n");

	assert_string_equal(c->policy_dir.s, "/etc/agentsh/policies");
	assert_int_equal(c->baseline, 1);
	config_free(c);
}

static void
aliases_set_the_key_they_stand_for(void **state)
{
	struct config *c = load("policies: {default_policy: strict}\n"
				"sandbox: {seccomp: {file_monitor: "
				"{intercept_metadata: true}}}\n");

	assert_string_equal(c->policy_default.s, "strict");
	assert_int_equal(c->metadata, 1);
	assert_int_equal(c->unknown, 0);
	config_free(c);
	c = load("approvals: {mode: async}\n");
	assert_int_equal(c->approvals_mode, CAPP_API);
	config_free(c);
}

static void
variables_expand_only_where_defined(void **state)
{
	static const struct var tab[] = { { "STATE", "/srv/state" } };
	static const struct vars vars = { tab, 1 };
	struct config_opts o = { .vars = &vars };
	struct config *c;
	struct diag d;

	c = load_opts("sessions: {base_dir: '${STATE}/s'}\n"
		      "audit: {storage: {sqlite_path: '${NOBODY}/$STATE/$1'}}\n"
		      "logging: {output: '${NOBODY:-stderr}'}\n"
		      "sandbox: {env_inject: {A: 'x${STATE}y'}}\n",
	    &o, &d);
	assert_non_null(c);
	assert_string_equal(c->sessions_dir.s, "/srv/state/s");
	assert_string_equal(c->audit_db.s, "${NOBODY}/$STATE/$1");
	assert_string_equal(c->log_output.s, "stderr");
	assert_string_equal(c->env_inject.v[0].value.s, "x/srv/statey");
	config_free(c);
	diag_clear(&d);
}

static int
noted(const struct config_notes *ns, const char *key)
{
	unsigned int i;

	for (i = 0; i < ns->n; i++) {
		if (strcmp(ns->v[i].key, key) == 0)
			return 1;
	}
	return 0;
}

static void
parts_not_built_are_listed_when_switched_on(void **state)
{
	struct config *c = load("sandbox:\n"
				"  ptrace: {enabled: true}\n"
				"  fuse: {enabled: false}\n"
				"proxy: {mode: disabled}\n"
				"dlp: {mode: redact}\n"
				"development: {verbose_errors: true}\n");

	assert_int_equal(noted(&c->not_built, "sandbox.ptrace.enabled"), 1);
	assert_int_equal(noted(&c->not_built, "dlp.mode"), 1);
	assert_int_equal(noted(&c->not_built, "sandbox.fuse.enabled"), 0);
	assert_int_equal(noted(&c->not_built, "proxy.mode"), 0);
	assert_int_equal(c->not_built.n, 2);
	assert_int_equal(noted(&c->no_effect, "development.verbose_errors"), 1);
	assert_string_equal(c->not_built.v[0].part, "ptrace engine");
	assert_int_equal(c->not_built.v[0].pos.line, 2);
	config_free(c);
}

static void
strict_turns_unknown_keys_into_errors(void **state)
{
	static const char text[] = "sandbox: {enabld: true}\n";
	struct config_opts o = { .strict = 1 };
	struct config *c;
	struct diag d;

	c = load_opts(text, NULL, &d);
	assert_non_null(c);
	assert_int_equal(c->unknown, 1);
	assert_int_equal(d.warnings, 1);
	assert_non_null(strstr(d.v[0].text, "\"sandbox.enabled\" meant"));
	config_free(c);
	diag_clear(&d);
	assert_null(load_opts(text, &o, &d));
	assert_int_equal(d.errors, 1);
	diag_clear(&d);
	/* A part that is only not built yet is no mistake of the file's. */
	c = load_opts("sandbox: {fuse: {enabled: true}}\n", &o, &d);
	assert_non_null(c);
	config_free(c);
	diag_clear(&d);
}

static void
dotted_key_is_not_two(void **state)
{
	struct config *c = load("sandbox.baseline: false\n");

	assert_int_equal(c->baseline, 1);
	assert_int_equal(c->unknown, 1);
	config_free(c);
}

static void
warnings_are_bounded_and_counted(void **state)
{
	char *text = malloc(20000);
	struct config *c;
	struct diag d;
	size_t used = 0;
	int i;

	assert_non_null(text);
	for (i = 0; i < 1000; i++)
		used += (size_t)snprintf(text + used, 20000 - used, "k%d: 1\n",
		    i);
	c = load_opts(text, NULL, &d);
	assert_non_null(c);
	assert_int_equal(c->unknown, 1000);
	assert_int_equal(d.warnings, 1000);
	assert_int_equal(d.n, DIAG_WARNINGS_MAX);
	config_free(c);
	diag_clear(&d);
	free(text);
}

/* What the walk relies on. */
static void
table_has_no_double_and_no_key_below_a_key(void **state)
{
	const struct ckey *k, *m;
	size_t n;

	for (k = configtab; k->path != NULL; k++) {
		n = strlen(k->path);
		assert_true(n < 200);
		assert_int_equal(k->type == CT_WORD, k->words != NULL);
		if (k->kind == CK_SWITCH || k->kind == CK_LATER)
			assert_non_null(k->part);
		if (k->kind == CK_LIVE)
			assert_true(k->off != CONFIGTAB_NOSTORE ||
			    k->type == CT_ANY);
		for (m = k + 1; m->path != NULL; m++) {
			if (strcmp(k->path, m->path) == 0 ||
			    (strncmp(k->path, m->path, n) == 0 &&
				m->path[n] == '.'))
				fail_msg("%s and %s", k->path, m->path);
		}
	}
}

#define FEED(more)                                                     \
	"threat_feeds:\n  enabled: true\n  feeds:\n    - {name: far, " \
	"url: \"https://feeds.test/list\", format: hostfile}\n" more

static void
feeds_become_rows(void **state)
{
	struct config *c = load(
	    "threat_feeds:\n"
	    "  enabled: true\n  action: audit\n  sync_interval: 2h\n"
	    "  cache_dir: /c\n  feeds:\n"
	    "    - {name: far, url: \"https://feeds.test/l\", "
	    "format: hostfile, action: deny}\n"
	    "    - {name: near, url: \"file:///etc/n\", "
	    "format: domain-list}\n"
	    "  local_lists: [/a/my list.txt, \"file:///b/l\"]\n"
	    "  allowlist: [ok.test, \"*.fine.test\"]\n");
	const struct feedconf *f = c->feeds;

	assert_non_null(f);
	assert_int_equal(feedconf_check(f), 0);
	assert_int_equal(f->nrows, 4);
	assert_int_equal(f->interval_ns, 7200 * SEC);
	assert_string_equal(f->cache_dir, "/c");
	assert_string_equal(f->row[0].name, "far");
	assert_string_equal(f->row[0].where, "https://feeds.test/l");
	assert_int_equal(f->row[0].format, 0);
	assert_int_equal(f->row[0].audit, 0);
	assert_int_equal(f->row[0].local, 0);
	assert_string_equal(f->row[1].where, "/etc/n");
	assert_int_equal(f->row[1].format, 1);
	assert_int_equal(f->row[1].audit, 1);
	assert_int_equal(f->row[1].local, 1);
	assert_string_equal(f->row[2].where, "/a/my list.txt");
	assert_memory_equal(f->row[2].name, "local:my_list.txt.", 18);
	assert_int_equal(strlen(f->row[2].name), 18 + 8);
	assert_string_equal(f->row[3].where, "/b/l");
	assert_int_equal(f->allow_bytes, 18);
	assert_memory_equal(f->allow, "ok.test\0fine.test", 18);
	config_free(c);
}

static void
feeds_off_or_absent_are_none(void **state)
{
	struct config *c = load("threat_feeds: {allowlist: [x.test]}\n");

	assert_int_equal(feedconf_check(c->feeds), 0);
	assert_int_equal(c->feeds->nrows, 0);
	config_free(c);
	c = load("");
	assert_int_equal(feedconf_check(c->feeds), 0);
	assert_int_equal(c->feeds->nrows, 0);
	config_free(c);
	c = load(FEED(""));
	assert_non_null(c->feeds);
	assert_int_equal(c->feeds->interval_ns, 6 * 3600 * SEC);
	assert_string_equal(c->feeds->cache_dir,
	    "/var/lib/agentsh/threat-feeds");
	config_free(c);
	c = load("threat_feeds: {enabled: true, sync_interval: 1s}\n");
	assert_int_equal(c->feeds->nrows, 0);
	assert_int_equal(c->feeds->interval_ns, 60 * SEC);
	assert_int_equal(feedconf_check(c->feeds), 0);
	config_free(c);
}

static void
feeds_bad_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} tab[] = {
		{ FEED("    - {name: far, url: \"http://b.test/\", "
		       "format: hostfile}\n"),
		    "two feeds are called \"far\"" },
		{ FEED("    - {name: a/b, url: \"http://b.test/\", "
		       "format: hostfile}\n"),
		    "cannot name a feed" },
		{ FEED("    - {name: b, format: hostfile}\n"),
		    "a feed needs \"url\"" },
		{ FEED("    - {name: b, url: \"http://b.test/\"}\n"),
		    "a feed needs \"format\"" },
		{ FEED("    - {url: \"http://b.test/\", format: hostfile}\n"),
		    "a feed needs \"name\"" },
		{ FEED("    - {name: b, url: \"ftp://b.test/\", "
		       "format: hostfile}\n"),
		    "is no URL of a feed" },
		{ FEED("    - {name: b, url: \"http://b.test/\", "
		       "format: hostfil}\n"),
		    "was \"hostfile\" meant?" },
		{ FEED("    - {name: b, url: \"http://b.test/\", "
		       "format: hostfile, action: block}\n"),
		    "unknown action" },
		{ FEED("    - just-text\n"), "a feed is a map" },
		{ FEED("  cache_dir: var\n"), "takes an absolute path" },
		{ FEED("  local_lists: [list.txt]\n"), "an absolute path" },
		{ FEED("  local_lists: [/a/l, /a/l]\n"), "stands twice" },
		{ "threat_feeds: {enabled: true, feeds: x}\n",
		    "takes a list of feeds" },
	};
	struct diag d;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_null(load_opts(tab[i].text, NULL, &d));
		assert_true(d.n > 0);
		if (strstr(d.v[0].text, tab[i].why) == NULL)
			fail_msg("%s, not %s", d.v[0].text, tab[i].why);
		diag_clear(&d);
	}
}

static void
feeds_unknown_keys_warn(void **state)
{
	struct config *c;
	struct diag d;

	c = load_opts(
	    FEED("    - {name: b, url: \"http://b.test/\", "
		 "format: hostfile, refresh_interval: 6h, actoin: deny}\n"),
	    NULL, &d);
	assert_non_null(c);
	assert_int_equal(d.warnings, 2);
	assert_non_null(strstr(d.v[0].text, "refresh_interval"));
	assert_non_null(strstr(d.v[1].text, "was \"action\" meant?"));
	diag_clear(&d);
	config_free(c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_gives_defaults),
		cmocka_unit_test(explicit_zero_false_and_empty_stand),
		cmocka_unit_test(null_leaves_the_default),
		cmocka_unit_test(aliases_set_the_key_they_stand_for),
		cmocka_unit_test(variables_expand_only_where_defined),
		cmocka_unit_test(parts_not_built_are_listed_when_switched_on),
		cmocka_unit_test(strict_turns_unknown_keys_into_errors),
		cmocka_unit_test(dotted_key_is_not_two),
		cmocka_unit_test(feeds_become_rows),
		cmocka_unit_test(feeds_off_or_absent_are_none),
		cmocka_unit_test(feeds_bad_are_refused),
		cmocka_unit_test(feeds_unknown_keys_warn),
		cmocka_unit_test(warnings_are_bounded_and_counted),
		cmocka_unit_test(table_has_no_double_and_no_key_below_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
