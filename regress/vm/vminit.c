/*
 * The first process of the test machine, from its initial memory disk: loads
 * the modules that stand in /modules in that order, puts the host's file tree
 * (9p, read-only) with a layer of ours before it under an overlay in memory, a
 * scratch disk at /var/tmp, and becomes systemd there.
 *
 * Whatever fails ends the machine with a line on the console.
 */

#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEW "/new"

static _Noreturn void
die(const char *what)
{
	dprintf(2, "vminit: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void
load(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/lib/%s", name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
	    (syscall(SYS_finit_module, fd, "", 0) == -1 && errno != EEXIST))
		die(path);
	close(fd);
}

static void
load_all(void)
{
	char line[128];
	FILE *f = fopen("/modules", "r");

	if (f == NULL)
		die("/modules");
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '\0')
			load(line);
	}
	fclose(f);
}

static void
put(const char *source, const char *target, const char *type,
    unsigned long flags, const char *options)
{
	mkdir(target, 0755);
	if (mount(source, target, type, flags, options) == -1)
		die(target);
}

int
main(void)
{
	char init[] = "/sbin/init", home[] = "HOME=/", term[] = "TERM=linux";
	char *const argv[] = { init, NULL };
	char *const envp[] = { home, term, NULL };

	put("none", "/dev", "devtmpfs", 0, NULL);
	put("none", "/proc", "proc", 0, NULL);
	load_all();
	put("host", "/host", "9p", MS_RDONLY,
	    "trans=virtio,version=9p2000.L,msize=512000,cache=loose");
	put("layer", "/layer", "9p", MS_RDONLY,
	    "trans=virtio,version=9p2000.L,cache=loose");
	put("none", "/mem", "tmpfs", 0, "mode=0755");
	mkdir("/mem/up", 0755);
	mkdir("/mem/work", 0755);
	put("overlay", NEW, "overlay", 0,
	    "lowerdir=/layer:/host,upperdir=/mem/up,workdir=/mem/work");
	put("none", NEW "/dev", "devtmpfs", 0, NULL);
	put("none", NEW "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	/* A tree that lies below one of these is shown by the guest script. */
	put("/host", NEW "/run/host", NULL, MS_BIND, NULL);
	put("/dev/vda", NEW "/var/tmp", "ext4", 0, NULL);
	chmod(NEW "/var/tmp", 01777);
	put("out", NEW "/mnt", "9p", 0,
	    "trans=virtio,version=9p2000.L,msize=512000");
	if (chdir(NEW) == -1 || mount(".", "/", NULL, MS_MOVE, NULL) == -1 ||
	    chroot(".") == -1 || chdir("/") == -1)
		die(NEW);
	execve(init, argv, envp);
	die(init);
}
