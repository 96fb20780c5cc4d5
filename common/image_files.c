/*
 * Judging a path: one pass of an automaton over its bytes, then two loads.
 * This is the hot path of the whole program: it must never allocate, search or
 * call the kernel.  Runs in the tracer; trusts the image (checked) and nothing
 * about the path.
 */

#include "common/image_get.h"

void
image_file(const struct image *im, enum file_op op, const char *path,
    size_t len, struct verdict *v)
{
	const struct image_use *u = &image_sec_META(im)->use[IU_FILE];
	const struct image_group *g = image_sec_GROUPS(im) + u->group;
	const struct image_file_row *rows = image_sec_FILE_ROWS(im);
	uint32_t i, id, at, best = image_count(im, IS_FILE_OUT) - 1;

	if ((unsigned int)op >= FOP_MAX) {
		image_builtin(im, BR_UNJUDGEABLE, v);
		return;
	}
	for (i = 0; i < u->n; i++) {
		id = dfa_run(image_dfa(im, g[i].dfa), path, len);
		at = rows[g[i].answers + id].v[op];
		if (at < best)
			best = at;
	}
	image_outcome(im, image_sec_FILE_OUT(im)[best].v[op], v);
}
