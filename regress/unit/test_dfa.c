/*
 * The automata of an image: the validator is total and whatever it accepts
 * stays inside its bytes; pieces are the whole; the builder keeps its bounds.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/dfa.h"
#include "policyd/dfabuild.h"
#include "policyd/glob.h"
#include "policyd/regex.h"

static uint64_t rng = 0xd1342543de82ef95u;

static unsigned int
rnd(unsigned int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned int)((rng >> 16) % n);
}

static const char *const patterns[] = { "/srv/proj", "/srv/proj/**", "**/.env",
	"**/.env.*", "/home/*/.ssh/**", "/usr/{bin,lib}/**", "/tmp/?[a-z]*",
	"/etc/passwd" };
#define NPATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static void
make(struct dfabuild *b)
{
	struct nfa *n = nfa_new();
	struct pat_err e;
	uint32_t i;

	assert_non_null(n);
	for (i = 0; i < NPATTERNS; i++)
		assert_int_equal(glob_add_str(n, i, GLOB_PATH, 0, patterns[i],
				     &e),
		    0);
	assert_int_equal(regex_add_str(n, 100, 0, "\\bx+$", &e), 0);
	assert_int_equal(dfabuild_run(b, n, DFABUILD_STATES_MAX), 0);
	nfa_free(n);
}

/* Texts from bytes that the patterns care about. */
static size_t
random_text(char *s, size_t max)
{
	static const char abc[] = "/srvpojhmeu.ntbilx \xc3\xa9*";
	size_t i, len = rnd((unsigned int)max);

	for (i = 0; i < len; i++)
		s[i] = abc[rnd(sizeof(abc))];
	return len;
}

static void
pieces_give_what_the_whole_gives(void **state)
{
	struct dfabuild b;
	char s[64];
	size_t len, cut, cut2;
	uint32_t st;
	int i;

	make(&b);
	for (i = 0; i < 20000; i++) {
		len = random_text(s, sizeof(s));
		cut = rnd((unsigned int)len + 1);
		cut2 = cut + rnd((unsigned int)(len - cut) + 1);
		st = dfa_step(b.dfa, dfa_start(b.dfa), s, cut);
		st = dfa_step(b.dfa, st, s + cut, cut2 - cut);
		st = dfa_step(b.dfa, st, s + cut2, len - cut2);
		assert_int_equal(dfa_accept(b.dfa, st), dfa_run(b.dfa, s, len));
	}
	dfabuild_clear(&b);
}

static void
settled_state_never_changes_its_answer(void **state)
{
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;
	uint32_t st;

	assert_int_equal(regex_add_str(n, 1, 0, "^ab", &e), 0);
	assert_int_equal(dfabuild_run(&b, n, 100), 0);
	st = dfa_step(b.dfa, dfa_start(b.dfa), "ab", 2);
	assert_true(dfa_settled(b.dfa, st));
	assert_int_equal(dfa_accept(b.dfa, st), 1);
	st = dfa_step(b.dfa, dfa_start(b.dfa), "b", 1);
	assert_true(dfa_settled(b.dfa, st));
	assert_int_equal(dfa_accept(b.dfa, st), 0);
	st = dfa_step(b.dfa, dfa_start(b.dfa), "a", 1);
	assert_false(dfa_settled(b.dfa, st));
	dfabuild_clear(&b);
	nfa_free(n);
}

static void
sets_name_all_patterns_that_match(void **state)
{
	static const char text[] = "/srv/proj/a/.env";
	struct dfabuild b;
	uint32_t id, i;

	make(&b);
	id = dfa_run(b.dfa, text, strlen(text));
	assert_true(id > 0 && id < b.nsets);
	for (i = 0; i < NPATTERNS; i++)
		assert_int_equal(dfabuild_has(&b, id, i), i == 1 || i == 2);
	assert_false(dfabuild_has(&b, id, 100));
	assert_int_equal(b.sets[0].n, 0);
	assert_int_equal(b.nsets, b.dfa->naccept + 1);
	dfabuild_clear(&b);
}

static void
witness_is_in_its_set_and_every_set_has_one(void **state)
{
	struct dfabuild b;
	char s[256];
	uint32_t i;
	ssize_t len;

	make(&b);
	for (i = 0; i < b.nsets; i++) {
		len = dfabuild_witness(&b, i, s, sizeof(s));
		assert_true(len >= 0);
		assert_int_equal(dfa_run(b.dfa, s, (size_t)len), i);
	}
	assert_int_equal(dfabuild_witness(&b, b.nsets, s, sizeof(s)), -1);
	assert_int_equal(dfabuild_witness(&b, b.nsets - 1, s, 1), -1);
	dfabuild_clear(&b);
}

static void
no_patterns_make_an_automaton_that_refuses(void **state)
{
	struct nfa *n = nfa_new();
	struct dfabuild b;
	size_t used;

	assert_int_equal(dfabuild_run(&b, n, 10), 0);
	assert_true(dfa_check(b.dfa, b.dfa->size_bytes, &used));
	assert_int_equal(used, b.dfa->size_bytes);
	assert_int_equal(dfa_run(b.dfa, "x", 1), 0);
	assert_int_equal(dfa_run(b.dfa, "", 0), 0);
	assert_int_equal(dfa_run(b.dfa, NULL, 0), 0);
	dfabuild_clear(&b);
	nfa_free(n);
}

static void
bound_on_states_is_kept(void **state)
{
	struct nfa *n = nfa_new();
	struct dfabuild b;
	struct pat_err e;

	assert_int_equal(regex_add_str(n, 1, 0, "^abcdefgh$", &e), 0);
	assert_int_equal(dfabuild_run(&b, n, 5), -1);
	assert_int_equal(errno, E2BIG);
	assert_null(b.dfa);
	assert_int_equal(dfabuild_run(&b, n, 100), 0);
	assert_true(b.dfa->nstates <= 100);
	dfabuild_clear(&b);
	nfa_free(n);
}

static void
minimal_automaton_has_the_fewest_states(void **state)
{
	static const struct {
		const char *pattern;
		uint32_t nstates;
	} tab[] = {
		/* by hand: Myhill and Nerode */
		{ "^a*$", 2 },
		{ "^(a|b)*abb$", 5 },
		{ "a", 2 },
		{ "^(aa|aaaa|aaaaaa)*$", 3 },
		{ "x{3}", 4 },
	};
	struct dfabuild b;
	struct pat_err e;
	struct nfa *n;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		n = nfa_new();
		assert_int_equal(regex_add_str(n, 1, 0, tab[i].pattern, &e), 0);
		assert_int_equal(dfabuild_run(&b, n, 100), 0);
		if (b.dfa->nstates != tab[i].nstates)
			fail_msg("%s: %u states", tab[i].pattern,
			    b.dfa->nstates);
		dfabuild_clear(&b);
		nfa_free(n);
	}
}

/* ---- the validator ---- */

/* size bytes that end where the address space does. */
struct fence {
	uint8_t *map, *at;
	size_t map_bytes;
};

static void
fence_open(struct fence *f, const void *bytes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (size + page - 1) / page * page;

	f->map_bytes = room + page;
	f->map = mmap(NULL, f->map_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->map, MAP_FAILED);
	assert_int_equal(mprotect(f->map + room, page, PROT_NONE), 0);
	f->at = f->map + room - size;
	memcpy(f->at, bytes, size);
}

static void
fence_close(struct fence *f)
{
	munmap(f->map, f->map_bytes);
}

static void
run_some(const struct dfa_hdr *d)
{
	char s[64];
	size_t len;
	int i;

	for (i = 0; i < 20; i++) {
		len = random_text(s, sizeof(s));
		assert_true(dfa_run(d, s, len) <= d->naccept);
	}
}

static void
corrupt_bytes_are_refused_or_harmless(void **state)
{
	struct dfabuild b;
	struct fence f;
	size_t size, used;
	int i, k, taken = 0;

	make(&b);
	size = b.dfa->size_bytes;
	for (i = 0; i < 20000; i++) {
		/* the header and the maps more often than the table */
		fence_open(&f, b.dfa, size);
		for (k = (int)rnd(3); k >= 0; k--)
			f.at[rnd(rnd(2) ? 400 : (unsigned int)size)] ^=
			    (uint8_t)(1u << rnd(8));
		if (dfa_check(f.at, size, &used)) {
			taken++;
			assert_true(used <= size);
			run_some((const void *)f.at);
		}
		fence_close(&f);
	}
	assert_true(taken > 0);
	dfabuild_clear(&b);
}

static void
wide_fields_are_refused_or_harmless(void **state)
{
	static const uint32_t odd[] = { 0, 1, 2, 255, 256, 257, 65535, 65536,
		0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	struct dfabuild b;
	struct fence f;
	size_t size, used, w;
	unsigned int i;

	make(&b);
	size = b.dfa->size_bytes;
	for (w = 0; w < sizeof(struct dfa_hdr) / 4; w++) {
		for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
			fence_open(&f, b.dfa, size);
			memcpy(f.at + w * 4, &odd[i], 4);
			if (dfa_check(f.at, size, &used))
				run_some((const void *)f.at);
			fence_close(&f);
		}
	}
	dfabuild_clear(&b);
}

static void
short_or_unaligned_bytes_are_refused(void **state)
{
	struct dfabuild b;
	struct fence f;
	size_t size, n, used;

	make(&b);
	size = b.dfa->size_bytes;
	for (n = 0; n < size; n += n < 400 ? 8 : 200) {
		fence_open(&f, b.dfa, n);
		assert_false(dfa_check(f.at, n, &used));
		fence_close(&f);
	}
	fence_open(&f, b.dfa, size);
	assert_true(dfa_check(f.at, size, &used));
	assert_false(dfa_check(f.at + 4, size - 4, &used));
	fence_close(&f);
	dfabuild_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_give_what_the_whole_gives),
		cmocka_unit_test(settled_state_never_changes_its_answer),
		cmocka_unit_test(sets_name_all_patterns_that_match),
		cmocka_unit_test(witness_is_in_its_set_and_every_set_has_one),
		cmocka_unit_test(no_patterns_make_an_automaton_that_refuses),
		cmocka_unit_test(bound_on_states_is_kept),
		cmocka_unit_test(minimal_automaton_has_the_fewest_states),
		cmocka_unit_test(corrupt_bytes_are_refused_or_harmless),
		cmocka_unit_test(wide_fields_are_refused_or_harmless),
		cmocka_unit_test(short_or_unaligned_bytes_are_refused),
	};

	return cmocka_run_group_tests_name("dfa", tests, NULL, NULL);
}
