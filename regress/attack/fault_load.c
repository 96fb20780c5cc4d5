/*
 * Work inside a session while the house around it is killed, stopped and
 * starved: allowed opens and writes, and opens, creations, removals and renames
 * that the policy forbids.  It counts what it was refused in a file that the
 * test reads from outside, after each call has come back: what is counted here
 * must have been recorded.
 *
 *	fault_load COUNTS FORBIDDEN MADE KEPT WORK [MICROSECONDS]
 *
 * COUNTS is a file of 8-byte numbers, see enum count; FORBIDDEN may not be read,
 * MADE not created, KEPT neither removed nor renamed.  It ends when the
 * number STOP is set from outside.  With less than no MICROSECONDS it asks for
 * what is forbidden alone.  Runs inside a session, under test.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum count { REFUSED, ROUNDS, ESCAPED, ODD, STOP, LAST_ODD, FAILED, COUNT_MAX };

static _Atomic uint64_t *count;

/* A call that must be refused came back with r. */
static void
forbidden(long r)
{
	if (r != -1)
		count[ESCAPED]++;
	else if (errno == EACCES || errno == EPERM)
		count[REFUSED]++;
	else {
		count[LAST_ODD] = (uint64_t)errno;
		count[ODD]++;
	}
}

static void
permitted(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1 || write(fd, "x", 1) != 1)
		count[FAILED]++;
	if (fd != -1)
		close(fd);
}

int
main(int argc, char **argv)
{
	size_t bytes = COUNT_MAX * sizeof(*count);
	char moved[4096];
	int fd, pause_us;
	long r;

	if (argc < 6)
		return 2;
	pause_us = argc > 6 ? atoi(argv[6]) : 0;
	if ((fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1 ||
	    ftruncate(fd, (off_t)bytes) == -1)
		return 2;
	count = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		return 2;
	close(fd);
	snprintf(moved, sizeof(moved), "%s.moved", argv[5]);
	while (count[STOP] == 0) {
		if (pause_us >= 0)
			permitted(argv[5]);
		forbidden(r = open(argv[2], O_RDONLY | O_CLOEXEC));
		if (r != -1)
			close((int)r);
		forbidden(r = open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC,
		    0600));
		if (r != -1)
			close((int)r);
		forbidden(unlink(argv[4]));
		forbidden(rename(argv[4], moved));
		count[ROUNDS]++;
		usleep((useconds_t)abs(pause_us));
	}
	return 0;
}
