/*
 * Events counted by what they have in common; see summary.c.  Used by agentsh and
 * agentshctl only.
 */

#ifndef CTL_SUMMARY_H
#define CTL_SUMMARY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Print a table of events (an array, oldest first; borrowed).  0, or -1 when out of memory. */
int summary_print(const json_t *events, FILE *fp, bool colour);

/* The bytes of s that end with a whole UTF-8 character: for a text that was cut. */
size_t summary_whole(const char *s);

#endif
