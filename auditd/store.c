/*
 * The database: opening, one transaction per batch, the chain's ends, positions
 * of rings, retention, and reading rows back.  Runs in auditd and in its
 * offline verify. Nothing is believed to be stored until store_commit has
 * returned 0; after any failure the connection is closed, and what the disk
 * holds is read again.
 */

#include "auditd/store.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <errno.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auditd/schema.h"

#define MARK_EVERY_NS \
	UINT64_C(600000000000) /* a place to cut, each ten minutes */

/*
 * Integer columns of records that are fields of struct evrec_fix, in column
 * order.
 */
static const struct {
	uint16_t off;
	uint8_t size;
	bool is_signed;
} int_tab[] = {
#define U(field)                                                  \
	{                                                         \
		offsetof(struct evrec_fix, field),                \
		    sizeof(((struct evrec_fix *)0)->field), false \
	}
#define S(field)                                                 \
	{                                                        \
		offsetof(struct evrec_fix, field),               \
		    sizeof(((struct evrec_fix *)0)->field), true \
	}
	U(time_ns), U(duration_ns), U(tid), U(type), U(op), U(decision),
	U(allowed), U(layer), U(flags), U(pid), U(ppid), U(uid), U(command),
	U(rule_line), S(syscall), U(error), U(depth), U(family), U(port),
	S(value), S(value2)
#undef U
#undef S
};
#define INT_CNT	   (sizeof(int_tab) / sizeof(int_tab[0]))
#define COL_INT	   7 /* first of them, after sessions' and the row's own */
#define COL_ADDR   (COL_INT + (int)INT_CNT)
#define COL_COMM   (COL_ADDR + 1)
#define COL_TEXT   (COL_COMM + 1)
#define COL_REMOTE (COL_TEXT + EVS_MAX)
#define COL_HASH   (COL_REMOTE + 1)

#define RECORD_COLUMNS                                                        \
	"time_ns, duration_ns, tid, type, op, decision, allowed, layer,"      \
	" flags, pid, ppid, uid, command, rule_line, syscall, error, depth,"  \
	" family, port, value, value2, addr, comm, rule, rule_file, message," \
	" exe, path, path2, subject, remote, hash"

const char store_columns[] =
    "r.id, r.count, r.span_ns, s.num, s.owner, s.session_id, r.session,"
    " " RECORD_COLUMNS;

static const char *const sql_tab[ST_MAX] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_INSERT] =
	    "INSERT INTO records(id, session, count, span_ns, " RECORD_COLUMNS
	    ") VALUES(?,?,?,?, ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
	    "?,?,?,?,?, ?,?, ?,?,?,?,?,?,?, ?,?)",
	[ST_HEAD] = "INSERT OR REPLACE INTO chain(what, id, hash, seal, keyed)"
		    " VALUES(?,?,?,?,?)",
	[ST_RING_SAVE] = "INSERT OR REPLACE INTO rings(ring, session, next,"
			 " dropped) VALUES(?,?,?,?)",
	[ST_RING_LOAD] = "SELECT next, dropped FROM rings WHERE ring = ?"
			 " AND session = ?",
	[ST_RING_FORGET] = "DELETE FROM rings WHERE ring = ? AND session = ?",
	[ST_SESSION_FIND] = "SELECT num FROM sessions WHERE session_id = ?"
			    " AND owner = ?",
	[ST_SESSION_ADD] = "INSERT INTO sessions(session_id, owner)"
			   " VALUES(?,?)",
	[ST_MARK] = "INSERT OR REPLACE INTO marks(id, committed_ns)"
		    " VALUES(?,?)",
};

static const struct {
	int rc, error;
} errno_tab[] = {
	{ SQLITE_FULL, ENOSPC },
	{ SQLITE_BUSY, EBUSY },
	{ SQLITE_LOCKED, EBUSY },
	{ SQLITE_NOMEM, ENOMEM },
	{ SQLITE_READONLY, EROFS },
	{ SQLITE_PERM, EACCES },
	{ SQLITE_AUTH, EACCES },
	{ SQLITE_NOTADB, EINVAL },
	{ SQLITE_CORRUPT, EINVAL },
	{ SQLITE_MISMATCH, EINVAL },
};

int
store_failed(struct store *s, int rc, const char *what)
{
	size_t i;

	s->error = EIO;
	for (i = 0; i < sizeof(errno_tab) / sizeof(errno_tab[0]); i++) {
		if ((rc & 0xff) == errno_tab[i].rc)
			s->error = errno_tab[i].error;
	}
	/* A write that hit the end of the disk comes as an I/O error, too. */
	if ((rc & 0xff) == SQLITE_IOERR && s->db != NULL &&
	    sqlite3_system_errno(s->db) == ENOSPC)
		s->error = ENOSPC;
	snprintf(s->text, sizeof(s->text), "%s: %s", what,
	    s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	return -1;
}

static int
broken(struct store *s, const char *why)
{
	s->error = EINVAL;
	snprintf(s->text, sizeof(s->text), "%s", why);
	return -1;
}

/* ---- opening ---- */

static void
close_db(struct store *s)
{
	int i;

	for (i = 0; i < ST_MAX; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
	s->in_txn = false;
	s->marked_ns = 0;
}

/* One end of the chain; 1 found, 0 absent. */
static int
load_end(struct store *s, const char *what, uint64_t *id,
    uint8_t hash[SHA256_LEN])
{
	uint8_t seal[SHA256_LEN];
	sqlite3_stmt *st;
	int rc, ret = -1;

	rc = sqlite3_prepare_v2(s->db,
	    "SELECT id, hash, seal, keyed FROM chain WHERE what = ?", -1, &st,
	    NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "chain");
	sqlite3_bind_text(st, 1, what, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE)
		ret = 0;
	else if (rc != SQLITE_ROW)
		store_failed(s, rc, "chain");
	else if (sqlite3_column_bytes(st, 1) != SHA256_LEN ||
	    sqlite3_column_bytes(st, 2) != SHA256_LEN)
		broken(s, "the chain's end is malformed");
	else if ((sqlite3_column_int(st, 3) != 0) != s->chain.keyed)
		broken(s,
		    s->chain.keyed ? "the chain was begun without a key" :
				     "the chain was begun with a key");
	else {
		*id = (uint64_t)sqlite3_column_int64(st, 0);
		memcpy(hash, sqlite3_column_blob(st, 1), SHA256_LEN);
		chain_seal(&s->chain, what, *id, hash, seal);
		ret = memcmp(seal, sqlite3_column_blob(st, 2), SHA256_LEN) ==
			0 ?
		    1 :
		    broken(s,
			"the seal of the chain's end is wrong: "
			"another key, or changed");
	}
	sqlite3_finalize(st);
	return ret;
}

/* The one row and column of sql as a number; -1 with errors. */
static int
query_number(struct store *s, const char *sql, uint64_t *out)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, sql);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : store_failed(s, rc, sql);
}

bool
store_is_trail(const char *path)
{
	struct store s;
	uint64_t version = 0;
	bool ours;

	memset(&s, 0, sizeof(s));
	ours = sqlite3_open_v2(path, &s.db,
		   SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		   NULL) == SQLITE_OK &&
	    query_number(&s, "PRAGMA user_version", &version) == 0 &&
	    version == SCHEMA_VERSION;
	sqlite3_close(s.db);
	return ours;
}

static int
load_chain(struct store *s)
{
	uint64_t before = 0, newest = 0;

	s->last = 0;
	memset(s->head, 0, SHA256_LEN);
	memset(s->anchor, 0, SHA256_LEN);
	if (load_end(s, "head", &s->last, s->head) == -1 ||
	    load_end(s, "anchor", &before, s->anchor) == -1 ||
	    query_number(s, "SELECT ifnull(max(id), 0) FROM records",
		&newest) == -1)
		return -1;
	/* Nobody but us appends, and we move the head with what we append. */
	if (newest > s->last)
		return broken(s, "there are records behind the chain's head");
	s->first = before + 1;
	return 0;
}

static int
open_db(struct store *s)
{
	int i, rc;

	rc = sqlite3_open_v2(s->path, &s->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "open");
	sqlite3_extended_result_codes(s->db, 1);
	if ((rc = schema_pragmas(s->db)) != SQLITE_OK)
		return store_failed(s, rc, "pragmas");
	if ((rc = schema_make(s->db)) != SQLITE_OK)
		return store_failed(s, rc, "schema");
	for (i = 0; i < ST_MAX; i++) {
		rc = sqlite3_prepare_v3(s->db, sql_tab[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);
		if (rc != SQLITE_OK)
			return store_failed(s, rc, sql_tab[i]);
	}
	return load_chain(s);
}

int
store_ready(struct store *s)
{
	if (s->db != NULL)
		return 0;
	if (open_db(s) == 0)
		return 0;
	close_db(s);
	return -1;
}

int
store_open(struct store *s, const char *path, const void *key, size_t len)
{
	memset(s, 0, sizeof(*s));
	if (strlen(path) >= sizeof(s->path))
		return broken(s, "the path is too long");
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->wire = malloc(EVREC_WIRE_MAX);
	if (s->wire == NULL)
		return store_failed(s, SQLITE_NOMEM, "open");
	chain_init(&s->chain, key, len);
	if (store_ready(s) == 0)
		return 0;
	free(s->wire);
	s->wire = NULL;
	return -1;
}

void
store_close(struct store *s)
{
	close_db(s);
	free(s->wire);
	s->wire = NULL;
	explicit_bzero(&s->chain, sizeof(s->chain));
}

void
store_trim(struct store *s)
{
	if (s->db == NULL || s->in_txn)
		return;
	(void)sqlite3_db_release_memory(s->db);
	(void)malloc_trim(0);
}

/* ---- transactions ---- */

/* Run a statement that returns no row. */
static int
run(struct store *s, enum store_stmt i, const char *what)
{
	int rc;

	rc = sqlite3_step(s->stmt[i]);
	sqlite3_reset(s->stmt[i]);
	return rc == SQLITE_DONE ? 0 : store_failed(s, rc, what);
}

int
store_begin(struct store *s)
{
	if (store_ready(s) == -1 || run(s, ST_BEGIN, "begin") == -1)
		return -1;
	s->in_txn = true;
	s->txn_last = s->last;
	memcpy(s->txn_head, s->head, SHA256_LEN);
	return 0;
}

void
store_rollback(struct store *s)
{
	if (s->db != NULL && s->in_txn)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	close_db(s);
}

static int
put_end(struct store *s, const char *what, uint64_t id,
    const uint8_t hash[SHA256_LEN])
{
	sqlite3_stmt *st = s->stmt[ST_HEAD];
	uint8_t seal[SHA256_LEN];

	chain_seal(&s->chain, what, id, hash, seal);
	sqlite3_bind_text(st, 1, what, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)id);
	sqlite3_bind_blob(st, 3, hash, SHA256_LEN, SQLITE_TRANSIENT);
	sqlite3_bind_blob(st, 4, seal, SHA256_LEN, SQLITE_TRANSIENT);
	sqlite3_bind_int(st, 5, s->chain.keyed);
	return run(s, ST_HEAD, "chain");
}

static int
put_mark(struct store *s)
{
	sqlite3_stmt *st = s->stmt[ST_MARK];
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_REALTIME, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	if (now - s->marked_ns < MARK_EVERY_NS)
		return 0;
	s->marked_ns = now;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)s->txn_last);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)now);
	return run(s, ST_MARK, "mark");
}

int
store_commit(struct store *s)
{
	if (s->txn_last != s->last &&
	    (put_end(s, "head", s->txn_last, s->txn_head) == -1 ||
		put_mark(s) == -1))
		return -1;
	if (run(s, ST_COMMIT, "commit") == -1)
		return -1;
	s->in_txn = false;
	s->last = s->txn_last;
	memcpy(s->head, s->txn_head, SHA256_LEN);
	return 0;
}

/* ---- writing ---- */

int
store_session(struct store *s, struct store_session *ses)
{
	sqlite3_stmt *st = s->stmt[ST_SESSION_FIND];
	int rc;

	sqlite3_bind_text(st, 1, ses->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, ses->owner);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		ses->num = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	if (rc == SQLITE_ROW)
		return 0;
	if (rc != SQLITE_DONE)
		return store_failed(s, rc, "session");
	st = s->stmt[ST_SESSION_ADD];
	sqlite3_bind_text(st, 1, ses->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, ses->owner);
	if (run(s, ST_SESSION_ADD, "session") == -1)
		return -1;
	ses->num = sqlite3_last_insert_rowid(s->db);
	return 0;
}

void
store_remote(const struct evrec_fix *f, char *out, size_t size)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
		0xff };
	char text[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (f->family != AF_INET && f->family != AF_INET6)
		return;
	if (memcmp(f->addr, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, f->addr + 12, text, sizeof(text));
		snprintf(out, size, "%s:%u", text, f->port);
	} else {
		inet_ntop(AF_INET6, f->addr, text, sizeof(text));
		snprintf(out, size, "[%s]:%u", text, f->port);
	}
}

static int64_t
int_get(const struct evrec_fix *f, size_t i)
{
	const uint8_t *p = (const uint8_t *)f + int_tab[i].off;
	uint64_t v = 0;

	memcpy(&v, p, int_tab[i].size); /* little-endian */
	if (int_tab[i].is_signed && int_tab[i].size == 4)
		return (int32_t)v;
	return (int64_t)v;
}

static bool
all_zero(const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len > 0 && b[len - 1] == 0)
		len--;
	return len == 0;
}

static void
clean(struct evrec *e)
{
	size_t n = strnlen(e->fix.comm, EVREC_COMM);

	memset(e->fix.comm + n, 0, EVREC_COMM - n);
	e->fix.reserved = 0;
}

static void
bind_texts(sqlite3_stmt *st, const struct evrec *e, int col)
{
	int i;

	for (i = 0; i < EVS_MAX; i++, col++) {
		if (e->fix.len[i] == 0)
			sqlite3_bind_null(st, col);
		else if (i == EVS_PATH2)
			sqlite3_bind_blob(st, col, e->text[i].p, e->fix.len[i],
			    SQLITE_STATIC);
		else
			sqlite3_bind_text(st, col, e->text[i].p, e->fix.len[i],
			    SQLITE_STATIC);
	}
}

int
store_put(struct store *s, struct store_row *row)
{
	sqlite3_stmt *st = s->stmt[ST_INSERT];
	const struct evrec_fix *f = &row->rec.fix;
	char remote[64];
	int col = 1;
	size_t i;

	clean(&row->rec);
	row->id = s->txn_last + 1;
	store_row_hash(s, row, s->txn_head, row->hash);
	sqlite3_bind_int64(st, col++, (sqlite3_int64)row->id);
	sqlite3_bind_int64(st, col++, row->session.num);
	sqlite3_bind_int64(st, col++, row->count);
	sqlite3_bind_int64(st, col++, (sqlite3_int64)row->span_ns);
	for (i = 0; i < INT_CNT; i++)
		sqlite3_bind_int64(st, col++, int_get(f, i));
	if (all_zero(f->addr, sizeof(f->addr)))
		sqlite3_bind_null(st, col++);
	else
		sqlite3_bind_blob(st, col++, f->addr, sizeof(f->addr),
		    SQLITE_STATIC);
	sqlite3_bind_blob(st, col++, f->comm, (int)strnlen(f->comm, EVREC_COMM),
	    SQLITE_STATIC);
	bind_texts(st, &row->rec, col);
	col += EVS_MAX;
	store_remote(f, remote, sizeof(remote));
	if (remote[0] == '\0')
		sqlite3_bind_null(st, col++);
	else
		sqlite3_bind_text(st, col++, remote, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, col, row->hash, SHA256_LEN, SQLITE_STATIC);
	if (run(s, ST_INSERT, "insert") == -1)
		return -1;
	s->txn_last = row->id;
	memcpy(s->txn_head, row->hash, SHA256_LEN);
	return 0;
}

static void
bind_ring(sqlite3_stmt *st, const struct store_ring *r)
{
	sqlite3_bind_blob(st, 1, r->id, RING_ID, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, r->session);
}

int
store_ring_save(struct store *s, const struct store_ring *r)
{
	sqlite3_stmt *st = s->stmt[ST_RING_SAVE];

	bind_ring(st, r);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)r->next);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)r->dropped);
	return run(s, ST_RING_SAVE, "ring");
}

int
store_ring_load(struct store *s, struct store_ring *r)
{
	sqlite3_stmt *st;
	int rc;

	if (store_ready(s) == -1)
		return -1;
	st = s->stmt[ST_RING_LOAD];
	bind_ring(st, r);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		r->next = (uint64_t)sqlite3_column_int64(st, 0);
		r->dropped = (uint64_t)sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	return store_failed(s, rc, "ring");
}

int
store_ring_forget(struct store *s, const struct store_ring *r)
{
	if (store_ready(s) == -1)
		return -1;
	bind_ring(s->stmt[ST_RING_FORGET], r);
	return run(s, ST_RING_FORGET, "ring");
}

/* ---- reading ---- */

void
store_row_hash(struct store *s, struct store_row *row,
    const uint8_t prev[SHA256_LEN], uint8_t out[SHA256_LEN])
{
	struct chain_item item = { .id = row->id,
		.count = row->count,
		.span_ns = row->span_ns,
		.owner = row->session.owner,
		.session = row->session.id };

	item.session_len = strlen(row->session.id);
	item.wire_len = evrec_measure(&row->rec);
	evrec_encode(&row->rec, s->wire);
	item.wire = s->wire;
	chain_link(&s->chain, prev, &item, out);
}

/* A number column that holds a number which fits, else -1. */
static int
int_read(sqlite3_stmt *st, int col, size_t size, bool is_signed, void *out)
{
	int64_t v = sqlite3_column_int64(st, col), back = 0;
	uint64_t mask;

	if (sqlite3_column_type(st, col) != SQLITE_INTEGER)
		return -1;
	memcpy(out, &v, size); /* little-endian */
	mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
	back = (int64_t)((uint64_t)v & mask);
	if (is_signed && size == 4)
		back = (int32_t)back;
	return back == v ? 0 : -1;
}

/*
 * A text or blob column of at most max bytes; absent is NULL and never empty.
 */
static int
bytes_read(sqlite3_stmt *st, int col, int type, size_t max, const char **p,
    size_t *len)
{
	int n;

	*p = NULL;
	*len = 0;
	if (sqlite3_column_type(st, col) == SQLITE_NULL)
		return 0;
	if (sqlite3_column_type(st, col) != type)
		return -1;
	*p = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(st, col) :
				   sqlite3_column_blob(st, col);
	n = sqlite3_column_bytes(st, col);
	if (n <= 0 || (size_t)n > max || *p == NULL)
		return -1;
	*len = (size_t)n;
	return 0;
}

static int
texts_read(sqlite3_stmt *st, struct evrec *e)
{
	const char *p;
	size_t len;
	int i;

	for (i = 0; i < EVS_MAX; i++) {
		if (bytes_read(st, COL_TEXT + i,
			i == EVS_PATH2 ? SQLITE_BLOB : SQLITE_TEXT,
			evrec_text_max[i], &p, &len) == -1)
			return -1;
		if (p != NULL)
			evrec_set(e, (enum ev_text)i, p, len);
	}
	return 0;
}

/* What is derived from the record must be what the record says. */
static int
remote_check(sqlite3_stmt *st, const struct evrec_fix *f)
{
	const char *p;
	char want[64];
	size_t len;

	store_remote(f, want, sizeof(want));
	if (bytes_read(st, COL_REMOTE, SQLITE_TEXT, sizeof(want), &p, &len) ==
	    -1)
		return -1;
	return len == strlen(want) && (len == 0 || memcmp(p, want, len) == 0) ?
	    0 :
	    -1;
}

static int
session_read(sqlite3_stmt *st, struct store_session *ses)
{
	const char *p;
	size_t len;

	ses->num = sqlite3_column_int64(st, 3);
	if (int_read(st, 4, 4, false, &ses->owner) == -1)
		return -1;
	ses->id[0] = '\0';
	if (sqlite3_column_type(st, 5) != SQLITE_TEXT)
		return -1;
	if (sqlite3_column_bytes(st, 5) == 0)
		return 0;
	if (bytes_read(st, 5, SQLITE_TEXT, sizeof(ses->id) - 1, &p, &len) ==
		-1 ||
	    p == NULL)
		return -1;
	memcpy(ses->id, p, len);
	ses->id[len] = '\0';
	return strlen(ses->id) == len ? 0 : -1;
}

/* addr and comm, which may be absent or empty. */
static int
blobs_read(sqlite3_stmt *st, struct evrec_fix *f)
{
	const char *p;
	size_t len;

	if (bytes_read(st, COL_ADDR, SQLITE_BLOB, sizeof(f->addr), &p, &len) ==
		-1 ||
	    (len != 0 && len != sizeof(f->addr)))
		return -1;
	if (len != 0)
		memcpy(f->addr, p, len);
	if (sqlite3_column_type(st, COL_COMM) != SQLITE_BLOB)
		return -1;
	len = (size_t)sqlite3_column_bytes(st, COL_COMM);
	if (len > EVREC_COMM)
		return -1;
	if (len != 0)
		memcpy(f->comm, sqlite3_column_blob(st, COL_COMM), len);
	return 0;
}

int
store_row_read(sqlite3_stmt *st, struct store_row *row)
{
	struct evrec_fix *f = &row->rec.fix;
	int64_t ref;
	size_t i;

	memset(row, 0, sizeof(*row));
	row->id = (uint64_t)sqlite3_column_int64(st, 0);
	if (int_read(st, 1, 4, false, &row->count) == -1 ||
	    int_read(st, 2, 8, false, &row->span_ns) == -1 ||
	    session_read(st, &row->session) == -1 ||
	    int_read(st, 6, 8, true, &ref) == -1)
		return -1;
	for (i = 0; i < INT_CNT; i++) {
		if (int_read(st, COL_INT + (int)i, int_tab[i].size,
			int_tab[i].is_signed,
			(uint8_t *)f + int_tab[i].off) == -1)
			return -1;
	}
	if (blobs_read(st, f) == -1 || texts_read(st, &row->rec) == -1 ||
	    remote_check(st, f) == -1 ||
	    sqlite3_column_bytes(st, COL_HASH) != SHA256_LEN)
		return -1;
	memcpy(row->hash, sqlite3_column_blob(st, COL_HASH), SHA256_LEN);
	(void)evrec_measure(&row->rec);
	return 0;
}

/* ---- retention ---- */

/*
 * One number from a query with one number bound; -1 with errors, 0 where there
 * is no row.
 */
static int
one_number(struct store *s, const char *sql, uint64_t in, uint64_t *out)
{
	sqlite3_stmt *st;
	int rc;

	*out = 0;
	rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "retention");
	sqlite3_bind_int64(st, 1, (sqlite3_int64)in);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ?
	    0 :
	    store_failed(s, rc, "retention");
}

static int
hash_of(struct store *s, uint64_t id, uint8_t hash[SHA256_LEN])
{
	sqlite3_stmt *st;
	int rc, ret = -1;

	rc = sqlite3_prepare_v2(s->db, "SELECT hash FROM records WHERE id = ?",
	    -1, &st, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, "retention");
	sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(st, 0) == SHA256_LEN) {
		memcpy(hash, sqlite3_column_blob(st, 0), SHA256_LEN);
		ret = 0;
	} else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		broken(s, "a record is missing: nothing is deleted");
	else
		store_failed(s, rc, "retention");
	sqlite3_finalize(st);
	return ret;
}

static int
exec_number(struct store *s, const char *sql, uint64_t n)
{
	uint64_t none;

	return one_number(s, sql, n, &none);
}

/*
 * Delete up to row `to` and anchor the chain at its hash, in one transaction.
 */
static int
cut(struct store *s, uint64_t to)
{
	uint8_t hash[SHA256_LEN];

	if (store_begin(s) == -1 || hash_of(s, to, hash) == -1 ||
	    exec_number(s, "DELETE FROM records WHERE id <= ?", to) == -1 ||
	    exec_number(s, "DELETE FROM marks WHERE id < ?", to) == -1 ||
	    put_end(s, "anchor", to, hash) == -1 || store_commit(s) == -1)
		return -1;
	s->first = to + 1;
	memcpy(s->anchor, hash, SHA256_LEN);
	return 0;
}

int
store_mark_before(struct store *s, uint64_t before_ns, uint64_t *id)
{
	return one_number(s, "SELECT max(id) FROM marks WHERE committed_ns < ?",
	    before_ns, id);
}

/*
 * What is old goes by when auditd committed it, never by the time in a record:
 * that is the tracer's word.
 */
int
store_retain(struct store *s, uint64_t before_ns, int slice)
{
	uint64_t mark, first, to;

	if (store_ready(s) == -1 ||
	    store_mark_before(s, before_ns, &mark) == -1)
		return -1;
	first = s->first;
	if (mark < first)
		return 0;
	to = first + (uint64_t)slice - 1;
	if (to > mark)
		to = mark;
	if (cut(s, to) == -1) {
		store_rollback(s);
		return -1;
	}
	return (int)(to - first + 1);
}
