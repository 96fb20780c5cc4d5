/*
 * Which variables enter a session: deny beats allow, without an allow list all
 * but the denied.  Runs in the tracer at the front door; trusts the image
 * (checked).
 */

#include "common/image_get.h"

static const struct image_env_rec *
profile(const struct image *im, uint32_t cmd_rule)
{
	uint32_t i = 0;

	if (cmd_rule < image_count(im, IS_RULES))
		i = image_sec_RULES(im)[cmd_rule].env;
	return &image_sec_ENVS(im)[i];
}

int
image_env_allowed(const struct image *im, uint32_t cmd_rule, const char *name,
    size_t len)
{
	const struct image_env_rec *e = profile(im, cmd_rule);
	const struct image_group *g;
	uint64_t bits = 0;

	if (e->group != IMAGE_NONE) {
		g = &image_sec_GROUPS(im)[e->group];
		bits = image_sec_SETS(im)[g->answers +
		    dfa_run(image_dfa(im, g->dfa), name, len)];
	}
	if (bits & IENV_DENY)
		return 0;
	return e->allow_all || (bits & IENV_ALLOW) != 0;
}

void
image_env_limits(const struct image *im, uint32_t cmd_rule,
    uint32_t *max_keys, uint32_t *max_bytes)
{
	const struct image_env_rec *e = profile(im, cmd_rule);

	*max_keys = e->max_keys;
	*max_bytes = e->max_bytes;
}

const char *
image_env_inject(const struct image *im, unsigned int i)
{
	if (i >= image_count(im, IS_INJECT))
		return NULL;
	return image_string(im, image_sec_INJECT(im)[i]);
}
