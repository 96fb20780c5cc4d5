/*
 * The database: one SQLite file in WAL mode that auditd alone opens, its locks
 * held for as long as it runs.  Records go in by transactions of many; a
 * transaction also holds the chain's head and each ring's position, so that
 * after any crash the three agree.  agentsh-audit.5 describes the tables.
 *
 * Every function returns 0, or -1 with s->error an errno (ENOSPC, EIO, EBUSY,
 * EINVAL) and s->text saying why.  After -1 inside a transaction call
 * store_rollback; after that the connection has been closed and the next call
 * that needs it opens it again. All may block on the disk.  auditd only.
 */

#ifndef AUDITD_STORE_H
#define AUDITD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auditd/chain.h"
#include "common/evrec.h"
#include "common/ring.h"

struct sqlite3;
struct sqlite3_stmt;

enum store_stmt {
	ST_BEGIN,
	ST_COMMIT,
	ST_INSERT,
	ST_HEAD,
	ST_RING_SAVE,
	ST_RING_LOAD,
	ST_RING_FORGET,
	ST_SESSION_FIND,
	ST_SESSION_ADD,
	ST_MARK,
	ST_MAX
};

/* A session as records refer to it. */
struct store_session {
	int64_t num; /* row of table sessions */
	uint32_t owner;
	char id[64]; /* NUL-terminated */
};

/* One row of records, read or to be written. */
struct store_row {
	uint64_t id;
	uint32_t count;
	uint64_t span_ns;
	struct store_session session;
	struct evrec
	    rec; /* texts borrowed: from the caller, or until the next step */
	uint8_t hash[SHA256_LEN];
};

struct store {
	struct sqlite3 *db; /* NULL: closed after a failure */
	struct sqlite3_stmt *stmt[ST_MAX];
	char path[256];
	struct chain chain;
	bool in_txn;
	uint64_t last; /* row id of the chain's head, as committed */
	uint8_t head[SHA256_LEN];
	uint64_t txn_last; /* the same inside the transaction */
	uint8_t txn_head[SHA256_LEN];
	uint64_t first; /* lowest row id that should exist */
	uint8_t anchor[SHA256_LEN]; /* hash of row first - 1 */
	uint64_t marked_ns; /* time of the last retention mark */
	int error;
	char text[160];
	uint8_t *wire; /* EVREC_WIRE_MAX bytes of scratch */
};

/*
 * Open or make the database at path; key of len bytes (0: none) seals the
 * chain.  A database of another kind or with a broken end of chain is refused
 * (EINVAL).
 */
int store_open(struct store *s, const char *path, const void *key, size_t len)
    __attribute__((warn_unused_result));
void store_close(struct store *s);

/* true: the file at path is a database of ours; it is not changed. */
bool store_is_trail(const char *path);

/* The connection is there, or could be opened again. */
int store_ready(struct store *s) __attribute__((warn_unused_result));

int store_begin(struct store *s) __attribute__((warn_unused_result));

/* Find or make the session (id, owner); fills ses->num.  In a transaction. */
int store_session(struct store *s, struct store_session *ses)
    __attribute__((warn_unused_result));

/*
 * Add row: id and hash are set here.  What would not survive a round trip
 * (bytes behind a NUL in comm) is cleaned first.
 */
int store_put(struct store *s, struct store_row *row)
    __attribute__((warn_unused_result));

/* Position of a ring: saved with the records that were read up to it. */
struct store_ring {
	uint8_t id[RING_ID];
	int64_t session;
	uint64_t next;
	uint64_t dropped;
};
int store_ring_save(struct store *s, const struct store_ring *r)
    __attribute__((warn_unused_result));
/* 1 found (next and dropped are filled), 0 never seen, -1. */
int store_ring_load(struct store *s, struct store_ring *r)
    __attribute__((warn_unused_result));
int store_ring_forget(struct store *s, const struct store_ring *r)
    __attribute__((warn_unused_result));

/* Nothing came for a while: give the pages of the cache back to the system. */
void store_trim(struct store *s);

/* Returns when the disk has it. */
int store_commit(struct store *s) __attribute__((warn_unused_result));
/*
 * Undo, and close the connection: what a failed disk left in it is not
 * believed.
 */
void store_rollback(struct store *s);

/* The newest row marked as committed before before_ns, 0 where there is none. */
int store_mark_before(struct store *s, uint64_t before_ns, uint64_t *id)
    __attribute__((warn_unused_result));

/*
 * Delete at most `slice` of the oldest rows that were committed before
 * before_ns and move the anchor behind them.  Returns how many, or -1.
 */
int store_retain(struct store *s, uint64_t before_ns, int slice)
    __attribute__((warn_unused_result));

/*
 * Columns that store_row_read reads, for a SELECT over "records r JOIN sessions
 * s ON s.num = r.session".
 */
extern const char store_columns[];

/*
 * Row from a statement over store_columns that has just stepped; texts live
 * until its next step. -1 where a column is not what store_put can have written
 * (the row was changed).
 */
int store_row_read(struct sqlite3_stmt *st, struct store_row *row)
    __attribute__((warn_unused_result));

/* Hash of row after prev, as it must be. */
void store_row_hash(struct store *s, struct store_row *row,
    const uint8_t prev[SHA256_LEN], uint8_t out[SHA256_LEN]);

/* "192.0.2.1:443", "[2001:db8::1]:53" or "" where there is no address. */
void store_remote(const struct evrec_fix *f, char *out, size_t size);

/* Record rc of sqlite in s->error and s->text; always -1. */
int store_failed(struct store *s, int rc, const char *what);

#endif
