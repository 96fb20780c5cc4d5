/*
 * Landlock's rules in an image, as questions: what a call needs of it, and what
 * the rules give.  Pure; for explain, lint and tests.  The kernel answers for
 * itself, from the ruleset that common/landlock.c makes of the same rules.
 */

#include <string.h>

#include "common/image_get.h"

#define L(right) ((uint32_t)LANDLOCK_##right)

/* Of a file, and where it is another one, of a directory. */
static const struct {
	uint32_t own, parent;
	uint32_t dir_own, dir_parent;
} needs_tab[FOP_MAX] = {
	[FOP_READ] = { L(READ_FILE), 0, L(READ_DIR), 0 },
	[FOP_LIST] = { L(READ_DIR), 0, L(READ_DIR), 0 },
	[FOP_WRITE] = { L(WRITE_FILE), 0, L(WRITE_FILE), 0 },
	[FOP_TRUNCATE] = { L(TRUNCATE), 0, L(TRUNCATE), 0 },
	[FOP_CREATE] = { L(WRITE_FILE), L(MAKE_REG), L(WRITE_FILE),
	    L(MAKE_REG) },
	[FOP_SYMLINK] = { 0, L(MAKE_SYM), 0, L(MAKE_SYM) },
	[FOP_LINK] = { 0, L(MAKE_REG), 0, L(MAKE_REG) },
	[FOP_MKDIR] = { 0, L(MAKE_DIR), 0, L(MAKE_DIR) },
	[FOP_RENAME] = { 0, L(REMOVE_FILE), 0, L(REMOVE_DIR) },
	[FOP_RENAME_TO] = { 0, L(MAKE_REG), 0, L(MAKE_DIR) },
	[FOP_DELETE] = { 0, L(REMOVE_FILE), 0, L(REMOVE_FILE) },
	[FOP_RMDIR] = { 0, L(REMOVE_DIR), 0, L(REMOVE_DIR) },
};

void
image_land_needs(enum file_op op, bool dir, uint32_t *own, uint32_t *parent)
{
	*own = *parent = 0;
	if ((unsigned int)op >= FOP_MAX)
		return;
	*own = dir ? needs_tab[op].dir_own : needs_tab[op].own;
	*parent = dir ? needs_tab[op].dir_parent : needs_tab[op].parent;
}

bool
image_land_get(const struct image *im, unsigned int i, struct image_land *r)
{
	const struct image_land_rec *rec;

	if (i >= image_count(im, IS_LAND))
		return false;
	rec = &image_sec_LAND(im)[i];
	r->path = image_string(im, rec->path);
	r->tree = rec->tree;
	r->exact = rec->exact;
	r->may_make = rec->may_make;
	return true;
}

/* Is path at or below top? */
static bool
below(const char *top, const char *path, size_t len)
{
	size_t n = strlen(top);

	if (n == 1)
		return true;
	return len >= n && memcmp(top, path, n) == 0 &&
	    (len == n || path[n] == '/');
}

uint32_t
image_land_rights(const struct image *im, const char *path, size_t len)
{
	struct image_land r;
	uint32_t rights = 0;
	unsigned int i;

	if (image_count(im, IS_LAND) == 0)
		return LANDLOCK_ALL;
	for (i = 0; image_land_get(im, i, &r); i++) {
		if (!below(r.path, path, len))
			continue;
		rights |= r.tree;
		if (strlen(r.path) == len)
			rights |= r.exact;
	}
	return rights;
}

/* The length of the directory's path that a name stands in. */
static size_t
parent_len(const char *path, size_t len)
{
	while (len > 0 && path[len - 1] != '/')
		len--;
	return len > 1 ? len - 1 : len;
}

bool
image_land_refuses(const struct image *im, enum file_op op, bool dir,
    const char *path, size_t len, uint32_t *own, uint32_t *parent)
{
	image_land_needs(op, dir, own, parent);
	*own &= ~image_land_rights(im, path, len);
	*parent &= ~image_land_rights(im, path, parent_len(path, len));
	return (*own | *parent) != 0;
}
