/*
 * Three promises of the policy image: what image_check accepts is safe to
 * evaluate on any input, the evaluator agrees with the reference, and
 * Landlock's rules hold what the policy allows.
 *
 * The first byte chooses: 0 the rest is an image; 1 the rest are patches
 * (offset, value) to a sound image, then questions; 2 the rest spells patterns
 * and questions from a small alphabet, for the comparison.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/image.h"
#include "common/image_fmt.h"
#include "policyd/compile.h"
#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/policy.h"
#include "policyd/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base_policy[] =
    "version: 1\nname: t\n"
    "file_rules:\n"
    "  - { name: a, paths: ['/w/**', '**/.env'], operations: [read], decision: deny }\n"
    "  - { name: b, paths: ['**'], decision: audit, message: '{{.Path}}' }\n"
    "network_rules:\n"
    "  - { name: n, domains: ['*.x.test'], cidrs: [10.0.0.0/8], ports: [1, 2], decision: deny }\n"
    "  - { name: o, domains: ['*'], decision: allow }\n"
    "command_rules:\n"
    "  - { name: c, commands: [a, /b/c], args_patterns: ['^x|y$'], decision: deny, env_allow: [A] }\n"
    "  - { name: d, commands: ['*'], decision: allow }\n"
    "unix_socket_rules:\n"
    "  - { name: u, paths: ['/run/**'], operations: [connect], decision: allow }\n"
    "signal_rules:\n"
    "  - { name: s, signals: [TERM], target: { type: process, pattern: 'a*' }, decision: redirect, redirect_to: HUP }\n"
    "env_policy: { allow: ['A*'], deny: ['*B'] }\n"
    "env_inject: { X: y }\n";

static const char base_config[] =
    "landlock: {enabled: true, allow_read: [/r], deny_paths: [/w/x]}\n"
    "sandbox: {seccomp: {syscalls: {block: [sysinfo, openat]}}}\n";

static const struct vars no_vars = { NULL, 0 };

static void
ask_land(const struct image *im, const char *s, size_t len)
{
	struct image_land r;
	uint32_t own, parent;
	unsigned int i;

	for (i = 0; image_land_get(im, i, &r); i++)
		if (r.path[0] != '/' || ((r.tree | r.exact) >> 16) != 0)
			abort();
	for (i = 0; i <= FOP_MAX; i++)
		(void)image_land_refuses(im, (enum file_op)i, i & 1, s, len,
		    &own, &parent);
}

/* Ask everything that can be asked, with s as every text. */
static void
ask_all(const struct image *im, const char *s, size_t len)
{
	struct image_cmd c = { s, len, s, len / 2, s, len, 0 };
	struct image_rule r;
	struct in6_addr a;
	struct verdict v;
	uint32_t keys, bytes;
	unsigned int i, n;
	char buf[256];
	int out;

	memset(&a, 0, sizeof(a));
	memcpy(&a, s, len < 16 ? len : 16);
	for (i = 0; i <= FOP_MAX; i++)
		image_file(im, (enum file_op)i, s, len, &v);
	for (i = 0; i <= NOP_MAX; i++) {
		image_unix(im, (enum net_op)i, s, len, &v);
		image_net(im, (enum net_op)i, i & 1 ? s : NULL, len, &a, 1, &v);
	}
	image_dns(im, s, len, &v);
	for (c.depth = 0; c.depth < 3; c.depth++)
		image_command(im, &c, &v);
	image_rule_get(im, v.rule, &r);
	image_message(r.message, &(struct image_msgvars) { .path = r.name },
	    buf, sizeof(buf));
	for (i = 0; i < 66; i++)
		image_signal(im, (int)i, i, (int)i, "abc", &v, &out);
	for (i = 0; i < 4; i++) {
		(void)image_env_allowed(im, i, s, len);
		image_env_limits(im, i, &keys, &bytes);
	}
	for (i = 0; i < 100 && image_env_inject(im, i) != NULL; i++)
		(void)strlen(image_env_inject(im, i));
	(void)strlen(image_project_root(im));
	(void)strlen(image_policy_name(im));
	(void)image_settings(im)->pids_max;
	ask_land(im, s, len);
	if (image_blocked(im) != NULL)
		(void)((const volatile uint64_t *)
		    image_blocked(im))[IMAGE_BLOCKED_WORDS - 1];
	if (image_bpf(im, &n) != NULL && n > 0)
		(void)((const volatile uint64_t *)image_bpf(im, &n))[n - 1];
}

static struct policy *
load(const char *yaml, size_t len, struct compiled *c)
{
	static struct config *conf;
	struct compile_opts o = { .vars = &no_vars, .no_bpf = len % 2 == 0 };
	struct policy *pol;
	struct diag d;

	diag_init(&d);
	memset(c, 0, sizeof(*c));
	if (conf == NULL)
		conf = config_load("c", base_config, sizeof(base_config) - 1,
		    NULL, &d);
	if (conf == NULL)
		abort();
	pol = policy_load("t", yaml, len, &d);
	o.policy = pol;
	o.config = conf;
	if (pol != NULL && compile_image(&o, c, &d) == -1) {
		policy_free(pol);
		pol = NULL;
	}
	diag_clear(&d);
	return pol;
}

static void
ask_raw(const uint8_t *data, size_t size)
{
	struct image im;
	void *p = malloc(size + 1);

	if (p == NULL)
		return;
	memcpy(p, data, size);
	if (image_check(&im, p, size) == 0)
		ask_all(&im, "/w/x.test", 9);
	free(p);
}

static void
ask_patched(const uint8_t *data, size_t size)
{
	static struct compiled good;
	struct image im;
	uint32_t off, val;
	uint8_t *p;

	if (good.bytes == NULL) {
		policy_free(load(base_policy, sizeof(base_policy) - 1, &good));
		if (good.bytes == NULL)
			abort();
	}
	p = malloc(good.size_bytes);
	if (p == NULL)
		return;
	memcpy(p, good.bytes, good.size_bytes);
	while (size >= 8 && data[0] != 0xff) {
		memcpy(&off, data, 4);
		memcpy(&val, data + 4, 4);
		off = (off & 0xffffff) % (uint32_t)(good.size_bytes / 4);
		memcpy(p + off * 4, &val, 4);
		data += 8;
		size -= 8;
	}
	if (image_check(&im, p, good.size_bytes) == 0)
		ask_all(&im, (const char *)data, size);
	free(p);
}

static const char alphabet[16] = "/ab/*ab*?./ab[x/";

/* Up to max symbols, until a byte above 0xef. */
static size_t
spell(const uint8_t **data, size_t *size, char *out, size_t max)
{
	size_t n = 0;

	while (*size > 0 && n < max) {
		uint8_t b = **data;

		(*data)++;
		(*size)--;
		if (b >= 0xf0)
			break;
		switch (alphabet[b & 15]) {
		case '[':
			n += (size_t)snprintf(out + n, 8, "%s",
			    b & 16 ? "[!a]" : "[ab]");
			break;
		default:
			out[n++] = alphabet[b & 15];
		}
	}
	out[n] = '\0';
	return n;
}

/* But for the top of a hierarchy, that may be made and removed. */
static void
compare_land(const struct image *im, const char *yaml, enum file_op op,
    const char *path)
{
	size_t len = strlen(path);
	uint32_t own, parent;

	if (path[len - 1] == '/' || strstr(path, "//") != NULL ||
	    strstr(path, "/.") != NULL || strncmp(path, "/w/x", 4) == 0 ||
	    !image_land_refuses(im, op, false, path, len, &own, &parent))
		return;
	if (own == 0 && (parent & ~image_land_rights(im, path, len)) == 0)
		return;
	fprintf(stderr, "%s%s %s: Landlock lacks %x %x\n", yaml,
	    file_op_name[op], path, own, parent);
	abort();
}

static void
compare(const uint8_t *data, size_t size)
{
	char yaml[1024], pat[4][40], path[64];
	struct reference ref = { .vars = &no_vars };
	struct ref_answer a;
	struct compiled c;
	struct policy *pol;
	struct verdict v;
	struct image im;
	int n, i, op;

	for (i = 0; i < 4; i++)
		(void)spell(&data, &size, pat[i], 12);
	n = snprintf(yaml, sizeof(yaml), "version: 1\nname: t\nfile_rules:\n"
	    "  - { name: a, paths: ['%s', '%s'], operations: [read], decision: deny }\n"
	    "  - { name: b, paths: ['%s'], operations: [write, stat], decision: audit }\n"
	    "  - { name: c, paths: ['%s'], decision: allow }\n", pat[0], pat[1],
	    pat[2], pat[3]);
	pol = load(yaml, (size_t)n, &c);
	if (pol == NULL)
		return;
	if (image_check(&im, c.bytes, c.size_bytes) == -1)
		abort();
	ref.policy = pol;
	while (size > 0) {
		path[0] = '/';
		(void)spell(&data, &size, path + 1, 12);
		for (op = 0; op < FOP_MAX; op++) {
			image_file(&im, (enum file_op)op, path, strlen(path),
			    &v);
			if (v.allowed)
				compare_land(&im, yaml, (enum file_op)op,
				    path);
			reference_file(&ref, (enum file_op)op, path, &a);
			if (v.decision != a.decision || (a.rule == NULL) !=
			    ((v.rule & RULE_BUILTIN) != 0)) {
				fprintf(stderr, "%s%s %s\n", yaml,
				    file_op_name[op], path);
				abort();
			}
		}
	}
	compile_clear(&c);
	policy_free(pol);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65536)
		return 0;
	switch (data[0] % 3) {
	case 0:
		ask_raw(data + 1, size - 1);
		break;
	case 1:
		ask_patched(data + 1, size - 1);
		break;
	default:
		compare(data + 1, size - 1 > 200 ? 200 : size - 1);
	}
	return 0;
}
