/*
 * yamlcheck policy|config|strict|show|json FILE...: load each file as policyd does and print what it
 * says, with the file's base name; show and json print the policy back.  For the golden tests only.  Exit 1 when a
 * file had errors.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/policyshow.h"

static char *
slurp(const char *path, size_t *n)
{
	FILE *fp = fopen(path, "rb");
	char *buf = malloc(4u << 20);

	if (fp == NULL || buf == NULL) {
		perror(path);
		exit(2);
	}
	*n = fread(buf, 1, 4u << 20, fp);
	fclose(fp);
	return buf;
}

static void
show(const char *kind, const char *base, const char *buf, size_t n,
    struct diag *d)
{
	struct policy *pol = policy_load(base, buf, n, d);

	if (pol != NULL && strcmp(kind, "show") == 0)
		policyshow_text(pol, stdout);
	else if (pol != NULL)
		policyshow_json(pol, stdout);
	policy_free(pol);
}

static int
check(const char *kind, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	struct config_opts opts = { .strict = strcmp(kind, "strict") == 0 };
	struct diag d;
	size_t n;
	char *buf = slurp(path, &n);
	int rv;

	diag_init(&d);
	if (strcmp(kind, "show") == 0 || strcmp(kind, "json") == 0)
		show(kind, base, buf, n, &d);
	else if (strcmp(kind, "policy") == 0)
		policy_free(policy_load(base, buf, n, &d));
	else
		config_free(config_load(base, buf, n, &opts, &d));
	diag_sort(&d);
	if (strcmp(kind, "show") != 0 && strcmp(kind, "json") != 0)
		diag_print(&d, stdout);
	rv = d.errors != 0;
	diag_clear(&d);
	free(buf);
	return rv;
}

int
main(int argc, char **argv)
{
	int i, rv = 0;

	if (argc < 3) {
		fprintf(stderr,
		    "usage: yamlcheck policy|config|strict|show|json FILE...\n");
		return 2;
	}
	for (i = 2; i < argc; i++)
		rv |= check(argv[1], argv[i]);
	return rv;
}
