/*
 * The image's evaluator: each section of SEMANTICS.md by a small policy, and
 * what image_check refuses.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/image_fmt.h"
#include "polhelp.h"

#define HEAD "version: 1\nname: t\n"

static struct polhelp h;

static void
compile(const char *yaml, const char *config)
{
	polhelp_clear(&h);
	if (polhelp_init(&h, yaml, strlen(yaml), config) != 0)
		fail_msg("%s", polhelp_first(&h));
}

static void
file(enum file_op op, const char *path, const char *want)
{
	struct verdict v;
	struct ref_answer a;

	image_file(&h.im, op, path, strlen(path), &v);
	if (strcmp(polhelp_verdict(&h, &v), want) != 0)
		fail_msg("%s %s: %s, not %s", file_op_name[op], path,
		    polhelp_verdict(&h, &v), want);
	reference_file(&h.ref, op, path, &a);
	if (strcmp(polhelp_answer(&a), want) != 0)
		fail_msg("%s %s: reference %s, not %s", file_op_name[op],
		    path, polhelp_answer(&a), want);
}

static void
command(const char *path, const char *given, const char *args, uint32_t depth,
    const char *want)
{
	struct image_cmd c = { path, strlen(path), given, strlen(given), args,
		strlen(args), depth };
	struct ref_cmd rc = { path, given, args, strlen(args), depth };
	struct verdict v;
	struct ref_answer a;

	image_command(&h.im, &c, &v);
	if (strcmp(polhelp_verdict(&h, &v), want) != 0)
		fail_msg("%s %s %s: %s, not %s", path, given, args,
		    polhelp_verdict(&h, &v), want);
	reference_command(&h.ref, &rc, &a);
	assert_string_equal(polhelp_answer(&a), want);
}

static struct in6_addr
address(const char *s)
{
	struct in6_addr a;
	char v6[64] = "::ffff:";

	if (strchr(s, ':') == NULL)
		s = strcat(v6, s);
	assert_int_equal(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

static void
net(enum net_op op, const char *name, const char *addr, uint16_t port,
    const char *want)
{
	struct in6_addr in = address(addr);
	struct ref_net q = { 0, op == NOP_BIND, name, in, port };
	struct verdict v;
	struct ref_answer a;

	image_net(&h.im, op, name, name != NULL ? strlen(name) : 0, &in, port,
	    &v);
	if (strcmp(polhelp_verdict(&h, &v), want) != 0)
		fail_msg("%s %s %u: %s, not %s", name != NULL ? name : "-",
		    addr, port, polhelp_verdict(&h, &v), want);
	reference_net(&h.ref, &q, &a);
	assert_string_equal(polhelp_answer(&a), want);
}

static void
dns(const char *name, const char *want)
{
	struct ref_net q = { .dns = 1, .name = name };
	struct verdict v;
	struct ref_answer a;

	image_dns(&h.im, name, strlen(name), &v);
	if (strcmp(polhelp_verdict(&h, &v), want) != 0)
		fail_msg("%s: %s, not %s", name, polhelp_verdict(&h, &v), want);
	reference_net(&h.ref, &q, &a);
	assert_string_equal(polhelp_answer(&a), want);
}

static void
un(enum net_op op, const char *path, const char *want)
{
	struct verdict v;
	struct ref_answer a;

	image_unix(&h.im, op, path, strlen(path), &v);
	assert_string_equal(polhelp_verdict(&h, &v), want);
	reference_unix(&h.ref, op, path, &a);
	assert_string_equal(polhelp_answer(&a), want);
}

static int
sig(int n, unsigned int rel, int pid, const char *comm, const char *want)
{
	struct verdict v;
	int out = -1;

	image_signal(&h.im, n, rel, pid, comm, &v, &out);
	if (strcmp(polhelp_verdict(&h, &v), want) != 0)
		fail_msg("signal %d rel %x: %s, not %s", n, rel,
		    polhelp_verdict(&h, &v), want);
	return out;
}

/* ---- files ---- */

static void
file_first_match_wins(void **state)
{
	compile(HEAD "file_rules:\n"
	    "  - { name: a, paths: [/w/secret], operations: [read], decision: deny }\n"
	    "  - { name: b, paths: [/w/**], operations: [read, write], decision: allow }\n"
	    "  - { name: c, paths: [/w/**], decision: audit }\n", NULL);
	file(FOP_READ, "/w/secret", "deny a");
	file(FOP_WRITE, "/w/secret", "allow b");
	file(FOP_DELETE, "/w/secret", "audit c");
	file(FOP_READ, "/w", "allow b");
	file(FOP_READ, "/wx", "allow default-allow-reads");
	file(FOP_WRITE, "/wx", "deny default-deny-files");
}

static void
file_words_cover_the_table(void **state)
{
	/* word -> operations it covers, SEMANTICS.md, Files */
	static const struct {
		const char *word;
		const char *ops;
	} tab[] = {
		{ "read", "read list readlink" },
		{ "open", "read list" },
		{ "list", "list" },
		{ "stat", "stat readlink" },
		{ "readlink", "readlink" },
		{ "write", "write truncate create symlink link utime xattr" },
		{ "create", "create symlink link rename_to" },
		{ "mkdir", "mkdir" },
		{ "chmod", "chmod chown utime xattr" },
		{ "chown", "chown" },
		{ "rename", "rename rename_to" },
		{ "delete", "delete rmdir" },
		{ "rmdir", "rmdir" },
		{ "'*'", "read list stat readlink write truncate create "
		    "symlink link mkdir chmod chown utime xattr rename "
		    "rename_to delete rmdir" },
	};
	char yaml[512], list[256], *save, *p;
	struct verdict v;
	size_t i;
	uint32_t want;
	int op;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		snprintf(yaml, sizeof(yaml), HEAD "file_rules:\n"
		    "  - { name: a, paths: [/w], operations: [%s], "
		    "decision: audit }\n", tab[i].word);
		compile(yaml, "sandbox: { baseline: false }\n");
		want = 0;
		strlcpy(list, tab[i].ops, sizeof(list));
		for (p = strtok_r(list, " ", &save); p != NULL;
		    p = strtok_r(NULL, " ", &save))
			for (op = 0; op < FOP_MAX; op++)
				if (strcmp(p, file_op_name[op]) == 0)
					want |= 1u << op;
		for (op = 0; op < FOP_MAX; op++) {
			image_file(&h.im, (enum file_op)op, "/w", 2, &v);
			if ((v.decision == DEC_AUDIT) != (int)(want >> op & 1))
				fail_msg("word %s, operation %s", tab[i].word,
				    file_op_name[op]);
		}
	}
}

static void
file_implicit_rules_stand_before_catch_all(void **state)
{
	const char *yaml = HEAD "file_rules:\n"
	    "  - { name: own, paths: [/dev/tty], decision: deny }\n"
	    "  - { name: w, paths: ['/a/b/c*', '/x/[y]'], operations: [read], decision: allow }\n"
	    "  - { name: no, paths: [/deny/er/**], decision: deny }\n"
	    "  - { name: all, paths: ['**'], decision: deny }\n";

	compile(yaml, NULL);
	file(FOP_WRITE, "/dev/tty", "deny own");
	file(FOP_WRITE, "/dev/null", "allow implicit-runtime");
	file(FOP_DELETE, "/dev/null", "deny all");
	file(FOP_LIST, "/proc/self", "allow implicit-runtime");
	file(FOP_READ, "/proc/self/maps", "allow implicit-runtime");
	file(FOP_READ, "/proc/selfish", "deny all");
	file(FOP_READ, "/etc/ld.so.cache", "allow implicit-runtime");
	file(FOP_WRITE, "/etc/ld.so.cache", "deny all");
	file(FOP_STAT, "/", "allow implicit-traverse");
	file(FOP_STAT, "/a", "allow implicit-traverse");
	file(FOP_READLINK, "/a/b", "allow implicit-traverse");
	file(FOP_STAT, "/a/b/c", "deny all");
	file(FOP_READ, "/a", "deny all");
	file(FOP_STAT, "/x", "allow implicit-traverse");
	file(FOP_STAT, "/deny", "deny all");
	compile(yaml, "sandbox: { baseline: false }\n");
	file(FOP_WRITE, "/dev/null", "deny all");
	file(FOP_STAT, "/a", "deny all");
}

static void
file_implicit_rules_without_catch_all_stand_last(void **state)
{
	compile(HEAD "file_rules:\n"
	    "  - { name: mixed, paths: ['**', /x], operations: [write], decision: deny }\n"
	    "  - { name: half, paths: ['/**/q', '**'], operations: [delete], decision: deny }\n",
	    NULL);
	file(FOP_WRITE, "/dev/null", "deny mixed");
	file(FOP_CREATE, "/dev/null", "deny mixed");
	file(FOP_READ, "/dev/null", "allow implicit-runtime");
}

static void
file_variable_value_is_literal(void **state)
{
	compile(HEAD "file_rules:\n"
	    "  - { name: a, paths: ['${PROJECT_ROOT}/*', '${NONE:-/d*}/x'], decision: allow }\n",
	    NULL);
	file(FOP_WRITE, "/srv/proj/x", "allow a");
	file(FOP_WRITE, "/srv/proj/x/y", "deny default-deny-files");
	file(FOP_WRITE, "/d*/x", "allow a");
	file(FOP_WRITE, "/dd/x", "deny default-deny-files");
}

static void
file_metadata_layer_follows_config(void **state)
{
	const char *yaml = HEAD "file_rules:\n"
	    "  - { name: a, paths: [/w], decision: allow }\n";
	struct verdict v;

	compile(yaml, NULL);
	image_file(&h.im, FOP_STAT, "/w", 2, &v);
	assert_int_equal(v.layer, LAYER_NONE);
	image_file(&h.im, FOP_READ, "/w", 2, &v);
	assert_int_equal(v.layer, LAYER_TRACER);
	compile(yaml, "sandbox: { seccomp: { file_monitor: "
	    "{ enabled: true, metadata: true } } }\n");
	image_file(&h.im, FOP_STAT, "/w", 2, &v);
	assert_int_equal(v.layer, LAYER_TRACER);
}

static void
file_any_bytes_are_judged(void **state)
{
	struct verdict v;

	compile(HEAD "file_rules:\n"
	    "  - { name: a, paths: [/w/**], decision: allow }\n", NULL);
	image_file(&h.im, FOP_WRITE, "/w/\0\xff", 5, &v);
	assert_int_equal(v.allowed, 1);
	image_file(&h.im, FOP_WRITE, "", 0, &v);
	assert_int_equal(v.allowed, 0);
	image_file(&h.im, FOP_MAX, "/w", 2, &v);
	assert_int_equal(v.rule, RULE_BUILTIN + BR_UNJUDGEABLE);
	assert_int_equal(v.allowed, 0);
}

static void
allowed_follows_decision_and_approvals(void **state)
{
	const char *yaml = HEAD "file_rules:\n"
	    "  - { name: a, paths: [/a], decision: approve }\n"
	    "  - { name: b, paths: [/b], decision: soft_delete }\n"
	    "  - { name: c, paths: [/c], decision: audit }\n"
	    "  - { name: d, paths: [/d], decision: redirect, redirect_to: /e }\n";
	struct verdict v;

	compile(yaml, NULL);
	image_file(&h.im, FOP_WRITE, "/a", 2, &v);
	assert_int_equal(v.allowed, 0);
	image_file(&h.im, FOP_DELETE, "/b", 2, &v);
	assert_int_equal(v.allowed, 1);
	image_file(&h.im, FOP_WRITE, "/c", 2, &v);
	assert_true(v.allowed && v.always);
	image_file(&h.im, FOP_WRITE, "/d", 2, &v);
	assert_int_equal(v.allowed, 0);
	compile(yaml, "approvals: { enabled: false, when_disabled: allow }\n");
	image_file(&h.im, FOP_WRITE, "/a", 2, &v);
	assert_true(v.allowed && v.decision == DEC_APPROVE);
	compile(yaml, "approvals: { enabled: true, when_disabled: allow }\n");
	image_file(&h.im, FOP_WRITE, "/a", 2, &v);
	assert_int_equal(v.allowed, 0);
}

static void
many_patterns_need_several_automata(void **state)
{
	char *yaml = malloc(1 << 20), path[64];
	struct verdict v;
	size_t n;
	int i;

	/* each doubles the states of one automaton for all */
	n = (size_t)sprintf(yaml, HEAD "file_rules:\n");
	for (i = 0; i < 20; i++)
		n += (size_t)sprintf(yaml + n, "  - { name: r%d, paths: "
		    "['/**/a%c*/**/b%c*/**/c%c'], decision: audit }\n", i,
		    'a' + i, 'a' + i, 'a' + i);
	compile(yaml, NULL);
	free(yaml);
	for (i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/x/a%cz/y/b%cz/y/c%c", 'a' + i,
		    'a' + i, 'a' + i);
		image_file(&h.im, FOP_WRITE, path, strlen(path), &v);
		assert_int_equal(v.rule, i);
	}
}

/* ---- commands ---- */

static void
command_names_and_paths(void **state)
{
	compile(HEAD "command_rules:\n"
	    "  - { name: p, commands: [/usr/bin/env, '/opt/*/bin/*'], decision: deny }\n"
	    "  - { name: b, commands: [Bash, 'python3.*'], decision: allow }\n",
	    NULL);
	command("/usr/bin/env", "/usr/bin/env", "", 0, "deny p");
	command("/usr/bin/ENV", "env", "", 0, "deny default-deny-commands");
	command("/usr/bin/x", "/usr/bin/env", "", 0, "deny p");
	command("/opt/a/bin/b", "b", "", 0, "deny p");
	command("/opt/a/c/bin/b", "b", "", 0, "deny default-deny-commands");
	command("/bin/bash", "bash", "", 0, "allow b");
	command("/bin/BASH", "x", "", 0, "allow b");
	command("/bin/dash", "/bin/bash", "", 0, "allow b");
	command("/usr/bin/python3.11", "python", "", 3, "allow b");
	command("/usr/bin/python3", "python3", "", 3,
	    "deny default-deny-commands");
}

static void
command_depth_and_arguments(void **state)
{
	compile(HEAD "command_rules:\n"
	    "  - { name: d, commands: [curl], context: [direct], decision: allow }\n"
	    "  - { name: n, commands: [curl], context: [nested], decision: approve }\n"
	    "  - { name: a, commands: [rm], args_patterns: ['(^| )-r', '--recursive'], decision: deny }\n"
	    "  - { name: g, commands: [cp], args_patterns: ['*-rf*'], decision: deny }\n"
	    "  - { name: m, commands: [mv], context: { min_depth: 1, max_depth: 2 }, decision: deny }\n"
	    "  - { name: all, commands: ['*'], decision: allow }\n", NULL);
	assert_int_equal(h.d.warnings, 1); /* the glob */
	command("/usr/bin/curl", "curl", "", 0, "allow d");
	command("/usr/bin/curl", "curl", "", 1, "approve n");
	command("/bin/rm", "rm", "x -r", 0, "deny a");
	command("/bin/rm", "rm", "x-r", 0, "allow all");
	command("/bin/rm", "rm", "--recursive", 9, "deny a");
	command("/bin/cp", "cp", "a -rf b", 0, "deny g");
	command("/bin/cp", "cp", "a -r b", 0, "allow all");
	command("/bin/mv", "mv", "", 0, "allow all");
	command("/bin/mv", "mv", "", 2, "deny m");
	command("/bin/mv", "mv", "", 3, "allow all");
}

static void
command_more_than_one_word_of_rules(void **state)
{
	char *yaml = malloc(65536), cmd[32], want[32];
	size_t n;
	int i;

	n = (size_t)sprintf(yaml, HEAD "command_rules:\n");
	for (i = 0; i < 200; i++)
		n += (size_t)sprintf(yaml + n, "  - { name: r%d, commands: "
		    "[c%d], decision: allow }\n", i, i);
	compile(yaml, NULL);
	free(yaml);
	for (i = 0; i < 200; i += 7) {
		snprintf(cmd, sizeof(cmd), "/bin/c%d", i);
		snprintf(want, sizeof(want), "allow r%d", i);
		command(cmd, cmd, "", 0, want);
	}
}

/* ---- network ---- */

/* The kernel goes to the loopback for who connects to no address. */
static void
net_no_address_is_loopback(void **state)
{
	compile(HEAD "network_rules:\n"
	    "  - { name: home, cidrs: [127.0.0.0/8, '::1/128'], decision: deny }\n"
	    "  - { name: rest, cidrs: [0.0.0.0/0, '::/0'], decision: allow }\n",
	    NULL);
	net(NOP_CONNECT, NULL, "127.0.0.1", 80, "deny home");
	net(NOP_CONNECT, NULL, "0.0.0.0", 80, "deny home");
	net(NOP_CONNECT, NULL, "::", 80, "deny home");
	net(NOP_BIND, NULL, "0.0.0.0", 80, "allow rest");
	net(NOP_CONNECT, NULL, "0.0.0.1", 80, "allow rest");
}

static void
net_lists_are_anded(void **state)
{
	compile(HEAD "network_rules:\n"
	    "  - { name: dn, domains: [meta.test], cidrs: [203.0.113.7/32], decision: deny }\n"
	    "  - { name: al, domains: ['*.ok.test', ok.test], ports: [443], decision: allow }\n"
	    "  - { name: bo, domains: [both.test], cidrs: [10.0.0.0/8], decision: allow }\n"
	    "  - { name: ap, ports: [80], decision: approve }\n"
	    "  - { name: st, domains: ['*'], ports: [99], decision: allow }\n",
	    NULL);
	net(NOP_CONNECT, "meta.test", "8.8.8.8", 1, "deny dn");
	net(NOP_CONNECT, NULL, "203.0.113.7", 1, "deny dn");
	net(NOP_CONNECT, "OK.test.", "8.8.8.8", 443, "allow al");
	net(NOP_CONNECT, "a.b.ok.test", "8.8.8.8", 443, "allow al");
	net(NOP_CONNECT, "xok.test", "8.8.8.8", 443,
	    "deny default-deny-network");
	net(NOP_CONNECT, "ok.test", "8.8.8.8", 80, "approve ap");
	net(NOP_CONNECT, "ok.test", "10.0.0.1", 443,
	    "deny default-deny-network");
	net(NOP_CONNECT, "both.test", "10.0.0.1", 5, "allow bo");
	net(NOP_CONNECT, "both.test", "11.0.0.1", 5,
	    "deny default-deny-network");
	net(NOP_CONNECT, NULL, "8.8.4.4", 99, "allow st");
	net(NOP_CONNECT, NULL, "127.0.0.1", 99, "deny default-deny-network");
	net(NOP_CONNECT, NULL, "::1", 99, "deny default-deny-network");
	net(NOP_CONNECT, NULL, "::", 99, "deny default-deny-network");
	net(NOP_CONNECT, NULL, "0.0.0.0", 99, "deny default-deny-network");
	net(NOP_CONNECT, NULL, "fd00::1", 99, "deny default-deny-network");
	net(NOP_CONNECT, NULL, "2001:db8::1", 99, "allow st");
	dns("meta.test", "deny dn");
	dns("ok.test", "allow al");
	dns("both.test", "allow st");
}

static void
net_private_answers_are_exceptions(void **state)
{
	compile(HEAD "network_rules:\n"
	    "  - { name: al, domains: ['*.in.test'], decision: allow }\n",
	    "network: { private_answers: [db.in.test] }\n");
	net(NOP_CONNECT, "db.in.test", "10.1.1.1", 5, "allow al");
	net(NOP_CONNECT, "DB.in.test.", "10.1.1.1", 5, "allow al");
	net(NOP_CONNECT, "x.in.test", "10.1.1.1", 5,
	    "deny default-deny-network");
	net(NOP_CONNECT, "x.in.test", "172.32.1.1", 5, "allow al");
}

static void
net_bind_port_zero_is_free(void **state)
{
	compile(HEAD, NULL);
	net(NOP_BIND, NULL, "127.0.0.1", 0, "allow port-zero");
	net(NOP_BIND, NULL, "0.0.0.0", 0, "allow port-zero");
	net(NOP_BIND, NULL, "::", 0, "allow port-zero");
	net(NOP_BIND, NULL, "::1", 0, "allow port-zero");
	net(NOP_BIND, NULL, "0.0.0.1", 0, "deny default-deny-network");
	net(NOP_BIND, NULL, "127.0.0.1", 80, "deny default-deny-network");
	net(NOP_CONNECT, NULL, "127.0.0.1", 0, "deny default-deny-network");
}

/* ---- unix, signals, environment ---- */

static void
unix_rules_by_path_and_operation(void **state)
{
	compile(HEAD "unix_socket_rules:\n"
	    "  - { name: a, paths: [/run/x/**, '@abs*'], operations: [connect], decision: allow }\n"
	    "  - { name: b, paths: ['/run/**'], decision: audit }\n", NULL);
	un(NOP_CONNECT, "/run/x/s", "allow a");
	un(NOP_BIND, "/run/x/s", "audit b");
	un(NOP_CONNECT, "@abstract", "allow a");
	un(NOP_SENDTO, "@abstract", "deny default-deny-unix");
	un(NOP_CONNECT, "/tmp/s", "deny default-deny-unix");
	assert_int_equal(image_settings(&h.im)->has_unix_rules, 1);
	compile(HEAD, NULL);
	un(NOP_CONNECT, "/run/x/s", "deny default-deny-unix");
	assert_int_equal(image_settings(&h.im)->has_unix_rules, 0);
}

static void
signal_first_match_then_default(void **state)
{
	compile(HEAD "signal_rules:\n"
	    "  - { name: ab, signals: [SIGUSR1], target: { type: self }, decision: absorb }\n"
	    "  - { name: re, signals: [SIGHUP], target: { type: siblings }, decision: redirect, redirect_to: SIGTERM }\n"
	    "  - { name: pr, signals: ['@fatal'], target: { type: process, pattern: 'sle*' }, decision: deny }\n"
	    "  - { name: pi, signals: [KILL], target: { type: pid_range, min: 10, max: 20 }, decision: deny }\n"
	    "  - { name: ex, signals: ['@all'], target: { type: external }, decision: allow }\n"
	    "  - { name: al, signals: ['@all'], target: { type: descendants }, decision: allow }\n",
	    NULL);
	sig(SIGUSR1, IMAGE_SIG_SELF, 5, "x", "absorb ab");
	sig(SIGUSR2, IMAGE_SIG_SELF, 5, "x", "allow default-allow-signals");
	assert_int_equal(sig(SIGHUP, IMAGE_SIG_SIBLING, 5, "x", "redirect re"),
	    SIGTERM);
	assert_int_equal(sig(SIGHUP, IMAGE_SIG_CHILD, 5, "x", "allow al"),
	    SIGHUP);
	sig(SIGKILL, IMAGE_SIG_CHILD, 5, "sleep", "deny pr");
	sig(SIGKILL, 0, 15, "x", "deny pi");
	sig(SIGKILL, 0, 21, "x", "deny default-deny-signals");
	sig(SIGTERM, IMAGE_SIG_DESCENDANT, 21, "x", "allow al");
	sig(0, IMAGE_SIG_DESCENDANT, 21, "x", "allow al");
	sig(0, IMAGE_SIG_SIBLING, 21, "x", "deny default-deny-signals");
	sig(SIGTERM, IMAGE_SIG_PARENT, 21, "x", "deny default-deny-signals");
	sig(65, IMAGE_SIG_SELF, 21, "x", "deny unjudgeable");
	compile(HEAD, NULL);
	sig(SIGKILL, IMAGE_SIG_PARENT, 21, "x", "allow default-allow-signals");
}

static int
env(uint32_t rule, const char *name)
{
	return image_env_allowed(&h.im, rule, name, strlen(name));
}

static void
env_deny_beats_allow(void **state)
{
	uint32_t keys, bytes;

	compile(HEAD "env_policy: { allow: [PATH, 'X_*'], deny: ['*_KEY'], max_keys: 7, max_bytes: 0 }\n"
	    "command_rules:\n"
	    "  - { name: a, commands: [a], env_allow: [Y], env_max_keys: 3, decision: allow }\n"
	    "  - { name: b, commands: [b], decision: allow }\n", NULL);
	assert_true(env(RULE_BUILTIN, "PATH") && env(RULE_BUILTIN, "X_A"));
	assert_false(env(RULE_BUILTIN, "path"));
	assert_false(env(RULE_BUILTIN, "X_KEY"));
	assert_false(env(RULE_BUILTIN, "Y"));
	assert_true(env(0, "Y"));
	assert_false(env(0, "PATH"));
	assert_false(env(1, "Y"));
	image_env_limits(&h.im, RULE_BUILTIN, &keys, &bytes);
	assert_true(keys == 7 && bytes == 0);
	image_env_limits(&h.im, 0, &keys, &bytes);
	assert_true(keys == 3 && bytes == 0);
}

static void
env_without_allow_list_drops_secrets(void **state)
{
	compile(HEAD "env_policy: { deny: [ZZ] }\n", NULL);
	assert_true(env(RULE_BUILTIN, "ANYTHING"));
	assert_false(env(RULE_BUILTIN, "LD_PRELOAD"));
	assert_false(env(RULE_BUILTIN, "AWS_SECRET_ACCESS_KEY"));
	assert_false(env(RULE_BUILTIN, "ZZ"));
	compile(HEAD, NULL);
	assert_false(env(RULE_BUILTIN, "GIT_ASKPASS"));
	assert_true(env(RULE_BUILTIN, "ZZ"));
}

static void
env_inject_policy_replaces_config(void **state)
{
	compile(HEAD "env_inject: { A: '1', B: '${HOME}/x' }\n",
	    "sandbox: { env_inject: { A: '2', C: '3' } }\n");
	assert_string_equal(image_env_inject(&h.im, 0), "C=3");
	assert_string_equal(image_env_inject(&h.im, 1), "A=1");
	assert_string_equal(image_env_inject(&h.im, 2), "B=/home/u/x");
	assert_null(image_env_inject(&h.im, 3));
}

/* ---- settings and texts ---- */

static void
settings_smaller_limit_binds(void **state)
{
	const struct image_settings *s;

	compile(HEAD "resource_limits: { max_memory_mb: 2048, "
	    "memory_swap_max_mb: 0, pids_max: 100, command_timeout: 5m }\n",
	    "sandbox: { limits: { max_memory_mb: 1024, max_processes: 256 } }\n"
	    "sessions: { default_timeout: 1h }\n");
	s = image_settings(&h.im);
	assert_true(s->max_memory_bytes == UINT64_C(1024) << 20);
	assert_int_equal(s->pids_max, 100);
	assert_int_equal(s->swap_max_bytes, 0);
	assert_true(s->command_timeout_ns == UINT64_C(300000000000));
	assert_true(s->session_timeout_ns == UINT64_C(3600000000000));
	compile(HEAD, NULL);
	assert_true(image_settings(&h.im)->swap_max_bytes == UINT64_MAX);
	assert_int_equal(image_settings(&h.im)->log_allowed, 1);
}

static void
message_variables_are_expanded(void **state)
{
	struct image_msgvars v = { .path = "/a\nb", .rule = "r" };
	char buf[64];

	image_message("{{.Path}} by {{ .Rule }} {{.Domain}}{{.Nope}} {{x", &v,
	    buf, sizeof(buf));
	assert_string_equal(buf, "/a?b by r {{.Nope}} {{x");
	image_message("{{.Path}}{{.Path}}", &v, buf, 6);
	assert_string_equal(buf, "/a?b/");
	image_message("x", &v, buf, 1);
	assert_string_equal(buf, "");
}

static void
rule_place_and_message_are_kept(void **state)
{
	struct image_rule r;

	compile(HEAD "file_rules:\n"
	    "  - name: a\n    paths: [/w]\n    decision: approve\n"
	    "    message: hello\n    timeout: 2m\n", NULL);
	image_rule_get(&h.im, 0, &r);
	assert_string_equal(r.name, "a");
	assert_string_equal(r.file, "t.yaml");
	assert_string_equal(r.message, "hello");
	assert_int_equal(r.line, 4);
	assert_true(r.timeout_ns == UINT64_C(120000000000));
	image_rule_get(&h.im, RULE_BUILTIN + BR_SYSCALL, &r);
	assert_string_equal(r.name, builtin_rule_name[BR_SYSCALL]);
	image_rule_get(&h.im, 77, &r);
	assert_string_equal(r.name, "unknown");
}

/* ---- admission ---- */

static void
open_unsealed_refused(void **state)
{
	struct image im;
	int fd;

	compile(HEAD, NULL);
	fd = compile_memfd(&h.c);
	assert_int_not_equal(fd, -1);
	assert_int_equal(image_open(&im, fd), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK), 0);
	assert_int_equal(image_open(&im, fd), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	assert_int_equal(image_open(&im, fd), 0);
	assert_string_equal(image_policy_name(&im), "t");
	assert_string_equal(image_project_root(&im), "/srv/proj");
	image_close(&im);
	close(fd);
}

static void
check_every_truncation_refused(void **state)
{
	struct image im;
	size_t n;

	compile(HEAD "file_rules:\n"
	    "  - { name: a, paths: [/w/**], decision: allow }\n", NULL);
	for (n = 0; n < h.c.size_bytes; n += n < 600 ? 1 : 97)
		assert_int_equal(image_check(&im, h.c.bytes, n), -1);
}

/*
 * Every 32-bit word of header and tables set to a large number: refused or
 * safe.
 */
static void
check_bad_offsets_are_safe(void **state)
{
	static const uint32_t bad[] = { 0x7fffffff, 0xffffffff, 0x10000,
		0xfffffff8 };
	struct image im;
	struct verdict v;
	uint32_t *w, keep;
	size_t i, k, n, refused = 0;

	compile(HEAD "file_rules:\n"
	    "  - { name: a, paths: [/w/**], decision: allow }\n"
	    "command_rules:\n  - { name: c, commands: [x], args_patterns: [y], decision: deny }\n"
	    "network_rules:\n  - { name: n, domains: [x.test], ports: [1], cidrs: [10.0.0.0/8], decision: deny }\n",
	    NULL);
	w = h.c.bytes;
	n = h.c.size_bytes / 4;
	for (i = 0; i < n; i++) {
		for (k = 0; k < 4; k++) {
			keep = w[i];
			w[i] = bad[k];
			if (image_check(&im, h.c.bytes, h.c.size_bytes) == 0)
				image_file(&im, FOP_READ, "/w/x", 4, &v);
			else
				refused++;
			w[i] = keep;
		}
	}
	assert_true(refused > 100);
	assert_int_equal(image_check(&im, h.c.bytes, h.c.size_bytes), 0);
}

static int
teardown(void **state)
{
	polhelp_clear(&h);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_first_match_wins),
		cmocka_unit_test(file_words_cover_the_table),
		cmocka_unit_test(file_implicit_rules_stand_before_catch_all),
		cmocka_unit_test(
		    file_implicit_rules_without_catch_all_stand_last),
		cmocka_unit_test(file_variable_value_is_literal),
		cmocka_unit_test(file_metadata_layer_follows_config),
		cmocka_unit_test(file_any_bytes_are_judged),
		cmocka_unit_test(allowed_follows_decision_and_approvals),
		cmocka_unit_test(many_patterns_need_several_automata),
		cmocka_unit_test(command_names_and_paths),
		cmocka_unit_test(command_depth_and_arguments),
		cmocka_unit_test(command_more_than_one_word_of_rules),
		cmocka_unit_test(net_no_address_is_loopback),
		cmocka_unit_test(net_lists_are_anded),
		cmocka_unit_test(net_private_answers_are_exceptions),
		cmocka_unit_test(net_bind_port_zero_is_free),
		cmocka_unit_test(unix_rules_by_path_and_operation),
		cmocka_unit_test(signal_first_match_then_default),
		cmocka_unit_test(env_deny_beats_allow),
		cmocka_unit_test(env_without_allow_list_drops_secrets),
		cmocka_unit_test(env_inject_policy_replaces_config),
		cmocka_unit_test(settings_smaller_limit_binds),
		cmocka_unit_test(message_variables_are_expanded),
		cmocka_unit_test(rule_place_and_message_are_kept),
		cmocka_unit_test(open_unsealed_refused),
		cmocka_unit_test(check_every_truncation_refused),
		cmocka_unit_test(check_bad_offsets_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
