/*
 * Reading the text of one YAML scalar: durations, sizes, booleans, integers.
 * Pure; no floating point.  All return 0, or -1 and leave *out alone.
 */

#ifndef POLICYD_SCALAR_H
#define POLICYD_SCALAR_H

#include <stdint.h>

/*
 * "1h30m", "1.5s", "7d", "0": units ns us ms s m h d, each number with its unit,
 * concatenated; nanoseconds.  No sign, no blank; past 2^63-1 ns is an error.
 */
int scalar_duration(const char *s, uint64_t *ns);

/* "10MB", "1.5GiB", "512": bytes; KB MB GB are 1000s, KiB MiB GiB 1024s. */
int scalar_size(const char *s, uint64_t *bytes);

/* YAML 1.1 words: true false yes no on off y n, in three cases. */
int scalar_bool(const char *s, int *out);

/* Decimal, 0x, 0o, 0b and 0-octal, with "_" between digits and a sign. */
int scalar_int(const char *s, int64_t *out);

/* True for the spellings of null: "", "~", null, Null, NULL. */
int scalar_is_null(const char *s);

/*
 * d as "1h30m", "250ms" or "0s", always terminated; buf of SCALAR_DURATION_MAX
 * holds any.
 */
#define SCALAR_DURATION_MAX 48
const char *scalar_duration_str(uint64_t ns, char *buf, unsigned int size);

#endif
