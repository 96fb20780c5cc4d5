/*
 * The second half of an exec, and what both halves hold of it: exec.c judges on
 * the way in, execproof.c lets the kernel exec and proves what it loaded.
 * Between these two only.
 */

#ifndef TRACER_EXECPROOF_H
#define TRACER_EXECPROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/wrapper.h"
#include "tracer/call.h"
#include "tracer/exechead.h"
#include "tracer/pathres.h"
#include "tracer/tracer.h"

#define LEVELS_MAX   6		/* a program, its interpreters */
#define HEAD_BYTES   4096	/* ELF headers, mostly the loader's name */
#define BLOCK_MAX    (6u << 20) /* the kernel's most for argv and environment */
/* Each takes a pointer and two bytes of it at least, but the empty ones. */
#define WORDS_MAX    655360

/* One program on the way: what was asked for, then each interpreter. */
struct level {
	char canon[PATHRES_NAME_MAX];
	size_t canon_len;
	char given[CALL_PATH_MAX]; /* as the program or the #! line named it */
	size_t given_len;
	char arg[EXECHEAD_LINE];	/* of its #! line */
	bool has_arg;
	int fd;			/* O_PATH of the file, or -1 */
	struct stat st;
};

/* Everything an exec needs, at the start of the worker's arena. */
struct work {
	struct level level[LEVELS_MAX];
	unsigned int levels;
	struct pathres res;
	char ld_canon[PATHRES_NAME_MAX];
	size_t ld_len;
	struct stat ld_st;
	bool has_ld;
	char head[HEAD_BYTES];
	struct wrapper wrap;
	/* argv, with room for a prefix before it */
	const char *word[WORDS_MAX + 2 * LEVELS_MAX];
	uint64_t ptr[WORDS_MAX];
	size_t bytes;	/* of argv */
	char join[BLOCK_MAX + 65536];
	char block[BLOCK_MAX + 65536]; /* argv, NUL-separated */
};
_Static_assert(sizeof(struct work) <= WORKER_ARENA_BYTES, "arena");

/*
 * argv as it was read: argc words in w->word from `first`, their bytes in
 * w->block.
 */
struct args {
	unsigned int first, argc;
	size_t bytes;
};

/* The question in progress. */
struct judging {
	struct call *c;
	struct work *w;
	uint32_t depth;
	bool loads; /* the next payload is one that ld.so will load */
	struct verdict v;
};

/* ---- execproof.c ---- */

/*
 * Hold the caller, whose exec was judged, while it execs, and prove what was
 * loaded.  It has been answered when this returns.  Blocks until the kernel has
 * done it.
 */
void execproof_held(struct call *c, struct work *w, struct args *a,
    struct judging *j);

/* The same where the keeper traces all: it holds the caller for us. */
void execproof_kept(struct call *c, struct work *w, struct args *a,
    struct judging *j);

/* ---- exec.c ---- */

/*
 * Words of level i's argv when the program runs under the interpreters up to
 * `last`: of the kernel's final argv, where level i's begin.
 */
unsigned int exec_args_start(const struct work *w, unsigned int i);

/*
 * Every level of the chain, with the arguments of the final argv.  false, and
 * j->v says why.
 */
bool exec_judge_chain(struct judging *j, const struct args *a)
    __attribute__((warn_unused_result));

/* Program and arguments into the call's event. */
void exec_text(struct call *c, struct work *w, const struct args *a);

#endif
