/*
 * Answers from the trail.  Runs in auditd.  The filter comes from a client by
 * way of control and the monitor; its strings are bound, never spliced into
 * SQL, and uid is the monitor's word.  Rows are read by windows of their
 * number, so that a filter that matches nothing in ten million rows costs many
 * short steps and not one long one.
 */

#include "auditd/query.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SINCE_SLACK_NS UINT64_C(3600000000000)

/* ---- filters ---- */

/* Condition for rows whose type users see under one name; texts are our own. */
static void
type_condition(struct jbuf *b, const char *name, size_t len)
{
	struct evrec_fix f;
	unsigned int t, op, dec, ops;
	const char *sep = "";

	memset(&f, 0, sizeof(f));
	jbuf_puts(b, "(");
	for (t = EV_NONE + 1; t < EV_MAX; t++) {
		f.type = (uint16_t)t;
		ops = t == EV_FILE ? FOP_MAX : t == EV_NET ? NOP_MAX : 1;
		for (op = 0; op < ops && t != EV_SIGNAL; op++) {
			f.op = (uint8_t)op;
			if (strlen(evrec_type_name(&f)) != len ||
			    memcmp(evrec_type_name(&f), name, len) != 0)
				continue;
			jbuf_printf(b, "%s(r.type=%u", sep, t);
			if (ops != 1)
				jbuf_printf(b, " AND r.op=%u", op);
			jbuf_puts(b, ")");
			sep = " OR ";
		}
	}
	f.type = EV_SIGNAL;
	for (dec = 0; dec < DEC_MAX * 2; dec++) {
		f.decision = (uint8_t)(dec / 2);
		f.allowed = dec & 1;
		if (strlen(evrec_type_name(&f)) != len ||
		    memcmp(evrec_type_name(&f), name, len) != 0)
			continue;
		jbuf_printf(b,
		    "%s(r.type=%u AND r.decision=%u AND r.allowed=%u)", sep,
		    (unsigned int)EV_SIGNAL, dec / 2, dec & 1);
		sep = " OR ";
	}
	jbuf_puts(b, sep[0] == '\0' ? "0)" : ")");
}

/* "a,b": any of them. */
static void
types_condition(struct jbuf *b, const char *csv)
{
	size_t len;

	jbuf_puts(b, " AND (");
	for (;;) {
		len = strcspn(csv, ",");
		type_condition(b, csv, len);
		if (csv[len] == '\0')
			break;
		jbuf_puts(b, " OR ");
		csv += len + 1;
	}
	jbuf_puts(b, ")");
}

/* As the rule says it, or as it came out. */
static void
decision_condition(struct jbuf *b, const char *name)
{
	unsigned int i;

	jbuf_puts(b, " AND (0");
	for (i = 0; i < DEC_MAX; i++) {
		if (strcmp(decision_name[i], name) == 0)
			jbuf_printf(b, " OR r.decision=%u", i);
	}
	if (strcmp(name, "deny") == 0)
		jbuf_puts(b, " OR r.allowed=0");
	jbuf_printf(b, ") AND r.type IN (");
	for (i = EV_NONE + 1; i <= EV_COMMAND_POLICY; i++)
		jbuf_printf(b, "%u,", i);
	jbuf_printf(b, "%u)", (unsigned int)EV_SOFT_DELETED);
}

/* Numbered parameters of every statement made here. */
enum {
	P_LO = 1,
	P_HI,
	P_LIMIT,
	P_SESSION,
	P_OWNER,
	P_SINCE,
	P_UNTIL,
	P_PATH,
	P_TEXT
};

static char *
build_sql(const struct stream *s)
{
	const struct msg_event_query *q = &s->q;
	struct jbuf b = { 0 };

	jbuf_puts(&b, "SELECT ");
	jbuf_puts(&b, store_columns);
	jbuf_puts(&b,
	    " FROM records r JOIN sessions s ON s.num = r.session"
	    " WHERE r.id >= ?1 AND r.id <= ?2");
	if (q->session[0] != '\0')
		jbuf_puts(&b,
		    " AND r.session IN (SELECT num FROM sessions"
		    " WHERE session_id = ?4)");
	if (q->uid != 0)
		jbuf_puts(&b, " AND s.owner = ?5");
	if (q->since_ns != 0)
		jbuf_puts(&b, " AND r.time_ns + r.span_ns >= ?6");
	if (q->until_ns != 0)
		jbuf_puts(&b, " AND r.time_ns <= ?7");
	if (s->path[0] != '\0')
		jbuf_puts(&b, " AND r.path LIKE ?8");
	if (s->text[0] != '\0')
		jbuf_puts(&b,
		    " AND (r.path LIKE ?9 OR r.rule LIKE ?9"
		    " OR r.message LIKE ?9 OR r.exe LIKE ?9"
		    " OR CAST(r.path2 AS TEXT) LIKE ?9"
		    " OR CAST(r.comm AS TEXT) LIKE ?9"
		    " OR r.remote LIKE ?9)");
	if (q->type[0] != '\0')
		types_condition(&b, q->type);
	if (q->decision[0] != '\0')
		decision_condition(&b, q->decision);
	jbuf_puts(&b,
	    q->oldest_first ? " ORDER BY r.id LIMIT ?3" :
			      " ORDER BY r.id DESC LIMIT ?3");
	if (b.failed) {
		jbuf_free(&b);
		return NULL;
	}
	return b.p;
}

static sqlite3_stmt *
prepare(struct audit *a, const struct stream *s)
{
	const struct msg_event_query *q = &s->q;
	sqlite3_stmt *st = NULL;
	char *sql = build_sql(s);

	if (sql == NULL)
		return NULL;
	if (sqlite3_prepare_v2(a->store.db, sql, -1, &st, NULL) != SQLITE_OK)
		st = NULL;
	free(sql);
	if (st == NULL)
		return NULL;
	/*
	 * A number that this statement lacks is SQLITE_RANGE, and meant to be.
	 */
	sqlite3_bind_text(st, P_SESSION, q->session, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, P_OWNER, q->uid);
	sqlite3_bind_int64(st, P_SINCE, (sqlite3_int64)q->since_ns);
	sqlite3_bind_int64(st, P_UNTIL, (sqlite3_int64)q->until_ns);
	sqlite3_bind_text(st, P_PATH, s->path, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, P_TEXT, s->text, -1, SQLITE_STATIC);
	return st;
}

/* ---- query and tail ---- */

static bool
is_tail(const struct stream *s)
{
	return s->q.what == EVQ_TAIL;
}

static void
emit(struct stream *s, const struct store_row *row)
{
	if (!is_tail(s))
		jbuf_puts(&s->out, s->given == 0 ? "[" : ",\n");
	event_json(&s->out, row);
	if (is_tail(s))
		jbuf_puts(&s->out, "\n");
	s->given++;
}

static void
finish_query(struct stream *s)
{
	if (!s->finished && !is_tail(s))
		jbuf_puts(&s->out, s->given == 0 ? "null\n" : "]\n");
	s->finished = true;
}

/* The window of rows of this step; false: there is none left. */
static bool
window(const struct audit *a, const struct stream *s, uint64_t *lo,
    uint64_t *hi)
{
	uint64_t first = a->store.first, last = a->store.last;

	if (first < s->floor)
		first = s->floor;
	if (s->q.oldest_first || is_tail(s)) {
		*lo = s->cursor < first ? first : s->cursor;
		if (!is_tail(s) && s->end < last)
			last = s->end;
		*hi = last;
		if (*lo > *hi)
			return false;
		if (*hi - *lo >= STREAM_WINDOW)
			*hi = *lo + STREAM_WINDOW - 1;
		return true;
	}
	*hi = s->cursor;
	if (*hi < first || *hi == 0)
		return false;
	*lo = *hi - first >= STREAM_WINDOW ? *hi - STREAM_WINDOW + 1 : first;
	return true;
}

/*
 * Rows of one window, a page at most; the id after which to go on, or 0 on
 * error.
 */
static int
page(struct audit *a, struct stream *s, uint64_t lo, uint64_t hi)
{
	bool up = s->q.oldest_first || is_tail(s);
	sqlite3_stmt *st = prepare(a, s);
	struct store_row row;
	int n = 0;

	if (st == NULL)
		return -1;
	sqlite3_bind_int64(st, P_LO, (sqlite3_int64)lo);
	sqlite3_bind_int64(st, P_HI, (sqlite3_int64)hi);
	sqlite3_bind_int(st, P_LIMIT, STREAM_PAGE);
	s->cursor = up ? hi + 1 : lo - 1;
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (++n == STREAM_PAGE)
			s->cursor = (uint64_t)sqlite3_column_int64(st, 0) +
			    (up ? UINT64_C(1) : UINT64_MAX);
		/*
		 * A row that was changed behind our back is verify's to report.
		 */
		if (store_row_read(st, &row) == -1)
			continue;
		if (s->skip > 0)
			s->skip--;
		else if (is_tail(s) || s->given < s->q.limit)
			emit(s, &row);
	}
	sqlite3_finalize(st);
	return 0;
}

static void
produce_query(struct audit *a, struct stream *s)
{
	uint64_t lo, hi;

	if ((!is_tail(s) && s->given >= s->q.limit) ||
	    !window(a, s, &lo, &hi)) {
		if (is_tail(s))
			s->state = STREAM_IDLE;
		else
			finish_query(s);
		return;
	}
	if (page(a, s, lo, hi) == -1)
		finish_query(s);
}

/* ---- verify ---- */

static void
verdict(struct stream *s, const struct store *st, const char *reason)
{
	char hex[SHA256_LEN * 2 + 1];
	int i;

	for (i = 0; i < SHA256_LEN; i++)
		snprintf(hex + (size_t)i * 2, 3, "%02x", s->prev[i]);
	jbuf_printf(&s->out,
	    "{\"ok\":%s,\"entries\":%llu,\"first\":%llu,\"last\":%llu,"
	    "\"algorithm\":\"%s\"",
	    reason == NULL ? "true" : "false", (unsigned long long)s->given,
	    (unsigned long long)st->first, (unsigned long long)s->end,
	    st->chain.keyed ? "hmac-sha256" : "sha256");
	if (reason == NULL)
		jbuf_printf(&s->out, ",\"head\":\"%s\"}\n", hex);
	else
		jbuf_printf(&s->out, ",\"broken_at\":%llu,\"error\":\"%s\"}\n",
		    (unsigned long long)s->cursor, reason);
	s->finished = true;
}

/* NULL: row is the one that must stand at s->cursor. */
static const char *
verify_row(struct store *st, struct stream *s, sqlite3_stmt *stmt)
{
	uint8_t hash[SHA256_LEN];
	struct store_row row;

	if ((uint64_t)sqlite3_column_int64(stmt, 0) != s->cursor)
		return "record missing";
	if (store_row_read(stmt, &row) == -1)
		return "record malformed";
	if (sqlite3_column_int64(stmt, 3) != sqlite3_column_int64(stmt, 6))
		return "session changed";
	store_row_hash(st, &row, s->prev, hash);
	if (memcmp(hash, row.hash, SHA256_LEN) != 0)
		return "hash does not match";
	memcpy(s->prev, hash, SHA256_LEN);
	s->cursor++;
	s->given++;
	return NULL;
}

/* Retention went on meanwhile: the chain now begins at its new anchor. */
static void
verify_follow(const struct store *st, struct stream *s)
{
	if (s->cursor >= st->first)
		return;
	s->cursor = st->first;
	memcpy(s->prev, st->anchor, SHA256_LEN);
	if (st->first > s->end)
		memcpy(s->prev, s->want, SHA256_LEN);
}

static void
produce_verify(struct store *st, struct stream *s)
{
	const char *why = NULL;
	sqlite3_stmt *stmt;
	struct jbuf b = { 0 };
	int n = 0, rc = SQLITE_ROW;

	verify_follow(st, s);
	if (s->cursor > s->end) {
		verdict(s, st,
		    memcmp(s->prev, s->want, SHA256_LEN) == 0 ?
			NULL :
			"the chain's head is another");
		return;
	}
	jbuf_puts(&b, "SELECT ");
	jbuf_puts(&b, store_columns);
	jbuf_puts(&b,
	    " FROM records r JOIN sessions s ON s.num = r.session"
	    " WHERE r.id >= ?1 ORDER BY r.id LIMIT ?2");
	if (b.failed ||
	    sqlite3_prepare_v2(st->db, b.p, -1, &stmt, NULL) != SQLITE_OK) {
		jbuf_free(&b);
		verdict(s, st, "the database cannot be read");
		return;
	}
	jbuf_free(&b);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)s->cursor);
	sqlite3_bind_int(stmt, 2, STREAM_WINDOW / 4);
	while (why == NULL && s->cursor <= s->end &&
	    (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		n++;
		why = verify_row(st, s, stmt);
	}
	sqlite3_finalize(stmt);
	if (why == NULL && rc != SQLITE_ROW && rc != SQLITE_DONE)
		why = "the database cannot be read";
	if (why == NULL && n == 0)
		why = "record missing";
	if (why != NULL)
		verdict(s, st, why);
}

static void
verify_init(struct store *st, struct stream *s)
{
	s->cursor = st->first;
	s->end = st->last;
	memcpy(s->prev, st->anchor, SHA256_LEN);
	memcpy(s->want, st->head, SHA256_LEN);
	/*
	 * Nothing left of what retention cut: the head is the anchor, or none.
	 */
	if (st->last < st->first)
		memcpy(s->prev, st->head, SHA256_LEN);
}

int
query_verify(struct store *st, struct jbuf *b)
{
	struct stream s;
	int ret;

	if (store_ready(st) == -1)
		return -1;
	memset(&s, 0, sizeof(s));
	verify_init(st, &s);
	while (!s.finished)
		produce_verify(st, &s);
	jbuf_add(b, s.out.p, s.out.len);
	if (s.out.failed || b->failed)
		ret = -1;
	else
		ret = strncmp(s.out.p, "{\"ok\":true", 10) == 0 ? 0 : 1;
	jbuf_free(&s.out);
	return ret;
}

/* ---- stats ---- */

static void
produce_stats(struct audit *a, struct stream *s)
{
	struct audit_ring *r;
	unsigned int rings = 0;

	TAILQ_FOREACH(r, &a->rings, entry)
		rings++;
	jbuf_printf(&s->out,
	    "{\"first\":%llu,\"last\":%llu,\"committed\":%llu,"
	    "\"waiting_bytes\":%llu,\"rings\":%u,\"error\":%d,"
	    "\"algorithm\":\"%s\"}\n",
	    (unsigned long long)a->store.first,
	    (unsigned long long)a->store.last, (unsigned long long)a->committed,
	    (unsigned long long)audit_waiting(a), rings, a->error,
	    a->store.chain.keyed ? "hmac-sha256" : "sha256");
	s->finished = true;
}

/* ---- streams ---- */

/* '%' in it: a LIKE pattern as the original takes it; else a substring. */
static void
like(char *out, size_t size, const char *in)
{
	if (in == NULL || in[0] == '\0')
		out[0] = '\0';
	else if (strchr(in, '%') != NULL)
		snprintf(out, size, "%s", in);
	else
		snprintf(out, size, "%%%s%%", in);
}

/*
 * A record is committed after it was made: rows committed well before `since`
 * need not be looked at.  The slack is for a clock that was set back.
 */
static uint64_t
floor_of(struct audit *a, const struct stream *s)
{
	uint64_t id = 0;

	if (s->q.since_ns <= SINCE_SLACK_NS || store_ready(&a->store) == -1 ||
	    store_mark_before(&a->store, s->q.since_ns - SINCE_SLACK_NS, &id) ==
		-1)
		return 0;
	return id + 1;
}

static void
start_at(struct audit *a, struct stream *s)
{
	switch (s->q.what) {
	case EVQ_VERIFY:
		verify_init(&a->store, s);
		break;
	case EVQ_TAIL:
		s->cursor = a->store.last + 1;
		break;
	default:
		s->floor = floor_of(a, s);
		s->end = a->store.last;
		s->cursor = s->q.oldest_first ? a->store.first : a->store.last;
		break;
	}
}

int
stream_start(struct audit *a, const struct msg_event_query *q, const char *path,
    const char *text, int fd)
{
	struct stream *s;
	unsigned int n = 0, own = 0;
	int fl;

	TAILQ_FOREACH(s, &a->streams, entry) {
		n++;
		own += q->uid != 0 && s->q.uid == q->uid;
	}
	if (own >= STREAM_UID_MAX)
		n = STREAM_MAX;
	fl = fcntl(fd, F_GETFL);
	if (n >= STREAM_MAX || q->what > EVQ_STATS || fl == -1 ||
	    fcntl(fd, F_SETFL, fl | O_NONBLOCK) == -1) {
		errno = n >= STREAM_MAX ? EAGAIN : EINVAL;
		return -1;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -1;
	s->q = *q;
	s->q.session[sizeof(s->q.session) - 1] = '\0';
	s->q.type[sizeof(s->q.type) - 1] = '\0';
	s->q.decision[sizeof(s->q.decision) - 1] = '\0';
	if (s->q.limit == 0)
		s->q.limit = STREAM_LIMIT_DEFAULT;
	if (s->q.limit > STREAM_LIMIT_MAX)
		s->q.limit = STREAM_LIMIT_MAX;
	s->skip = q->what == EVQ_QUERY ? q->offset : 0;
	like(s->path, sizeof(s->path), path);
	like(s->text, sizeof(s->text), text);
	s->fd = fd;
	audit_flush(a);
	start_at(a, s);
	TAILQ_INSERT_TAIL(&a->streams, s, entry);
	return 0;
}

void
stream_free(struct audit *a, struct stream *s)
{
	TAILQ_REMOVE(&a->streams, s, entry);
	jbuf_free(&s->out);
	close(s->fd);
	free(s);
}

static void
produce(struct audit *a, struct stream *s)
{
	if (store_ready(&a->store) == -1) {
		if (is_tail(s))
			s->state = STREAM_IDLE;
		else
			finish_query(s);
		return;
	}
	switch (s->q.what) {
	case EVQ_VERIFY:
		produce_verify(&a->store, s);
		break;
	case EVQ_STATS:
		produce_stats(a, s);
		break;
	default:
		produce_query(a, s);
		break;
	}
}

/* Write what there is: 0 all written, 1 the reader is slow, -1 it has gone. */
static int
push(struct stream *s)
{
	ssize_t n;

	while (s->sent < s->out.len) {
		n = write(s->fd, s->out.p + s->sent, s->out.len - s->sent);
		if (n > 0)
			s->sent += (size_t)n;
		else if (n == -1 && errno == EAGAIN)
			return 1;
		else if (n == -1 && errno != EINTR)
			return -1;
	}
	s->out.len = 0;
	s->sent = 0;
	return 0;
}

enum stream_state
stream_step(struct audit *a, struct stream *s)
{
	int r;

	s->state = STREAM_MORE;
	if (s->sent == s->out.len && !s->finished)
		produce(a, s);
	r = push(s);
	if (r == -1 || s->out.failed || (r == 0 && s->finished)) {
		stream_free(a, s);
		return STREAM_DONE;
	}
	if (r == 1)
		s->state = STREAM_BLOCKED;
	return s->state;
}

void
stream_committed(struct audit *a)
{
	struct stream *s;

	TAILQ_FOREACH(s, &a->streams, entry) {
		if (s->state == STREAM_IDLE)
			s->state = STREAM_MORE;
	}
}
