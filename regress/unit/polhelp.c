/*
 * See polhelp.h.
 */

#include "polhelp.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/config.h"

static const struct var vars_tab[] = {
	{ "PROJECT_ROOT", "/srv/proj" },
	{ "GIT_ROOT", "/srv/proj" },
	{ "HOME", "/home/u" },
};
static const struct vars vars = { vars_tab, 3 };

int
polhelp_search(const char *pattern, const char *text, size_t len)
{
	pcre2_code *re;
	pcre2_match_data *md;
	PCRE2_SIZE off;
	int err, rv;

	re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY, &err,
	    &off, NULL);
	if (re == NULL)
		return -1;
	md = pcre2_match_data_create_from_pattern(re, NULL);
	rv = pcre2_match(re, (PCRE2_SPTR)text, len, 0, 0, md, NULL);
	pcre2_match_data_free(md);
	pcre2_code_free(re);
	return rv >= 0;
}

int
polhelp_init(struct polhelp *h, const char *yaml, size_t len,
    const char *config)
{
	struct compile_opts o = { .vars = &vars };

	memset(h, 0, sizeof(*h));
	diag_init(&h->d);
	if (config != NULL) {
		h->conf = config_load("config.yaml", config, strlen(config),
		    NULL, &h->d);
		if (h->conf == NULL)
			return -1;
		diag_clear(&h->d);
	}
	h->pol = policy_load("t.yaml", yaml, len, &h->d);
	if (h->pol == NULL)
		return -1;
	o.policy = h->pol;
	o.config = h->conf;
	h->ref.policy = h->pol;
	h->ref.config = h->conf;
	h->ref.vars = &vars;
	h->ref.search = polhelp_search;
	if (compile_image(&o, &h->c, &h->d) == -1)
		return -1;
	return image_check(&h->im, h->c.bytes, h->c.size_bytes);
}

char *
polhelp_read(const char *path, size_t *len)
{
	FILE *fp = fopen(path, "r");
	size_t cap = 1 << 20;
	char *p;

	if (fp == NULL)
		return NULL;
	p = calloc(1, cap);
	if (p != NULL)
		*len = fread(p, 1, cap - 1, fp);
	fclose(fp);
	return p;
}

int
polhelp_file(struct polhelp *h, const char *policy, const char *config)
{
	size_t len = 0, n;
	char *y = polhelp_read(policy, &len);
	char *c = config != NULL ? polhelp_read(config, &n) : NULL;
	int rv = -1;

	memset(h, 0, sizeof(*h));
	if (y != NULL && (config == NULL || c != NULL))
		rv = polhelp_init(h, y, len, c);
	free(y);
	free(c);
	return rv;
}

void
polhelp_clear(struct polhelp *h)
{
	compile_clear(&h->c);
	policy_free(h->pol);
	config_free(h->conf);
	diag_clear(&h->d);
	memset(h, 0, sizeof(*h));
}

const char *
polhelp_first(struct polhelp *h)
{
	static char line[1024];

	line[0] = '\0';
	diag_sort(&h->d);
	if (h->d.n > 0)
		diag_format(&h->d.v[0], line, sizeof(line));
	return line;
}

const char *
polhelp_verdict(const struct polhelp *h, const struct verdict *v)
{
	static char buf[512];
	struct image_rule r;

	image_rule_get(&h->im, v->rule, &r);
	snprintf(buf, sizeof(buf), "%s %s", decision_name[v->decision],
	    r.name);
	return buf;
}

const char *
polhelp_answer(const struct ref_answer *a)
{
	static char buf[512];

	snprintf(buf, sizeof(buf), "%s %s", decision_name[a->decision],
	    a->rule != NULL ? a->rule->name.s : builtin_rule_name[a->builtin]);
	return buf;
}
