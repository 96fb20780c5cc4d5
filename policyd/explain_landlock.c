/*
 * See explain_landlock.h.  Reads the rules of the image, not the kernel and not
 * the files: a rule is taken to stand on what it names.
 */

#include "policyd/explain_landlock.h"

#include <string.h>

#include "common/image.h"
#include "common/landlock.h"

#define UNLESS_MAX 4

/* ---- the question ---- */

void
explain_land_file(struct explain_land *q, unsigned int op)
{
	image_land_needs((enum file_op)op, false, &q->own, &q->parent);
	image_land_needs((enum file_op)op, true, &q->dir_own, &q->dir_parent);
	/* Only these are known to be of one kind or the other. */
	if (op != FOP_RENAME && op != FOP_RENAME_TO) {
		q->dir_own = q->own;
		q->dir_parent = q->parent;
	}
}

void
explain_land_exec(struct explain_land *q)
{
	q->own = q->dir_own = LANDLOCK_EXECUTE | LANDLOCK_READ_FILE;
	q->parent = q->dir_parent = 0;
}

static size_t
dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? 1 : (size_t)(slash - path);
}

/* The rights that are wanted and not given. */
static uint32_t
lacks(const struct explain_land *q, uint32_t own, uint32_t parent)
{
	return (own & ~image_land_rights(q->image, q->path,
	    strlen(q->path))) |
	    (parent & ~image_land_rights(q->image, q->path,
	    dir_len(q->path)));
}

static void
put_path(FILE *fp, const char *s, size_t n)
{
	for (; n-- > 0; s++)
		fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, fp);
}

static void
put_rights(FILE *fp, uint32_t rights, const char *before, const char *after)
{
	unsigned int i, n = 0;

	for (i = 0; landlock_right_name(i) != NULL; i++)
		if (rights >> i & 1)
			fprintf(fp, "%s%s%s%s", n++ > 0 ? ", " : "", before,
			    landlock_right_name(i), after);
}

/* ---- why ---- */

static int
below(const char *top, size_t n, const char *path, size_t len)
{
	return n == 1 || (len >= n && memcmp(top, path, n) == 0 &&
	    (len == n || path[n] == '/'));
}

/*
 * Could r, while some of its path is missing, come to stand on a directory that
 * holds path?  The components that the session may make say from where on.
 */
static int
may_widen(const struct image_land *r, const char *path, size_t len)
{
	unsigned int at = 0;
	const char *p;

	for (p = r->path; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		if ((r->may_make >> (at < 63 ? at : 63) & 1) != 0 &&
		    below(r->path, p == r->path ? 1 : (size_t)(p - r->path),
		    path, len))
			return 1;
		at++;
	}
	return 0;
}

static void
put_unless(const struct explain_land *q, FILE *fp, uint32_t missing)
{
	size_t len = strlen(q->path);
	struct image_land r;
	unsigned int i, n = 0;

	for (i = 0; image_land_get(q->image, i, &r); i++) {
		if ((missing & ~(r.tree | r.exact)) != 0 ||
		    !may_widen(&r, q->path, len))
			continue;
		if (n++ == UNLESS_MAX) {
			fputs(" and others", fp);
			break;
		}
		fputs(n == 1 ? "  unless one of these is missing when a "
		    "command starts, as its rule then stands on the directory "
		    "above: " : ", ", fp);
		put_path(fp, r.path, strlen(r.path));
	}
	if (n > 0)
		fputc('\n', fp);
}

/* The rule that gives the most general leave. */
static void
put_giver(const struct explain_land *q, FILE *fp, uint32_t rights,
    size_t len)
{
	struct image_land r;
	unsigned int i;
	size_t n;

	for (i = 0; image_land_get(q->image, i, &r); i++) {
		n = strlen(r.path);
		if (!below(r.path, n, q->path, len) ||
		    ((r.tree | (n == len ? r.exact : 0)) & rights) == 0)
			continue;
		fputs(", open ", fp);
		fputs(r.tree & rights ? "below " : "for ", fp);
		put_path(fp, r.path, n);
		return;
	}
}

/* ---- the answer ---- */

static void
put_verdict(const struct explain_land *q, FILE *fp, const char *kind,
    uint32_t own, uint32_t parent)
{
	uint32_t missing = lacks(q, own, parent);
	const char *where = " where the call continues, not where it is "
			    "performed on behalf";
	int since = landlock_since(missing);

	if (own & LANDLOCK_EXECUTE)
		where = ", as every exec continues once it is judged";
	fprintf(fp, "second layer: Landlock %s%s%s", missing == 0 ?
	    "lets it pass" : q->allowed ? "refuses it" : "refuses it too",
	    kind, missing != 0 ? where : "");
	fputs(missing != 0 ? "; lacks " : "; ", fp);
	put_rights(fp, missing != 0 ? missing : own | parent, "", "");
	if (missing == 0)
		put_giver(q, fp, own != 0 ? own : parent, own != 0 ?
		    strlen(q->path) : dir_len(q->path));
	if (since > 1)
		fprintf(fp, " (from ABI %d on)", since);
	fputc('\n', fp);
	if (missing != 0 && (missing & ~LANDLOCK_CONTINUED) == 0)
		put_unless(q, fp, missing);
}

void
explain_land_text(const struct explain_land *q, FILE *fp)
{
	if (!image_settings(q->image)->landlock)
		return;
	if ((q->own | q->parent) == 0) {
		fprintf(fp, "second layer: Landlock has no say in %s\n",
		    q->what);
		return;
	}
	if ((lacks(q, q->own, q->parent) == 0) ==
	    (lacks(q, q->dir_own, q->dir_parent) == 0)) {
		put_verdict(q, fp, "", q->own, q->parent);
		return;
	}
	put_verdict(q, fp, " for a file", q->own, q->parent);
	put_verdict(q, fp, " for a directory", q->dir_own, q->dir_parent);
}

void
explain_land_json(const struct explain_land *q, FILE *fp)
{
	uint32_t missing = lacks(q, q->own, q->parent);
	const char *word = missing != 0 ? "refuses" : "permits";

	if (!image_settings(q->image)->landlock)
		word = "off";
	else if ((q->own | q->parent) == 0)
		word = "none";
	fprintf(fp, "\"landlock\": \"%s\",\n  \"landlock_lacks\": [", word);
	put_rights(fp, missing, "\"", "\"");
	fputs("],\n  ", fp);
}
