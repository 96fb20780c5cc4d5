/*
 * Run inside a session whose commands have little time: processes that outlast the
 * command if they can.
 *
 *	outlast FILE SECONDS	prints the id of a child that never asks for anything;
 *				another, whose parent is gone, makes FILE after so long
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
pause_for_ever(void)
{
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	unsigned int seconds;
	pid_t pid;

	if (argc != 3)
		return 2;
	if ((pid = fork()) == 0)
		pause_for_ever();
	printf("%d\n", pid);
	fflush(stdout);
	if (fork() != 0)
		pause_for_ever();
	if (fork() != 0)
		return 0;
	seconds = (unsigned int)strtoul(argv[2], NULL, 10);
	while (seconds > 0)
		seconds = sleep(seconds);
	(void)!open(argv[1], O_CREAT | O_WRONLY, 0600);
	pause_for_ever();
}
