/*
 * The exec family, on the way in: argv, the program and all it needs, what the
 * policy says of them.  Runs in the serving threads.
 *
 * Trusts nothing that it read, since the kernel will read it again: what was
 * loaded in the end is proved by execproof.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/entry.h"
#include "common/wrapper.h"
#include "tracer/event.h"
#include "tracer/exec.h"
#include "tracer/exechead.h"
#include "tracer/execproof.h"
#include "tracer/fileops.h"
#include "tracer/num.h"
#include "tracer/tracer.h"

#define STRING_MAX   131072	/* MAX_ARG_STRLEN */
#define SPAN_MAX     65536	/* argv that lies together is read at once */
#define FIRST ((size_t)2 * LEVELS_MAX)

static struct work *
work_get(struct worker *w)
{
	if (w->arena == NULL) {
		w->arena = mmap(NULL, WORKER_ARENA_BYTES,
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (w->arena == MAP_FAILED)
			w->arena = NULL;
	}
	return w->arena;
}

/* ---- argv of the caller ---- */

/* The pointers of argv into w->ptr.  0 or an errno. */
static int
read_pointers(struct call *c, struct work *w, uint64_t addr, unsigned int *n)
{
	size_t got, have = 0, i, want;

	*n = 0;
	if (addr == 0)
		return 0;
	for (;;) {
		want = 4096 - (size_t)((addr + have) % 4096);
		if (want > 512 && have == 0)
			want = 512;
		if (have + want > sizeof(w->ptr))
			return E2BIG;
		if (call_read_some(c, addr + have, (char *)w->ptr + have, want,
		    &got) != 0)
			return EFAULT;
		for (i = have / 8; i < (have + got) / 8; i++)
			if (w->ptr[i] == 0) {
				*n = (unsigned int)i;
				return 0;
			}
		have += got;
		if (have % 8 != 0 && got < want)
			return EFAULT;
	}
}

/*
 * The strings, when they lie together: one read for all of them.  false: they
 * do not.
 */
static bool
read_span(struct call *c, struct work *w, struct args *a)
{
	uint64_t lo = UINT64_MAX, hi = 0;
	const char *nul;
	size_t got, off;
	unsigned int i;

	for (i = 0; i < a->argc; i++) {
		lo = w->ptr[i] < lo ? w->ptr[i] : lo;
		hi = w->ptr[i] > hi ? w->ptr[i] : hi;
	}
	hi = (hi | 4095) + 1;
	if (hi <= lo || hi - lo > SPAN_MAX ||
	    call_read_some(c, lo, w->join, (size_t)(hi - lo), &got) != 0)
		return false;
	a->bytes = 0;
	for (i = 0; i < a->argc; i++) {
		off = (size_t)(w->ptr[i] - lo);
		if (off >= got ||
		    (nul = memchr(w->join + off, '\0', got - off)) == NULL)
			return false;
		w->word[FIRST + i] = w->block + a->bytes;
		memcpy(w->block + a->bytes, w->join + off,
		    (size_t)(nul - w->join) - off + 1);
		a->bytes += (size_t)(nul - w->join) - off + 1;
		if (a->bytes > BLOCK_MAX)
			return false;
	}
	return true;
}

/* argv: words from FIRST on.  0 or an errno. */
static int
read_argv(struct call *c, struct work *w, struct args *a)
{
	unsigned int i;
	size_t len;
	int e;

	a->first = FIRST;
	a->bytes = 0;
	if ((e = read_pointers(c, w, call_v(c, SR_ARGV), &a->argc)) != 0)
		return e;
	if (a->argc == 0) { /* the kernel makes it one empty string */
		w->block[0] = '\0';
		w->word[FIRST] = w->block;
		a->argc = 1;
		a->bytes = 1;
		return 0;
	}
	if (read_span(c, w, a))
		return 0;
	a->bytes = 0;
	for (i = 0; i < a->argc; i++) {
		if (a->bytes >= BLOCK_MAX)
			return E2BIG;
		e = call_string(c, w->ptr[i], w->block + a->bytes,
		    BLOCK_MAX - a->bytes < STRING_MAX ? BLOCK_MAX - a->bytes :
		    STRING_MAX, &len);
		if (e != 0)
			return e == ENAMETOOLONG ? E2BIG : e;
		w->word[FIRST + i] = w->block + a->bytes;
		a->bytes += len + 1;
	}
	return 0;
}

/* ---- judging ---- */

/* words [from, from + n) joined by blanks into w->join. */
static int
join(struct work *w, const char *const *word, unsigned int n, size_t *len)
{
	size_t at = 0, k;
	unsigned int i;

	for (i = 0; i < n; i++) {
		k = strlen(word[i]);
		if (at + k + 1 > sizeof(w->join))
			return E2BIG;
		if (i > 0)
			w->join[at++] = ' ';
		memcpy(w->join + at, word[i], k);
		at += k;
	}
	w->join[at] = '\0';
	*len = at;
	return 0;
}

/* One command: argv with argv[0], of a program named path and given. */
static int
judge_words(struct judging *j, const char *path, size_t path_len,
    const char *given, size_t given_len, const char *const *argv,
    unsigned int argc)
{
	struct image_cmd cmd = {
		.path = path,
		.path_len = path_len,
		.given = given,
		.given_len = given_len,
		.args = j->w->join,
		.depth = j->depth,
	};

	if (join(j->w, argv + 1, argc > 0 ? argc - 1 : 0, &cmd.args_len) != 0) {
		call_builtin(&j->v, BR_UNJUDGEABLE);
		return 1;
	}
	image_command(j->c->im, &cmd, &j->v);
	return j->v.allowed ? 0 : 1;
}

/*
 * What ld.so will load: no exec follows, so the name is resolved here.  A name
 * without a slash is searched for as a library: which, cannot be told.
 */
static int
judge_loaded(struct judging *j, const struct wrapper_payload *p)
{
	struct pathres *r = &j->w->res;
	const char *given = p->argv[0];
	size_t len = strlen(given);
	bool clear;

	call_builtin(&j->v, BR_UNJUDGEABLE);
	if (strchr(given, '/') == NULL || pathres_resolve(j->c, AT_FDCWD, given,
	    len, PATHRES_OBJECT, r) != 0)
		return 1;
	clear = !r->anon && !r->deleted && !wrapper_by_name(r->canon);
	pathres_close(r);
	if (!clear)
		return 1;
	return judge_words(j, r->canon, r->len, given, len, p->argv, p->argc);
}

static int
judge_payload(const struct wrapper_payload *p, void *arg)
{
	struct judging *j = arg;
	size_t len;

	if (p->argc == 0)
		return 0;
	if (j->loads) {
		j->loads = false;
		return judge_loaded(j, p);
	}
	len = strlen(p->argv[0]);
	return judge_words(j, p->argv[0], len, p->argv[0], len, p->argv,
	    p->argc);
}

/* One level as a command, and what it runs for others. */
static bool
judge_command(struct judging *j, const struct level *l,
    const char *const *argv, unsigned int argc)
{
	struct verdict own;
	int r;

	if (judge_words(j, l->canon, l->canon_len, l->given, l->given_len,
	    argv, argc) != 0)
		return false;
	own = j->v;
	j->w->wrap.nwords = 0;
	j->w->wrap.ntext = 0;
	j->loads = wrapper_is_loader(l->canon);
	r = wrapper_walk(&j->w->wrap, l->canon, argv, argc, judge_payload, j);
	if (r == -1)
		call_builtin(&j->v, BR_UNJUDGEABLE);
	if (r != 0)
		return false;
	j->v = own;
	return true;
}

/*
 * Words of level i's argv when the program runs under the interpreters up to
 * `last`: of the kernel's final argv, where level i's begin.
 */
unsigned int
exec_args_start(const struct work *w, unsigned int i)
{
	unsigned int at = 0, k;

	for (k = w->levels - 1; k > i; k--)
		at += w->level[k - 1].has_arg ? 2 : 1;
	return at;
}

/*
 * Put the prefix that the kernel makes of the #! lines before argv[1..];
 * a->first is where it begins then.
 */
static void
prefix_argv(struct work *w, struct args *a)
{
	unsigned int i;

	if (w->levels < 2)
		return;
	/* argv[0] gives way to the script's name. */
	w->word[a->first] = w->level[0].given;
	for (i = 1; i < w->levels; i++) {
		if (w->level[i - 1].has_arg) {
			w->word[--a->first] = w->level[i - 1].arg;
			a->argc++;
		}
		w->word[--a->first] = w->level[i].given;
		a->argc++;
	}
}

/* Every level of the chain, with the arguments of the final argv. */
bool
exec_judge_chain(struct judging *j, const struct args *a)
{
	struct work *w = j->w;
	const char *const *argv = w->word + a->first;
	unsigned int i, at;
	struct verdict first = { 0 };

	for (i = 0; i < w->levels; i++) {
		at = exec_args_start(w, i);
		if (at >= a->argc || !judge_command(j, &w->level[i], argv + at,
		    a->argc - at))
			return false;
		if (i == 0)
			first = j->v;
	}
	j->v = first;
	return true;
}

/* ---- resolving what will be loaded ---- */

void
exec_text(struct call *c, struct work *w, const struct args *a)
{
	event_text(c, EVS_PATH, w->level[0].canon, w->level[0].canon_len);
	event_text(c, EVS_PATH2, w->block, a->bytes);
	c->ev.fix.op = 0;
	w->bytes = a->bytes;
}

/* Refuse with the verdict v. */
static void
refuse(struct call *c, struct verdict *v)
{
	v->allowed = 0;
	(void)!call_verdict(c, v);
	call_refuse(c, v, 0);
}

/*
 * May the file be loaded?  Its path is in the event only where it is refused.
 */
static bool
judge_file(struct call *c, const char *path, size_t len)
{
	struct verdict v;

	if (call_judge_file(c, FOP_READ, path, len, &v))
		return true;
	call_refuse(c, &v, 0);
	return false;
}

/* Keep what r pins as the next level. */
static bool
level_add(struct call *c, struct work *w, struct pathres *r, const char *given,
    size_t given_len)
{
	struct level *l = &w->level[w->levels];

	l->fd = r->fd;
	r->fd = -1;
	pathres_close(r);
	l->has_arg = false;
	memcpy(l->canon, r->canon, r->len + 1);
	l->canon_len = r->len;
	memcpy(l->given, given, given_len);
	l->given[given_len] = '\0';
	l->given_len = given_len;
	w->levels++;
	if (fstat(l->fd, &l->st) == -1 || r->anon || r->deleted) {
		call_unjudgeable(c, "an executable without a name");
		return false;
	}
	if (!S_ISREG(l->st.st_mode)) {
		c->event_on = false;
		answer_errno(c, S_ISLNK(l->st.st_mode) ? ELOOP : EACCES);
		return false;
	}
	return true;
}

/*
 * The name the kernel calls the program by: execveat with a descriptor makes
 * one up.
 */
static size_t
given_name(struct call *c, const char *path, size_t len, char *out)
{
	int fd = call_int(c, SR_DIRFD);
	char *p;

	if (fd == AT_FDCWD || !systab_has(&c->a, SR_DIRFD) ||
	    (len > 0 && path[0] == '/')) {
		memcpy(out, path, len + 1);
		return len;
	}
	p = num_put(num_text(out, "/dev/fd/"), (uint32_t)fd);
	if (len > 0 && len + 32 < CALL_PATH_MAX)
		p = num_text(num_text(p, "/"), path);
	return (size_t)(p - out);
}

/* The program that was asked for, path[0] of the worker: level 0. */
static bool
resolve_program(struct call *c, struct work *w, size_t len)
{
	char *given = c->w->path[1];
	int e, fd = call_int(c, SR_DIRFD);

	if (len == 0 && (c->a.flags & AT_EMPTY_PATH) != 0)
		e = pathres_fd(c, fd, &w->res);
	else
		e = pathres_resolve(c, fd, c->w->path[0], len,
		    (c->a.flags & AT_SYMLINK_NOFOLLOW) != 0 ?
		    PATHRES_NOFOLLOW : PATHRES_OBJECT, &w->res);
	if (e != 0) {
		fileops_failed(c, FOP_READ, &w->res, e);
		return false;
	}
	len = given_name(c, c->w->path[0], len, given);
	return level_add(c, w, &w->res, given, len);
}

/*
 * The first bytes of a level's file into w->head; our handle on it, or -1 after
 * answering.
 */
static int
read_head(struct call *c, struct work *w, const struct level *l, size_t *n)
{
	char num[NUM_MAX];
	ssize_t got = -1;
	int fd;

	num_put(num, (uint32_t)l->fd);
	if (faccessat(c->tracer->selffd, num, X_OK, AT_EACCESS) == -1) {
		c->event_on = false;
		answer_errno(c, EACCES);
		return -1;
	}
	fd = openat(c->tracer->selffd, num, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd != -1)
		got = pread(fd, w->head, sizeof(w->head), 0);
	if (got == -1) {
		if (fd != -1)
			close(fd);
		call_unjudgeable(c, errno == EACCES ?
		    "a program that may be run but not read" :
		    "a program that cannot be read");
		return -1;
	}
	*n = (size_t)got;
	return fd;
}

/* The dynamic loader that the ELF file behind fd names. */
static bool
resolve_loader(struct call *c, struct work *w, int fd, size_t n)
{
	uint64_t off, size;
	int e;

	w->has_ld = false;
	e = exechead_loader((const uint8_t *)w->head, n, &off, &size);
	if (e == 0)
		return true;
	if (e == -1 || size < 2 || size > CALL_PATH_MAX ||
	    pread(fd, c->w->path[0], size, (off_t)off) != (ssize_t)size ||
	    c->w->path[0][size - 1] != '\0') {
		call_unjudgeable(c, "an ELF header that cannot be read");
		return false;
	}
	e = pathres_resolve(c, AT_FDCWD, c->w->path[0], strlen(c->w->path[0]),
	    PATHRES_OBJECT, &w->res);
	if (e != 0) {
		fileops_failed(c, FOP_READ, &w->res, e);
		return false;
	}
	w->has_ld = fstat(w->res.fd, &w->ld_st) == 0;
	memcpy(w->ld_canon, w->res.canon, w->res.len + 1);
	w->ld_len = w->res.len;
	pathres_close(&w->res);
	if (!w->has_ld) {
		call_unjudgeable(c, "a loader without a name");
		return false;
	}
	return judge_file(c, w->ld_canon, w->ld_len);
}

/* Interpreter after interpreter, until there is no `#!`; then the loader. */
static bool
resolve_chain(struct call *c, struct work *w)
{
	char interp[EXECHEAD_LINE];
	struct level *l;
	size_t n;
	int e, fd;
	bool ok;

	for (;;) {
		l = &w->level[w->levels - 1];
		if (!judge_file(c, l->canon, l->canon_len))
			return false;
		if ((fd = read_head(c, w, l, &n)) == -1)
			return false;
		e = exechead_shebang(w->head, n, interp, l->arg);
		if (e == 0) {
			ok = resolve_loader(c, w, fd, n);
			close(fd);
			return ok;
		}
		close(fd);
		if (e == -1 || w->levels == LEVELS_MAX) {
			c->event_on = false;
			answer_errno(c, e == -1 ? ENOEXEC : ELOOP);
			return false;
		}
		l->has_arg = l->arg[0] != '\0';
		e = pathres_resolve(c, AT_FDCWD, interp, strlen(interp),
		    PATHRES_OBJECT, &w->res);
		if (e != 0) {
			fileops_failed(c, FOP_READ, &w->res, e);
			return false;
		}
		if (!level_add(c, w, &w->res, interp, strlen(interp)))
			return false;
	}
}

/*
 * Everything before the kernel's turn: true, and the call's event holds the
 * verdict; or it has been answered.
 */
static bool
judge_exec(struct call *c, struct work *w, struct args *a, struct judging *j,
    size_t len)
{
	c->ev.fix.depth =
	    (uint16_t)(j->depth > UINT16_MAX ? UINT16_MAX : j->depth);
	if (!resolve_program(c, w, len))
		return false;
	exec_text(c, w, a);
	/* The command rules first, so that theirs is the rule that is named. */
	if (!judge_command(j, &w->level[0], w->word + a->first, a->argc)) {
		refuse(c, &j->v);
		return false;
	}
	if (!resolve_chain(c, w))
		return false;
	prefix_argv(w, a);
	exec_text(c, w, a);
	if (w->levels > 1 && !exec_judge_chain(j, a)) {
		refuse(c, &j->v);
		return false;
	}
	if (!call_verdict(c, &j->v)) {
		call_refuse(c, &j->v, 0);
		return false;
	}
	return true;
}

static void
do_exec(struct call *c, struct work *w)
{
	struct judging j = { .c = c, .w = w };
	struct args a;
	size_t len;
	int e;

	j.depth = c->task->execed ? c->task->depth + 1 : 0;
	if ((e = read_argv(c, w, &a)) != 0) {
		answer_errno(c, e);
		return;
	}
	if (!fileops_string(c, SR_PATH, 0, &len))
		return;
	event_begin(c, EV_EXEC);
	if (!judge_exec(c, w, &a, &j, len) || !event_room(c))
		return;
#ifdef CONTINUE_AFTER_CHECK
	event_commit(c, 0);
	answer_continue(c);
#else
	if (c->tracer->keeper != NULL)
		execproof_kept(c, w, &a, &j);
	else
		execproof_held(c, w, &a, &j);
#endif
}

static void
work_done(struct call *c, struct work *w)
{
	unsigned int i;

	for (i = 0; i < w->levels; i++)
		if (w->level[i].fd != -1)
			close(w->level[i].fd);
	w->levels = 0;
	pathres_close(&w->res);
	/* Long arguments should not stay resident. */
	if (w->bytes > 65536)
		madvise(c->w->arena, WORKER_ARENA_BYTES, MADV_DONTNEED);
}

static struct work *
work_begin(struct call *c)
{
	struct work *w = work_get(c->w);

	if (w == NULL)
		return NULL;
	w->levels = 0;
	w->bytes = 0;
	w->res.fd = w->res.dir = -1;
	return w;
}

void
exec_ask(struct call *c)
{
	struct work *w = work_begin(c);

	if (w == NULL) {
		answer_errno(c, ENOMEM);
		return;
	}
	do_exec(c, w);
	work_done(c, w);
}

/* argv of the front door, as if it had been read from the caller. */
static bool
copy_argv(struct work *w, const struct entry_args *e, struct args *a)
{
	unsigned int i;
	size_t n;

	a->first = FIRST;
	a->argc = e->argc;
	a->bytes = 0;
	if (e->argc == 0 || e->argc > WORDS_MAX)
		return false;
	for (i = 0; i < e->argc; i++) {
		n = strlen(e->argv[i]) + 1;
		if (a->bytes + n > BLOCK_MAX)
			return false;
		memcpy(w->block + a->bytes, e->argv[i], n);
		w->word[FIRST + i] = w->block + a->bytes;
		a->bytes += n;
	}
	return true;
}

/*
 * A bare name is what an asker sends that found no program of it: what the
 * policy says of the name comes before that there is none.
 */
static bool
judge_name(struct call *c, struct work *w, struct args *a, struct judging *j,
    size_t len)
{
	const char *name = c->w->path[0];

	if (memchr(name, '/', len) != NULL ||
	    judge_words(j, name, len, name, len, w->word + a->first,
	    a->argc) == 0)
		return true;
	event_text(c, EVS_PATH, name, len);
	event_text(c, EVS_PATH2, w->block, a->bytes);
	refuse(c, &j->v);
	return false;
}

int
exec_front(struct call *c, const struct entry_args *e, uint32_t *rule)
{
	struct work *w = work_begin(c);
	struct judging j = { .c = c, .w = w };
	size_t len = strlen(e->program);
	struct args a;
	bool ok = false;

	if (w == NULL)
		return ENOMEM;
	if (len >= CALL_PATH_MAX)
		return ENAMETOOLONG;
	memcpy(c->w->path[0], e->program, len + 1);
	if (!copy_argv(w, e, &a))
		return E2BIG;
	event_begin(c, EV_COMMAND_POLICY);
	if (judge_name(c, w, &a, &j, len) && judge_exec(c, w, &a, &j, len)) {
		event_commit(c, 0);
		ok = true;
	}
	*rule = j.v.rule;
	work_done(c, w);
	return ok ? 0 : c->err;
}
