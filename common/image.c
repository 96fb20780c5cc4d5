/*
 * Opening a policy image and reading what is not a judgement: names, places,
 * settings, the seccomp program.  Runs in the tracer, netproxy, the clients and
 * tests.  Trusts nothing of the bytes before image_check has passed.
 * Must never allocate; only image_open and image_close make system calls.
 */

#include "common/image.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/image_get.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

/* The size of a sealed memfd, or -1. */
static int
sealed_size(int fd, size_t *size_bytes)
{
	struct stat st;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals == -1 || (seals & SEALS) != SEALS) {
		errno = EINVAL;
		return -1;
	}
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size <= 0 || (uint64_t)st.st_size > IMAGE_SIZE_MAX) {
		errno = EINVAL;
		return -1;
	}
	*size_bytes = (size_t)st.st_size;
	return 0;
}

int
image_open(struct image *im, int fd)
{
	size_t size;
	void *p;

	memset(im, 0, sizeof(*im));
	if (sealed_size(fd, &size) == -1)
		return -1;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	if (image_check(im, p, size) == -1) {
		(void)munmap(p, size);
		memset(im, 0, sizeof(*im));
		errno = EINVAL;
		return -1;
	}
	return 0;
}

void
image_close(struct image *im)
{
	union {
		const void *c;
		void *v;
	} p = { .c = im->base };

	if (im->base != NULL)
		(void)munmap(p.v, im->size_bytes);
	memset(im, 0, sizeof(*im));
}

static const char *
builtin_name(uint32_t rule)
{
	uint32_t i = rule & ~RULE_BUILTIN;

	return i < BR_MAX ? builtin_rule_name[i] : "unknown";
}

void
image_rule_get(const struct image *im, uint32_t rule, struct image_rule *r)
{
	const struct image_rule_rec *rec;

	r->name = "unknown";
	r->file = r->message = "";
	r->line = 0;
	r->timeout_ns = 0;
	if (rule & RULE_BUILTIN) {
		r->name = builtin_name(rule);
		return;
	}
	if (rule >= image_count(im, IS_RULES))
		return;
	rec = &image_sec_RULES(im)[rule];
	r->name = image_string(im, rec->name);
	r->file = image_string(im, rec->file);
	r->message = image_string(im, rec->message);
	r->line = rec->line;
	r->timeout_ns = rec->timeout_ns;
}

const struct image_settings *
image_settings(const struct image *im)
{
	return image_sec_SETTINGS(im);
}

const char *
image_project_root(const struct image *im)
{
	return image_string(im, image_sec_META(im)->project_root);
}

const char *
image_home(const struct image *im)
{
	return image_string(im, image_sec_META(im)->home);
}

const char *
image_policy_name(const struct image *im)
{
	return image_string(im, image_sec_META(im)->policy_name);
}

const void *
image_bpf(const struct image *im, unsigned int *insns)
{
	*insns = image_count(im, IS_BPF);
	return image_sec_BPF(im);
}

const uint64_t *
image_blocked(const struct image *im)
{
	return image_count(im, IS_BLOCKED) == 0 ? NULL : image_sec_BLOCKED(im);
}
