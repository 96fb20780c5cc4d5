/*
 * A policy printed back: for people, with the file's line at each rule, and as the JSON
 * that the original's `policy show` prints (Go field names, every field present,
 * durations as {"Duration": nanoseconds}).  Writes to fp only.
 */

#ifndef POLICYD_POLICYSHOW_H
#define POLICYD_POLICYSHOW_H

#include <stdio.h>

#include "policyd/policy.h"

void policyshow_text(const struct policy *pol, FILE *fp);
void policyshow_json(const struct policy *pol, FILE *fp);

#endif
