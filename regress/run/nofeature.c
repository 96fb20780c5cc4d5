/*
 * nofeature VERSION[,SET...] COMMAND...: run COMMAND as if the kernel were as
 * old as VERSION ("5.15", "5.19", "6.1"...): what came later answers as if it
 * did not exist.  Further sets take away what a kernel of any age may lack:
 * "landlock" as where it is not built in, "getfd" as under Docker's default
 * profile.
 *
 * A seccomp filter, inherited by all that COMMAND starts; so only what a filter
 * can see is refused: numbers of calls, of options, and flags.
 */

#include <sys/socket.h>
#include <sys/syscall.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define V(major, minor) ((major) << 8 | (minor))
#define NEVER		0 /* belongs to a set, whatever the version */
#define NR_FIRST_516	449
#define NR_LAST		511

struct lack {
	unsigned int since;
	const char *set;
	int nr;
	int arg; /* -1: the call itself */
	uint64_t mask, value;
	int error;
};

/* What a program can ask for by a number in a register. */
static const struct lack lacks[] = {
	/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
	{ V(5, 19), NULL, SYS_seccomp, 1, 1u << 5, 1u << 5, EINVAL },
	/* SECCOMP_IOCTL_NOTIF_SET_FLAGS: SYNC_WAKE_UP */
	{ V(6, 6), NULL, SYS_ioctl, 1, 0xffffffff, 0x40082104, EINVAL },
	/* PIDFD_GET_INFO of any size */
	{ V(6, 13), NULL, SYS_ioctl, 1, 0xc000ffff, 0xc000ff0b, ENOTTY },
	/* PIDFD_THREAD, signals to other than a process */
	{ V(6, 9), NULL, SYS_pidfd_open, 1, O_EXCL, O_EXCL, EINVAL },
	{ V(6, 9), NULL, SYS_pidfd_send_signal, 3, 1, 1, EINVAL },
	{ V(6, 9), NULL, SYS_pidfd_send_signal, 3, 2, 2, EINVAL },
	{ V(6, 9), NULL, SYS_pidfd_send_signal, 3, 4, 4, EINVAL },
	/* SO_PASSPIDFD, SO_PEERPIDFD, SO_PASSRIGHTS */
	{ V(6, 5), NULL, SYS_setsockopt, 2, 0xffffffff, 76, ENOPROTOOPT },
	{ V(6, 5), NULL, SYS_getsockopt, 2, 0xffffffff, 77, ENOPROTOOPT },
	{ V(6, 16), NULL, SYS_setsockopt, 2, 0xffffffff, 83, ENOPROTOOPT },
	/* MFD_NOEXEC_SEAL, MFD_EXEC */
	{ V(6, 3), NULL, SYS_memfd_create, 1, 8, 8, EINVAL },
	{ V(6, 3), NULL, SYS_memfd_create, 1, 16, 16, EINVAL },
	/* PR_SET_MDWE, PR_SET_VMA */
	{ V(6, 3), NULL, SYS_prctl, 0, 0xffffffff, 65, EINVAL },
	{ V(5, 17), NULL, SYS_prctl, 0, 0xffffffff, 0x53564d41, EINVAL },
	/* F_DUPFD_QUERY, F_CREATED_QUERY */
	{ V(6, 10), NULL, SYS_fcntl, 1, 0xffffffff, 1027, EINVAL },
	{ V(6, 12), NULL, SYS_fcntl, 1, 0xffffffff, 1028, EINVAL },

	{ NEVER, "landlock", SYS_landlock_create_ruleset, -1, 0, 0,
	    EOPNOTSUPP },
	{ NEVER, "landlock", SYS_landlock_add_rule, -1, 0, 0, EOPNOTSUPP },
	{ NEVER, "landlock", SYS_landlock_restrict_self, -1, 0, 0, EOPNOTSUPP },
	{ NEVER, "getfd", SYS_pidfd_getfd, -1, 0, 0, EPERM },
};

/*
 * The first number that a kernel did not have, of those that all machines
 * share.
 */
static const struct {
	unsigned int since;
	int nr;
} calls[] = {
	{ V(5, 16), NR_FIRST_516 }, /* futex_waitv */
	{ V(5, 17), 450 }, /* set_mempolicy_home_node */
	{ V(6, 5), 451 }, /* cachestat */
	{ V(6, 6), 452 }, /* fchmodat2 */
	{ V(6, 7), 454 }, /* futex_wake */
	{ V(6, 8), 457 }, /* statmount */
	{ V(6, 10), 462 }, /* mseal */
	{ V(6, 13), 463 }, /* setxattrat */
	{ V(6, 15), 467 }, /* open_tree_attr */
	{ V(6, 17), 468 }, /* file_getattr */
	{ V(6, 19), 470 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
refuse(scmp_filter_ctx ctx, int nr, int error)
{
	int e = seccomp_rule_add_exact(ctx, SCMP_ACT_ERRNO((uint32_t)error), nr,
	    0);

	if (e != 0)
		errx(1, "call %d: %s", nr, strerror(-e));
}

static void
refuse_row(scmp_filter_ctx ctx, const struct lack *l)
{
	struct scmp_arg_cmp a = { .arg = (unsigned int)l->arg,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = l->mask,
		.datum_b = l->value };
	int e;

	if (l->arg == -1) {
		refuse(ctx, l->nr, l->error);
		return;
	}
	e = seccomp_rule_add_exact_array(ctx,
	    SCMP_ACT_ERRNO((uint32_t)l->error), l->nr, 1, &a);
	if (e != 0)
		errx(1, "call %d: %s", l->nr, strerror(-e));
}

static void
refuse_version(scmp_filter_ctx ctx, unsigned int v)
{
	int nr = NR_LAST + 1;
	size_t i;

	for (i = 0; i < COUNT(lacks); i++)
		if (lacks[i].since > v)
			refuse_row(ctx, &lacks[i]);
	for (i = COUNT(calls); i-- > 0;)
		if (calls[i].since > v)
			nr = calls[i].nr;
	for (; nr <= NR_LAST; nr++)
		refuse(ctx, nr, ENOSYS);
}

static void
refuse_set(scmp_filter_ctx ctx, const char *name)
{
	unsigned int major, minor;
	size_t i, found = 0;
	char end;

	if (sscanf(name, "%u.%u%c", &major, &minor, &end) == 2) {
		refuse_version(ctx, V(major, minor));
		return;
	}
	for (i = 0; i < COUNT(lacks); i++)
		if (lacks[i].set != NULL && strcmp(lacks[i].set, name) == 0) {
			refuse_row(ctx, &lacks[i]);
			found++;
		}
	if (found == 0)
		errx(2, "no such set: %s", name);
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx ctx;
	char *name;
	int e;

	if (argc < 3) {
		fprintf(stderr,
		    "usage: nofeature VERSION[,SET...] COMMAND...\n");
		return 2;
	}
	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL)
		errx(1, "seccomp_init");
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	/* Needs CAP_SYS_ADMIN then, and what is tested sees the machine as it is. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	for (name = strtok(argv[1], ","); name != NULL;
	     name = strtok(NULL, ","))
		refuse_set(ctx, name);
	if ((e = seccomp_load(ctx)) != 0)
		errx(1, "seccomp_load: %s", strerror(-e));
	seccomp_release(ctx);
	execvp(argv[2], argv + 2);
	err(127, "%s", argv[2]);
}
