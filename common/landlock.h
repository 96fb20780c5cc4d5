/*
 * Landlock as the second layer of a session (DESIGN.md section 8: static
 * trees).  Which rights there are, and how the rules of a policy image reach
 * the process that will live under them: the tracer writes them into a sealed
 * memfd, the asker opens their paths with its own credentials, makes a ruleset and
 * puts itself under it just before the seccomp filter.
 *
 * The rules allow and never refuse, so they hold everything that the policy
 * could allow, and more (image_land_rec, policyd/compile_landlock.c).  What the tracer
 * performs on behalf runs outside them.
 */

#ifndef COMMON_LANDLOCK_H
#define COMMON_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

struct image;

/*
 *	bit	name		since ABI	of files
 * The kernel's numbers; literals, as headers may be older than the kernel.
 */
/* clang-format off */
#define LANDLOCK_TABLE(X) \
	X(EXECUTE,	0,  "execute",		1, 1) \
	X(WRITE_FILE,	1,  "write_file",	1, 1) \
	X(READ_FILE,	2,  "read_file",	1, 1) \
	X(READ_DIR,	3,  "read_dir",		1, 0) \
	X(REMOVE_DIR,	4,  "remove_dir",	1, 0) \
	X(REMOVE_FILE,	5,  "remove_file",	1, 0) \
	X(MAKE_CHAR,	6,  "make_char",	1, 0) \
	X(MAKE_DIR,	7,  "make_dir",		1, 0) \
	X(MAKE_REG,	8,  "make_reg",		1, 0) \
	X(MAKE_SOCK,	9,  "make_sock",	1, 0) \
	X(MAKE_FIFO,	10, "make_fifo",	1, 0) \
	X(MAKE_BLOCK,	11, "make_block",	1, 0) \
	X(MAKE_SYM,	12, "make_sym",		1, 0) \
	X(REFER,	13, "refer",		2, 0) \
	X(TRUNCATE,	14, "truncate",		3, 1) \
	X(IOCTL_DEV,	15, "ioctl_dev",	5, 1)
/* clang-format on */

enum landlock_right {
#define X(id, bit, name, abi, file) LANDLOCK_##id = 1 << (bit),
	LANDLOCK_TABLE(X)
#undef X
};

#define LANDLOCK_RIGHTS 16u /* bits in use: 0..15 */
#define LANDLOCK_ALL	0xffffu
/* What a rule on something that is no directory may hold. */
#define LANDLOCK_OF_FILES \
	((uint32_t)(LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | \
	    LANDLOCK_READ_FILE | LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEV))

/*
 * What calls need that are never performed on behalf: these rights of a rule
 * outlive that its path is missing, see landlock_build.
 */
#define LANDLOCK_CONTINUED \
	((uint32_t)(LANDLOCK_EXECUTE | LANDLOCK_READ_FILE))

#define LANDLOCK_PATH_MAX 4096u

/* "read_file"; NULL past the last bit. */
const char *landlock_right_name(unsigned int bit);

/* The rights that an ABI knows; all of them for one newer than the table. */
uint32_t landlock_known(int abi);

/* The oldest ABI that knows all of rights. */
int landlock_since(uint32_t rights);

/* The running kernel's ABI, 0 where it has none or lets us have none. */
int landlock_abi(void);

/*
 * The rules of an image as a sealed memfd, which the caller owns; -1 with errno.
 */
int landlock_blob_write(const struct image *im);

/*
 * Make a ruleset of the blob behind fd, opening the paths as the caller may.
 * *ruleset: a descriptor the caller owns, or -1 where the rules leave this
 * kernel nothing to refuse.  0, or -1 with errno: EINVAL for a blob that is
 * none, ENOSYS and EOPNOTSUPP where there is no Landlock, or of what failed.
 *
 * A path that does not exist is left out, unless the caller could make it and the
 * policy lets it: then LANDLOCK_CONTINUED of its rights stand on the nearest
 * directory above it, as what it makes there it may execute.  One that leads
 * through a symbolic link is left out: no object has such a name.
 * May block on a file system that does.
 */
int landlock_build(int fd, int *ruleset) __attribute__((warn_unused_result));

/*
 * Put the calling thread, and what descends from it, under the ruleset for
 * good.  no_new_privs must be set.  0 or -1 with errno.
 */
int landlock_restrict(int ruleset) __attribute__((warn_unused_result));

#endif
