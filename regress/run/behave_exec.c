/*
 * Behaviours of threads, forks and execs, and of who is killed in the middle of a call.  See behave.h.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "regress/run/behave.h"

/* ---- threads, forks, execs ---- */

static _Atomic unsigned int went;

static void *
open_once(void *arg)
{
	char p[64];
	int fd;

	snprintf(p, sizeof(p), "t%ld", (long)(intptr_t)arg % 50);
	fd = open(p, O_CREAT | O_RDWR, 0600);
	if (fd != -1)
		went++;
	close(fd);
	return NULL;
}

static void
threads(void)
{
	static pthread_t t[3000];
	pthread_attr_t at;
	unsigned int made = 0;

	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, 32768);
	for (unsigned int i = 0; i < 3000; i++)
		if (pthread_create(&t[made], &at, open_once, (void *)(intptr_t)i) == 0)
			made++;
		else
			usleep(1000);
	for (unsigned int i = 0; i < made; i++)
		pthread_join(t[i], NULL);
	say("as many opens as threads: %d, some: %d", went == made, made > 100);
}

static pthread_barrier_t bar;

static void *
open_many(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&bar);
	for (int i = 0; i < 50; i++) {
		int fd = open("f", O_RDONLY);

		if (fd != -1)
			went++;
		close(fd);
	}
	return NULL;
}

static void
threads_at_once(void)
{
	pthread_t t[100];

	put("f", "x", 0600);
	pthread_barrier_init(&bar, NULL, 100);
	for (int i = 0; i < 100; i++)
		pthread_create(&t[i], NULL, open_many, NULL);
	for (int i = 0; i < 100; i++)
		pthread_join(t[i], NULL);
	say("%u opens", went);
}

static void
processes(void)
{
	unsigned int ok = 0, failed = 0;
	pid_t pid[200];

	for (int i = 0; i < 200; i++)
		if ((pid[i] = fork()) == 0) {
			char p[32];
			int fd;

			snprintf(p, sizeof(p), "p%d", i);
			fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0600);
			_exit(fd == -1 ? 1 : 0);
		}
	for (int i = 0; i < 200; i++)
		if (ended(pid[i]) == 0)
			ok++;
		else
			failed++;
	say("%u came to their end, %u not", ok, failed);
}

static void
vfork_exec(void)
{
	char *const argv[] = { (char[]) { "sh" }, (char[]) { "-c" },
		(char[]) { "exit 7" }, NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(1);
	}
	say("vfork and exec: %d", ended(pid));
	pid = vfork();
	if (pid == 0) {
		execv("./none", argv);
		_exit(errno == ENOENT ? 8 : 9);
	}
	say("vfork and no program: %d", ended(pid));
}

static void *
exec_self(void *arg)
{
	execl("/bin/sh", "sh", "-c", arg, NULL);
	return NULL;
}

static void *
sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void
exec_from_thread(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[6];
			char cmd[] = "[ $(ls /proc/$$/task | wc -l) = 1 ] && "
				     "[ -d /proc/self/task/$$ ] && exit 5";

			for (int k = 0; k < 5; k++)
				pthread_create(&t[k], NULL, sleeper, NULL);
			pthread_create(&t[5], NULL, exec_self, cmd);
			for (;;)
				pause();
		}
		if (ended(pid) != 5)
			say("a thread's exec went wrong");
	}
	say("20 execs of threads that are not leaders");
}

/* Two threads exec at once: one wins, the process lives on as it. */
static void
exec_twice(void)
{
	int ok = 0;

	for (int i = 0; i < 30; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[4];

			for (int k = 0; k < 4; k++)
				pthread_create(&t[k], NULL, exec_self, (char[]) { "exit 6" });
			for (;;)
				pause();
		}
		ok += ended(pid) == 6;
	}
	say("%d of 30 ended as they should", ok);
}

static void
exec_fails(void)
{
	char *one[] = { (char[]) { "x" }, NULL };
	char *none[] = { NULL };
	char **many = calloc(70000, sizeof(*many));
	char *big = malloc(200000);
	int fd;

	put("text", "neither a script nor a program\n", 0755);
	put("empty", "", 0755);
	put("noexec", "#!/bin/true\n", 0644);
	put("badinterp", "#!/none/there\n", 0755);
	put("loop", "#!./loop\n", 0755);
	put("blank", "#!\n", 0755);
	put("short", "\177ELF", 0755);
	put("good", "#!/bin/true\n", 0755);
	put("dirinterp", "#!/etc\n", 0755);
	put("argless", "#! /bin/sh -e \nexit 0\n", 0755);
	mkdir("dir", 0755);
	(void)!symlink("good", "link");
	(void)!symlink("l2", "l1");
	(void)!symlink("l1", "l2");
	memset(big, 'a', 199999);
	big[199999] = '\0';
	for (int i = 0; i < 69999; i++)
		many[i] = big + 199990;
	exec_says("ENOEXEC", "./text", one);
	exec_says("an empty file", "./empty", one);
	exec_says("no x", "./noexec", one);
	exec_says("no interpreter", "./badinterp", one);
	exec_says("its own interpreter", "./loop", one);
	exec_says("a blank interpreter", "./blank", one);
	exec_says("half an ELF", "./short", one);
	exec_says("a directory", "./dir", one);
	exec_says("its interpreter a directory", "./dirinterp", one);
	exec_says("nothing there", "./none", one);
	exec_says("below a file", "./good/x", one);
	exec_says("a loop of links", "./l1", one);
	exec_says("an empty name", "", one);
	exec_says("a script", "./good", one);
	exec_says("a link to it", "./link", one);
	exec_says("a script's argument", "./argless", one);
	exec_says("no argv", "/bin/true", none);
	exec_says("70,000 words", "/bin/true", many);
	one[0] = big;
	exec_says("a word too long", "/bin/true", one);
	exec_says("a bad pointer", (char *)8, none);
	for (int i = 0; i < 60; i++)
		many[i] = big + 199999 - 131000;
	many[60] = NULL;
	exec_says("8 MB of words", "/bin/true", many);
	one[0] = (char[]) { "x" };
	fd = open("busy", O_CREAT | O_WRONLY, 0755);
	(void)!write(fd, "#!/bin/true\n", 12);
	exec_says("a file that is written", "./busy", one);
	close(fd);
	exec_says("the same when closed", "./busy", one);
}

/* Written, closed and run at once: nobody else may hold it open for writing. */
static void
write_close_exec(void)
{
	volatile unsigned int busy = 0, other = 0, n;
	char *const argv[] = { (char[]) { "w" }, NULL };

	for (volatile int i = 0; i < 300; i++) {
		pid_t pid;
		int fd = open("w", O_CREAT | O_TRUNC | O_WRONLY, 0755);

		if (fd == -1 || write(fd, "#!/bin/true\n", 12) != 12)
			say("%s", said(-1));
		close(fd);
		if ((pid = vfork()) == 0) {
			execv("./w", argv);
			_exit(errno == ETXTBSY ? 100 : 101);
		}
		n = (unsigned int)ended(pid);
		busy += n == 100;
		other += n != 100 && n != 0;
		unlink("w");
	}
	say("%u busy, %u went wrong otherwise", busy, other);
}

/* ---- death in mid-call ---- */

static void
killed_in_call(void)
{
	int right = 0;

	mkfifo("fifo", 0600);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)open("fifo", O_RDONLY);
			_exit(1);
		}
		usleep((useconds_t)(i * 250));
		kill(pid, SIGKILL);
		right += ended(pid) == 1000 + SIGKILL;
	}
	say("%d of 40 were killed", right);
	/* What was opened for the dead may outlive them by a moment. */
	for (int i = 0; i < 100 && open("fifo", O_WRONLY | O_NONBLOCK) != -1; i++)
		usleep(10000);
	say("no reader is left: %s", said(open("fifo", O_WRONLY | O_NONBLOCK)));
}

/* SIGKILL while an exec is judged, loaded, proved: its parent must hear of it. */
static void
killed_in_exec(void)
{
	unsigned int ran = 0, killed = 0;
	int n;

	for (int i = 0; i < 400; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		usleep((useconds_t)(i * 7 % 1500));
		kill(pid, SIGKILL);
		n = ended(pid);
		ran += n == 0;
		killed += n == 1000 + SIGKILL;
	}
	say("%u ran or were killed", ran + killed);
}

/* The same while threads exec at once. */
static void
exec_race_killed(void)
{
	int heard = 0;

	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t t[4];

			for (int k = 0; k < 4; k++)
				pthread_create(&t[k], NULL, exec_self, (char[]) { "exit 6" });
			for (;;)
				pause();
		}
		usleep((useconds_t)(i * 31 % 3000));
		kill(pid, SIGKILL);
		heard += ended(pid) != -1;
	}
	say("%d of 100 were heard of", heard);
}

const struct behaviour behave_exec[] = {
	{ "threads", threads },
	{ "threads-at-once", threads_at_once },
	{ "processes", processes },
	{ "vfork", vfork_exec },
	{ "exec-from-thread", exec_from_thread },
	{ "exec-twice", exec_twice },
	{ "exec-fails", exec_fails },
	{ "write-close-exec", write_close_exec },
	{ "killed-in-call", killed_in_call },
	{ "killed-in-exec", killed_in_exec },
	{ "exec-race-killed", exec_race_killed },
	{ NULL, NULL },
};
