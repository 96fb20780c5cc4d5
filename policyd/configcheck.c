/*
 * See configcheck.h.  Trusts nothing of the values.
 */

#include "policyd/configcheck.h"

#include <seccomp.h>

#include <string.h>

#include "policyd/config.h"
#include "policyd/diag.h"
#include "policyd/yread.h"
#include "tracer/systab.h"

/* ---- Landlock ---- */

/* Has p a component that is "." or ".."? */
static int
has_dots(const char *p)
{
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == '/')) {
		n = strcspn(p, "/");
		if ((n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return 1;
	}
	return 0;
}

/* A star or a class; braces belong to variables here. */
static int
is_pattern(const char *p)
{
	return strpbrk(p, "*?[") != NULL;
}

static void
check_path(const struct yread *y, const char *key, const struct pstr *p)
{
	const char *why = NULL;

	if (p->s[0] != '/' && strncmp(p->s, "${", 2) != 0)
		why = "is no absolute path";
	else if (is_pattern(p->s))
		why = "is a pattern: name a directory, which stands for "
		      "everything below it, or a file";
	else if (has_dots(p->s) || strstr(p->s, "//") != NULL)
		why = "is not in canonical form";
	else if (p->len >= 4096)
		why = "is too long";
	if (why != NULL)
		yread_error(y, p->pos, "\"%s\": \"%.64s\" %s", key, p->s, why);
}

void
configcheck_landlock(const struct yread *y, const struct config *c)
{
	const struct {
		const char *key;
		const struct plist *list;
	} tab[] = {
		{ "landlock.allow_execute", &c->landlock_execute },
		{ "landlock.allow_read", &c->landlock_read },
		{ "landlock.allow_write", &c->landlock_write },
		{ "landlock.deny_paths", &c->landlock_deny },
	};
	unsigned int i, k;
	int listed = 0;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		listed |= tab[i].list->n > 0;
		for (k = 0; k < tab[i].list->n; k++)
			check_path(y, tab[i].key, &tab[i].list->v[k]);
	}
	if (listed && !c->landlock_enabled)
		for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
			if (tab[i].list->n > 0)
				yread_warn(y, tab[i].list->pos, "\"%s\" is "
				    "without effect while "
				    "\"landlock.enabled\" is off",
				    tab[i].key);
}

/* ---- system calls ---- */

/*
 * What the launcher calls between its filter and its exec, and what no program starts or
 * ends without.
 */
static const char *const needed[] = { "execve", "exit", "exit_group",
	"rt_sigreturn", "restart_syscall", "futex", "wait4", "recvmsg",
	"close", "brk", "mmap", "munmap", "mprotect" };

static int
is_needed(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(needed[i], name) == 0)
			return 1;
	return 0;
}

static const char *
call_name(const void *list, size_t i)
{
	return i < systab_cnt ? systab_tab[i].name : NULL;
}

static void
check_call(const struct yread *y, const struct pstr *p)
{
	const char *key = "sandbox.seccomp.syscalls.block", *near;

	if (is_needed(p->s)) {
		yread_error(y, p->pos, "\"%s\": without %s no command starts "
		    "and ends", key, p->s);
		return;
	}
	/* Calls of other architectures do not exist here at all. */
	if (systab_find_name(p->s) != NULL ||
	    seccomp_syscall_resolve_name(p->s) != __NR_SCMP_ERROR)
		return;
	near = diag_nearest(p->s, call_name, NULL);
	if (near != NULL)
		yread_error(y, p->pos, "\"%s\": no system call is named "
		    "\"%.64s\"; was \"%s\" meant?", key, p->s, near);
	else
		yread_error(y, p->pos, "\"%s\": no system call is named "
		    "\"%.64s\"", key, p->s);
}

void
configcheck_syscalls(const struct yread *y, const struct config *c)
{
	unsigned int i;

	for (i = 0; i < c->syscalls_block.n; i++)
		check_call(y, &c->syscalls_block.v[i]);
}
