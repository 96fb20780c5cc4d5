/*
 * Landlock: see landlock.h.  The blob is written by the tracer and read by
 * agentsh; the rest runs in agentsh, in a process that is about to become a
 * workload, and in tests.
 *
 * The reader trusts nothing of the blob but what it has checked.  Must never
 * let a rule stand for more than its path: names are opened without following
 * any symbolic link.
 */

#include "common/landlock.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/landlock.h>
#include <linux/openat2.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/image_get.h"

#define SEALS	   (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
#define BLOB_MAGIC 0x314c4c41u /* "ALL1" */
#define BLOB_MAX   (sizeof(struct blob) + \
	IMAGE_LAND_MAX * (sizeof(struct blob_rule) + LANDLOCK_PATH_MAX))

/* In the memfd: this, n rules, then their paths, each NUL-terminated. */
struct blob {
	uint32_t magic;
	uint32_t n;
};

struct blob_rule {
	uint32_t tree, exact;
	uint64_t may_make;
};

struct rules {
	const struct blob_rule *v;
	const char *paths, *end;
	uint32_t n;
	uint32_t handled;
	int ruleset;
	int from, to; /* descriptors that wait for being closed; to -1: none */
};

/* clang-format off */
static const struct {
	const char *name;
	int abi;
} right_tab[LANDLOCK_RIGHTS] = {
#define X(id, bit, name, abi, file) [bit] = { name, abi },
	LANDLOCK_TABLE(X)
#undef X
};
/* clang-format on */

const char *
landlock_right_name(unsigned int bit)
{
	return bit < LANDLOCK_RIGHTS ? right_tab[bit].name : NULL;
}

uint32_t
landlock_known(int abi)
{
	uint32_t rights = 0;
	unsigned int i;

	for (i = 0; i < LANDLOCK_RIGHTS; i++)
		if (right_tab[i].abi <= abi)
			rights |= 1u << i;
	return rights;
}

int
landlock_since(uint32_t rights)
{
	unsigned int i;
	int abi = 1;

	for (i = 0; i < LANDLOCK_RIGHTS; i++)
		if ((rights >> i & 1) != 0 && right_tab[i].abi > abi)
			abi = right_tab[i].abi;
	return abi;
}

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* ---- the blob ---- */

static char *
blob_make(const struct image *im, size_t *size)
{
	struct blob b = { .magic = BLOB_MAGIC };
	struct blob_rule rule;
	struct image_land r;
	char *p, *text;

	*size = sizeof(b);
	for (; image_land_get(im, b.n, &r); b.n++)
		*size += sizeof(rule) + strlen(r.path) + 1;
	if ((p = malloc(*size)) == NULL)
		return NULL;
	memcpy(p, &b, sizeof(b));
	text = p + sizeof(b) + b.n * sizeof(rule);
	for (b.n = 0; image_land_get(im, b.n, &r); b.n++) {
		rule.tree = r.tree;
		rule.exact = r.exact;
		rule.may_make = r.may_make;
		memcpy(p + sizeof(b) + b.n * sizeof(rule), &rule,
		    sizeof(rule));
		strcpy(text, r.path);
		text += strlen(text) + 1;
	}
	return p;
}

int
landlock_blob_write(const struct image *im)
{
	size_t size;
	char *p = blob_make(im, &size);
	int fd, error;

	if (p == NULL)
		return -1;
	fd = memfd_create("agentsh-landlock", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd != -1 && (write(fd, p, size) != (ssize_t)size ||
	    fcntl(fd, F_ADD_SEALS, SEALS) == -1)) {
		error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
	free(p);
	return fd;
}

/* As many terminated absolute paths as rules, and nothing after. */
static bool
paths_ok(const struct rules *r)
{
	const char *p = r->paths, *nul;
	uint32_t i;

	for (i = 0; i < r->n; i++) {
		if (p >= r->end || *p != '/' ||
		    (nul = memchr(p, '\0', (size_t)(r->end - p))) == NULL ||
		    nul - p >= LANDLOCK_PATH_MAX)
			return false;
		p = nul + 1;
	}
	return p == r->end;
}

static bool
blob_ok(struct rules *r, const char *map, size_t size)
{
	struct blob b;
	uint32_t i;

	memcpy(&b, map, sizeof(b));
	if (b.magic != BLOB_MAGIC || b.n > IMAGE_LAND_MAX ||
	    b.n * sizeof(*r->v) > size - sizeof(b))
		return false;
	r->n = b.n;
	r->v = (const void *)(map + sizeof(b));
	r->paths = map + sizeof(b) + b.n * sizeof(*r->v);
	r->end = map + size;
	for (i = 0; i < r->n; i++)
		if (((r->v[i].tree | r->v[i].exact) & ~LANDLOCK_ALL) != 0)
			return false;
	return paths_ok(r);
}

static const char *
blob_map(int fd, struct rules *r, size_t *size)
{
	struct stat st;
	void *map;
	int seals = fcntl(fd, F_GET_SEALS);

	errno = EINVAL;
	if (seals == -1 || (seals & SEALS) != SEALS || fstat(fd, &st) == -1 ||
	    st.st_size < (off_t)sizeof(struct blob) ||
	    st.st_size > (off_t)BLOB_MAX)
		return NULL;
	*size = (size_t)st.st_size;
	map = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (blob_ok(r, map, *size))
		return map;
	munmap(map, *size);
	errno = EINVAL;
	return NULL;
}

/* ---- paths ---- */

#define CLOSE_BATCH 32

/* Close what waits: they are numbers that follow one another. */
static void
close_waiting(struct rules *r)
{
	int fd;

	if (r->to != -1 && syscall(SYS_close_range, r->from, r->to, 0) == -1)
		for (fd = r->from; fd <= r->to; fd++)
			close(fd);
	r->to = -1;
}

/* Close fd, soon: one call for many costs less than one for each. */
static void
close_later(struct rules *r, int fd)
{
	if (r->to != -1 &&
	    (fd != r->to + 1 || r->to - r->from >= CLOSE_BATCH))
		close_waiting(r);
	if (r->to == -1)
		r->from = fd;
	r->to = fd;
}

static int
open_path(struct rules *r, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd;

	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd != -1 || errno != EMFILE || r->to == -1)
		return fd;
	close_waiting(r);
	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* What a path leads to cannot be had at all, and that is no failure. */
static bool
is_absent(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EACCES:
	case ENAMETOOLONG:
		return true;
	default:
		return false;
	}
}

/* A rule on the object itself, with what of rights it can hold. */
static int
add_fd(const struct rules *r, int fd, uint32_t tree, uint32_t exact)
{
	struct landlock_path_beneath_attr a = { .parent_fd = fd };
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (S_ISLNK(st.st_mode))
		return 0;
	a.allowed_access = S_ISDIR(st.st_mode) ? tree :
	    (tree | exact) & LANDLOCK_OF_FILES;
	a.allowed_access &= r->handled;
	if (a.allowed_access == 0)
		return 0;
	return syscall(SYS_landlock_add_rule, r->ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &a, 0) == -1 ? -1 : 0;
}

/*
 * Nothing is called path.  Could we make what is missing of it, by the policy
 * and by the directory's own permissions, then everything below that directory gets the
 * rule's rights: a rule for what is not there cannot be made later.
 */
static int
add_missing(struct rules *r, const struct blob_rule *rule,
    const char *path)
{
	char buf[LANDLOCK_PATH_MAX], *slash;
	unsigned int at = 0;
	int fd = -1, error;
	char *p;

	strcpy(buf, path);
	while (fd == -1 && (slash = strrchr(buf, '/')) != NULL) {
		slash[slash == buf ? 1 : 0] = '\0';
		fd = open_path(r, buf);
		if (fd == -1 && errno != ENOENT)
			return is_absent(errno) ? 0 : -1;
		if (slash == buf)
			break;
	}
	if (fd == -1)
		return 0;
	for (p = buf; *p != '\0'; p++)
		if (*p == '/' && p[1] != '\0')
			at++;
	error = 0;
	if ((at >= 64 || (rule->may_make >> at & 1) != 0) &&
	    faccessat(AT_FDCWD, buf, W_OK, AT_EACCESS) == 0)
		error = add_fd(r, fd, (rule->tree | rule->exact) &
		    LANDLOCK_CONTINUED, 0);
	close_later(r, fd);
	return error;
}

static int
add_rule(struct rules *r, const struct blob_rule *rule,
    const char *path)
{
	int fd, rc;

	if (((rule->tree | rule->exact) & r->handled) == 0)
		return 0;
	if ((fd = open_path(r, path)) == -1) {
		if (errno == ENOENT)
			return add_missing(r, rule, path);
		return is_absent(errno) ? 0 : -1;
	}
	rc = add_fd(r, fd, rule->tree, rule->exact);
	close_later(r, fd);
	return rc;
}

/* ---- the ruleset ---- */

/*
 * What is open everywhere need not be handled; but for REFER, which a kernel
 * that knows it refuses unless it is both handled and given.
 */
static uint32_t
to_handle(const struct rules *r, int abi)
{
	const char *p = r->paths;
	uint32_t open = 0, i;

	for (i = 0; i < r->n; i++, p += strlen(p) + 1)
		if (p[1] == '\0')
			open |= r->v[i].tree;
	if ((landlock_known(abi) & ~open) == 0)
		return 0;
	return landlock_known(abi) & (~open | LANDLOCK_REFER);
}

static int
add_rules(struct rules *r)
{
	const char *p = r->paths;
	int rc = 0, error;
	uint32_t i;

	for (i = 0; i < r->n && rc == 0; i++, p += strlen(p) + 1)
		rc = add_rule(r, &r->v[i], p);
	error = errno;
	close_waiting(r);
	errno = error;
	return rc;
}

/* fs is the first member of every version of the kernel's structure. */
static int
make_ruleset(uint64_t fs)
{
	return (int)syscall(SYS_landlock_create_ruleset, &fs, sizeof(fs), 0);
}

int
landlock_build(int fd, int *ruleset)
{
	struct rules r = { .ruleset = -1, .to = -1 };
	int abi = landlock_abi(), error;
	const char *map;
	size_t size;

	*ruleset = -1;
	if (abi == 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if ((map = blob_map(fd, &r, &size)) == NULL)
		return -1;
	r.handled = to_handle(&r, abi);
	if (r.handled != 0 && ((r.ruleset = make_ruleset(r.handled)) == -1 ||
	    add_rules(&r) == -1)) {
		error = errno;
		if (r.ruleset != -1)
			close(r.ruleset);
		munmap((void *)(uintptr_t)map, size);
		errno = error;
		return -1;
	}
	munmap((void *)(uintptr_t)map, size);
	*ruleset = r.ruleset;
	return 0;
}

int
landlock_restrict(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == -1 ? -1 : 0;
}
