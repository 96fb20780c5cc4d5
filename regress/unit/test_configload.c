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
			assert_true(k->off != CONFIGTAB_NOSTORE);
		for (m = k + 1; m->path != NULL; m++) {
			if (strcmp(k->path, m->path) == 0 ||
			    (strncmp(k->path, m->path, n) == 0 &&
				m->path[n] == '.'))
				fail_msg("%s and %s", k->path, m->path);
		}
	}
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
		cmocka_unit_test(warnings_are_bounded_and_counted),
		cmocka_unit_test(table_has_no_double_and_no_key_below_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
