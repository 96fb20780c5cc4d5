/*
 * Threat feeds in force, and their refreshing; see feed.h.  Runs in netproxy's
 * loop.  A set is built beside the one in force, some at a time, and takes its
 * place only when it is plausible; what cannot be fetched, parsed or believed
 * leaves the last good one.  Must never hold the loop for long after the start.
 */

#include "netproxy/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log.h"
#include "netproxy/feed_cache.h"

#define INDEX_STEP  10000u /* names: about a millisecond */
#define RETRY_FIRST 60u /* seconds; doubled up to the interval */
#define SEC	    UINT64_C(1000000000)

/*
 *	state	what the feed's timer does next
 */
enum feed_state {
	FS_REST, /* fetch */
	FS_FETCH, /* nothing: the fetch answers */
	FS_INDEX, /* index some of next */
	FS_STORE, /* write some of set to the other slot */
	FS_STATE_MAX
};

struct feed {
	struct feeds *all;
	struct feedconf_row row;
	uint8_t source[SHA256_LEN];
	enum feed_state state;
	struct feed_set set; /* in force */
	struct feed_set next; /* being built */
	struct feed_meta meta; /* of set */
	struct feed_meta next_meta;
	struct feed_counts counts; /* of next */
	int slot[2]; /* owned; -1 */
	int newest; /* the slot that counts; -1: none */
	struct feed_cache_write writing;
	struct feed_fetch *fetch;
	struct event *timer; /* NULL: never fetched */
	uint32_t retry_s;
	/* for how long it has been too small to be believed */
	uint64_t shrunk_ns; /* CLOCK_BOOTTIME */
	uint32_t shrunk_names, shrunk_fetches; /* 0: it is not */
	const char *why;
};

struct feeds {
	struct event_base *base;
	struct feed_resolver resolver;
	struct siphash_key key;
	SSL_CTX *tls;
	uint64_t interval_ns;
	struct feed_set allow;
	struct feed feed[FEEDCONF_ROWS];
	unsigned int n;
};

static uint64_t
wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t
up_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

/* ---- asking ---- */

static const char *
parent_of(const char *name, size_t *len)
{
	const char *dot = memchr(name, '.', *len);

	if (dot == NULL)
		return NULL;
	*len -= (size_t)(dot + 1 - name);
	return memchr(dot + 1, '.', *len) != NULL ? dot + 1 : NULL;
}

static bool
is_allowed(const struct feeds *f, const char *name, size_t len)
{
	if (f->allow.nnames == 0)
		return false;
	for (; name != NULL; name = parent_of(name, &len))
		if (feed_set_has(&f->allow, siphash(&f->key, name, len), name,
			len))
			return true;
	return false;
}

static void
fill_verdict(const struct feed *feed, const char *name, size_t len,
    struct feed_verdict *v)
{
	v->deny = feed->row.audit == 0;
	snprintf(v->rule, sizeof(v->rule), "threat-feed:%s", feed->row.name);
	memcpy(v->matched, name, len);
	v->matched[len] = '\0';
}

bool
feeds_match(const struct feeds *f, const char *name, size_t len,
    struct feed_verdict *v)
{
	const char *whole = name;
	const struct feed *feed, *found = NULL;
	size_t all = len;
	uint64_t hash;

	if (f == NULL || f->n == 0 || len > FEED_NAME_MAX ||
	    memchr(name, '.', len) == NULL)
		return false;
	for (; name != NULL; name = parent_of(name, &len)) {
		hash = siphash(&f->key, name, len);
		for (feed = f->feed; feed < f->feed + f->n; feed++) {
			if (!feed_set_has(&feed->set, hash, name, len) ||
			    (found != NULL && feed->row.audit))
				continue;
			found = feed;
			fill_verdict(feed, name, len, v);
			if (v->deny)
				return !is_allowed(f, whole, all);
		}
	}
	return found != NULL && !is_allowed(f, whole, all);
}

bool
feeds_status(const struct feeds *f, unsigned int i, struct feed_status *st)
{
	const struct feed *feed;

	if (f == NULL || i >= f->n)
		return false;
	feed = &f->feed[i];
	st->name = feed->row.name;
	st->audit = feed->row.audit != 0;
	st->local = feed->row.local != 0;
	st->names = feed->set.nnames;
	st->memory_bytes = feed_set_memory(&feed->set);
	st->fetched_ns = feed->meta.fetched_ns;
	st->why = feed->why;
	return true;
}

/* ---- the clock ---- */

static void
wake_in(struct feed *feed, uint64_t ns)
{
	struct timeval tv = { (time_t)(ns / SEC),
		(suseconds_t)(ns % SEC / 1000) };

	if (feed->timer != NULL)
		(void)evtimer_add(feed->timer, &tv);
}

/* Up to a tenth less or more, so that a fleet does not ask at once. */
static uint64_t
jitter(const struct feeds *f, uint64_t ns)
{
	uint64_t r = wall_ns();

	r = siphash(&f->key, &r, sizeof(r));
	return ns - ns / 10 + r % (ns / 5 + 1);
}

static void
rest(struct feed *feed, uint64_t ns)
{
	feed->state = FS_REST;
	wake_in(feed, jitter(feed->all, ns));
}

static void
failed(struct feed *feed, const char *why)
{
	uint64_t wait = (uint64_t)feed->retry_s * SEC;

	feed_set_clear(&feed->next);
	if (strcmp(feed->why, why) != 0)
		log_warn("threat feed %s: %s; %u names stay in force",
		    feed->row.name, why, feed->set.nnames);
	feed->why = why;
	if (wait >= feed->all->interval_ns)
		wait = feed->all->interval_ns;
	else
		feed->retry_s *= 2;
	rest(feed, wait);
}

static void
went_well(struct feed *feed)
{
	feed->why = "";
	feed->retry_s = RETRY_FIRST;
	rest(feed, feed->all->interval_ns);
}

/* ---- a fetch, step by step ---- */

static void
on_fetched(const struct feed_fetched *r, void *arg)
{
	struct feed *feed = arg;

	feed->fetch = NULL; /* it frees itself */
	if (r->why[0] != '\0') {
		failed(feed, r->why);
		return;
	}
	if (r->not_modified) {
		feed_set_clear(&feed->next);
		feed->meta.fetched_ns = wall_ns();
		feed->shrunk_fetches = 0;
		went_well(feed);
		return;
	}
	feed->counts = *r->counts;
	feed->next_meta = feed->meta;
	snprintf(feed->next_meta.etag, FEED_ETAG_MAX, "%s", r->etag);
	snprintf(feed->next_meta.date, FEED_DATE_MAX, "%s", r->date);
	feed->next_meta.fetched_ns = wall_ns();
	feed->next_meta.seq++;
	memcpy(feed->next_meta.source, feed->source, SHA256_LEN);
	feed->state = FS_INDEX;
	wake_in(feed, 0);
}

static void
do_fetch(struct feed *feed)
{
	struct feeds *f = feed->all;
	struct feed_fetch_ask ask = { f->base, &f->resolver, f->tls,
		feed->row.where, (enum feed_format)feed->row.format,
		feed->meta.etag, feed->meta.date, 0 };

	feed_set_clear(&feed->next);
	feed->state = FS_FETCH;
	feed->fetch = feed_fetch_start(&ask, &feed->next, on_fetched, feed);
	if (feed->fetch == NULL)
		failed(feed,
		    errno == EINVAL ? "its URL is none that can be "
				      "fetched" :
				      "out of memory");
}

/* next is in force from here on. */
static void
install(struct feed *feed)
{
	int other = feed->newest == 0 ? 1 : 0;

	feed_set_clear(&feed->set);
	feed->set = feed->next;
	feed_set_init(&feed->next, &feed->all->key);
	feed->meta = feed->next_meta;
	feed->meta.names = feed->set.nnames;
	feed->shrunk_fetches = 0;
	log_info("threat feed %s: %u names, %llu lines that are no entries",
	    feed->row.name, feed->set.nnames,
	    (unsigned long long)feed->counts.junk);
	if (feed->slot[other] == -1) {
		went_well(feed);
		return;
	}
	feed->state = FS_STORE;
	if (feed_cache_begin(&feed->writing, feed->slot[other], &feed->meta,
		&feed->set) == -1) {
		log_warn("threat feed %s: cache: %m", feed->row.name);
		went_well(feed);
		return;
	}
	wake_in(feed, 0);
}

/* Has next, which is too small, been so for long enough to be believed? */
static bool
stays_shrunk(struct feed *feed)
{
	uint64_t now = up_ns(),
		 wait = FEED_SHRUNK_INTERVALS * feed->all->interval_ns;

	if (feed->shrunk_fetches == 0 ||
	    feed->next.nnames < feed->shrunk_names / 10) {
		feed->shrunk_fetches = 0;
		feed->shrunk_ns = now;
		log_warn("threat feed %s: has %u names only: they are taken if "
			 "it stays so for %llu s, or when it gets another name",
		    feed->row.name, feed->next.nnames,
		    (unsigned long long)(wait / SEC));
	}
	feed->shrunk_names = feed->next.nnames;
	feed->shrunk_fetches++;
	return feed->shrunk_fetches >= FEED_SHRUNK_FETCHES &&
	    now - feed->shrunk_ns >= wait;
}

/* Why next is not to take set's place; NULL: it is. */
static const char *
unbelievable(struct feed *feed)
{
	const char *why = feed_implausible(&feed->counts, feed->next.nnames,
	    feed->set.nnames);

	if (why != feed_has_shrunk)
		feed->shrunk_fetches = 0;
	else if (stays_shrunk(feed))
		return NULL;
	return why;
}

static void
do_index(struct feed *feed)
{
	const char *why;

	switch (feed_set_index(&feed->next, INDEX_STEP)) {
	case 0:
		wake_in(feed, 0);
		return;
	case 1:
		why = unbelievable(feed);
		if (why == NULL)
			install(feed);
		else
			failed(feed, why);
		return;
	default:
		failed(feed, "out of memory");
	}
}

static void
do_store(struct feed *feed)
{
	switch (feed_cache_step(&feed->writing)) {
	case 0:
		wake_in(feed, 0);
		return;
	case 1:
		feed->newest = feed->newest == 0 ? 1 : 0;
		break;
	default:
		log_warn("threat feed %s: cache: %m", feed->row.name);
	}
	went_well(feed);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	static void (*const step[FS_STATE_MAX])(struct feed *) = {
		[FS_REST] = do_fetch,
		[FS_INDEX] = do_index,
		[FS_STORE] = do_store,
	};
	struct feed *feed = arg;

	(void)fd;
	(void)what;
	if (step[feed->state] != NULL)
		step[feed->state](feed);
}

void
feeds_start(struct feeds *f)
{
	uint64_t now = wall_ns(), age;
	struct feed *feed;

	for (feed = f->feed; feed < f->feed + f->n; feed++) {
		if (feed->timer == NULL || feed->state != FS_REST)
			continue;
		age = now > feed->meta.fetched_ns ?
		    now - feed->meta.fetched_ns :
		    f->interval_ns;
		if (age < f->interval_ns)
			rest(feed, f->interval_ns - age);
		else
			wake_in(feed, 0);
	}
}

/* ---- configuration and files ---- */

static void
feed_stop(struct feed *feed)
{
	feed_fetch_cancel(feed->fetch);
	feed->fetch = NULL;
	if (feed->timer != NULL)
		event_free(feed->timer);
	feed->timer = NULL;
	feed_set_clear(&feed->next);
	feed->state = FS_REST;
}

static void
close_slots(struct feed *feed)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (feed->slot[i] != -1)
			close(feed->slot[i]);
		feed->slot[i] = -1;
	}
	feed->newest = -1;
}

static void
feed_clear(struct feed *feed)
{
	feed_stop(feed);
	close_slots(feed);
	feed_set_clear(&feed->set);
}

static void
source_of(const struct feedconf_row *r, uint8_t out[SHA256_LEN])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, r->where, strlen(r->where) + 1);
	sha256_update(&s, &r->format, sizeof(r->format));
	sha256_final(&s, out);
}

static int
feed_setup(struct feeds *f, struct feed *feed, const struct feedconf_row *r)
{
	memset(feed, 0, sizeof(*feed));
	feed->all = f;
	feed->row = *r;
	feed->slot[0] = feed->slot[1] = feed->newest = -1;
	feed->why = "";
	feed->retry_s = RETRY_FIRST;
	source_of(r, feed->source);
	feed_set_init(&feed->set, &f->key);
	feed_set_init(&feed->next, &f->key);
	return 0;
}

/* The names that a feed of the same source had, and what was known of them. */
static void
inherit(struct feed *feed, struct feed *old)
{
	if (strcmp(feed->row.name, old->row.name) != 0 ||
	    memcmp(feed->source, old->source, SHA256_LEN) != 0)
		return;
	feed->set = old->set;
	feed->meta = old->meta;
	feed->why = old->why;
	feed->shrunk_ns = old->shrunk_ns;
	feed->shrunk_names = old->shrunk_names;
	feed->shrunk_fetches = old->shrunk_fetches;
	feed_set_init(&old->set, &feed->all->key);
}

static int
make_allow(struct feeds *f, const struct feedconf *c, struct feed_set *set)
{
	char clean[FEED_NAME_MAX];
	const char *p = c->allow, *end = c->allow + c->allow_bytes;
	size_t n;

	feed_set_init(set, &f->key);
	for (; p < end; p += strlen(p) + 1) {
		n = feed_name_clean(p, strlen(p), clean);
		if (n == 0)
			log_warn("threat_feeds.allowlist: \"%s\" is no name",
			    p);
		else if (feed_set_add(set, clean, n) == -1)
			goto fail;
	}
	if (feed_set_index(set, UINT32_MAX) == 1)
		return 0;
fail:
	feed_set_clear(set);
	return -1;
}

static int
make_timer(struct feeds *f, struct feed *feed)
{
	if (f->base == NULL || feed->row.local)
		return 0;
	feed->timer = evtimer_new(f->base, on_timer, feed);
	return feed->timer == NULL ? -1 : 0;
}

int
feeds_configure(struct feeds *f, const struct feedconf *c)
{
	struct feed *old = calloc(FEEDCONF_ROWS, sizeof(*old));
	struct feed_set allow;
	unsigned int i, j, n = f->n;

	if (old == NULL || make_allow(f, c, &allow) == -1) {
		free(old);
		return -1;
	}
	for (i = 0; i < n; i++)
		feed_stop(&f->feed[i]);
	memcpy(old, f->feed, n * sizeof(*old));
	feed_set_clear(&f->allow);
	f->allow = allow;
	f->interval_ns = c->interval_ns;
	f->n = c->nrows;
	for (i = 0; i < f->n; i++) {
		feed_setup(f, &f->feed[i], &c->row[i]);
		for (j = 0; j < n; j++)
			inherit(&f->feed[i], &old[j]);
		if (make_timer(f, &f->feed[i]) == -1)
			f->feed[i].why = "out of memory";
	}
	for (i = 0; i < n; i++)
		feed_clear(&old[i]);
	free(old);
	return 0;
}

static int
add_name(const char *name, size_t len, void *arg)
{
	return feed_set_add(arg, name, len);
}

/* A file that root keeps: what it holds is in force, all or nothing. */
static const char *
read_local(struct feed *feed, int fd, struct feed_set *set)
{
	struct feed_parse *p = malloc(sizeof(*p));
	char buf[65536];
	const char *why = NULL;
	off_t at = 0;
	ssize_t n;

	if (p == NULL)
		return "out of memory";
	feed_parse_init(p, (enum feed_format)feed->row.format, add_name, set);
	while (why == NULL && (n = pread(fd, buf, sizeof(buf), at)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			why = "it cannot be read";
		else if ((at += n) > FEED_BODY_MAX ||
		    feed_parse_chunk(p, buf, (size_t)n) != 0)
			why = "larger than a feed may be";
	}
	if (why == NULL &&
	    (feed_parse_end(p) != 0 || feed_set_index(set, UINT32_MAX) != 1))
		why = "larger than a feed may be";
	if (why == NULL && p->counts.junk > 0)
		log_warn("threat feed %s: %llu lines are no entries",
		    feed->row.name, (unsigned long long)p->counts.junk);
	free(p);
	return why;
}

static void
load_local(struct feed *feed, int fd)
{
	struct feed_set set;
	const char *why;

	feed_set_init(&set, &feed->all->key);
	why = read_local(feed, fd, &set);
	if (why != NULL) {
		feed_set_clear(&set);
		feed->why = why;
		log_warn("threat feed %s: %s; %u names stay in force",
		    feed->row.name, why, feed->set.nnames);
		return;
	}
	feed_set_clear(&feed->set);
	feed->set = set;
	feed->meta.fetched_ns = wall_ns();
	feed->why = "";
}

/* 1: slot i counts, and its names are in force or newer ones are. */
static int
load_slot(struct feed *feed, int i, const struct feed_meta *known)
{
	struct feed_meta meta;
	struct feed_set set;

	if (feed->set.nnames > 0 && known->seq <= feed->meta.seq) {
		feed->newest = i;
		return 1;
	}
	feed_set_init(&set, &feed->all->key);
	if (feed_cache_read(feed->slot[i], feed->source, &meta, &set) == -1) {
		log_warn("threat feed %s: cache: %m", feed->row.name);
		return 0;
	}
	feed->newest = i;
	feed_set_clear(&feed->set);
	feed->set = set;
	feed->meta = meta;
	return 1;
}

/* The newer of two sound slots. */
static void
load_slots(struct feed *feed)
{
	struct feed_meta meta[2];
	int ok[2], first, i;

	for (i = 0; i < 2; i++) {
		ok[i] = 0;
		if (feed->slot[i] == -1)
			continue;
		ok[i] = feed_cache_peek(feed->slot[i], feed->source,
			    &meta[i]) == 0;
		if (!ok[i] && errno != ENODATA && errno != ESTALE)
			log_warn("threat feed %s: cache: %m", feed->row.name);
	}
	first = ok[1] && (!ok[0] || meta[1].seq > meta[0].seq);
	if (ok[first] && load_slot(feed, first, &meta[first]))
		return;
	if (ok[!first])
		(void)load_slot(feed, !first, &meta[!first]);
}

int
feeds_files(struct feeds *f, unsigned int i, int slot0, int slot1)
{
	struct feed *feed;

	if (i >= f->n) {
		if (slot0 != -1)
			close(slot0);
		if (slot1 != -1)
			close(slot1);
		return -1;
	}
	feed = &f->feed[i];
	if (feed->row.local) {
		load_local(feed, slot0);
		close(slot0);
		return 0;
	}
	close_slots(feed);
	feed->slot[0] = slot0;
	feed->slot[1] = slot1;
	load_slots(feed);
	return 0;
}

void
feeds_ca(struct feeds *f, int fd)
{
	const char *why;
	SSL_CTX *tls = feed_tls_new(fd, &why);

	close(fd);
	if (tls == NULL) {
		log_warn("CA certificates: %s", why);
		return;
	}
	SSL_CTX_free(f->tls);
	f->tls = tls;
}

struct feeds *
feeds_new(struct event_base *base, const struct feed_resolver *resolver)
{
	struct feeds *f = calloc(1, sizeof(*f));

	if (f == NULL || siphash_key_make(&f->key) == -1) {
		free(f);
		return NULL;
	}
	f->base = base;
	if (resolver != NULL)
		f->resolver = *resolver;
	feed_set_init(&f->allow, &f->key);
	return f;
}

void
feeds_free(struct feeds *f)
{
	unsigned int i;

	if (f == NULL)
		return;
	for (i = 0; i < f->n; i++)
		feed_clear(&f->feed[i]);
	feed_set_clear(&f->allow);
	SSL_CTX_free(f->tls);
	free(f);
}
