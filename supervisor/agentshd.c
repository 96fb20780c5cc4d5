/*
 * agentshd: the privileged monitor of the house.  This file reads the command line, finds
 * where it is installed, becomes a daemon when asked, and hands over to monitor.c.
 *
 * Trusts who started it, who is root.
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/msg.h"
#include "common/rights.h"
#include "supervisor/monitor.h"

#define UID_BASE_MAX 4294967000u

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
	    "usage: agentshd [-FknV] [-f config] [-u base]\n"
	    "       agentshd -nG [-u base]\n"
	    "       agentshd -nM\n");
	exit(2);
}

/* A row of `agentshd -nM`: the table of agentsh-protocol(7). */
static void
print_procs(unsigned int procs)
{
	static const unsigned int tab[] = { PROC_MONITOR, PROC_CONTROL,
		PROC_POLICYD, PROC_AUDITD, PROC_TRACER, PROC_NETPROXY,
		PROC_ASKER };
	const char *sep = "";
	size_t i;

	if ((procs & PROC_CHILDREN) == PROC_CHILDREN) {
		printf("children");
		procs &= ~PROC_CHILDREN;
		sep = ",";
	}
	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		if ((procs & tab[i]) == 0)
			continue;
		printf("%s%s", sep, rights_proc_name(tab[i]));
		sep = ",";
	}
}

static void
print_messages(void)
{
	const struct msg_row *r;
	unsigned int t;

	for (t = MSG_NONE + 1; t < MSG_MAX; t++) {
		r = msg_row_get((enum msg_type)t);
		printf("%u\t%s\t", t, r->name);
		print_procs(r->from);
		printf("\t");
		print_procs(r->to);
		printf("\t%u\t%u\t%u-%u\t%s%s\n", r->payload_bytes, r->tail_max,
		    r->fds_min, r->fds_max,
		    (r->phase & MSG_P_ANY) == MSG_P_ANY ? "any" :
			(r->phase & MSG_P_START)	? "start" :
							  "run",
		    (r->phase & MSG_ONCE) ? ",once" : "");
	}
}

static uint32_t
parse_base(const char *s)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno != 0 || *end != '\0' || s[0] < '0' || s[0] > '9' || v == 0 ||
	    v > UID_BASE_MAX) {
		fprintf(stderr, "agentshd: -u %s: not a user id\n", s);
		exit(2);
	}
	return (uint32_t)v;
}

/* PREFIX/sbin/agentshd -> PREFIX/libexec/agentsh. */
static int
find_libexec(struct monitor *mon)
{
	char self[PATH_MAX], *slash;
	ssize_t n;
	int i;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return -1;
	self[n] = '\0';
	for (i = 0; i < 2; i++) {
		if ((slash = strrchr(self, '/')) == NULL)
			return -1;
		*slash = '\0';
	}
	if ((size_t)snprintf(mon->libexec, sizeof(mon->libexec),
		"%s/libexec/agentsh", self) >= sizeof(mon->libexec))
		return -1;
	return access(mon->libexec, X_OK);
}

/*
 * In the background: the first process stays until the house serves or has
 * failed, and says which by its exit code.
 */
static void
daemonize(struct monitor *mon)
{
	int pfd[2], status;
	pid_t pid;
	char c;

	if (pipe2(pfd, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_error("cannot become a daemon: %m");
		exit(1);
	}
	if (pid > 0) {
		close(pfd[1]);
		if (read(pfd[0], &c, 1) == 1)
			_exit(0);
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
		_exit(1);
	}
	close(pfd[0]);
	mon->ready_fd = pfd[1];
	setsid();
	if (chdir("/") == -1)
		log_warn("chdir /: %m");
}

static void
null_stdin(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd == -1)
		return;
	(void)dup2(fd, STDIN_FILENO);
	/* Descriptors 1 and 2 that were closed must not become something else. */
	while (fd <= STDERR_FILENO)
		fd = dup(fd);
	close(fd);
}

/* As many descriptors as the machine gives: rings, channels, listeners. */
static void
raise_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

struct extra {
	int rights, messages;
};

static void
parse(struct monitor *mon, struct extra *x, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "FGMVf:knu:")) != -1) {
		switch (c) {
		case 'F':
			mon->opts.foreground = true;
			break;
		case 'G':
			x->rights = 1;
			break;
		case 'M':
			x->messages = 1;
			break;
		case 'V':
			printf("agentshd %s\n", AGENTSH_VERSION);
			exit(0);
		case 'f':
			mon->opts.config = optarg;
			break;
		case 'k':
			mon->opts.sandbox_kill = 1;
			break;
		case 'n':
			mon->opts.check_only = true;
			break;
		case 'u':
			mon->opts.uid_base = parse_base(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc ||
	    ((x->rights || x->messages) && !mon->opts.check_only))
		usage();
}

static const char *
absolute(const char *path)
{
	char *real;

	if (path[0] == '/')
		return path;
	if ((real = realpath(path, NULL)) == NULL) {
		log_error("%s: %m", path);
		exit(1);
	}
	return real;
}

int
main(int argc, char **argv)
{
	static struct monitor mon;
	struct extra x = { 0, 0 };

	mon.opts.config = MON_CONFIG;
	mon.ready_fd = -1;
	log_init("agentshd", LOG_INFO);
	parse(&mon, &x, argc, argv);
	if (x.rights)
		rights_print(stdout, mon.opts.uid_base);
	if (x.messages)
		print_messages();
	if (x.rights || x.messages)
		return 0;
	if (geteuid() != 0) {
		log_error("must be started by root%s",
		    mon.opts.check_only ?
			" (any user: agentshctl config check)" :
			"");
		return 1;
	}
	if (mon.opts.check_only)
		log_set_level(LOG_WARNING); /* diagnostics only */
	mon.opts.config = absolute(mon.opts.config);
	if (find_libexec(&mon) == -1) {
		log_error(
		    "../libexec/agentsh is missing beside %s: install the "
		    "whole program",
		    argv[0]);
		return 1;
	}
	/* What whoever started us left open is not in the rights table. */
	(void)syscall(SYS_close_range, 3, ~0u, 0);
	umask(022);
	null_stdin();
	raise_files();
	if (!mon.opts.foreground && !mon.opts.check_only)
		daemonize(&mon);
	return monitor_run(&mon);
}
