/*
 * What a session does that wants to exhaust its supervisor.  Each prints one
 * number when it ends: how often it was refused (pending, paths) or how often it
 * succeeded (fork, argv, deep).  Runs inside a session, under test.
 *
 *	exhaust_load fork SECONDS		fork until the limit, and on
 *	exhaust_load pending N SECRET SECONDS	N threads, all asking for what is refused
 *	exhaust_load paths N PREFIX		N distinct paths that are refused
 *	exhaust_load argv N BYTES		N execs with that many bytes of arguments
 *	exhaust_load deep N			N folders deep, made and removed again
 *	exhaust_load latency N PATH		N opens; prints p50 and p99 in ns
 */

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *secret;
static time_t until;
static _Atomic uint64_t refused, escaped;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int
result(uint64_t n)
{
	printf("%ju\n", (uintmax_t)n);
	if (escaped != 0)
		fprintf(stderr, "%ju forbidden calls succeeded\n",
		    (uintmax_t)escaped);
	return escaped != 0;
}

/* Every child forks as well: only the limit ends it. */
static int
bomb(char **argv)
{
	time_t end = time(NULL) + atoi(argv[0]);
	uint64_t n = 0;
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	while (time(NULL) < end) {
		pid = fork();
		if (pid == 0) {
			while (time(NULL) < end)
				if (fork() == -1)
					usleep(1000);
			_exit(0);
		}
		if (pid == -1)
			usleep(1000);
		else
			n++;
	}
	return result(n);
}

static void *
ask(void *arg)
{
	int fd;

	do {
		if ((fd = open(secret, O_RDONLY | O_CLOEXEC)) != -1) {
			close(fd);
			escaped++;
		} else if (errno == EACCES) {
			refused++;
		}
	} while (time(NULL) < until);
	return arg;
}

static int
pending(char **argv)
{
	long i, n = atol(argv[0]);
	pthread_t *t = calloc((size_t)n, sizeof(*t));
	pthread_attr_t at;

	secret = argv[1];
	until = time(NULL) + atoi(argv[2]);
	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, 65536);
	for (i = 0; t != NULL && i < n; i++)
		if (pthread_create(&t[i], &at, ask, NULL) != 0)
			break;
	n = i;
	for (i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	free(t);
	return result(refused);
}

static int
paths(char **argv)
{
	long i, n = atol(argv[0]);
	char path[4096];
	int fd;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s%ld", argv[1], i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd != -1) {
			close(fd);
			escaped++;
		} else if (errno == EACCES) {
			refused++;
		}
	}
	return result(refused);
}

/* Strings of 100,000 bytes, as many as make BYTES. */
static char **
long_argv(size_t bytes)
{
	size_t i, n = bytes / 100000, len = 100000;
	char **v = calloc(n + 2, sizeof(*v)), *s;

	if (v == NULL || (s = malloc(len)) == NULL)
		return NULL;
	memset(s, 'x', len - 1);
	s[len - 1] = '\0';
	v[0] = (char *)(uintptr_t)"true";
	for (i = 1; i <= n; i++)
		v[i] = s;
	return v;
}

static int
big_argv(char **argv)
{
	const struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };
	char *const envp[] = { NULL };
	char **v = long_argv((size_t)atol(argv[1]));
	long i, n = atol(argv[0]);
	uint64_t ok = 0;
	int status;
	pid_t pid;

	(void)setrlimit(RLIMIT_STACK, &rl);
	for (i = 0; v != NULL && i < n; i++) {
		if ((pid = fork()) == 0) {
			execve("/bin/true", v, envp);
			_exit(errno == E2BIG ? 0 : 1);
		}
		if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
			ok++;
	}
	return result(ok);
}

static int
deep(char **argv)
{
	long i, n = atol(argv[0]), made = 0;
	uint64_t down = 0;

	for (i = 0; i < n; i++, made++)
		if (mkdir("d", 0700) == -1 || chdir("d") == -1)
			break;
	for (i = 0; i < made; i++) {
		if (chdir("..") == -1 || rmdir("d") == -1)
			break;
		down++;
	}
	return result(down);
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
latency(char **argv)
{
	size_t i, n = (size_t)atol(argv[0]);
	uint64_t *ns = calloc(n, sizeof(*ns)), from;
	int fd;

	for (i = 0; ns != NULL && i < n; i++) {
		from = now_ns();
		if ((fd = open(argv[1], O_RDONLY | O_CLOEXEC)) == -1)
			return 1;
		ns[i] = now_ns() - from;
		close(fd);
		usleep(1000);
	}
	if (ns == NULL)
		return 1;
	qsort(ns, n, sizeof(*ns), by_size);
	printf("%ju %ju\n", (uintmax_t)ns[n / 2], (uintmax_t)ns[n * 99 / 100]);
	free(ns);
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **argv);
} what_tab[] = {
	{ "fork", 1, bomb },
	{ "pending", 3, pending },
	{ "paths", 2, paths },
	{ "argv", 2, big_argv },
	{ "deep", 1, deep },
	{ "latency", 2, latency },
};

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(what_tab) / sizeof(what_tab[0]); i++)
		if (argc > 1 && strcmp(argv[1], what_tab[i].name) == 0 &&
		    argc - 2 >= what_tab[i].args)
			return what_tab[i].run(argv + 2);
	fprintf(stderr, "usage: exhaust_load WHAT ARGUMENTS\n");
	return 2;
}
