/*
 * standalone: the engine without the house.
 *
 *	standalone -i IMAGE [-t TRASH] [-o OWNPATH]... [-n THREADS] [-v]
 *	    -- COMMAND...
 *
 * Runs COMMAND under the policy image in the file IMAGE (agentsh-policyd -T
 * compile makes one), serves it with the tracer's own threads, and exits as it
 * does.  -v prints each event to standard error afterwards. For tests of the
 * engine only: it is not installed, drops no rights and keeps no audit trail.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/evrec.h"
#include "common/ring.h"
#include "tracer/notify.h"
#include "tracer/tracer.h"
#include "tracer/trash.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* What parent and child tell each other before the exec. */
struct handover {
	_Atomic int listener;
	_Atomic int go;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "standalone: %s: %s\n", what, strerror(errno));
	exit(125);
}

/* The image file as a sealed memfd. */
static int
sealed(const char *file)
{
	char buf[65536];
	ssize_t n;
	int fd, mem;

	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1)
		die(file);
	mem = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (mem == -1)
		die("memfd_create");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (write(mem, buf, (size_t)n) != n)
			die("write");
	close(fd);
	if (fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
	    F_SEAL_SEAL) == -1)
		die("seal");
	return mem;
}

static _Noreturn void
child(struct handover *h, const struct image *im, char **argv)
{
	const struct timespec ms = { .tv_nsec = 200000 };
	struct sock_fprog prog;
	unsigned int n;
	long fd;

	prog.filter = (struct sock_filter *)(uintptr_t)image_bpf(im, &n);
	prog.len = (unsigned short)n;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER |
	    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &prog);
	if (fd == -1)
		_exit(125);
	atomic_store(&h->listener, (int)fd);
	while (!atomic_load(&h->go))
		nanosleep(&ms, NULL);
	close((int)fd);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int
take_listener(struct handover *h, pid_t pid)
{
	const struct timespec ms = { .tv_nsec = 200000 };
	int pidfd, fd;

	while (atomic_load(&h->listener) == -1) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			exit(125);
		nanosleep(&ms, NULL);
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, atomic_load(&h->listener), 0);
	if (fd == -1)
		die("pidfd_getfd");
	close(pidfd);
	return fd;
}

static void
print_event(const struct evrec *e, uint32_t count)
{
	const struct evrec_fix *f = &e->fix;

	fprintf(stderr, "event %s%s%s pid=%u comm=%.16s depth=%u %s rule=%.*s"
	    " errno=%u n=%u path=%.*s", evrec_type_name(f),
	    *evrec_op_name(f) != '\0' ? ":" : "", evrec_op_name(f), f->pid,
	    f->comm, f->depth, f->allowed ? "allow" : "DENY",
	    (int)e->text[EVS_RULE].len, e->text[EVS_RULE].p, f->error, count,
	    (int)e->text[EVS_PATH].len, e->text[EVS_PATH].p);
	if (f->type != EV_EXEC && e->text[EVS_PATH2].len > 0)
		fprintf(stderr, " -> %.*s", (int)e->text[EVS_PATH2].len,
		    e->text[EVS_PATH2].p);
	if (e->text[EVS_MESSAGE].len > 0)
		fprintf(stderr, " (%.*s)", (int)e->text[EVS_MESSAGE].len,
		    e->text[EVS_MESSAGE].p);
	fputc('\n', stderr);
}

/* Take what is in the ring; print it if asked. */
static void
drain(struct ring_reader *rr, bool verbose)
{
	static char buf[RING_REC_SLOTS * RING_SLOT_DATA];
	struct ring_rec rec;
	struct evrec e;

	while (ring_reader_next(rr, buf, &rec) == 1)
		if (verbose && evrec_decode(&e, buf, rec.len) == 0)
			print_event(&e, rec.count);
	ring_reader_ack(rr);
}

static int
status_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

/* Until the command has ended and nothing of its session is left. */
static int
serve(struct tracer *t, pid_t pid, struct ring_reader *rr, bool verbose)
{
	struct pollfd p = { .events = POLLIN };
	int status = 0;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (poll(&p, 1, 10) == 0 || errno == EINTR) {
		errno = 0;
		drain(rr, verbose);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	p.fd = -1;
	while (notify_end_hung(t) != 0 || notify_threads(t) != 0) {
		poll(&p, 1, 2);
		drain(rr, verbose);
	}
	drain(rr, verbose);
	return status_code(status);
}

int
main(int argc, char **argv)
{
	static struct tracer t = { .trashfd = -1, .session = "standalone",
		.trash_path = "" };
	struct tracer_image *im = calloc(1, sizeof(*im));
	const char *image = NULL, *trash = NULL;
	struct handover *h;
	struct ring_reader rr;
	bool verbose = false;
	int ch, ringfd, code;
	pid_t pid;

	while ((ch = getopt(argc, argv, "+i:n:o:t:v")) != -1) {
		switch (ch) {
		case 'i':
			image = optarg;
			break;
		case 'n':
			t.threads = (unsigned int)atoi(optarg);
			break;
		case 'o':
			t.own[t.own_cnt].path = optarg;
			t.own[t.own_cnt++].len = strlen(optarg);
			break;
		case 't':
			trash = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 125;
		}
	}
	if (image == NULL || optind == argc || im == NULL) {
		fprintf(stderr, "usage: standalone -i IMAGE [-v] -- COMMAND\n");
		return 125;
	}
	ch = sealed(image);
	if (image_open(&im->im, ch) == -1)
		die("image");
	if (trash != NULL) {
		t.trashfd = open(trash, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		t.trash_path = trash;
	}
	ringfd = ring_create(RING_SLOTS_DEFAULT);
	if (ringfd == -1 || ring_map(&t.ring, ringfd, -1) == -1 ||
	    ring_reader_open(&rr, ringfd) == -1)
		die("ring");
	h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atomic_store(&h->listener, -1);
	if ((pid = fork()) == 0)
		child(h, &im->im, argv + optind);
	if (tracer_init(&t) == -1 || trash_init(&t) == -1)
		die("tracer_init");
	tracer_set_image(&t, im);
	if ((t.tasks = task_table_new(-1, false)) == NULL ||
	    notify_start(&t) == -1)
		die("notify_start");
	task_enter(t.tasks, pid, 1);
	if (notify_serve(&t, take_listener(h, pid), 1) == NULL)
		die("notify_serve");
	atomic_store(&h->go, 1);
	code = serve(&t, pid, &rr, verbose);
	if (verbose)
		fprintf(stderr, "threads at the end: %u, shed %llu\n",
		    notify_threads(&t),
		    (unsigned long long)atomic_load(&t.shed));
	return code;
}
