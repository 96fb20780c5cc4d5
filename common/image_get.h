/*
 * How the image_*.c files reach into an image: one accessor per section, typed
 * by IMAGE_SECTIONS.  Private to common/image*.c.  Every index that is given to
 * these must be one that image_check has bounded.
 */

#ifndef COMMON_IMAGE_GET_H
#define COMMON_IMAGE_GET_H

#include "common/dfa.h"
#include "common/image.h"
#include "common/image_fmt.h"

/* image_sec_RULES(im) is the first struct image_rule_rec, and so on. */
#define X(name, type) \
	static inline const type *image_sec_##name(const struct image *im) \
	{ \
		return (const void *)(im->base + \
		    im->hdr->sec[IS_##name].off); \
	}
IMAGE_SECTIONS(X)
#undef X

static inline uint32_t
image_count(const struct image *im, enum image_section s)
{
	return im->hdr->sec[s].n;
}

static inline const char *
image_string(const struct image *im, uint32_t off)
{
	return image_sec_STRINGS(im) + off;
}

static inline const struct dfa_hdr *
image_dfa(const struct image *im, uint32_t i)
{
	return (const void *)((const uint8_t *)image_sec_POOL(im) +
	    image_sec_DFAS(im)[i].off);
}

static inline void
image_outcome(const struct image *im, uint32_t i, struct verdict *v)
{
	const struct image_outcome *o = &image_sec_OUTCOMES(im)[i];

	v->decision = o->decision;
	v->allowed = o->allowed;
	v->layer = o->layer;
	v->always = o->always;
	v->rule = o->rule;
}

/* The outcome of a rule that no file wrote. */
static inline void
image_builtin(const struct image *im, enum builtin_rule r, struct verdict *v)
{
	image_outcome(im, image_sec_META(im)->default_rule[r], v);
}

/*
 * The texts that the automata of one use are asked about, and where they stand
 * in the sets those answer: at most IMAGE_LOOKS_MAX texts are judged together.
 */
#define IMAGE_LOOKS_MAX 4

struct image_looks {
	const uint64_t *row[IMAGE_LOOKS_MAX * IMAGE_GROUPS_MAX];
	unsigned int n;
};

/* Add the sets that text s is in. */
void image_look(const struct image *im, enum image_use_id use, uint32_t words,
    const char *s, size_t len, struct image_looks *l);

/* The i-th range that counts as private, or NULL past the last. */
const struct image_cidr *image_private(size_t i);

/* The rules of word w that any text is in, one bit each. */
static inline uint64_t
image_looks_word(const struct image_looks *l, uint32_t w)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < l->n; i++)
		bits |= l->row[i][w];
	return bits;
}

#endif
