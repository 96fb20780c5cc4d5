/*
 * Durations, sizes, booleans and integers as SEMANTICS.md, Loading, spells them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policyd/scalar.h"

#define SEC UINT64_C(1000000000)

static void
duration_of_each_unit_is_nanoseconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} tab[] = { { "0", 0 }, { "0s", 0 }, { "5ns", 5 }, { "5us", 5000 },
		{ "5\xc2\xb5s", 5000 }, { "7ms", 7000000 }, { "30s", 30 * SEC },
		{ "5m", 300 * SEC }, { "1h30m", 5400 * SEC },
		{ "7d", 604800 * SEC }, { "1.5h", 5400 * SEC },
		{ "1m0.5s", 60 * SEC + SEC / 2 }, { ".5s", SEC / 2 },
		{ "0.000000001s", 1 }, { "9223372036854775807ns", INT64_MAX } };
	uint64_t ns;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(scalar_duration(tab[i].text, &ns), 0);
		assert_int_equal(ns, tab[i].ns);
	}
}

static void
duration_malformed_is_refused_untouched(void **state)
{
	static const char *const tab[] = { "", "5", "s", "5x", "5 s", "-5s",
		"+5s", "1h30", "1..5s", ".s", "5S", "5M", "1w",
		"9223372036854775808ns", "107000d", "18446744073709551616ns",
		"1h 30m", "5s ", "0x5s", "1e3s", "\xc2\xb5s" };
	uint64_t ns = 42;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		if (scalar_duration(tab[i], &ns) != -1)
			fail_msg("\"%s\" was taken", tab[i]);
		assert_int_equal(ns, 42);
	}
}

static void
duration_printed_reads_back(void **state)
{
	static const uint64_t tab[] = { 0, 1, 999, 5400 * SEC, 90000 * SEC,
		INT64_MAX, 250000000 };
	char buf[SCALAR_DURATION_MAX];
	uint64_t ns;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		scalar_duration_str(tab[i], buf, sizeof(buf));
		assert_int_equal(scalar_duration(buf, &ns), 0);
		assert_int_equal(ns, tab[i]);
	}
	assert_string_equal(scalar_duration_str(5400 * SEC, buf, sizeof(buf)),
	    "1h30m");
	assert_string_equal(scalar_duration_str(0, buf, sizeof(buf)), "0s");
}

static void
size_units_are_thousands_or_1024s(void **state)
{
	uint64_t n;

	assert_int_equal(scalar_size("512", &n), 0);
	assert_int_equal(n, 512);
	assert_int_equal(scalar_size("10MB", &n), 0);
	assert_int_equal(n, 10000000);
	assert_int_equal(scalar_size("1.5GiB", &n), 0);
	assert_int_equal(n, 1610612736);
	assert_int_equal(scalar_size("4 KiB", &n), 0);
	assert_int_equal(n, 4096);
	assert_int_equal(scalar_size("3kb", &n), 0);
	assert_int_equal(n, 3000);
	assert_int_equal(scalar_size("", &n), -1);
	assert_int_equal(scalar_size("MB", &n), -1);
	assert_int_equal(scalar_size("10M", &n), -1);
	assert_int_equal(scalar_size("-1MB", &n), -1);
	assert_int_equal(scalar_size("10MBs", &n), -1);
	assert_int_equal(scalar_size("9999999999GiB", &n), -1);
}

static void
bool_words_in_three_cases_only(void **state)
{
	int v;

	assert_int_equal(scalar_bool("true", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(scalar_bool("Off", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(scalar_bool("YES", &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(scalar_bool("n", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(scalar_bool("tRue", &v), -1);
	assert_int_equal(scalar_bool("1", &v), -1);
	assert_int_equal(scalar_bool("", &v), -1);
	assert_int_equal(scalar_bool("truely", &v), -1);
}

static void
int_in_every_base_and_no_further(void **state)
{
	static const struct {
		const char *text;
		int64_t v;
	} tab[] = { { "0", 0 }, { "443", 443 }, { "-7", -7 }, { "+7", 7 },
		{ "0x1F", 31 }, { "0o17", 15 }, { "017", 15 }, { "0b101", 5 },
		{ "1_000", 1000 }, { "9223372036854775807", INT64_MAX } };
	static const char *const bad[] = { "", "-", "0x", "1.5", "12a", "08",
		"_1", "1_", "9223372036854775808", "80-90", " 1", "0b2",
		"--1" };
	int64_t v;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(scalar_int(tab[i].text, &v), 0);
		assert_int_equal(v, tab[i].v);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (scalar_int(bad[i], &v) != -1)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_of_each_unit_is_nanoseconds),
		cmocka_unit_test(duration_malformed_is_refused_untouched),
		cmocka_unit_test(duration_printed_reads_back),
		cmocka_unit_test(size_units_are_thousands_or_1024s),
		cmocka_unit_test(bool_words_in_three_cases_only),
		cmocka_unit_test(int_in_every_base_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
