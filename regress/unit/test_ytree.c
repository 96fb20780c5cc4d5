/*
 * YAML trees: places, bounds, aliases, merges, duplicates.  Bounds are tried on
 * both sides of their edge.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/arena.h"
#include "policyd/diag.h"
#include "policyd/ytree.h"

struct fixture {
	struct arena *a;
	struct diag d;
	struct ytree t;
	int rv;
};

static void
parse_n(struct fixture *f, const void *bytes, size_t n)
{
	f->a = arena_new((size_t)96 << 20);
	assert_non_null(f->a);
	diag_init(&f->d);
	f->rv = ytree_parse(&f->t, f->a, "t", bytes, n, &f->d);
	assert_int_equal(f->rv == -1, f->d.errors != 0);
}

static void
parse(struct fixture *f, const char *s)
{
	parse_n(f, s, strlen(s));
}

static void
done(struct fixture *f)
{
	diag_clear(&f->d);
	arena_free(f->a);
}

static void
expect_error(const void *bytes, size_t n, const char *text)
{
	struct fixture f;

	parse_n(&f, bytes, n);
	assert_int_equal(f.rv, -1);
	assert_int_equal(f.d.n >= 1, 1);
	if (strstr(f.d.v[0].text, text) == NULL)
		fail_msg("got \"%s\", expected \"%s\"", f.d.v[0].text, text);
	done(&f);
}

static void
assert_place(const struct ynode *n, unsigned int line, unsigned int column)
{
	assert_non_null(n);
	assert_int_equal(n->str.pos.line, line);
	assert_int_equal(n->str.pos.column, column);
}

static void
scalar_place_is_its_first_content_byte(void **state)
{
	struct fixture f;

	parse(&f,
	    "a: plain\n"
	    "b:   'single'\n"
	    "c: \"double\"\n"
	    "d: &x !!str anchored\n"
	    "e: [\"\xc3\xa9\", z]\n");
	assert_int_equal(f.rv, 0);
	assert_place(ytree_get(f.t.root, "a"), 1, 4);
	assert_place(ytree_get(f.t.root, "b"), 2, 7);
	assert_place(ytree_get(f.t.root, "c"), 3, 5);
	assert_place(ytree_get(f.t.root, "d"), 4, 13);
	assert_place(ytree_get(f.t.root, "e")->items[0], 5, 6);
	/* The two bytes of the accented letter are one column. */
	assert_place(ytree_get(f.t.root, "e")->items[1], 5, 10);
	done(&f);
}

static unsigned int
column_of(const struct fixture *f, const char *key, size_t off)
{
	const struct ynode *n = ytree_get(f->t.root, key);

	assert_non_null(n);
	return ytree_pos(&f->t.src, ytree_offset(&f->t.src, &n->str, off))
	    .column;
}

static void
offset_in_scalar_follows_escapes(void **state)
{
	struct fixture f;

	parse(&f,
	    "p: abcdef\n"
	    "s: 'a''bc'\n"
	    "d: \"a\\\\b\\x41\\u00e9c\"\n"
	    "l: |\n  text\n");
	assert_int_equal(f.rv, 0);
	assert_int_equal(column_of(&f, "p", 3), 7);
	assert_int_equal(column_of(&f, "s", 1), 6);
	assert_int_equal(column_of(&f, "s", 2), 8);
	/* content: a \ b A e-acute(2) c */
	assert_int_equal(column_of(&f, "d", 1), 6);
	assert_int_equal(column_of(&f, "d", 2), 8);
	assert_int_equal(column_of(&f, "d", 3), 9);
	assert_int_equal(column_of(&f, "d", 4), 13);
	assert_int_equal(column_of(&f, "d", 6), 19);
	/* A block scalar is told by its start. */
	assert_int_equal(column_of(&f, "l", 2), column_of(&f, "l", 0));
	done(&f);
}

static void
lines_end_as_yaml_ends_them(void **state)
{
	struct fixture f;

	parse(&f,
	    "a: 1\r\nb: 2\rc: 3\xc2\x85"
	    "d: 4\xe2\x80\xa8"
	    "e: 5\n");
	assert_int_equal(f.rv, 0);
	assert_place(ytree_get(f.t.root, "b"), 2, 4);
	assert_place(ytree_get(f.t.root, "c"), 3, 4);
	assert_place(ytree_get(f.t.root, "d"), 4, 4);
	assert_place(ytree_get(f.t.root, "e"), 5, 4);
	done(&f);
}

static void
byte_order_mark_takes_no_column(void **state)
{
	struct fixture f;

	parse(&f,
	    "\xef\xbb\xbf"
	    "a: 1\n");
	assert_int_equal(f.rv, 0);
	assert_place(ytree_get(f.t.root, "a"), 1, 4);
	done(&f);
}

static void
nested_lists(char *buf, size_t size, int depth)
{
	snprintf(buf, size, "%.*s%s%.*s", depth,
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "x", depth,
	    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}

static void
depth_at_the_limit_loads_beyond_is_refused(void **state)
{
	struct fixture f;
	char buf[128];

	nested_lists(buf, sizeof(buf), YTREE_DEPTH_MAX - 1);
	parse(&f, buf);
	assert_int_equal(f.rv, 0);
	assert_int_equal(f.t.root->height, YTREE_DEPTH_MAX);
	done(&f);
	nested_lists(buf, sizeof(buf), YTREE_DEPTH_MAX);
	expect_error(buf, strlen(buf), "nested deeper than 32");
}

/* "[x,x,...,x]" with n items: n + 1 nodes. */
static char *
wide_list(size_t n, size_t *len)
{
	char *s = malloc(2 * n + 2);
	size_t i;

	assert_non_null(s);
	s[0] = '[';
	for (i = 0; i < n; i++) {
		s[1 + 2 * i] = 'x';
		s[2 + 2 * i] = i + 1 < n ? ',' : ']';
	}
	*len = 2 * n + 1;
	return s;
}

static void
nodes_at_the_limit_load_beyond_are_refused(void **state)
{
	struct fixture f;
	size_t len;
	char *s = wide_list(YTREE_NODES_MAX - 1, &len);

	parse_n(&f, s, len);
	assert_int_equal(f.rv, 0);
	assert_int_equal(f.t.root->size, YTREE_NODES_MAX);
	done(&f);
	free(s);
	s = wide_list(YTREE_NODES_MAX, &len);
	expect_error(s, len, "more than 100000 nodes");
	free(s);
}

static void
bytes_at_the_limit_load_beyond_are_refused(void **state)
{
	size_t n = YTREE_BYTES_MAX;
	struct fixture f;
	char *s = malloc(n + 1);

	assert_non_null(s);
	memset(s, ' ', n + 1);
	memcpy(s, "a: 1\n#", 6);
	parse_n(&f, s, n);
	assert_int_equal(f.rv, 0);
	done(&f);
	expect_error(s, n + 1, "larger than 1048576");
	free(s);
}

static void
alias_is_charged_with_what_it_stands_for(void **state)
{
	struct fixture f;

	parse(&f, "a: &a [1, 2, 3]\nb: [*a, *a]\n");
	assert_int_equal(f.rv, 0);
	/* root, 2 keys, list of 3, list of two lists of 3 */
	assert_int_equal(f.t.root->size, 1 + 2 + 4 + (1 + 4 + 4));
	assert_ptr_equal(ytree_get(f.t.root, "a"),
	    ytree_get(f.t.root, "b")->items[1]);
	done(&f);
}

static void
merge_own_keys_win_and_first_merged_wins(void **state)
{
	struct fixture f;
	const struct ynode *m;

	parse(&f,
	    "x: &x {a: 1, b: 2}\n"
	    "y: &y {b: 3, c: 4}\n"
	    "m: {c: own, <<: [*x, *y], d: 5}\n");
	assert_int_equal(f.rv, 0);
	m = ytree_get(f.t.root, "m");
	assert_int_equal(m->n, 4);
	assert_string_equal(ytree_get(m, "a")->str.s, "1");
	assert_string_equal(ytree_get(m, "b")->str.s, "2");
	assert_string_equal(ytree_get(m, "c")->str.s, "own");
	assert_string_equal(ytree_get(m, "d")->str.s, "5");
	assert_null(ytree_get(m, "<<"));
	assert_string_equal(m->pairs[0].key->str.s, "c");
	done(&f);
}

static void
duplicates_are_all_told(void **state)
{
	struct fixture f;

	parse(&f, "a: 1\nb: {c: 1, 'c': 2}\na: 2\na: 3\n");
	assert_int_equal(f.rv, -1);
	assert_int_equal(f.d.errors, 3);
	done(&f);
}

static void
hostile_bytes_are_refused_with_their_place(void **state)
{
	struct fixture f;

	parse_n(&f, "a: 1\nb: x\0y\n", 12);
	assert_int_equal(f.rv, -1);
	assert_int_equal(f.d.v[0].line, 2);
	assert_int_equal(f.d.v[0].column, 5);
	done(&f);
	expect_error("a: \xff\n", 5, "not UTF-8");
	expect_error("a: \xed\xa0\x80\n", 7, "not UTF-8"); /* surrogate */
	expect_error("a: \xf4\x90\x80\x80\n", 8, "not UTF-8");
	expect_error("a: \xc3", 4, "not UTF-8"); /* cut off */
	expect_error("a: \x1b[0m\n", 8, "control character 0x1b");
	expect_error("a: &a [*a]\n", 11, "inside itself");
	expect_error("*b\n", 3, "no anchor");
}

static void
empty_input_is_a_null(void **state)
{
	struct fixture f;

	parse(&f, "");
	assert_int_equal(f.rv, 0);
	assert_int_equal(f.t.root->null, 1);
	done(&f);
	parse(&f, "--- ~\n");
	assert_int_equal(f.t.root->null, 1);
	done(&f);
	parse(&f, "''\n");
	assert_int_equal(f.t.root->null, 0);
	done(&f);
}

static void
second_document_is_a_warning(void **state)
{
	struct fixture f;

	parse(&f, "a: 1\n---\nb: [\n");
	assert_int_equal(f.rv, 0);
	assert_int_equal(f.d.warnings, 1);
	assert_non_null(ytree_get(f.t.root, "a"));
	done(&f);
}

static void
nearest_word_by_edit_distance(void **state)
{
	static const char *const words[] = { "allow", "deny", "approve",
		"soft_delete" };

	assert_string_equal(diag_nearest_of("alow", words, 4), "allow");
	assert_string_equal(diag_nearest_of("aprpove", words, 4), "approve");
	assert_string_equal(diag_nearest_of("Soft-Delete", words, 4),
	    "soft_delete");
	assert_null(diag_nearest_of("redirect", words, 4));
	assert_null(diag_nearest_of("", words, 4));
	assert_null(diag_nearest_of("x", words, 4));
}

static void
diagnostics_carry_no_control_characters(void **state)
{
	char long_text[2 * DIAG_TEXT_MAX], out[2 * DIAG_TEXT_MAX];
	struct diag d;
	size_t i;
	unsigned int k;

	diag_init(&d);
	diag_add(&d, DIAG_ERROR, "f", 1, 2,
	    "a\x1b[31m\nb\xc2\x9b"
	    "c");
	diag_format(&d.v[0], out, sizeof(out));
	assert_string_equal(out, "f:1:2: error: a?[31m?b??c");
	for (i = 0; i + 2 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "\xc3\xa9", 2);
	long_text[i] = '\0';
	diag_add(&d, DIAG_ERROR, "f", 1, 1, "%s", long_text);
	assert_true(strlen(d.v[1].text) < DIAG_TEXT_MAX);
	assert_int_equal(strlen(d.v[1].text) % 2, 0); /* a whole character */
	for (k = 0; k < 100; k++)
		diag_add(&d, DIAG_ERROR, "f", 1, 1, "x");
	assert_int_equal(d.n, DIAG_ERRORS_MAX);
	assert_int_equal(d.errors, 102);
	diag_clear(&d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalar_place_is_its_first_content_byte),
		cmocka_unit_test(offset_in_scalar_follows_escapes),
		cmocka_unit_test(lines_end_as_yaml_ends_them),
		cmocka_unit_test(byte_order_mark_takes_no_column),
		cmocka_unit_test(depth_at_the_limit_loads_beyond_is_refused),
		cmocka_unit_test(nodes_at_the_limit_load_beyond_are_refused),
		cmocka_unit_test(bytes_at_the_limit_load_beyond_are_refused),
		cmocka_unit_test(alias_is_charged_with_what_it_stands_for),
		cmocka_unit_test(merge_own_keys_win_and_first_merged_wins),
		cmocka_unit_test(duplicates_are_all_told),
		cmocka_unit_test(hostile_bytes_are_refused_with_their_place),
		cmocka_unit_test(empty_input_is_a_null),
		cmocka_unit_test(second_document_is_a_warning),
		cmocka_unit_test(nearest_word_by_edit_distance),
		cmocka_unit_test(diagnostics_carry_no_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
