/*
 * Policies into struct policy: what each section holds after loading, variable
 * expansion, places of patterns, and printing back.  What is refused is
 * regress/golden/bad.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "policyd/diag.h"
#include "policyd/policy.h"
#include "policyd/policyload.h"
#include "policyd/policyshow.h"

#define HEAD "version: 1\nname: t\n"

static struct policy *
load(const char *text)
{
	struct policy *pol;
	struct diag d;

	diag_init(&d);
	pol = policy_load("p.yaml", text, strlen(text), &d);
	if (pol == NULL)
		fail_msg("%s", d.v[0].text);
	diag_clear(&d);
	return pol;
}

static void
rule_carries_name_place_and_decision(void **state)
{
	struct policy *pol = load(HEAD "file_rules:\n"
				       "  - name: first\n"
				       "    paths: [/a]\n"
				       "    decision: APPROVE\n"
				       "    message: m\n"
				       "    timeout: 90s\n"
				       "  - paths: [/b]\n"
				       "    decision: deny\n");
	const struct prule *r = &pol->file_rules[0].r;

	assert_int_equal(pol->nfile_rules, 2);
	assert_string_equal(r->name.s, "first");
	assert_string_equal(r->file, "p.yaml");
	assert_int_equal(r->pos.line, 4);
	assert_int_equal(r->pos.column, 5);
	assert_int_equal(r->decision, DEC_APPROVE);
	assert_int_equal(r->decision_pos.line, 6);
	assert_int_equal(r->timeout_ns.v, UINT64_C(90000000000));
	assert_string_equal(r->message.s, "m");
	assert_string_equal(pol->file_rules[1].r.name.s, "file_rules-2");
	assert_int_equal(pol->file_rules[1].r.timeout_ns.set, 0);
	policy_free(pol);
}

static void
operations_absent_empty_and_star_are_all(void **state)
{
	struct policy *pol = load(HEAD
	    "file_rules:\n"
	    "  - {paths: [/a], decision: deny}\n"
	    "  - {paths: [/a], decision: deny, operations: []}\n"
	    "  - {paths: [/a], decision: deny, operations: [\"*\"]}\n"
	    "  - {paths: [/a], decision: deny, operations: [Read, delete]}\n");
	unsigned int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(pol->file_rules[i].words, FW_ALL);
	assert_int_equal(pol->file_rules[3].words, FW_READ | FW_DELETE);
	policy_free(pol);
}

static void
cidr_is_masked_and_v4_is_mapped(void **state)
{
	struct pcidr c;
	char buf[INET6_ADDRSTRLEN];

	memset(&c, 0, sizeof(c));
	assert_int_equal(policyload_cidr("10.1.2.3/8", &c), 0);
	assert_int_equal(c.prefix, 104);
	inet_ntop(AF_INET6, &c.addr, buf, sizeof(buf));
	assert_string_equal(buf, "::ffff:10.0.0.0");
	assert_int_equal(policyload_cidr("192.0.2.7", &c), 0);
	assert_int_equal(c.prefix, 128);
	assert_int_equal(policyload_cidr("fd12:3456::1/32", &c), 0);
	inet_ntop(AF_INET6, &c.addr, buf, sizeof(buf));
	assert_string_equal(buf, "fd12:3456::");
	assert_int_equal(policyload_cidr("0.0.0.0/0", &c), 0);
	assert_int_equal(c.prefix, 96);
	assert_int_equal(policyload_cidr("::/0", &c), 0);
	assert_int_equal(c.prefix, 0);
	assert_int_equal(policyload_cidr("10.0.0.0/", &c), -1);
	assert_int_equal(policyload_cidr("10.0.0.0/+8", &c), -1);
	assert_int_equal(policyload_cidr("10.0.0/8", &c), -1);
	assert_int_equal(policyload_cidr("", &c), -1);
}

static void
signals_by_name_number_and_group(void **state)
{
	assert_int_equal(policyload_signal("SIGTERM"), UINT64_C(1) << 14);
	assert_int_equal(policyload_signal("term"), UINT64_C(1) << 14);
	assert_int_equal(policyload_signal("9"), UINT64_C(1) << 8);
	assert_int_equal(policyload_signal("64"), UINT64_C(1) << 63);
	assert_int_equal(policyload_signal("@reload"),
	    UINT64_C(1) << 0 | UINT64_C(1) << 9 | UINT64_C(1) << 11);
	assert_int_equal(policyload_signal("@all"), 0x7fffffff);
	assert_int_equal(policyload_signal("0"), 0);
	assert_int_equal(policyload_signal("65"), 0);
	assert_int_equal(policyload_signal("-1"), 0);
	assert_int_equal(policyload_signal("SIG"), 0);
	assert_int_equal(policyload_signal(""), 0);
}

static void
command_depths_follow_context(void **state)
{
	struct policy *pol = load(
	    HEAD "command_rules:\n"
		 "  - {decision: deny}\n"
		 "  - {decision: deny, context: [direct]}\n"
		 "  - {decision: deny, context: [nested]}\n"
		 "  - {decision: deny, context: [direct, nested]}\n"
		 "  - {decision: deny, context: []}\n"
		 "  - {decision: deny, context: {min_depth: 2, max_depth: 3}}\n"
		 "  - {decision: deny, context: {min_depth: 2}}\n");
	static const uint32_t want[][2] = { { 0, PCMD_DEPTH_MAX }, { 0, 0 },
		{ 1, PCMD_DEPTH_MAX }, { 0, PCMD_DEPTH_MAX },
		{ 0, PCMD_DEPTH_MAX }, { 2, 3 }, { 2, PCMD_DEPTH_MAX } };
	unsigned int i;

	assert_int_equal(pol->ncommand_rules, 7);
	for (i = 0; i < 7; i++) {
		assert_int_equal(pol->command_rules[i].min_depth, want[i][0]);
		assert_int_equal(pol->command_rules[i].max_depth, want[i][1]);
		assert_int_equal(pol->command_rules[i].any_command, 1);
	}
	policy_free(pol);
}

static void
commands_are_trimmed_and_blanks_dropped(void **state)
{
	struct policy *pol = load(HEAD "command_rules:\n"
				       "  - commands: [\" ls \", \"\", rm]\n"
				       "    decision: deny\n");
	const struct pcmd_rule *r = pol->command_rules;

	assert_int_equal(r->commands.n, 2);
	assert_string_equal(r->commands.v[0].s, "ls");
	assert_int_equal(r->commands.v[0].pos.column, 18);
	assert_int_equal(r->any_command, 0);
	policy_free(pol);
}

static void
signal_rule_holds_mask_target_and_redirect(void **state)
{
	struct policy *pol = load(
	    HEAD "signal_rules:\n"
		 "  - signals: [KILL, TERM]\n"
		 "    target: {type: process, pattern: \"ng*\"}\n"
		 "    decision: redirect\n"
		 "    redirect_to: INT\n");
	const struct psig_rule *r = pol->signal_rules;

	assert_int_equal(r->mask, (UINT64_C(1) << 8) | (UINT64_C(1) << 14));
	assert_int_equal(r->target, PST_PROCESS);
	assert_string_equal(r->pattern.s, "ng*");
	assert_int_equal(r->redirect_signal, 2);
	assert_int_equal(r->fallback, DEC_MAX);
	policy_free(pol);
}

static void
zero_limit_is_set_and_absent_is_not(void **state)
{
	struct policy *pol = load(HEAD "resource_limits:\n"
				       "  memory_swap_max_mb: 0\n"
				       "audit: {log_allowed: false}\n");

	assert_int_equal(pol->limits.memory_swap_max_mb.set, 1);
	assert_int_equal(pol->limits.memory_swap_max_mb.v, 0);
	assert_int_equal(pol->limits.max_memory_mb.set, 0);
	assert_int_equal(pol->audit.log_allowed.set, 1);
	assert_int_equal(pol->audit.log_denied.set, 0);
	policy_free(pol);
}

static void
no_string_is_null(void **state)
{
	struct policy *pol = load(HEAD
	    "file_rules: [{decision: deny}]\n"
	    "network_rules: [{decision: deny}]\n"
	    "command_rules: [{decision: deny}]\n"
	    "signal_rules: [{signals: [1], decision: deny}]\n"
	    "connect_redirects: [{name: c, match: a, redirect_to: \"a:1\"}]\n");

	assert_non_null(pol->description.s);
	assert_non_null(pol->file_rules[0].redirect_to.s);
	assert_non_null(pol->file_rules[0].r.message.s);
	assert_non_null(pol->network_rules[0].r.description.s);
	assert_non_null(pol->command_rules[0].redirect_command.s);
	assert_non_null(pol->signal_rules[0].pattern.s);
	assert_non_null(pol->signal_rules[0].redirect_text.s);
	assert_non_null(pol->connect_redirects[0].sni.s);
	assert_non_null(pol->connect_redirects[0].on_failure.s);
	policy_free(pol);
}

/* Variables ----------------------------------------------------------- */

static const struct var var_tab[] = {
	{ "PROJECT_ROOT", "/srv/a*b" },
	{ "EMPTY", "" },
};
static const struct vars vars = { var_tab, 2 };

/* Pieces as text: literal ones in <>. */
static const char *
expand(const char *pattern, struct diag *d, int *rv)
{
	static char out[1024];
	char text[1024];
	struct policy *pol;
	struct pieces pc;
	size_t used = 0;
	unsigned int i;

	snprintf(text, sizeof(text),
	    HEAD "file_rules: [{decision: deny, paths: ['%s']}]\n", pattern);
	pol = load(text);
	*rv = policy_expand(pol, &pol->file_rules[0].paths.v[0], &vars, &pc, d);
	out[0] = '\0';
	for (i = 0; *rv == 0 && i < pc.n; i++)
		used += (size_t)snprintf(out + used, sizeof(out) - used,
		    pc.v[i].literal ? "<%.*s>" : "%.*s", (int)pc.v[i].len,
		    pc.v[i].s);
	policy_free(pol);
	return out;
}

static void
variables_become_literal_pieces(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} tab[] = { { "${PROJECT_ROOT}/**", "</srv/a*b>/**" },
		{ "/x/${PROJECT_ROOT}", "/x/</srv/a*b>" },
		{ "${NONE:-/d*}/x", "</d*>/x" }, { "${EMPTY}/x", "/x" },
		{ "${EMPTY:-/d}/x", "/x" }, { "${NONE:-}x", "x" },
		{ "$PROJECT_ROOT/x", "$PROJECT_ROOT/x" }, { "${1}", "${1}" },
		{ "${PROJECT_ROOT", "${PROJECT_ROOT" }, { "a$", "a$" },
		{ "${", "${" }, { "${}", "${}" }, { "${A-B}", "${A-B}" },
		{ "${NONE:-x", "${NONE:-x" },
		{ "{${PROJECT_ROOT},/b}", "{</srv/a*b>,/b}" }, { "", "" } };
	struct diag d;
	size_t i;
	int rv;

	diag_init(&d);
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_string_equal(expand(tab[i].in, &d, &rv), tab[i].out);
		assert_int_equal(rv, 0);
	}
	assert_int_equal(d.errors, 0);
	diag_clear(&d);
}

static void
undefined_variable_is_told_at_its_dollar(void **state)
{
	struct diag d;
	int rv;

	diag_init(&d);
	expand("/a/${PROJECT_ROT}/b", &d, &rv);
	assert_int_equal(rv, -1);
	assert_int_equal(d.v[0].line, 3);
	/* file_rules: [{decision: deny, paths: [' is 39 columns. */
	assert_int_equal(d.v[0].column, 43);
	assert_non_null(strstr(d.v[0].text, "\"PROJECT_ROOT\" meant"));
	diag_clear(&d);
}

static void
too_many_variables_are_refused(void **state)
{
	char pattern[PIECES_MAX * 8 + 1] = "";
	struct diag d;
	int i, rv;

	diag_init(&d);
	for (i = 0; i < PIECES_MAX / 2; i++)
		strcat(pattern, "${A:-b}c");
	expand(pattern, &d, &rv);
	assert_int_equal(rv, 0);
	strcat(pattern, "${A:-b}");
	expand(pattern, &d, &rv);
	assert_int_equal(rv, -1);
	assert_int_equal(d.errors, 1);
	diag_clear(&d);
}

/* Printing ------------------------------------------------------------ */

static char *
printed(void (*fn)(const struct policy *, FILE *), const struct policy *pol)
{
	char *buf = NULL;
	size_t n;
	FILE *fp = open_memstream(&buf, &n);

	assert_non_null(fp);
	fn(pol, fp);
	fclose(fp);
	return buf;
}

static void
text_printed_loads_and_prints_the_same(void **state)
{
	struct policy *pol = load(HEAD
	    "file_rules:\n"
	    "  - {name: a, paths: ['/q\"\\x'], operations: [read], decision: "
	    "allow, message: \"tab\\t\\e[0m\"}\n"
	    "network_rules: [{cidrs: [10.1.1.1/8], ports: [1], decision: deny}]\n"
	    "dns_redirects: [{name: d, match: a, resolve_to: 10.0.0.1}]\n");
	char *one = printed(policyshow_text, pol), *two;
	struct policy *again = load(one);

	assert_non_null(strstr(one, "# p.yaml:4\n"));
	assert_null(strchr(one, '\033'));
	assert_string_equal(again->file_rules[0].paths.v[0].s, "/q\"\\x");
	assert_string_equal(again->file_rules[0].r.message.s, "tab\t\033[0m");
	assert_int_equal(again->file_rules[0].words, FW_READ);
	two = printed(policyshow_text, again);
	/* Line numbers differ, so compare what a third load prints. */
	assert_non_null(strstr(two, "10.0.0.0/8"));
	policy_free(again);
	policy_free(pol);
	free(one);
	free(two);
}

static void
json_has_go_names_and_every_field(void **state)
{
	struct policy *pol = load(HEAD "file_rules: [{name: a, paths: [/x], "
				       "decision: allow, timeout: 5m}]\n");
	char *s = printed(policyshow_json, pol);

	assert_non_null(strstr(s, "\"FileRules\": ["));
	assert_non_null(strstr(s, "\"Duration\": 300000000000"));
	assert_non_null(strstr(s, "\"NetworkRules\": null"));
	assert_non_null(strstr(s, "\"Operations\": null"));
	assert_non_null(strstr(s, "\"MaxMemoryMB\": 0"));
	free(s);
	policy_free(pol);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_carries_name_place_and_decision),
		cmocka_unit_test(operations_absent_empty_and_star_are_all),
		cmocka_unit_test(cidr_is_masked_and_v4_is_mapped),
		cmocka_unit_test(signals_by_name_number_and_group),
		cmocka_unit_test(command_depths_follow_context),
		cmocka_unit_test(commands_are_trimmed_and_blanks_dropped),
		cmocka_unit_test(signal_rule_holds_mask_target_and_redirect),
		cmocka_unit_test(zero_limit_is_set_and_absent_is_not),
		cmocka_unit_test(no_string_is_null),
		cmocka_unit_test(variables_become_literal_pieces),
		cmocka_unit_test(undefined_variable_is_told_at_its_dollar),
		cmocka_unit_test(too_many_variables_are_refused),
		cmocka_unit_test(text_printed_loads_and_prints_the_same),
		cmocka_unit_test(json_has_go_names_and_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
