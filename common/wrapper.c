/*
 * See wrapper.h.  Each wrapper is a row: which of its options take a word, how
 * many words stand before the command.  Runs in the tracer, the front door and
 * policyd; the words are a workload's and nothing is believed of them.
 */

#include "common/wrapper.h"

#include <string.h>

#define W_ASSIGN  0x01u /* NAME=VALUE words before the command */
#define W_NUMBER  0x02u /* -10, --10: options that are a number */
#define W_SPLIT	  0x04u /* -S TEXT */
#define W_MUST	  0x08u /* runs without execve: what is unclear is refused */
#define W_DASH	  0x10u /* "-" alone is an option */

/*
 * Option lists: short ones as letters; long ones without dashes, each followed
 * by '=' (takes a word), '?' (takes one only behind '=') or nothing.  Words are
 * parted by blanks.
 */
struct row {
	const char *name;
	const char *flags;   /* short, no argument */
	const char *args;    /* short, an argument: rest of the word or the next */
	const char *optargs; /* short, an argument only as the rest of the word */
	const char *ends;    /* short, of those above: then no command is run */
	const char *longs;
	unsigned int skip; /* words between the options and the command */
	unsigned int bits;
};

static const struct row row_tab[] = {
	{ "nice", "", "n", "", "", "adjustment=", 0, W_NUMBER },
	{ "nohup", "", "", "", "", "", 0, 0 },
	{ "env", "i0v", "uCSa", "", "", "ignore-environment null debug "
	    "list-signal-handling block-signal? default-signal? "
	    "ignore-signal? unset= chdir= split-string= argv0=", 0,
	    W_ASSIGN | W_SPLIT | W_DASH },
	{ "timeout", "fpv", "ks", "", "", "foreground preserve-status verbose "
	    "kill-after= signal=", 1, 0 },
	{ "time", "apqv", "fo", "", "V", "append portability quiet verbose "
	    "format= output=", 0, 0 },
	{ "stdbuf", "", "ioe", "", "", "input= output= error=", 0, 0 },
	{ "setsid", "cfw", "", "", "Vh", "ctty fork wait", 0, 0 },
	{ "ionice", "t", "cnpPu", "", "pPuVh", "ignore class= classdata= "
	    "pid= pgid= uid=", 0, 0 },
	{ "chrt", "abdfiomrRvG", "TPD", "", "pmVh", "all-tasks batch deadline "
	    "fifo idle other rr reset-on-fork verbose sched-runtime= "
	    "sched-period= sched-deadline=", 1, 0 },
	{ "taskset", "ac", "", "", "pVh", "all-tasks cpu-list", 1, 0 },
	{ "flock", "senuFxo", "wEc", "", "cVh", "shared exclusive unlock "
	    "nonblock nb no-fork close verbose timeout= wait= "
	    "conflict-exit-code=", 1, 0 },
	{ "sudo", "AbBEHiknPSsv", "ugCcDghpRrtTU", "", "eklvVK", "askpass "
	    "background bell preserve-env? set-home login stdin shell "
	    "non-interactive user= group= chdir= chroot= prompt= role= "
	    "type= host= close-from= command-timeout=", 0, W_ASSIGN },
	{ "doas", "nLs", "uC", "", "CL", "", 0, 0 },
	{ "xargs", "0oprtx", "adEILnPs", "eil", "", "null open-tty "
	    "interactive no-run-if-empty verbose exit show-limits eof? "
	    "replace? max-lines? arg-file= delimiter= max-args= max-procs= "
	    "max-chars= process-slot-var=", 0, 0 },
	{ "busybox", "", "", "", "", "", 0, W_MUST },
	{ "toybox", "", "", "", "", "", 0, W_MUST },
	{ "ld.so", "", "", "", "", "library-path= inhibit-cache "
	    "inhibit-rpath= audit= preload= argv0= glibc-hwcaps-prepend= "
	    "glibc-hwcaps-mask=", 0, W_MUST },
	{ "find", "", "", "", "", "", 0, 0 },
};

struct ask {
	struct wrapper *w;
	const struct row *row;
	const char *const *argv;
	unsigned int argc;
	unsigned int i; /* the word being read */
	int splits;	/* how often -S was met */
	struct wrapper_payload *out;
	unsigned int n;
};

static const char *
base_of(const char *s)
{
	const char *slash = strrchr(s, '/');

	return slash != NULL ? slash + 1 : s;
}

static int
is_ld_so(const char *base)
{
	return strncmp(base, "ld-linux", 8) == 0 ||
	    strncmp(base, "ld-musl", 7) == 0 ||
	    strncmp(base, "ld64.so", 7) == 0 || strcmp(base, "ld.so") == 0 ||
	    strcmp(base, "libc.so") == 0 || /* musl's, where that is a link */
	    (strncmp(base, "ld-", 3) == 0 && strstr(base, ".so") != NULL);
}

static const struct row *
find_row(const char *base)
{
	size_t i;

	if (is_ld_so(base))
		base = "ld.so";
	else if (strncmp(base, "busybox", 7) == 0)
		base = "busybox";
	for (i = 0; i < sizeof(row_tab) / sizeof(row_tab[0]); i++)
		if (strcmp(row_tab[i].name, base) == 0)
			return &row_tab[i];
	return NULL;
}

int
wrapper_is_loader(const char *name)
{
	return is_ld_so(base_of(name));
}

int
wrapper_by_name(const char *name)
{
	const struct row *r = find_row(base_of(name));

	return r != NULL && (r->bits & W_MUST) != 0;
}

/* What one option word is to its wrapper. */
enum option {
	OPT_BAD,   /* unknown */
	OPT_DONE,  /* the word is complete */
	OPT_NEXT,  /* the next word is its argument */
	OPT_STOP,  /* no command is run */
	OPT_SPLIT, /* the argument is -S's text, as below */
};

/*
 * A long option of len characters, as getopt_long reads it: exact, or the only
 * one it begins.  The character after its name in the list, or -1.
 */
static int
long_kind(const char *list, const char *s, size_t len)
{
	size_t n;
	int kind = -1, c;

	for (; *list != '\0'; list += n + strspn(list + n, "=? ")) {
		n = strcspn(list, "=? ");
		if (n < len || memcmp(list, s, len) != 0)
			continue;
		c = list[n] == '=' || list[n] == '?' ? list[n] : ' ';
		if (n == len)
			return c;
		if (kind != -1 && kind != c)
			return -1;
		kind = c;
	}
	return kind;
}

static enum option
long_option(struct ask *a, const char *s)
{
	size_t len = strcspn(s, "=");
	int kind;

	if (len == 0)
		return OPT_BAD;
	kind = long_kind(a->row->longs, s, len);
	if (kind == -1)
		return strcmp(s, "help") == 0 || strcmp(s, "version") == 0 ||
		    strncmp(s, "list", 4) == 0 || strcmp(s, "verify") == 0 ?
		    OPT_STOP : OPT_BAD;
	if ((a->row->bits & W_SPLIT) && s[0] == 's' &&
	    strncmp(s, "split-string", len) == 0)
		return OPT_SPLIT;
	return kind == '=' && s[len] == '\0' ? OPT_NEXT : OPT_DONE;
}

static enum option
short_option(struct ask *a, const char *s)
{
	const struct row *r = a->row;

	for (; *s != '\0'; s++) {
		if (strchr(r->ends, *s) != NULL)
			return OPT_STOP;
		if ((r->bits & W_SPLIT) && *s == 'S')
			return OPT_SPLIT;
		if (strchr(r->args, *s) != NULL)
			return s[1] == '\0' ? OPT_NEXT : OPT_DONE;
		if (strchr(r->optargs, *s) != NULL)
			return OPT_DONE;
		if (strchr(r->flags, *s) == NULL)
			return OPT_BAD;
	}
	return OPT_DONE;
}

static int
is_number_option(const char *s)
{
	s++;
	if (*s == '-' || *s == '+')
		s++;
	return *s >= '0' && *s <= '9';
}

static enum option
option(struct ask *a, const char *s)
{
	if ((a->row->bits & W_NUMBER) && is_number_option(s))
		return OPT_DONE;
	if (s[1] == '-')
		return long_option(a, s + 2);
	return short_option(a, s + 1);
}

/* The text of -S in this word or the next; a->i is left on its last word. */
static const char *
split_text(struct ask *a, const char *s)
{
	const char *p;

	if (s[1] == '-') {
		p = strchr(s, '=');
		if (p != NULL)
			return p + 1;
	} else {
		p = strchr(s, 'S');
		if (p != NULL && p[1] != '\0')
			return p + 1;
	}
	return a->i + 1 < a->argc ? a->argv[++a->i] : NULL;
}

static int
push_word(struct wrapper *w, const char *s)
{
	if (w->nwords == WRAPPER_WORDS_MAX)
		return -1;
	w->words[w->nwords++] = s;
	return 0;
}

/* Split at blanks; -1 where quoting or variables would have to be followed. */
static int
push_text(struct wrapper *w, const char *s)
{
	size_t n;

	if (strpbrk(s, "\\'\"$#") != NULL)
		return -1;
	for (s += strspn(s, " \t\n\v\f\r"); *s != '\0';
	    s += n + strspn(s + n, " \t\n\v\f\r")) {
		n = strcspn(s, " \t\n\v\f\r");
		if (n + 1 > WRAPPER_TEXT_MAX - w->ntext ||
		    push_word(w, w->text + w->ntext) == -1)
			return -1;
		memcpy(w->text + w->ntext, s, n);
		w->ntext += n;
		w->text[w->ntext++] = '\0';
	}
	return 0;
}

/* env -S: its words take the option's place, and reading begins anew. */
static int
split(struct ask *a, const char *s)
{
	unsigned int first = a->w->nwords, i;
	const char *text = split_text(a, s);

	if (text == NULL || ++a->splits > 8 ||
	    push_word(a->w, a->argv[0]) == -1 || push_text(a->w, text) == -1)
		return -1;
	for (i = a->i + 1; i < a->argc; i++)
		if (push_word(a->w, a->argv[i]) == -1)
			return -1;
	a->argv = a->w->words + first;
	a->argc = a->w->nwords - first;
	a->i = 0;
	return 0;
}

/* Go past the options.  1 the command may follow, 0 none is run, -1 unclear. */
static int
skip_options(struct ask *a)
{
	const char *s;

	for (a->i = 1; a->i < a->argc; a->i++) {
		s = a->argv[a->i];
		if (s[0] != '-' || (s[1] == '\0' && !(a->row->bits & W_DASH)))
			return 1;
		if (s[1] == '\0')
			continue;
		if (strcmp(s, "--") == 0) {
			a->i++;
			return 1;
		}
		switch (option(a, s)) {
		case OPT_BAD:
			return -1;
		case OPT_DONE:
			break;
		case OPT_NEXT:
			a->i++;
			break;
		case OPT_STOP:
			return 0;
		case OPT_SPLIT:
			if (split(a, s) == -1)
				return -1;
			break;
		}
	}
	return 0;
}

static void
add_payload(struct ask *a, unsigned int first, unsigned int end)
{
	a->out[a->n].argv = a->argv + first;
	a->out[a->n].argc = end - first;
	a->n++;
}

static enum wrapper_result
look_options(struct ask *a)
{
	int more = skip_options(a);

	if (more == -1)
		return a->row->bits & W_MUST ? WRAPPER_UNCLEAR : WRAPPER_NONE;
	if (more == 0)
		return WRAPPER_NONE;
	while ((a->row->bits & W_ASSIGN) && a->i < a->argc &&
	    strchr(a->argv[a->i], '=') != NULL)
		a->i++;
	if (a->argc <= a->row->skip || a->i >= a->argc - a->row->skip)
		return WRAPPER_NONE;
	add_payload(a, a->i + a->row->skip, a->argc);
	return WRAPPER_FOUND;
}

/* Every -exec of find, up to its ";" or "{} +". */
static enum wrapper_result
look_find(struct ask *a)
{
	static const char *const exec_tab[] = { "-exec", "-execdir", "-ok",
		"-okdir" };
	unsigned int i, k, first;

	for (i = 1; i < a->argc; i++) {
		for (k = 0; k < 4 && strcmp(a->argv[i], exec_tab[k]) != 0; k++)
			;
		if (k == 4)
			continue;
		first = ++i;
		while (i < a->argc && strcmp(a->argv[i], ";") != 0 &&
		    !(strcmp(a->argv[i], "+") == 0 &&
		    strcmp(a->argv[i - 1], "{}") == 0))
			i++;
		if (i == first || i >= a->argc)
			continue;
		if (a->n == WRAPPER_PAYLOADS_MAX)
			return WRAPPER_UNCLEAR;
		add_payload(a, first, i);
	}
	return a->n > 0 ? WRAPPER_FOUND : WRAPPER_NONE;
}

/*
 * busybox and toybox: the applet is the basename of argv[0], unless that is the
 * program itself: then the next word.
 */
static enum wrapper_result
look_box(struct ask *a)
{
	const char *base = base_of(a->argv[0]);

	if (strncmp(base, a->row->name, strlen(a->row->name)) != 0) {
		add_payload(a, 0, a->argc);
		return WRAPPER_FOUND;
	}
	if (a->argc < 2 || a->argv[1][0] == '-')
		return WRAPPER_NONE;
	add_payload(a, 1, a->argc);
	return WRAPPER_FOUND;
}

enum wrapper_result
wrapper_look(struct wrapper *w, const char *name, const char *const *argv,
    unsigned int argc, struct wrapper_payload *out, unsigned int *n)
{
	struct ask a = { w, find_row(base_of(name)), argv, argc, 0, 0, out, 0 };
	enum wrapper_result rv;

	*n = 0;
	if (a.row == NULL || argc == 0)
		return WRAPPER_NONE;
	if (strcmp(a.row->name, "find") == 0)
		rv = look_find(&a);
	else if (strstr(a.row->name, "box") != NULL)
		rv = look_box(&a);
	else
		rv = look_options(&a);
	*n = rv == WRAPPER_FOUND ? a.n : 0;
	return rv;
}

int
wrapper_walk(struct wrapper *w, const char *name, const char *const *argv,
    unsigned int argc, wrapper_judge *judge, void *arg)
{
	struct wrapper_payload layer[WRAPPER_LAYERS_MAX], next;
	unsigned int at, end = 0, n;
	enum wrapper_result r;
	int rv;

	w->nwords = 0;
	w->ntext = 0;
	next.argv = argv;
	next.argc = argc;
	for (at = 0;; next = layer[at++]) {
		if (WRAPPER_LAYERS_MAX - end < WRAPPER_PAYLOADS_MAX)
			return -1;
		r = wrapper_look(w, at == 0 ? name : next.argv[0], next.argv,
		    next.argc, layer + end, &n);
		if (r == WRAPPER_UNCLEAR)
			return -1;
		for (; n > 0; n--)
			if ((rv = judge(&layer[end++], arg)) != 0)
				return rv;
		if (at == end)
			return 0;
	}
}
