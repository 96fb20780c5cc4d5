/*
 * The compiler: what it says of bad patterns and where; and thousands of
 * generated policies and questions that image and reference must answer alike.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/compile.h"
#include "polhelp.h"

#define HEAD "version: 1\nname: t\n"

static uint64_t rng = 0x2545f4914f6cdd1du;

static unsigned int
rnd(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 16) % n);
}

static void
bad_pattern_place_is_told(void **state)
{
	static const struct {
		const char *yaml, *want;
	} tab[] = {
		{ "file_rules:\n  - { paths: ['/a/[b'], decision: allow }\n",
		    "t.yaml:4:19: error: pattern \"/a/[b\": " },
		{ "file_rules:\n  - paths:\n      - \"/a/{b\"\n"
		    "    decision: allow\n", "t.yaml:5:13: error: pattern " },
		{ "file_rules:\n  - { paths: ['/x/${NOPE}/y'], decision: allow }\n",
		    "t.yaml:4:19: error: variable \"NOPE\" has no value" },
		{ "file_rules:\n  - { paths: ['${HOM}'], decision: allow }\n",
		    "t.yaml:4:16: error: variable \"HOM\" has no value; was "
		    "\"HOME\" meant?" },
		{ "command_rules:\n  - { commands: [a], args_patterns: ['a(b'], decision: deny }\n",
		    "t.yaml:4:40: error: pattern \"a(b\": " },
		{ "command_rules:\n  - { commands: [a], args_patterns: ['(?=x)'], decision: deny }\n",
		    "t.yaml:4:3" },
		{ "command_rules:\n  - { commands: [a], args_patterns: ['(a)\\1'], decision: deny }\n",
		    "t.yaml:4:4" },
		{ "command_rules:\n  - { commands: [a], args_patterns: ['(a|b)*a(a|b){40}'], decision: deny }\n",
		    "t.yaml:4:39: error: pattern \"(a|b)*a(a|b){40}\": needs" },
		{ "network_rules:\n  - { domains: ['a[b.test'], decision: deny }\n",
		    "t.yaml:4:19: error: pattern" },
		{ "unix_socket_rules:\n  - { paths: ['/a['], decision: deny }\n",
		    "t.yaml:4:18: error: pattern" },
		{ "env_policy: { deny: ['a['] }\n",
		    "t.yaml:3:24: error: pattern" },
		{ "signal_rules:\n  - { signals: [TERM], target: { type: process, pattern: 'a[' }, decision: deny }\n",
		    "t.yaml:4:60: error: pattern" },
	};
	char yaml[1024];
	struct polhelp h;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		snprintf(yaml, sizeof(yaml), HEAD "%s", tab[i].yaml);
		assert_int_equal(polhelp_init(&h, yaml, strlen(yaml), NULL),
		    -1);
		if (strncmp(polhelp_first(&h), tab[i].want,
		    strlen(tab[i].want)) != 0)
			fail_msg("%s: %s", tab[i].yaml, polhelp_first(&h));
		assert_null(h.c.bytes);
		polhelp_clear(&h);
	}
}

static void
every_bad_pattern_is_told_once(void **state)
{
	const char *yaml = HEAD "file_rules:\n"
	    "  - { paths: ['/a/[b', '/ok', '/{'], decision: allow }\n"
	    "command_rules:\n"
	    "  - { commands: ['a['], args_patterns: ['('], decision: deny }\n";
	struct polhelp h;

	assert_int_equal(polhelp_init(&h, yaml, strlen(yaml), NULL), -1);
	assert_int_equal(h.d.errors, 4);
	polhelp_clear(&h);
}

static void
check_gives_session_variables_a_value(void **state)
{
	const char *good = HEAD "file_rules:\n  - { paths: ["
	    "'${PROJECT_ROOT}', '${HOME}', '${GIT_ROOT}', '${X:-/y}'], "
	    "decision: allow }\n";
	const char *bad = HEAD "file_rules:\n  - { paths: ['${X}'], "
	    "decision: allow }\n";
	struct diag d;
	struct policy *p;

	diag_init(&d);
	p = policy_load("t.yaml", good, strlen(good), &d);
	assert_non_null(p);
	assert_int_equal(compile_check(p, NULL, &d), 0);
	policy_free(p);
	p = policy_load("t.yaml", bad, strlen(bad), &d);
	assert_non_null(p);
	assert_int_equal(compile_check(p, NULL, &d), -1);
	policy_free(p);
	diag_clear(&d);
}

/* ---- generated policies ---- */

static const char *const path_part[] = { "a", "b", "ab", "*", "**", "?",
	"a*", "*b", "[ab]", "[!a]", "{a,b}", "{a,b/*}", "a**", "**b", ".", "x",
	"${PROJECT_ROOT}", "\\\\*" };
static const char *const word[] = { "read", "open", "list", "stat",
	"readlink", "write", "create", "mkdir", "chmod", "chown", "rename",
	"delete", "rmdir", "'*'" };
static const char *const decision[] = { "allow", "deny", "audit",
	"approve", "soft_delete" };
static const char *const label[] = { "a", "b", "ab", "test", "*", "**",
	"a*" };
static const char *const args_re[] = { "^a", "a$", "a.b", "-r", "(a|b)+",
	"a{2}", "\\\\bb", "[^a]b", "*a*", "a*", "b +a", "\\\\s-" };

#define PICK(t) ((t)[rnd(sizeof(t) / sizeof((t)[0]))])

struct text {
	char s[8192];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void
put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
	va_end(ap);
	assert_true(t->n < sizeof(t->s));
}

static void
put_path(struct text *t)
{
	unsigned int n = 1 + rnd(3), i;

	if (rnd(12) == 0) {
		put(t, "\"**\"");
		return;
	}
	put(t, "\"%s", rnd(8) ? "/" : "");
	for (i = 0; i < n; i++)
		put(t, "%s%s", i > 0 ? "/" : "", PICK(path_part));
	put(t, "\"");
}

static void
put_list(struct text *t, const char *key, void (*one)(struct text *),
    unsigned int max)
{
	unsigned int i, n = rnd(max + 1);

	if (n == 0)
		return;
	put(t, ", %s: [", key);
	for (i = 0; i < n; i++) {
		put(t, "%s", i > 0 ? ", " : "");
		one(t);
	}
	put(t, "]");
}

static void
put_word(struct text *t)
{
	put(t, "%s", PICK(word));
}

static void
put_command(struct text *t)
{
	if (rnd(3) == 0)
		put_path(t);
	else
		put(t, "\"%s%s\"", rnd(2) ? "a" : "B", rnd(3) ? "" : "*");
}

static void
put_args(struct text *t)
{
	put(t, "\"%s\"", PICK(args_re));
}

static void
put_domain(struct text *t)
{
	unsigned int n = 1 + rnd(3), i;

	put(t, "\"");
	for (i = 0; i < n; i++)
		put(t, "%s%s", i > 0 ? "." : "", PICK(label));
	put(t, "\"");
}

static void
put_cidr(struct text *t)
{
	static const char *const c[] = { "10.0.0.0/8", "127.0.0.1",
		"8.8.0.0/15", "::1", "2001:db8::/33", "0.0.0.0/0", "::/0" };

	put(t, "\"%s\"", PICK(c));
}

static void
put_port(struct text *t)
{
	put(t, "%u", 1 + rnd(3));
}

static void
put_policy(struct text *t)
{
	unsigned int i, n;

	t->n = 0;
	put(t, HEAD "file_rules:\n");
	for (i = 0, n = 1 + rnd(5); i < n; i++) {
		put(t, "  - { name: f%u, decision: %s", i, PICK(decision));
		put_list(t, "paths", put_path, 3);
		put_list(t, "operations", put_word, 3);
		put(t, " }\n");
	}
	put(t, "network_rules:\n");
	for (i = 0, n = 1 + rnd(5); i < n; i++) {
		put(t, "  - { name: n%u, decision: %s", i,
		    decision[rnd(4)]);
		put_list(t, "domains", put_domain, 2);
		put_list(t, "cidrs", put_cidr, 2);
		put_list(t, "ports", put_port, 2);
		put(t, " }\n");
	}
	put(t, "command_rules:\n");
	for (i = 0, n = 1 + rnd(5); i < n; i++) {
		put(t, "  - { name: c%u, decision: %s", i, decision[rnd(4)]);
		put_list(t, "commands", put_command, 3);
		put_list(t, "args_patterns", put_args, 2);
		put(t, "%s }\n", rnd(4) ? "" : ", context: [direct]");
	}
}

static void
make_path(char *buf, size_t size)
{
	static const char *const part[] = { "a", "b", "ab", "aab", "x", "*",
		".", "\xc3\xa9", "\xff", "ba" };
	unsigned int i, n = 1 + rnd(4);

	buf[0] = '\0';
	if (rnd(5) == 0)
		strlcpy(buf, "/srv/proj", size);
	for (i = 0; i < n; i++) {
		strlcat(buf, "/", size);
		strlcat(buf, PICK(part), size);
	}
	if (rnd(20) == 0)
		strlcpy(buf, PICK(((const char *const[]) { "/", "/dev/null",
		    "/dev/pts/1", "/proc/self/fd", "/etc/ld.so.cache" })),
		    size);
}

static void
ask_files(struct polhelp *h, const char *yaml)
{
	char path[256], want[256];
	struct ref_answer a;
	struct verdict v;
	int i, op;

	for (i = 0; i < 12; i++) {
		make_path(path, sizeof(path));
		for (op = 0; op < FOP_MAX; op++) {
			image_file(&h->im, (enum file_op)op, path,
			    strlen(path), &v);
			reference_file(&h->ref, (enum file_op)op, path, &a);
			strlcpy(want, polhelp_answer(&a), sizeof(want));
			if (strcmp(polhelp_verdict(h, &v), want) != 0)
				fail_msg("%s\n%s %s: image %s, reference %s",
				    yaml, file_op_name[op], path,
				    polhelp_verdict(h, &v), want);
		}
	}
}

static void
ask_commands(struct polhelp *h, const char *yaml)
{
	static const char *const args[] = { "", "a", "aa", "b a", "-r", "aXb",
		"x -r b", "ab", "b\na" };
	char path[256], given[256], want[256];
	struct ref_cmd rc;
	struct image_cmd c;
	struct ref_answer a;
	struct verdict v;
	int i;

	for (i = 0; i < 30; i++) {
		make_path(path, sizeof(path));
		make_path(given, sizeof(given));
		rc = (struct ref_cmd) { path, rnd(2) ? path : given + rnd(2),
			PICK(args), 0, rnd(2) };
		rc.args_len = strlen(rc.args);
		c = (struct image_cmd) { rc.path, strlen(rc.path), rc.given,
			strlen(rc.given), rc.args, rc.args_len, rc.depth };
		image_command(&h->im, &c, &v);
		reference_command(&h->ref, &rc, &a);
		strlcpy(want, polhelp_answer(&a), sizeof(want));
		if (strcmp(polhelp_verdict(h, &v), want) != 0)
			fail_msg("%s\n%s (%s) %s: image %s, reference %s", yaml,
			    rc.path, rc.given, rc.args, polhelp_verdict(h, &v),
			    want);
	}
}

static void
ask_net(struct polhelp *h, const char *yaml)
{
	static const char *const name[] = { "a", "a.b", "b.a.test", "ab.test",
		"test", "A.TEST.", "x.y.ab", "aa.b.test" };
	char want[256];
	struct ref_net q;
	struct ref_answer a;
	struct verdict v;
	unsigned int i, k;

	for (i = 0; i < 30; i++) {
		memset(&q, 0, sizeof(q));
		q.dns = rnd(4) == 0;
		q.bind = !q.dns && rnd(8) == 0;
		q.name = q.dns || rnd(2) ? PICK(name) : NULL;
		q.port = (uint16_t)rnd(4);
		for (k = 10; k < 16; k++)
			q.addr.s6_addr[k] = (uint8_t)rnd(256);
		if (rnd(2))
			memcpy(&q.addr.s6_addr[10], PICK(((const char
			    *const[]) { "\xff\xff\x0a\1\1\1",
			    "\xff\xff\x7f\0\0\1", "\xff\xff\x08\x09\1\1",
			    "\0\0\0\0\0\1", "\0\0\0\0\0\0" })), 6);
		else if (rnd(2))
			memcpy(&q.addr, "\x20\1\x0d\xb8\x40", 5);
		if (q.dns)
			image_dns(&h->im, q.name, strlen(q.name), &v);
		else
			image_net(&h->im, q.bind ? NOP_BIND : NOP_CONNECT,
			    q.name, q.name != NULL ? strlen(q.name) : 0,
			    &q.addr, q.port, &v);
		reference_net(&h->ref, &q, &a);
		strlcpy(want, polhelp_answer(&a), sizeof(want));
		if (strcmp(polhelp_verdict(h, &v), want) != 0)
			fail_msg("%s\n%s %u: image %s, reference %s", yaml,
			    q.name != NULL ? q.name : "-", q.port,
			    polhelp_verdict(h, &v), want);
	}
}

static void
generated_policies_agree_with_reference(void **state)
{
	static struct text t;
	struct polhelp h;
	int i, compiled = 0;

	for (i = 0; i < 1500; i++) {
		put_policy(&t);
		if (polhelp_init(&h, t.s, t.n, rnd(2) ? NULL :
		    "sandbox: { baseline: false }\n"
		    "network: { private_answers: ['*.test'] }\n") == 0) {
			ask_files(&h, t.s);
			ask_commands(&h, t.s);
			ask_net(&h, t.s);
			compiled++;
		}
		polhelp_clear(&h);
	}
	assert_true(compiled > 1200);
}

static bool
redirected(const struct polhelp *h, bool dns, const char *text,
    struct image_redirect *r, const char **rule)
{
	struct image_rule ir;
	struct verdict v;

	if (!image_redirect(&h->im, dns, text, strlen(text), r, &v))
		return false;
	image_rule_get(&h->im, v.rule, &ir);
	*rule = ir.name;
	assert_int_equal(v.decision, DEC_REDIRECT);
	return true;
}

/* In order, unanchored, each kind its own; and other rules keep their numbers. */
static void
redirects_first_that_matches_decides(void **state)
{
	const char *yaml = HEAD "network_rules:\n"
	    "  - { name: net, domains: ['*'], decision: deny }\n"
	    "command_rules:\n"
	    "  - { name: cmd, commands: ['x'], args_patterns: ['^a'], "
	    "decision: deny }\n"
	    "dns_redirects:\n"
	    "  - { name: d1, match: '^a\\.test$', resolve_to: 10.0.0.5 }\n"
	    "  - { name: d2, match: 'a\\.test', resolve_to: '2001:db8::1', "
	    "visibility: silent }\n"
	    "connect_redirects:\n"
	    "  - { name: c1, match: '^a\\.test:443$', "
	    "redirect_to: '[2001:db8::2]:8443', "
	    "tls: { mode: rewrite_sni, sni: b.test } }\n"
	    "  - { name: c2, match: ':80$', redirect_to: 'c.test:8080' }\n";
	static const uint8_t five[4] = { 10, 0, 0, 5 };
	struct image_cmd cmd = { .path = "/x", .path_len = 2, .given = "/x",
		.given_len = 2, .args = "abc", .args_len = 3 };
	struct image_redirect r;
	struct polhelp h;
	struct verdict v;
	const char *rule;

	assert_int_equal(polhelp_init(&h, yaml, strlen(yaml), NULL), 0);
	assert_true(redirected(&h, true, "a.test", &r, &rule));
	assert_string_equal(rule, "d1");
	assert_memory_equal(&r.addr.s6_addr[12], five, 4);
	assert_false(r.silent);
	assert_true(redirected(&h, true, "x.a.test.org", &r, &rule));
	assert_string_equal(rule, "d2");
	assert_true(r.silent);
	assert_false(redirected(&h, true, "b.test", &r, &rule));
	assert_false(redirected(&h, true, "b.test:80", &r, &rule));
	assert_true(redirected(&h, false, "a.test:443", &r, &rule));
	assert_string_equal(rule, "c1");
	assert_string_equal(r.host, "2001:db8::2");
	assert_int_equal(r.port, 8443);
	assert_true(r.rewrite_sni);
	assert_string_equal(r.sni, "b.test");
	assert_true(redirected(&h, false, "z.test:80", &r, &rule));
	assert_string_equal(rule, "c2");
	assert_string_equal(r.host, "c.test");
	assert_false(r.rewrite_sni);
	assert_false(redirected(&h, false, "z.test:8080", &r, &rule));
	image_command(&h.im, &cmd, &v);
	assert_string_equal(polhelp_verdict(&h, &v), "deny cmd");
	polhelp_clear(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_pattern_place_is_told),
		cmocka_unit_test(every_bad_pattern_is_told_once),
		cmocka_unit_test(check_gives_session_variables_a_value),
		cmocka_unit_test(redirects_first_that_matches_decides),
		cmocka_unit_test(generated_policies_agree_with_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
