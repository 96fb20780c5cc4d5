/*
 * Who lives where: see home.h.  Runs as the user.
 *
 * Never by getpwuid: agentsh may be linked statically, and what nsswitch.conf
 * names would be loaded into it from a libc of perhaps another version.  So
 * /etc/passwd is read, and for who is not in it getent is asked.
 */

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/home.h"
#include "supervisor/ctl/sibling.h"

#define GETENT	  "/usr/bin/getent"
#define ENTRY_MAX 4096

/* The home of uid by the lines of fp, which is closed. */
static const char *
look_up(FILE *fp, uid_t uid, char *buf, size_t size)
{
	const struct passwd *pw;
	const char *home = NULL;

	if (fp == NULL)
		return NULL;
	while (home == NULL && (pw = fgetpwent(fp)) != NULL)
		if (pw->pw_uid == uid && strlen(pw->pw_dir) < size)
			home = strcpy(buf, pw->pw_dir);
	fclose(fp);
	return home;
}

const char *
home_of(uid_t uid, char *buf, size_t size)
{
	char name[] = "getent", base[] = "passwd", id[16], line[ENTRY_MAX];
	char *argv[] = { name, base, id, NULL };
	const char *home;

	home = look_up(fopen("/etc/passwd", "re"), uid, buf, size);
	if (home != NULL)
		return home;
	snprintf(id, sizeof(id), "%u", (unsigned int)uid);
	if (access(GETENT, X_OK) == -1 ||
	    sibling_run(GETENT, argv, line, sizeof(line)) != 0 ||
	    line[0] == '\0')
		return NULL;
	return look_up(fmemopen(line, strlen(line), "r"), uid, buf, size);
}
