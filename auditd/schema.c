/*
 * The database's tables, view and the names behind its numbers.  Runs in auditd
 * when it opens the database.  The view `events` shows what the original
 * program's table of that name held, so that its users' queries go on working.
 */

#include "auditd/schema.h"

#include <sqlite3.h>
#include <stdio.h>

#include "common/evrec.h"

/*
 * Exclusive before WAL: then there is no -shm file, and nobody who can open the
 * database can hold a lock that stops a commit.
 */
static const char pragmas[] = "PRAGMA locking_mode=EXCLUSIVE;"
			      "PRAGMA page_size=8192;"
			      "PRAGMA journal_mode=WAL;"
			      "PRAGMA synchronous=FULL;"
			      "PRAGMA wal_autocheckpoint=4000;"
			      "PRAGMA journal_size_limit=67108864;"
			      "PRAGMA temp_store=MEMORY;"
			      "PRAGMA cache_size=-16384;"
			      "PRAGMA trusted_schema=OFF;"
			      "PRAGMA foreign_keys=OFF;";

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS sessions("
    " num INTEGER PRIMARY KEY, session_id TEXT NOT NULL,"
    " owner INTEGER NOT NULL, UNIQUE(session_id, owner));"
    "CREATE TABLE IF NOT EXISTS records("
    " id INTEGER PRIMARY KEY, session INTEGER NOT NULL,"
    " count INTEGER NOT NULL, span_ns INTEGER NOT NULL,"
    " time_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,"
    " tid INTEGER NOT NULL, type INTEGER NOT NULL, op INTEGER NOT NULL,"
    " decision INTEGER NOT NULL, allowed INTEGER NOT NULL,"
    " layer INTEGER NOT NULL, flags INTEGER NOT NULL, pid INTEGER NOT NULL,"
    " ppid INTEGER NOT NULL, uid INTEGER NOT NULL, command INTEGER NOT NULL,"
    " rule_line INTEGER NOT NULL, syscall INTEGER NOT NULL,"
    " error INTEGER NOT NULL, depth INTEGER NOT NULL,"
    " family INTEGER NOT NULL, port INTEGER NOT NULL,"
    " value INTEGER NOT NULL, value2 INTEGER NOT NULL,"
    " addr BLOB, comm BLOB, rule TEXT, rule_file TEXT, message TEXT,"
    " exe TEXT, path TEXT, path2 BLOB, subject TEXT, remote TEXT,"
    " hash BLOB NOT NULL);"
    /* both are in order of id, too: an index ends with the row's number */
    "CREATE INDEX IF NOT EXISTS records_session ON records(session);"
    "CREATE INDEX IF NOT EXISTS records_refused"
    " ON records(allowed) WHERE allowed = 0;"
    "CREATE TABLE IF NOT EXISTS chain("
    " what TEXT PRIMARY KEY, id INTEGER NOT NULL, hash BLOB NOT NULL,"
    " seal BLOB NOT NULL, keyed INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS rings("
    " ring BLOB NOT NULL, session INTEGER NOT NULL, next INTEGER NOT NULL,"
    " dropped INTEGER NOT NULL, PRIMARY KEY(ring, session)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS marks("
    " id INTEGER PRIMARY KEY, committed_ns INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS event_types("
    " type INTEGER NOT NULL, op INTEGER NOT NULL, name TEXT NOT NULL,"
    " operation TEXT, judged INTEGER NOT NULL,"
    " PRIMARY KEY(type, op)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS decisions("
    " decision INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS layers("
    " layer INTEGER PRIMARY KEY, name TEXT NOT NULL);";

/* %d: see make_view. */
static const char view[] =
    "DROP VIEW IF EXISTS events;"
    "CREATE VIEW events AS WITH e AS (SELECT r.id, r.pid, r.ppid, r.depth,"
    " r.remote, r.rule, r.message, r.rule_file, r.rule_line, r.count,"
    " r.duration_ns, r.allowed, r.exe, r.hash, s.session_id,"
    " r.time_ns AS ts, l.name AS layer, t.judged,"
    " CASE r.command WHEN 0 THEN NULL ELSE 'cmd-' || r.command END AS cmd,"
    " CASE WHEN r.type <> %d THEN t.name"
    "  WHEN r.decision = %d THEN 'signal_absorbed'"
    "  WHEN r.decision = %d AND r.allowed THEN 'signal_redirected'"
    "  WHEN r.allowed THEN 'signal_sent' ELSE 'signal_blocked' END AS type,"
    " CASE WHEN t.judged THEN d.name END AS decision,"
    " CASE WHEN t.judged THEN iif(r.allowed, 'allow', 'deny') END AS effective,"
    " CASE WHEN r.type NOT IN (%d, %d, %d, %d) THEN r.path END AS path,"
    " CASE WHEN r.type IN (%d, %d, %d, %d) THEN r.path END AS domain,"
    " t.operation"
    " FROM records r JOIN sessions s ON s.num = r.session"
    " LEFT JOIN event_types t ON t.type = r.type AND t.op ="
    "  CASE WHEN EXISTS (SELECT 1 FROM event_types x"
    "   WHERE x.type = r.type AND x.op = r.op) THEN r.op ELSE 0 END"
    " LEFT JOIN decisions d ON d.decision = r.decision"
    " LEFT JOIN layers l ON l.layer = r.layer)"
    "SELECT 'ev-' || id AS event_id, ts AS ts_unix_ns, session_id,"
    " cmd AS command_id, type, pid, decision AS policy_decision,"
    " effective AS effective_decision, rule AS policy_rule, path, domain,"
    " remote, operation, json_patch('{}', json_object("
    "  'id', 'ev-' || id, 'timestamp',"
    "  strftime('%%Y-%%m-%%dT%%H:%%M:%%S', ts / 1000000000, 'unixepoch') ||"
    "  printf('.%%09dZ', ts %% 1000000000), 'type', type,"
    "  'session_id', session_id, 'command_id', cmd,"
    "  'pid', nullif(pid, 0), 'parent_pid', nullif(ppid, 0),"
    "  'depth', nullif(depth, 0), 'path', path, 'domain', domain,"
    "  'remote', remote, 'operation', operation,"
    "  'policy', json(CASE WHEN judged THEN json_object("
    "   'decision', decision, 'effective_decision', effective,"
    "   'rule', rule, 'message', message) END),"
    "  'effective_action',"
    "  CASE WHEN judged THEN iif(allowed, 'allowed', 'blocked') END,"
    "  'fields', json_object('layer', layer, 'rule_file', rule_file,"
    "   'rule_line', nullif(rule_line, 0), 'count', count,"
    "   'duration_ns', duration_ns, 'exe', exe))) AS payload_json,"
    " json_object('sequence', id, 'prev_hash',"
    "  (SELECT lower(hex(p.hash)) FROM records p WHERE p.id = e.id - 1),"
    "  'entry_hash', lower(hex(hash))) AS integrity_json FROM e;";

int
schema_pragmas(sqlite3 *db)
{
	return sqlite3_exec(db, pragmas, NULL, NULL, NULL);
}

static int
user_version(sqlite3 *db, int *version)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*version = sqlite3_column_int(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc;
}

/* The original's table is a table; ours is a view. */
static int
keep_original(sqlite3 *db)
{
	sqlite3_stmt *st;
	int rc;

	rc = sqlite3_prepare_v2(db,
	    "SELECT 1 FROM sqlite_master"
	    " WHERE type = 'table' AND name = 'events'",
	    -1, &st, NULL);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return SQLITE_OK;
	if (rc != SQLITE_ROW)
		return rc;
	return sqlite3_exec(db, "ALTER TABLE events RENAME TO events_original",
	    NULL, NULL, NULL);
}

static int
exec_free(sqlite3 *db, char *sql)
{
	int rc;

	if (sql == NULL)
		return SQLITE_NOMEM;
	rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc;
}

static int
add_type(sqlite3 *db, unsigned int type, unsigned int op)
{
	struct evrec_fix f = { .type = (uint16_t)type, .op = (uint8_t)op };
	const char *o = evrec_op_name(&f);

	return exec_free(db,
	    sqlite3_mprintf(
		"INSERT OR REPLACE INTO"
		" event_types VALUES(%u, %u, %Q, nullif(%Q, ''), %d)",
		type, op, evrec_type_name(&f), o, evrec_is_judged(&f)));
}

static int
add_names(sqlite3 *db)
{
	unsigned int t, op, ops;
	int rc = SQLITE_OK;

	for (t = EV_NONE + 1; t < EV_MAX && rc == SQLITE_OK; t++) {
		ops = t == EV_FILE || t == EV_SOFT_DELETED ? FOP_MAX :
		    t == EV_NET || t == EV_UNIX		   ? NOP_MAX :
							     1;
		for (op = 0; op < ops && rc == SQLITE_OK; op++)
			rc = add_type(db, t, op);
	}
	for (t = 0; t < DEC_MAX && rc == SQLITE_OK; t++)
		rc = exec_free(db,
		    sqlite3_mprintf("INSERT OR REPLACE INTO"
				    " decisions VALUES(%u, %Q)",
			t, decision_name[t]));
	for (t = 0; t < LAYER_MAX && rc == SQLITE_OK; t++)
		rc = exec_free(db,
		    sqlite3_mprintf("INSERT OR REPLACE INTO"
				    " layers VALUES(%u, %Q)",
			t, layer_name[t]));
	return rc;
}

static int
make_view(sqlite3 *db)
{
	return exec_free(db,
	    sqlite3_mprintf(view, EV_SIGNAL, DEC_ABSORB, DEC_REDIRECT, EV_DNS,
		EV_NET, EV_DNS_REDIRECT, EV_CONNECT_REDIRECT, EV_DNS, EV_NET,
		EV_DNS_REDIRECT, EV_CONNECT_REDIRECT));
}

static int
make_all(sqlite3 *db)
{
	int rc;

	if ((rc = keep_original(db)) != SQLITE_OK ||
	    (rc = sqlite3_exec(db, tables, NULL, NULL, NULL)) != SQLITE_OK ||
	    (rc = add_names(db)) != SQLITE_OK ||
	    (rc = make_view(db)) != SQLITE_OK)
		return rc;
	return exec_free(db,
	    sqlite3_mprintf("PRAGMA user_version=%d", SCHEMA_VERSION));
}

int
schema_make(sqlite3 *db)
{
	int rc, version = 0;

	if ((rc = user_version(db, &version)) != SQLITE_OK)
		return rc;
	if (version > SCHEMA_VERSION)
		return SQLITE_MISMATCH;
	if (version == SCHEMA_VERSION)
		return SQLITE_OK;
	if ((rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL)) !=
	    SQLITE_OK)
		return rc;
	rc = make_all(db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
