/*
 * Lint: what it must find in the deployments, a table of small policies, and
 * random policies of a small vocabulary in which every question can be asked:
 * a rule is accused if and only if no question is answered by it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/image.h"
#include "policyd/compile.h"
#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/lint.h"
#include "policyd/policy.h"

static uint64_t rng = 0xa0761d6478bd642fu;

static unsigned int
rnd(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 16) % n);
}

static const struct var values[] = {
	{ "PROJECT_ROOT", "/srv/project" },
	{ "GIT_ROOT", "/srv/project" },
	{ "HOME", "/home/user" },
};
static const struct vars vars = { values, 3 };

/* What lint says of text; the caller frees it. */
static char *
lint_text(const char *text, size_t len, const struct config *conf)
{
	struct lint_ctx ctx = { .config = conf };
	struct policy *pol;
	struct diag d;
	char *out = NULL;
	size_t size = 0, lines = 0, i;
	FILE *fp = open_memstream(&out, &size);
	int found;

	diag_init(&d);
	ctx.d = &d;
	pol = policy_load("p.yaml", text, len, &d);
	if (pol == NULL) {
		diag_print(&d, stderr);
		fail_msg("%.*s", (int)len, text);
	}
	found = lint_policy(pol, &ctx, fp);
	if (found < 0)
		diag_print(&d, stderr);
	assert_int_equal(fclose(fp), 0);
	for (i = 0; i < size; i++)
		lines += out[i] == '\n';
	assert_int_equal(found, lines);
	policy_free(pol);
	diag_clear(&d);
	return out;
}

/* ---- the deployments ---- */

static char *
slurp(const char *deployment, const char *name, size_t *len)
{
	char path[512], *buf = calloc(1, 1 << 20);
	FILE *fp;

	snprintf(path, sizeof(path), DEPLOYMENTS "/%s/%s", deployment, name);
	fp = fopen(path, "r");
	if (fp == NULL || buf == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	*len = fread(buf, 1, (1 << 20) - 1, fp);
	fclose(fp);
	return buf;
}

static char *
lint_deployment(const char *name)
{
	struct config *conf;
	struct diag d;
	char *text, *out;
	size_t len;

	diag_init(&d);
	text = slurp(name, "config.yaml", &len);
	conf = config_load("config.yaml", text, len, NULL, &d);
	assert_non_null(conf);
	free(text);
	text = slurp(name, "default.yaml", &len);
	out = lint_text(text, len, conf);
	free(text);
	config_free(conf);
	diag_clear(&d);
	return out;
}

static void
must_say(const char *out, const char *what)
{
	if (strstr(out, what) == NULL)
		fail_msg("not said: %s\n%s", what, out);
}

static void
must_not_say(const char *out, const char *what)
{
	if (strstr(out, what) != NULL)
		fail_msg("said: %s\n%s", what, out);
}

static void
exe_dev_findings_are_named(void **state)
{
	char *out = lint_deployment("exe.dev");

	must_say(out, "approve-package-install: unreachable: never decides: "
	    "allow-dev-tools (line 449)");
	must_say(out, "allow-llm-proxy: unreachable: never decides: "
	    "allow-localhost (line ");
	must_say(out, "allow-cache-read: partly-shadowed: pattern "
	    "\"/root/.npm/**\"");
	must_not_say(out, "block-rm-recursive: unreachable");
	must_not_say(out, "cannot-match");
	free(out);
}

static void
what_landlock_cannot_restrict_is_named(void **state)
{
	static const char on[] = "landlock: {enabled: true}\n";
	static const char rules[] = "version: 1\nname: t\nfile_rules:\n"
	    "  - {name: a, paths: ['/w/**'], operations: ['*'], decision: allow}\n"
	    "  - {name: b, paths: ['**/*.o'], operations: [write], decision: allow}\n"
	    "  - {name: c, paths: ['/**'], operations: ['*'], decision: deny}\n";
	struct config *conf;
	struct diag d;
	char *out;

	diag_init(&d);
	conf = config_load("config.yaml", on, sizeof(on) - 1, NULL, &d);
	assert_non_null(conf);
	out = lint_text(rules, sizeof(rules) - 1, conf);
	must_say(out, "p.yaml:5: b: landlock: pattern \"**/*.o\" begins with "
		      "a wildcard: Landlock cannot restrict write_file");
	must_not_say(out, "read_file");
	free(out);
	out = lint_text(rules, sizeof(rules) - 1, NULL);
	must_not_say(out, "landlock");
	free(out);
	config_free(conf);
	diag_clear(&d);
}

static void
modal_findings_are_named(void **state)
{
	char *out = lint_deployment("modal");

	must_say(out, "block-rm-recursive: unreachable: never decides: "
	    "allow-safe-commands (line 497) takes every case");
	must_say(out, "block-git-force-push: unreachable: never decides: "
	    "allow-dev-tools (line 543) takes every case");
	must_say(out, "approve-ssh-access: partly-shadowed: pattern "
	    "\"/root/.ssh/**\" never decides: allow-root-home (line 72) "
	    "takes read,");
	must_say(out, "deny-delete-root-home (line 90) takes delete, rmdir");
	must_not_say(out, "approve-ssh-access: unreachable");
	must_not_say(out, "\"${HOME}/.ssh/**\" never decides");
	must_say(out, "approve-ssh-access: approvals-off");
	must_say(out, "approve-env-files: weakened: ");
	must_say(out, "block-cloud-metadata: either");
	must_say(out, "deny-proc-sys: not-enforced");
	/* /proc/self is an exception that was meant */
	must_not_say(out, "deny-proc-sys: weakened");
	must_not_say(out, "allow-other-commands: ");
	free(out);
}

static void
runloop_findings_are_named(void **state)
{
	char *out = lint_deployment("runloop");

	must_say(out, "approve-package-install: unreachable: never decides: "
	    "allow-dev-tools (line 424)");
	must_not_say(out, "default-deny-files: unreachable");
	free(out);
}

/* ---- a table ---- */

static const struct {
	const char *policy;
	const char *says; /* "" = nothing */
	const char *not_says;
} tab[] = {
	{ "file_rules:\n"
	  "- {name: a, paths: [\"/x/**\"], decision: allow}\n"
	  "- {name: b, paths: [\"/x/y\"], decision: deny}\n",
	    "p.yaml:5: b: unreachable: never decides: a (line 4) takes any "
	    "operation\n", "a: " },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"/x/**\"], operations: [read], "
	  "decision: allow}\n"
	  "- {name: b, paths: [\"/x/y\"], decision: deny}\n",
	    "p.yaml:5: b: weakened: a (line 4) lets through part of what it "
	    "would deny: read /x/y\n", "unreachable" },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"/x/y\"], operations: [read], "
	  "decision: allow}\n"
	  "- {name: b, paths: [\"/x/**\"], decision: deny}\n",
	    "b: not-enforced: ", "weakened" },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"~/x\", \"y/z\", \"/t/\", \"/a/../b\", "
	  "\"/ok\"], decision: allow}\n",
	    "a: cannot-match: pattern \"~/x\": '~' is no variable", "ok\"" },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"y/z\"], decision: allow}\n",
	    "a: cannot-match: none of its patterns can match\n"
	    "p.yaml:4: a: cannot-match: pattern \"y/z\": paths are absolute",
	    "unreachable" },
	{ "file_rules:\n"
	  "- {name: a, paths: [], decision: allow}\n",
	    "a: cannot-match: it has no paths", NULL },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"/a\"], operations: [mknod], "
	  "decision: allow}\n",
	    "a: cannot-match: nothing asks for its operations", NULL },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"/a/**\"], operations: [read], "
	  "decision: deny}\n"
	  "- {name: b, paths: [\"/a/b\"], operations: [open, write], "
	  "decision: allow}\n",
	    "b: partly-shadowed: operation \"open\" never decides: a (line 4)",
	    "\"write\"" },
	{ "file_rules:\n"
	  "- {name: a, paths: [\"**\"], operations: [read], "
	  "decision: deny}\n"
	  "- {name: b, paths: [\"/dev/null\"], operations: [truncate], "
	  "decision: deny}\n",
	    "b: unreachable: never decides: implicit-runtime (built in)",
	    NULL },
	{ "command_rules:\n"
	  "- {name: a, commands: [git], args_patterns: [\"^push\"], "
	  "decision: deny}\n"
	  "- {name: b, commands: [git], decision: allow}\n"
	  "- {name: c, commands: [GIT, hg], decision: deny}\n",
	    "p.yaml:6: c: partly-shadowed: command \"GIT\" never decides: "
	    "a (line 4), b (line 5) take every case\n", "unreachable" },
	{ "command_rules:\n"
	  "- {name: a, commands: [git], args_patterns: [\"^p\"], "
	  "decision: allow}\n"
	  "- {name: b, commands: [git], args_patterns: [\"^[^p]|^$\"], "
	  "decision: allow}\n"
	  "- {name: c, commands: [git], decision: deny}\n",
	    "c: unreachable: never decides: a (line 4), b (line 5)", NULL },
	{ "command_rules:\n"
	  "- {name: a, commands: [sh], context: [direct], decision: allow}\n"
	  "- {name: b, commands: [sh], context: [nested], decision: deny}\n"
	  "- {name: c, commands: [sh], decision: deny}\n",
	    "c: unreachable: never decides: a (line 4), b (line 5)",
	    "b: unreachable" },
	{ "command_rules:\n"
	  "- {name: a, commands: [\"*\"], args_patterns: [\"^x\"], "
	  "decision: allow}\n"
	  "- {name: b, commands: [rm], decision: deny}\n",
	    "p.yaml:5: b: weakened: a (line 4) lets through part of what it "
	    "would deny: rm x\n", "unreachable" },
	{ "command_rules:\n"
	  "- {name: a, commands: [rm], args_patterns: [\"^x\"], "
	  "decision: allow}\n"
	  "- {name: b, commands: [rm], decision: deny}\n",
	    "", NULL },
	{ "command_rules:\n" /* too large together: nobody is accused */
	  "- {name: a, commands: [x], args_patterns: [\"a[0-9a-d]{8}b\"], "
	  "decision: allow}\n"
	  "- {name: b, commands: [x], args_patterns: [\"c[0-9a-d]{8}d\"], "
	  "decision: deny}\n"
	  "- {name: c, commands: [x], decision: deny}\n"
	  "- {name: d, commands: [x], decision: deny}\n",
	    "p.yaml:4: command_rules: not-analysed: ", "b: " },
	{ "command_rules:\n"
	  "- {name: a, commands: [\"rm -rf\"], decision: deny}\n",
	    "a: doubtful: command \"rm -rf\"", "unreachable" },
	{ "command_rules:\n"
	  "- {name: a, commands: [rm], args_patterns: [\"*-rf*\"], "
	  "decision: deny}\n",
	    "a: glob-as-regex: \"*-rf*\"", "cannot" },
	{ "command_rules:\n"
	  "- {name: a, commands: [rm], args_patterns: [\"a$b\", \"x\"], "
	  "decision: deny}\n",
	    "a: cannot-match: args pattern \"a$b\"", "\"x\"" },
	{ "network_rules:\n"
	  "- {name: a, cidrs: [\"10.0.0.0/8\"], decision: deny}\n"
	  "- {name: b, cidrs: [\"10.1.0.0/16\", \"8.8.8.8\"], "
	  "decision: allow}\n",
	    "b: partly-shadowed: cidr \"10.1.0.0/16\" never decides: a "
	    "(line 4)", "unreachable" },
	{ "network_rules:\n"
	  "- {name: a, ports: [443], decision: allow}\n"
	  "- {name: b, domains: [\"evil.test\"], decision: deny}\n",
	    "b: weakened: a (line 4) ", "unreachable" },
	{ "network_rules:\n"
	  "- {name: a, domains: [\"good.evil.test\"], decision: allow}\n"
	  "- {name: b, domains: [\"*.evil.test\"], decision: deny}\n",
	    "", NULL },
	{ "network_rules:\n"
	  "- {name: a, domains: [\"*\"], decision: allow}\n"
	  "- {name: b, cidrs: [\"127.0.0.1/32\"], decision: deny}\n",
	    "", NULL },
	{ "network_rules:\n"
	  "- {name: a, domains: [\"x.test\"], cidrs: [\"9.9.9.9/32\"], "
	  "decision: deny}\n",
	    "a: either: ", "unreachable" },
	/* rules without domains are none of a query's; SEMANTICS.md, Network */
	{ "network_rules:\n"
	  "- {name: own, cidrs: [\"127.0.0.0/8\", \"::1\"], decision: allow}\n"
	  "- {name: a, cidrs: [\"8.8.0.0/16\"], decision: allow}\n"
	  "- {name: b, domains: [\"x.test\"], cidrs: [\"9.9.9.0/24\"], "
	  "decision: allow}\n",
	    "p.yaml:5: a: doubtful: no rule allows a name ", "own:" },
	{ "network_rules:\n"
	  "- {name: a, ports: [443], decision: audit}\n",
	    "a: doubtful: no rule allows a name ", NULL },
	{ "network_rules:\n"
	  "- {name: a, cidrs: [\"8.8.0.0/16\"], decision: allow}\n"
	  "- {name: b, domains: [\"x.test\"], ports: [1], decision: allow}\n",
	    "", NULL },
	{ "network_rules:\n"
	  "- {name: a, cidrs: [\"8.8.0.0/16\"], decision: allow}\n"
	  "- {name: b, registries: [npm], decision: allow}\n",
	    "", NULL },
	{ "network_rules:\n"
	  "- {name: own, cidrs: [\"127.0.0.0/8\"], decision: allow}\n",
	    "", NULL },
	{ "network_rules:\n"
	  "- {name: a, cidrs: [\"10.0.0.0/8\"], decision: deny}\n",
	    "", NULL },
	{ "unix_socket_rules:\n"
	  "- {name: a, paths: [\"/run/**\", \"@x*\"], decision: allow}\n"
	  "- {name: b, paths: [\"/run/y.sock\", \"@xy\"], decision: deny}\n",
	    "b: unreachable: never decides: a (line 4)", NULL },
	{ "signal_rules:\n"
	  "- {name: a, signals: [SIGKILL], target: {type: session}, "
	  "decision: deny}\n"
	  "- {name: b, signals: [SIGKILL], target: {type: children}, "
	  "decision: allow}\n"
	  "- {name: c, signals: [SIGTERM], target: {type: external}, "
	  "decision: deny}\n",
	    "b: unreachable: never decides: a (line 4) takes every case\n"
	    "p.yaml:6: c: cannot-match: ", NULL },
	{ "env_policy:\n  allow: [\"A_KEY\", \"B*\"]\n"
	  "  deny: [\"*_KEY\", \"a=b\"]\n",
	    "env_policy: unreachable: allow \"A_KEY\" lets nothing in: deny "
	    "\"*_KEY\" (line 5) wins\n"
	    "p.yaml:5: env_policy: cannot-match: deny \"a=b\"", "B*" },
};

static void
table_of_policies_gets_its_findings(void **state)
{
	char policy[2048], *out;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		snprintf(policy, sizeof(policy), "version: 1\nname: t\n%s",
		    tab[i].policy);
		out = lint_text(policy, strlen(policy), NULL);
		if (strstr(out, tab[i].says) == NULL ||
		    (tab[i].says[0] == '\0' && out[0] != '\0') ||
		    (tab[i].not_says != NULL &&
		    strstr(out, tab[i].not_says) != NULL))
			fail_msg("policy\n%swants\n%s\nbut not\n%s\ngot\n%s",
			    policy, tab[i].says, tab[i].not_says != NULL ?
			    tab[i].not_says : "-", out);
		free(out);
	}
}

static void
approvals_decide_what_is_said(void **state)
{
	static const char text[] = "version: 1\nname: t\nfile_rules:\n"
	    "- {name: a, paths: [\"/a\"], decision: approve}\n";
	static const struct {
		const char *config, *says;
	} configs[] = {
		{ "approvals: {enabled: true}\n", "" },
		{ "approvals: {enabled: false}\n", "a: approvals-off: " },
		{ "approvals: {enabled: false, when_disabled: allow}\n",
		    "a: opened: " },
	};
	struct config *conf;
	struct diag d;
	char *out;
	size_t i;

	for (i = 0; i < 3; i++) {
		diag_init(&d);
		conf = config_load("c.yaml", configs[i].config,
		    strlen(configs[i].config), NULL, &d);
		assert_non_null(conf);
		out = lint_text(text, sizeof(text) - 1, conf);
		if (configs[i].says[0] == '\0')
			assert_string_equal(out, "");
		else
			must_say(out, configs[i].says);
		free(out);
		config_free(conf);
		diag_clear(&d);
	}
}

static void
control_characters_do_not_reach_a_terminal(void **state)
{
	static const char text[] = "version: 1\nname: t\nfile_rules:\n"
	    "- {name: \"a\\e[31m\", paths: [\"x\\ty\"], decision: deny}\n";
	char *out = lint_text(text, sizeof(text) - 1, NULL), *p;

	for (p = out; *p != '\0'; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	free(out);
}

/* ---- random policies ---- */

#define RULES_MAX 8

struct world {
	struct image im;
	uint8_t decides[RULES_MAX]; /* by some question */
	unsigned int nrules;
};

static void
hit(struct world *w, const struct verdict *v)
{
	if (v->rule < w->nrules)
		w->decides[v->rule] = 1;
}

/* Some of the words, as a YAML list. */
static void
put_list(char *buf, size_t size, const char *const *words, unsigned int n,
    unsigned int max)
{
	unsigned int i, k = 1 + rnd(max);

	strncat(buf, "[", size - strlen(buf) - 1);
	for (i = 0; i < k; i++) {
		strncat(buf, i > 0 ? ", '" : "'", size - strlen(buf) - 1);
		strncat(buf, words[rnd(n)], size - strlen(buf) - 1);
		strncat(buf, "'", size - strlen(buf) - 1);
	}
	strncat(buf, "]", size - strlen(buf) - 1);
}

static void
put(char *buf, size_t size, const char *s)
{
	strncat(buf, s, size - strlen(buf) - 1);
}

#define WORDS(...) \
	static const char *const words[] = { __VA_ARGS__ }; \
	const unsigned int nwords = sizeof(words) / sizeof(words[0])

static void
put_file_rule(char *buf, size_t size)
{
	WORDS("/a", "/a/**", "/a/*", "/a/b", "**/b", "/**", "/a/{b,c}",
	    "/[ab]/**", "/?", "/a/**/c", "b", "/a/", "/b/[!a]", "*",
	    "/b/b/**", "~/a");
	static const char *const ops[] = { "read", "open", "write", "create",
		"stat", "delete", "rmdir", "rename", "list", "chmod",
		"mknod" };

	put(buf, size, ", paths: ");
	put_list(buf, size, words, nwords, 3);
	if (rnd(2) == 0) {
		put(buf, size, ", operations: ");
		put_list(buf, size, ops, 11, 3);
	}
}

static void
ask_files(struct world *w)
{
	static const char *const parts[] = { "", "/a", "/b", "/c", "/z" };
	char path[32];
	struct verdict v;
	unsigned int i, op;

	for (i = 0; i < 625; i++) {
		snprintf(path, sizeof(path), "%s%s%s%s", parts[i % 5],
		    parts[i / 5 % 5], parts[i / 25 % 5], parts[i / 125]);
		if (path[0] == '\0')
			strcpy(path, "/");
		for (op = 0; op < FOP_MAX; op++) {
			image_file(&w->im, (enum file_op)op, path,
			    strlen(path), &v);
			hit(w, &v);
		}
	}
}

static void
put_command_rule(char *buf, size_t size)
{
	WORDS("x", "X", "y", "*", "/bin/x", "/bin/*", "[xy]", "?", "/u/**");
	static const char *const args[] = { "-r", "^a", "b$", "^$", "^a b$",
		"a.*b", "\\ba\\b", "^[^a]", "(?s)." };

	put(buf, size, ", commands: ");
	put_list(buf, size, words, nwords, 3);
	if (rnd(2) == 0) {
		put(buf, size, ", args_patterns: ");
		put_list(buf, size, args, 9, 2);
	}
	if (rnd(3) == 0)
		put(buf, size, rnd(2) ? ", context: [direct]" :
		    ", context: [nested]");
}

static void
ask_commands(struct world *w)
{
	static const char *const names[] = { "x", "y", "z", "zz", "/bin/x",
		"/bin/y", "/bin/z", "/bin/zz", "/u/x", "/u/y", "/u/z", "/u/zz",
		"/q/x", "/q/y", "/q/zz", "/q/z", "/u", "/bin/q/x" };
	static const char abc[] = "ab -r";
	struct image_cmd c;
	struct verdict v;
	unsigned int n, i, k, t;
	char text[8];

	for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (i = 0; i < 6 * 6 * 6 * 6; i++) {
			for (k = i, t = 0; t < 4; t++, k /= 6)
				text[t] = k % 6 == 5 ? '\0' : abc[k % 6];
			text[4] = '\0';
			memset(&c, 0, sizeof(c));
			c.path = c.given = names[n];
			c.path_len = c.given_len = strlen(names[n]);
			c.args = text;
			c.args_len = strlen(text);
			for (c.depth = 0; c.depth < 3; c.depth++) {
				image_command(&w->im, &c, &v);
				hit(w, &v);
			}
		}
	}
}

static void
put_net_rule(char *buf, size_t size)
{
	WORDS("a.test", "*.a.test", "*", "b.test", "c.a.test", "{a,b}.test",
	    "**.test");
	static const char *const cidrs[] = { "10.0.0.0/8", "10.1.0.0/16",
		"8.8.8.8/32", "0.0.0.0/0", "::/0", "2000::/3", "8.8.8.8/31",
		"8.8.8.9" };
	unsigned int what = rnd(7) + 1;

	if (what & 1) {
		put(buf, size, ", domains: ");
		put_list(buf, size, words, nwords, 2);
	}
	if (what & 2) {
		put(buf, size, ", cidrs: ");
		put_list(buf, size, cidrs, 8, 2);
	}
	if (what & 4)
		put(buf, size, rnd(2) ? ", ports: [443]" : ", ports: [443, 22]");
}

static void
ask_nets(struct world *w)
{
	static const char *const names[] = { NULL, "a.test", "b.test", "d.test",
		"c.a.test", "d.a.test", "x", "x.y", "c.b.test" };
	static const char *const addrs[] = { "::ffff:10.0.0.1",
		"::ffff:10.1.2.3", "::ffff:8.8.8.8", "::ffff:8.8.8.9",
		"::ffff:9.9.9.9", "2001:db8::1", "::ffff:127.0.0.1", "fe80::1",
		"4000::1", "::1" };
	static const uint16_t ports[] = { 443, 22, 80 };
	struct in6_addr addr;
	struct verdict v;
	unsigned int n, a, p;
	size_t len;

	for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		len = names[n] != NULL ? strlen(names[n]) : 0;
		if (names[n] != NULL) {
			image_dns(&w->im, names[n], len, &v);
			hit(w, &v);
		}
		for (a = 0; a < sizeof(addrs) / sizeof(addrs[0]); a++) {
			inet_pton(AF_INET6, addrs[a], &addr);
			for (p = 0; p < 3; p++) {
				image_net(&w->im, NOP_CONNECT, names[n], len,
				    &addr, ports[p], &v);
				hit(w, &v);
			}
		}
	}
}

static const struct {
	const char *section;
	void (*put)(char *buf, size_t size);
	void (*ask)(struct world *w);
} sections[] = {
	{ "file_rules", put_file_rule, ask_files },
	{ "command_rules", put_command_rule, ask_commands },
	{ "network_rules", put_net_rule, ask_nets },
};

/* Is the rule as a whole said never to decide? */
static int
is_accused(const char *out, unsigned int rule)
{
	char start[64];
	const char *line, *end, *quote;

	for (line = out; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		snprintf(start, sizeof(start), ": r%u: unreachable: ", rule);
		if (memmem(line, (size_t)(end - line), start, strlen(start)))
			return 1;
		snprintf(start, sizeof(start), ": r%u: cannot-match: ", rule);
		quote = memchr(line, '"', (size_t)(end - line));
		if (quote == NULL &&
		    memmem(line, (size_t)(end - line), start, strlen(start)))
			return 1;
	}
	return 0;
}

static void
random_policy(char *buf, size_t size, unsigned int section, unsigned int n)
{
	static const char *const decisions[] = { "allow", "deny", "audit",
		"approve" };
	char rule[64];
	unsigned int i;

	snprintf(buf, size, "version: 1\nname: t\n%s:\n",
	    sections[section].section);
	for (i = 0; i < n; i++) {
		snprintf(rule, sizeof(rule), "- {name: r%u, decision: %s", i,
		    decisions[rnd(4)]);
		put(buf, size, rule);
		sections[section].put(buf, size);
		put(buf, size, "}\n");
	}
}

static void
compare(unsigned int section, const char *text, unsigned int n)
{
	struct world w = { .nrules = n };
	struct compile_opts o = { .vars = &vars, .no_bpf = 1 };
	struct compiled c;
	struct policy *pol;
	struct diag d;
	char *out;
	unsigned int i;

	diag_init(&d);
	pol = policy_load("p.yaml", text, strlen(text), &d);
	assert_non_null(pol);
	o.policy = pol;
	assert_int_equal(compile_image(&o, &c, &d), 0);
	assert_int_equal(image_check(&w.im, c.bytes, c.size_bytes), 0);
	sections[section].ask(&w);
	out = lint_text(text, strlen(text), NULL);
	for (i = 0; i < n; i++) {
		if (is_accused(out, i) == w.decides[i])
			fail_msg("r%u decides: %d, but lint:\n%s\n%s", i,
			    w.decides[i], out, text);
	}
	free(out);
	compile_clear(&c);
	policy_free(pol);
	diag_clear(&d);
}

static void
accused_are_those_that_decide_nothing(void **state)
{
	static const unsigned int times[] = { 200, 30, 200 };
	char text[8192];
	unsigned int section, i, n;

	for (section = 0; section < 3; section++) {
		for (i = 0; i < times[section]; i++) {
			n = 2 + rnd(RULES_MAX - 1);
			random_policy(text, sizeof(text), section, n);
			compare(section, text, n);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exe_dev_findings_are_named),
		cmocka_unit_test(modal_findings_are_named),
		cmocka_unit_test(what_landlock_cannot_restrict_is_named),
		cmocka_unit_test(runloop_findings_are_named),
		cmocka_unit_test(table_of_policies_gets_its_findings),
		cmocka_unit_test(approvals_decide_what_is_said),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
		cmocka_unit_test(accused_are_those_that_decide_nothing),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
