/* Event records: what is written is read back, and nothing else is accepted. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/evrec.h"

static void
fill(struct evrec *e)
{
	memset(e, 0, sizeof(*e));
	e->fix.type = EV_FILE;
	e->fix.op = FOP_WRITE;
	e->fix.decision = DEC_DENY;
	e->fix.layer = LAYER_TRACER;
	e->fix.pid = 42;
	e->fix.rule_line = 17;
	memcpy(e->fix.comm, "vi", 3);
	evrec_set(e, EVS_RULE, "deny-etc", 8);
	evrec_set(e, EVS_PATH, "/etc/passwd", 11);
	evrec_set(e, EVS_PATH2, "a\0b\0", 4);
}

static void
record_written_is_read_back(void **state)
{
	uint8_t buf[EVREC_WIRE_MAX + 100] = { 0 };
	struct evrec e, got;
	size_t len;

	(void)state;
	fill(&e);
	len = evrec_measure(&e);
	assert_int_equal(len, sizeof(e.fix) + 8 + 11 + 4);
	evrec_encode(&e, buf);
	assert_int_equal(evrec_decode(&got, buf, len), 0);
	assert_memory_equal(&got.fix, &e.fix, sizeof(e.fix));
	assert_int_equal(got.text[EVS_RULE].len, 8);
	assert_memory_equal(got.text[EVS_PATH].p, "/etc/passwd", 11);
	assert_memory_equal(got.text[EVS_PATH2].p, "a\0b\0", 4);
	assert_null(got.text[EVS_EXE].p);
	/* padding behind the record is no error */
	assert_int_equal(evrec_decode(&got, buf, sizeof(buf)), 0);
}

static void
every_shorter_record_is_refused(void **state)
{
	uint8_t buf[EVREC_WIRE_MAX], *exact;
	struct evrec e, got;
	size_t len, i;

	(void)state;
	fill(&e);
	len = evrec_measure(&e);
	evrec_encode(&e, buf);
	for (i = 0; i < len; i++) {
		exact = malloc(i == 0 ? 1 : i);
		assert_non_null(exact);
		memcpy(exact, buf, i);
		assert_int_equal(evrec_decode(&got, exact, i), -1);
		free(exact);
	}
}

static void
longest_texts_fit_and_longer_ones_are_cut(void **state)
{
	static char big[8192];
	uint8_t *buf = malloc(EVREC_WIRE_MAX);
	struct evrec e, got;
	size_t i;

	(void)state;
	memset(big, 'x', sizeof(big));
	fill(&e);
	for (i = 0; i < EVS_MAX; i++)
		evrec_set(&e, (enum ev_text)i, big, evrec_text_max[i]);
	assert_int_equal(evrec_measure(&e), EVREC_WIRE_MAX);
	assert_int_equal(e.fix.flags & EVF_TRUNCATED, 0);
	for (i = 0; i < EVS_MAX; i++)
		evrec_set(&e, (enum ev_text)i, big, sizeof(big));
	assert_int_equal(evrec_measure(&e), EVREC_WIRE_MAX);
	assert_int_equal(e.fix.flags & EVF_TRUNCATED, EVF_TRUNCATED);
	evrec_encode(&e, buf);
	assert_int_equal(evrec_decode(&got, buf, EVREC_WIRE_MAX), 0);
	free(buf);
}

static void
expect_bad(const struct evrec *e)
{
	uint8_t buf[EVREC_WIRE_MAX];
	struct evrec m = *e, got;

	evrec_encode(&m, buf);
	assert_int_equal(evrec_decode(&got, buf, sizeof(buf)), -1);
}

static void
enums_and_lengths_out_of_range_are_refused(void **state)
{
	struct evrec e, b;

	(void)state;
	fill(&e);
	evrec_measure(&e);
	b = e, b.fix.type = 0, expect_bad(&b);
	b = e, b.fix.type = EV_MAX, expect_bad(&b);
	b = e, b.fix.op = FOP_MAX, expect_bad(&b);
	b = e, b.fix.decision = DEC_MAX, expect_bad(&b);
	b = e, b.fix.layer = LAYER_MAX, expect_bad(&b);
	b = e, b.fix.allowed = 2, expect_bad(&b);
	b = e, b.fix.total = 1, expect_bad(&b);
	b = e, b.fix.type = EV_NET, b.fix.op = NOP_MAX, expect_bad(&b);
}

static void
only_plain_allows_may_be_merged(void **state)
{
	struct evrec_fix f = { .type = EV_FILE, .allowed = 1 }, g;

	(void)state;
	assert_true(evrec_is_plain(&f));
	g = f, g.allowed = 0, assert_false(evrec_is_plain(&g));
	g = f, g.decision = DEC_AUDIT, assert_false(evrec_is_plain(&g));
	g = f, g.flags = EVF_ALWAYS, assert_false(evrec_is_plain(&g));
	g = f, g.error = 13, assert_false(evrec_is_plain(&g));
	g = f, g.type = EV_EXEC, assert_false(evrec_is_plain(&g));
	g = f, g.type = EV_SESSION_CREATED, assert_false(evrec_is_plain(&g));
	g = f, g.type = 999, assert_false(evrec_is_plain(&g));
}

static void
every_type_and_operation_has_a_name(void **state)
{
	struct evrec_fix f = { .allowed = 1 };
	unsigned int t, op;

	(void)state;
	for (t = 1; t < EV_MAX; t++) {
		f.type = (uint16_t)t;
		for (op = 0; op < (t == EV_FILE ? FOP_MAX : NOP_MAX); op++) {
			f.op = (uint8_t)op;
			assert_non_null(evrec_type_name(&f));
			assert_true(evrec_type_name(&f)[0] != '\0');
		}
	}
	f.type = EV_FILE, f.op = FOP_READ;
	assert_string_equal(evrec_type_name(&f), "file_open");
	assert_string_equal(evrec_op_name(&f), "read");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_written_is_read_back),
		cmocka_unit_test(every_shorter_record_is_refused),
		cmocka_unit_test(longest_texts_fit_and_longer_ones_are_cut),
		cmocka_unit_test(enums_and_lengths_out_of_range_are_refused),
		cmocka_unit_test(only_plain_allows_may_be_merged),
		cmocka_unit_test(every_type_and_operation_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
