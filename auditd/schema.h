/*
 * The tables and the view of agentsh-audit.5, as SQL.  Separate from store.c
 * because it is data.  Included by schema.c's users only.
 */

#ifndef AUDITD_SCHEMA_H
#define AUDITD_SCHEMA_H

#include <stddef.h>

struct sqlite3;

#define SCHEMA_VERSION 1

/* Set up the connection's pragmas; an SQLite result code. */
int schema_pragmas(struct sqlite3 *db);

/*
 * Make what is missing.  A table `events` of the original program is kept under
 * the name events_original.  SQLITE_OK, or another result code; SQLITE_MISMATCH
 * for a database of a later version.
 */
int schema_make(struct sqlite3 *db);

#endif
