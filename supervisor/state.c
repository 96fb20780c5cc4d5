/*
 * Folders and files of the house, see state.h.
 *
 * Runs in the monitor, as root.  Trusts paths of the command line and the config, but
 * not what it finds there: owner, type and mode are looked at on the open descriptor.  Must
 * never take over a directory that holds somebody else's files.
 */

#include "supervisor/state.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/monitor.h"

int
state_open_trusted(int dirfd, const char *path, const char *shown)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, path,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		if (errno == ELOOP)
			log_error(
			    "%s: is a symbolic link: name the file itself",
			    shown);
		else
			log_error("%s: %m", shown);
		return -1;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		log_error("%s: is no regular file", shown);
	else if (st.st_uid != 0)
		log_error("%s: belongs to uid %u: chown root it, after reading "
			  "it",
		    shown, st.st_uid);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		log_error("%s: mode %04o lets others write it: chmod go-w it, "
			  "after reading it",
		    shown, st.st_mode & 07777);
	else
		return fd;
	close(fd);
	return -1;
}

/* A directory of root's that nobody else can write, made if it is missing. */
static int
own_dir(const char *path, mode_t mode)
{
	struct stat st;
	int fd;

	if (mkdir(path, mode) == -1 && errno != EEXIST) {
		log_error("cannot make %s: %m", path);
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		log_error("cannot open %s: %m", path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		log_error("%s: uid %u, mode %04o: must be root's, and writable "
			  "by nobody else",
		    path, st.st_uid, st.st_mode & 07777);
		close(fd);
		return -1;
	}
	return fd;
}

static int
lock_take(struct monitor *mon)
{
	char text[32];
	ssize_t n;
	int len;

	mon->lock_fd = open(MON_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0644);
	if (mon->lock_fd == -1) {
		log_error("cannot open %s: %m", MON_LOCK);
		return -1;
	}
	if (flock(mon->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		n = read(mon->lock_fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		log_error("another agentshd runs already (pid %s): stop it "
			  "first",
		    text);
		/* The sockets are its own: without the lock nothing is removed. */
		close(mon->lock_fd);
		mon->lock_fd = -1;
		return -1;
	}
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(mon->lock_fd, 0) == -1 ||
	    write(mon->lock_fd, text, (size_t)len) != len) {
		log_error("cannot write %s: %m", MON_LOCK);
		return -1;
	}
	return 0;
}

int
state_open_run(struct monitor *mon)
{
	int fd;

	if ((fd = own_dir(MON_RUN_DIR, 0755)) == -1)
		return -1;
	close(fd);
	/* Only looking at the config disturbs nobody. */
	if (!mon->opts.check_only && lock_take(mon) == -1)
		return -1;
	mon->empty_fd = own_dir(MON_EMPTY, 0555);
	return mon->empty_fd == -1 ? -1 : 0;
}

/* mkdir -p of what leads to path; the last component too with last set. */
static int
make_parents(const char *path, bool last)
{
	char buf[MSG_PATH_LEN];
	char *p;

	snprintf(buf, sizeof(buf), "%s", path);
	for (p = buf + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (mkdir(buf, 0755) == -1 && errno != EEXIST)
			goto fail;
	}
	if (!last || mkdir(buf, 0711) == 0 || errno == EEXIST)
		return 0;
fail:
	log_error("cannot make %s: %m", buf);
	return -1;
}

/* May the audit directory hold a file of this name and be ours nevertheless? */
static bool
name_is_ours(const char *name, const char *db, const char *base)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	return strncmp(name, db, strlen(db)) == 0 || strcmp(name, base) == 0 ||
	    strncmp(name, "audit", 5) == 0 || strcmp(name, "lost+found") == 0;
}

/*
 * The directory of the database becomes root:auditd 1770, sticky: auditd makes and
 * removes its files there and cannot touch root's (sessions may lie below).  Not
 * so a directory that is in use for something else.
 */
static int
audit_dir_check(int fd, const char *dir, const char *db, const char *base)
{
	struct dirent *de;
	DIR *dp;
	int copy, rc = 0;

	if ((copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	if ((dp = fdopendir(copy)) == NULL) {
		close(copy);
		return -1;
	}
	while (rc == 0 && (de = readdir(dp)) != NULL) {
		if (name_is_ours(de->d_name, db, base))
			continue;
		log_error(
		    "the audit directory %s holds other things (%s): give "
		    "audit.storage.sqlite_path a directory of its own",
		    dir, de->d_name);
		rc = -1;
	}
	closedir(dp);
	return rc;
}

static void
split_path(const char *path, char *dir, char *name, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(dir, size, "%.*s", (int)(slash - path), path);
	if (dir[0] == '\0')
		snprintf(dir, size, "/");
	snprintf(name, size, "%s", slash + 1);
}

static int
open_audit(struct monitor *mon)
{
	char dir[MSG_PATH_LEN], db[MSG_PATH_LEN], base[MSG_PATH_LEN];
	char other[MSG_PATH_LEN];
	struct stat st;
	gid_t gid = mon->gid[PROC_AUDITD];

	split_path(mon->conf.sqlite_path, dir, db, sizeof(dir));
	split_path(mon->conf.base_dir, other, base, sizeof(other));
	if (make_parents(dir, true) == -1)
		return -1;
	mon->audit_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mon->audit_fd == -1 || fstat(mon->audit_fd, &st) == -1) {
		log_error("cannot open the audit directory %s: %m", dir);
		return -1;
	}
	if (st.st_uid == 0 && st.st_gid == gid && (st.st_mode & 07777) == 01770)
		return 0;
	if (audit_dir_check(mon->audit_fd, dir, db, base) == -1)
		return -1;
	if (fchown(mon->audit_fd, 0, gid) == -1 ||
	    fchmod(mon->audit_fd, 01770) == -1) {
		log_error("cannot give %s to auditd: %m", dir);
		return -1;
	}
	return 0;
}

static int
open_key(struct monitor *mon)
{
	const char *path = mon->conf.audit_key_file;

	mon->key_fd = -1;
	if (path[0] == '\0')
		return 0;
	mon->key_fd = state_open_trusted(AT_FDCWD, path, path);
	return mon->key_fd == -1 ? -1 : 0;
}

int
state_open_dirs(struct monitor *mon)
{
	if (mon->conf.base_dir[0] != '/' || mon->conf.sqlite_path[0] != '/') {
		log_error(
		    "sessions.base_dir and audit.storage.sqlite_path must "
		    "be absolute paths");
		return -1;
	}
	if (open_audit(mon) == -1 || open_key(mon) == -1 ||
	    make_parents(mon->conf.base_dir, false) == -1)
		return -1;
	mon->sessions_fd = own_dir(mon->conf.base_dir, 0711);
	return mon->sessions_fd == -1 ? -1 : 0;
}

int
state_listen(const char *path, int type, int backlog)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if ((fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) ==
	    -1)
		goto fail;
	/* We hold the lock: what lies there is of a dead daemon. */
	if (unlink(path) == -1 && errno != ENOENT)
		goto fail;
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(path, 0666) == -1 || listen(fd, backlog) == -1)
		goto fail;
	return fd;
fail:
	log_error("cannot listen on %s: %m", path);
	if (fd != -1)
		close(fd);
	return -1;
}

void
state_clean(struct monitor *mon)
{
	if (mon->lock_fd == -1)
		return;
	(void)unlink(MON_CONTROL_SOCK);
	(void)unlink(MON_ENTRY_SOCK);
	(void)unlink(MON_LOCK);
	close(mon->lock_fd);
	mon->lock_fd = -1;
}

static int
sub_dir(int at, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	struct stat st;
	int fd;

	if (mkdirat(at, name, mode) == -1 && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || (st.st_uid != 0 && st.st_uid != uid) ||
	    fchown(fd, uid, gid) == -1 || fchmod(fd, mode) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

int
state_session_dir(struct monitor *mon, const char *id, uint32_t uid,
    uint32_t gid)
{
	int dir, trash;

	if ((dir = sub_dir(mon->sessions_fd, id, 0700, uid, gid)) == -1)
		return -1;
	trash = sub_dir(dir, "trash", 0700, uid, gid);
	close(dir);
	return trash;
}
