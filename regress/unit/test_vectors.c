/*
 * Every line of regress/vectors/decisions.tsv, through the compiled image and through the
 * reference evaluator, under the deployment's policy alone and under its config
 * too.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyd/decide.h"
#include "polhelp.h"

#define NDEPLOY 3

static const char *const deploy_tab[NDEPLOY] = { "exe.dev", "modal",
	"runloop" };

static void
load(struct polhelp *h, const char *deploy, int with_config)
{
	char pol[512], conf[512];

	snprintf(pol, sizeof(pol), "%s/deployments/%s/default.yaml",
	    REGRESS_DIR, deploy);
	snprintf(conf, sizeof(conf), "%s/deployments/%s/config.yaml",
	    REGRESS_DIR, deploy);
	if (polhelp_file(h, pol, with_config ? conf : NULL) != 0)
		fail_msg("%s: %s", pol, polhelp_first(h));
}

static const char *
by_reference(const struct polhelp *h, const struct decide_ask *q)
{
	static char args[DECIDE_SUBJECT_MAX];
	struct ref_answer a = { DEC_DENY, NULL, BR_UNJUDGEABLE };
	struct ref_cmd c = { q->argv[0], q->argv[0], args, 0, 0 };
	struct ref_net n = { q->domain == DD_DNS, 0, q->name, q->addr,
		q->port };
	unsigned int i;

	if (q->domain == DD_FILE)
		reference_file(&h->ref, (enum file_op)q->op, q->subject, &a);
	if (q->domain == DD_DNS)
		n.name = q->subject;
	if (q->domain == DD_NET || q->domain == DD_DNS)
		reference_net(&h->ref, &n, &a);
	if (q->domain == DD_EXEC) {
		args[0] = '\0';
		for (i = 1; i < q->argc; i++) {
			if (i > 1)
				strlcat(args, " ", sizeof(args));
			strlcat(args, q->argv[i], sizeof(args));
		}
		c.args_len = strlen(args);
		reference_command(&h->ref, &c, &a);
	}
	return polhelp_answer(&a);
}

static void
check_line(const struct polhelp *h, char *col[6], struct decide_ask *q)
{
	char why[256], want[256];
	struct verdict v;

	if (decide_parse(q, col[1], col[2], col[3], why, sizeof(why)) == -1)
		fail_msg("%s %s %s: %s", col[1], col[2], col[3], why);
	decide_ask(&h->im, q, &v);
	snprintf(want, sizeof(want), "%s %s", col[4], col[5]);
	if (strcmp(polhelp_verdict(h, &v), want) != 0)
		fail_msg("%s %s %s %s: image says %s, not %s", col[0], col[1],
		    col[2], col[3], polhelp_verdict(h, &v), want);
	if (strcmp(by_reference(h, q), want) != 0)
		fail_msg("%s %s %s %s: reference says %s, not %s", col[0],
		    col[1], col[2], col[3], by_reference(h, q), want);
}

static int
split(char *line, char *col[6])
{
	char *save = NULL;
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *p = strtok_r(line, "\t", &save); p != NULL && n < 6;
	    p = strtok_r(NULL, "\t", &save))
		col[n++] = p;
	return n;
}

static unsigned int
run(const char *deploy, int with_config)
{
	struct decide_ask *q = calloc(1, sizeof(*q));
	FILE *fp = fopen(REGRESS_DIR "/vectors/decisions.tsv", "r");
	char line[1024], *col[6];
	struct polhelp h;
	unsigned int n = 0;

	assert_non_null(fp);
	assert_non_null(q);
	load(&h, deploy, with_config);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (line[0] == '#' || split(line, col) != 6 ||
		    strcmp(col[0], deploy) != 0)
			continue;
		check_line(&h, col, q);
		n++;
	}
	fclose(fp);
	polhelp_clear(&h);
	free(q);
	return n;
}

static void
vectors_policy_alone_match(void **state)
{
	unsigned int i, n = 0;

	for (i = 0; i < NDEPLOY; i++)
		n += run(deploy_tab[i], 0);
	assert_int_equal(n, 244);
}

static void
vectors_with_config_match(void **state)
{
	unsigned int i, n = 0;

	for (i = 0; i < NDEPLOY; i++)
		n += run(deploy_tab[i], 1);
	assert_int_equal(n, 244);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_policy_alone_match),
		cmocka_unit_test(vectors_with_config_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
