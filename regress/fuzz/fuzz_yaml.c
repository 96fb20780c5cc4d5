/*
 * Any bytes through both loaders: no crash, no leak, no endless work; and what
 * a loader accepts can be walked, printed and expanded.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/policy.h"
#include "policyd/policyshow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct var var_tab[] = {
	{ "PROJECT_ROOT", "/srv/proj" },
	{ "HOME", "/home/u" },
};
static const struct vars vars = { var_tab, 2 };

static void
try_list(const struct policy *pol, const struct plist *l, struct diag *d)
{
	struct pieces pc;
	unsigned int i;
	size_t off;
	struct pos at;

	for (i = 0; i < l->n; i++) {
		(void)policy_expand(pol, &l->v[i], &vars, &pc, d);
		off = l->v[i].len / 2;
		at = policy_place(pol, &l->v[i], off);
		if (at.line == 0 || at.column == 0)
			abort();
	}
}

static void
try_policy(const struct policy *pol, struct diag *d)
{
	FILE *fp = fopen("/dev/null", "w");
	unsigned int i;

	for (i = 0; i < pol->nfile_rules; i++) {
		if (pol->file_rules[i].r.name.len == 0)
			abort();
		try_list(pol, &pol->file_rules[i].paths, d);
	}
	for (i = 0; i < pol->ncommand_rules; i++) {
		try_list(pol, &pol->command_rules[i].commands, d);
		try_list(pol, &pol->command_rules[i].args_patterns, d);
	}
	if (fp == NULL)
		return;
	policyshow_text(pol, fp);
	policyshow_json(pol, fp);
	fclose(fp);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_opts opts = { .vars = &vars };
	struct policy *pol;
	struct config *c;
	struct diag d;

	diag_init(&d);
	if ((pol = policy_load("fuzz.yaml", data, size, &d)) != NULL)
		try_policy(pol, &d);
	else if (d.errors == 0)
		abort();
	policy_free(pol);
	diag_clear(&d);

	opts.strict = size & 1;
	if ((c = config_load("fuzz.yaml", data, size, &opts, &d)) == NULL &&
	    d.errors == 0)
		abort();
	config_free(c);
	diag_sort(&d);
	diag_clear(&d);
	return 0;
}
