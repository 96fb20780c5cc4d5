/*
 * Event records from a hostile ring, all the way: the input is taken as ring
 * memory and read, then as one record; whatever is accepted must come back from
 * the database as it went in, with the same hash, and as well-formed JSON.
 */

#include <sys/mman.h>

#include <fcntl.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auditd/event_json.h"
#include "auditd/store.h"
#include "common/ring.h"

#define SLOTS 128
#define BYTES (4096 + SLOTS * RING_SLOT)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct store store;
static struct ring_reader reader;
static uint8_t *ring_mem;

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static void
start(void)
{
	int fd;

	if (ring_mem != NULL)
		return;
	must(store_open(&store, ":memory:", NULL, 0) == 0);
	fd = ring_create(SLOTS);
	must(fd != -1 && ring_reader_open(&reader, fd) == 0);
	ring_mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(ring_mem != MAP_FAILED);
	close(fd);
}

static void
check_json(const struct store_row *row)
{
	struct jbuf b = { 0 };
	json_error_t err;
	json_t *j;

	event_json(&b, row);
	must(!b.failed);
	j = json_loadb(b.p, b.len, 0, &err);
	must(j != NULL && json_is_object(j));
	json_decref(j);
	jbuf_free(&b);
}

static void
check_row(const struct store_row *in)
{
	uint8_t hash[SHA256_LEN], zero[SHA256_LEN] = { 0 };
	const uint8_t *prev = in->id == 1 ? zero : NULL;
	struct store_row out;
	sqlite3_stmt *st;
	char sql[1024];

	snprintf(sql, sizeof(sql),
	    "SELECT %s FROM records r JOIN sessions s"
	    " ON s.num = r.session WHERE r.id = %llu",
	    store_columns, (unsigned long long)in->id);
	must(sqlite3_prepare_v2(store.db, sql, -1, &st, NULL) == SQLITE_OK);
	must(sqlite3_step(st) == SQLITE_ROW);
	must(store_row_read(st, &out) == 0);
	must(memcmp(&out.rec.fix, &in->rec.fix, sizeof(out.rec.fix)) == 0);
	must(memcmp(out.hash, in->hash, SHA256_LEN) == 0);
	if (prev != NULL) {
		store_row_hash(&store, &out, prev, hash);
		must(memcmp(hash, in->hash, SHA256_LEN) == 0);
	}
	check_json(&out);
	sqlite3_finalize(st);
}

static void
one_record(const uint8_t *data, size_t size, uint32_t count)
{
	struct store_row row;
	uint8_t *exact = malloc(size == 0 ? 1 : size);

	must(exact != NULL);
	if (size != 0)
		memcpy(exact, data, size);
	memset(&row, 0, sizeof(row));
	if (evrec_decode(&row.rec, exact, size) == 0) {
		row.count = count;
		row.span_ns = count;
		memcpy(row.session.id, "fuzz", 5);
		must(store_begin(&store) == 0);
		must(store_session(&store, &row.session) == 0);
		must(store_put(&store, &row) == 0);
		must(store_commit(&store) == 0);
		check_row(&row);
		must(sqlite3_exec(store.db, "DELETE FROM records", NULL, NULL,
			 NULL) == SQLITE_OK);
		store.last = 0;
		memset(store.head, 0, SHA256_LEN);
	}
	free(exact);
}

/*
 * Input as slots: the state words are made believable where the input says so.
 */
static void
as_ring(const uint8_t *data, size_t size)
{
	static uint8_t buf[RING_REC_SLOTS * RING_SLOT_DATA];
	struct ring_rec rec;
	uint64_t state;
	size_t i, n = 0;

	memset(ring_mem, 0, BYTES);
	memcpy(ring_mem + 64, data, size < 400 ? size : 400);
	for (i = 0; i < SLOTS && size > 0; i++) {
		n = size < RING_SLOT ? size : RING_SLOT;
		memcpy(ring_mem + 4096 + i * RING_SLOT, data, n);
		if (n > 2 && data[0] & 1) {
			state = ((reader.next + i) & 0xffffffffffff) << 16 |
			    (uint64_t)data[1] << 8 | (data[2] & 3);
			memcpy(ring_mem + 4096 +
				((reader.next + i) % SLOTS) * RING_SLOT,
			    &state, sizeof(state));
		}
		data += n;
		size -= n;
	}
	reader.dead = size & 1;
	for (n = 0; ring_reader_next(&reader, buf, &rec) == 1; n++) {
		must(rec.len <= sizeof(buf) && rec.count >= 1);
		one_record(buf, rec.len, rec.count);
	}
	must(n <= SLOTS);
	ring_reader_ack(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	one_record(data, size, 1);
	as_ring(data, size);
	return 0;
}
