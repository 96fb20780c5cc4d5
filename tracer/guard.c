/*
 * See guard.h.  The table is made at start and only read after; the serving
 * threads look into it at each change of a name or an attribute and at each
 * open for writing.  Sessions cannot mount; what others mount later is not
 * known.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer/guard.h"
#include "tracer/pathres.h"
#include "tracer/task.h"
#include "tracer/tracer.h"

#define MOUNTS_MAX 128	     /* of the kernel's file systems */
#define INFO_MAX   (1u << 20) /* bytes of mountinfo */

enum kind { KIND_PROC, KIND_SYS, KIND_ALL };

struct mount {
	enum kind kind;
	size_t len;
	char *path; /* without a slash at the end: "" is the root */
};

struct guard {
	unsigned int cnt;
	struct mount mount[MOUNTS_MAX];
};

static const struct {
	const char *name;
	enum kind kind;
} types[] = {
	{ "proc", KIND_PROC },
	{ "sysfs", KIND_SYS },
	{ "binfmt_misc", KIND_ALL },
	{ "bpf", KIND_ALL },
	{ "cgroup", KIND_ALL },
	{ "cgroup2", KIND_ALL },
	{ "configfs", KIND_ALL },
	{ "cpuset", KIND_ALL },
	{ "debugfs", KIND_ALL },
	{ "efivarfs", KIND_ALL },
	{ "fusectl", KIND_ALL },
	{ "pstore", KIND_ALL },
	{ "resctrl", KIND_ALL },
	{ "securityfs", KIND_ALL },
	{ "selinuxfs", KIND_ALL },
	{ "smackfs", KIND_ALL },
	{ "tracefs", KIND_ALL },
};

/* Below sysfs: programs the kernel starts, power, modules, what mounts there */
static const char *const sys_parts[] = { "firmware", "fs", "hypervisor",
	"kernel", "module", "power" };

/* ---- the table ---- */

/* "\040" is a blank, in place. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' &&
		    s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static bool
kind_of(const char *type, size_t n, enum kind *kind)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == n &&
		    memcmp(types[i].name, type, n) == 0) {
			*kind = types[i].kind;
			return true;
		}
	return false;
}

static int
add(struct guard *g, const char *path, size_t n, enum kind kind)
{
	struct mount *m = &g->mount[g->cnt];

	if (g->cnt == MOUNTS_MAX)
		return errno = E2BIG, -1;
	if ((m->path = strndup(path, n)) == NULL)
		return -1;
	unescape(m->path);
	m->len = strlen(m->path);
	if (m->len > 0 && m->path[m->len - 1] == '/')
		m->path[--m->len] = '\0';
	m->kind = kind;
	g->cnt++;
	return 0;
}

/* "ID PARENT MAJ:MIN ROOT PATH OPTIONS [TAG]... - TYPE SOURCE OPTIONS" */
static int
add_line(struct guard *g, const char *line, size_t len)
{
	const char *p = line, *end = line + len, *path, *type;
	size_t path_len, i;
	enum kind kind;

	for (i = 0; i < 4 && p != NULL; i++)
		if ((p = memchr(p, ' ', (size_t)(end - p))) != NULL)
			p++;
	if ((path = p) == NULL ||
	    (p = memchr(p, ' ', (size_t)(end - p))) == NULL)
		return 0;
	path_len = (size_t)(p - path);
	if ((type = memmem(p, (size_t)(end - p), " - ", 3)) == NULL)
		return 0;
	type += 3;
	if ((p = memchr(type, ' ', (size_t)(end - type))) == NULL)
		p = end;
	if (!kind_of(type, (size_t)(p - type), &kind))
		return 0;
	return add(g, path, path_len, kind);
}

struct guard *
guard_parse(const char *info)
{
	struct guard *g = calloc(1, sizeof(*g));
	const char *nl;

	if (g == NULL)
		return NULL;
	for (; *info != '\0'; info = nl + (*nl == '\n')) {
		nl = strchrnul(info, '\n');
		if (add_line(g, info, (size_t)(nl - info)) == -1) {
			guard_free(g);
			return NULL;
		}
	}
	return g;
}

void
guard_free(struct guard *g)
{
	int saved = errno;
	unsigned int i;

	if (g == NULL)
		return;
	for (i = 0; i < g->cnt; i++)
		free(g->mount[i].path);
	free(g);
	errno = saved;
}

struct guard *
guard_new(void)
{
	struct guard *g = NULL;
	char *buf = malloc(INFO_MAX);
	size_t n = 0;
	ssize_t k = -1;
	int fd;

	if (buf == NULL)
		return NULL;
	if ((fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) != -1) {
		while ((k = read(fd, buf + n, INFO_MAX - 1 - n)) > 0)
			n += (size_t)k;
		close(fd);
		buf[n] = '\0';
		if (n == INFO_MAX - 1)
			errno = E2BIG;
		else if (k == 0)
			g = guard_parse(buf);
	}
	free(buf);
	return g;
}

/* ---- paths ---- */

/* What comes after dir in path, or NULL: it does not lie there. */
static const char *
below(const char *path, size_t len, const struct mount *m)
{
	if (len < m->len || memcmp(path, m->path, m->len) != 0)
		return NULL;
	if (len == m->len)
		return path + len;
	return path[m->len] == '/' ? path + m->len + 1 : NULL;
}

static bool
is_sys_part(const char *rest, size_t n)
{
	size_t i, k;

	for (i = 0; i < sizeof(sys_parts) / sizeof(sys_parts[0]); i++) {
		k = strlen(sys_parts[i]);
		if (n >= k && memcmp(rest, sys_parts[i], k) == 0 &&
		    (n == k || rest[k] == '/'))
			return true;
	}
	return false;
}

static bool
is_below_self(const char *path, size_t len)
{
	static const char *const own[] = { "/proc/self", "/proc/thread-self" };
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(own[i]);
		if (len >= n && memcmp(path, own[i], n) == 0 &&
		    (len == n || path[n] == '/'))
			return true;
	}
	return false;
}

enum guard_where
guard_where(const struct guard *g, const char *path, size_t len, pid_t *pid)
{
	const char *rest;
	unsigned int i;

	if (is_below_self(path, len))
		return GUARD_OWN;
	if (pathres_proc_pid(path, len, pid))
		return GUARD_PROCESS;
	for (i = 0; i < g->cnt; i++) {
		const struct mount *m = &g->mount[i];

		if ((rest = below(path, len, m)) == NULL)
			continue;
		if (m->kind != KIND_SYS ||
		    is_sys_part(rest, len - (size_t)(rest - path)))
			return GUARD_KERNEL;
	}
	return GUARD_FILE;
}

bool
guard_is_elsewhere(const struct guard *g, const char *path, size_t len)
{
	const char *rest;
	unsigned int i;

	for (i = 0; g != NULL && i < g->cnt; i++) {
		const struct mount *m = &g->mount[i];

		if (m->kind == KIND_PROC && strcmp(m->path, "/proc") != 0 &&
		    (rest = below(path, len, m)) != NULL &&
		    rest < path + len && *rest >= '0' && *rest <= '9')
			return true;
	}
	return false;
}

static bool
changes(enum file_op op)
{
	return op != FOP_READ && op != FOP_LIST && op != FOP_STAT &&
	    op != FOP_READLINK;
}

bool
guard_refuses(const struct call *c, enum file_op op, const char *path,
    size_t len, enum builtin_rule *rule)
{
	pid_t pid;

	if (!changes(op) || c->tracer->guard == NULL)
		return false;
	switch (guard_where(c->tracer->guard, path, len, &pid)) {
	case GUARD_FILE:
	case GUARD_OWN:
		return false;
	case GUARD_PROCESS:
		*rule = BR_SESSION;
		return !task_is_ours(c->tracer->tasks, pid);
	case GUARD_KERNEL:
		break;
	}
	*rule = BR_SUPERVISOR;
	return true;
}
