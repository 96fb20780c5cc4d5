/*
 * Commands that run another command: nice, env, timeout, xargs, find -exec,
 * busybox, ld.so and their like.  Given what is about to be executed, say what
 * it will run, so that both can be judged (SEMANTICS.md, Commands).
 *
 * Most of these execve their payload, which is judged again when they do; here
 * it is judged early, with a clean refusal.  busybox and ld.so run theirs
 * without any execve: for them this is the only judgement.
 *
 * Pure; used by the tracer, the front door and policyd's decide.  Nothing is
 * copied: a payload's words are those of the argv that was given, but for
 * "env -S", whose text is split into the caller's struct.
 */

#ifndef COMMON_WRAPPER_H
#define COMMON_WRAPPER_H

#include <stddef.h>

#define WRAPPER_PAYLOADS_MAX 16	  /* of one command: find may hold several -exec */
#define WRAPPER_LAYERS_MAX   64	  /* of all commands looked through in one walk */
#define WRAPPER_WORDS_MAX    1024 /* of env -S, all layers together */
#define WRAPPER_TEXT_MAX     4096

/*
 * argc words, argv[0] being the command as written, not resolved; no NULL after
 * them.
 */
struct wrapper_payload {
	const char *const *argv;
	unsigned int argc;
};

/* Room for split texts; about 12 KiB.  Payloads point into it. */
struct wrapper {
	const char *words[WRAPPER_WORDS_MAX];
	unsigned int nwords;
	char text[WRAPPER_TEXT_MAX];
	size_t ntext;
};

enum wrapper_result {
	WRAPPER_NONE,	/* not a wrapper, or one that runs nothing this time */
	WRAPPER_FOUND,	/* out[0..*n-1] is what it runs */
	WRAPPER_UNCLEAR /* it runs something that cannot be told */
};

/*
 * Look through one layer: the executable called name (resolved path or as
 * given; its basename counts) with argv of argc words (argv[0] included).  out
 * has room for WRAPPER_PAYLOADS_MAX.  w->nwords and w->ntext must have been set
 * to 0 once.
 */
enum wrapper_result wrapper_look(struct wrapper *w, const char *name,
    const char *const *argv, unsigned int argc, struct wrapper_payload *out,
    unsigned int *n);

/* Is the program called name a dynamic loader, which runs its payload itself? */
int wrapper_is_loader(const char *name);

/*
 * Does the program called name choose what it does by its argv[0], without an
 * execve (busybox)?  What is told to it by a loader's --argv0 is not followed.
 */
int wrapper_by_name(const char *name);

/*
 * Call judge for each payload of argv, then for theirs, until one answers other
 * than 0.  That answer is the result; 0 when all were 0 or there was none; -1
 * when something is run that cannot be told, or too many layers: to be refused.
 * judge must not answer -1.
 */
typedef int wrapper_judge(const struct wrapper_payload *p, void *arg);
int wrapper_walk(struct wrapper *w, const char *name, const char *const *argv,
    unsigned int argc, wrapper_judge *judge, void *arg);

#endif
