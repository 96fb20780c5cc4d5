/*
 * Judging an AF_UNIX address: as files are, with the operations of sockets.
 * Runs in the tracer; trusts the image (checked) and nothing about the name.
 */

#include "common/image_get.h"

void
image_unix(const struct image *im, enum net_op op, const char *path,
    size_t len, struct verdict *v)
{
	const struct image_use *u = &image_sec_META(im)->use[IU_UNIX];
	const struct image_group *g = image_sec_GROUPS(im) + u->group;
	const struct image_unix_row *rows = image_sec_UNIX_ROWS(im);
	uint32_t i, id, at, best = image_count(im, IS_UNIX_OUT) - 1;

	if ((unsigned int)op >= NOP_MAX) {
		image_builtin(im, BR_UNJUDGEABLE, v);
		return;
	}
	for (i = 0; i < u->n; i++) {
		id = dfa_run(image_dfa(im, g[i].dfa), path, len);
		at = rows[g[i].answers + id].v[op];
		if (at < best)
			best = at;
	}
	image_outcome(im, image_sec_UNIX_OUT(im)[best].v[op], v);
}
