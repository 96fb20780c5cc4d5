/*
 * The loader of policy files.  policy_load() is declared in policy.h; here is the
 * description of the sections, which `policy show` walks too.
 */

#ifndef POLICYD_POLICYLOAD_H
#define POLICYD_POLICYLOAD_H

#include "policyd/policy.h"

/* Memory that one policy or config file may take, tree and all. */
#define POLICYLOAD_ARENA_MAX ((size_t)96 * 1024 * 1024)

/*
 * Parse an IPv4 or IPv6 address or prefix ("10.0.0.0/8", "::1", "10.1.2.3") into c->addr
 * and c->prefix; host bits are cleared.  0, or -1 when it is none.
 */
int policyload_cidr(const char *s, struct pcidr *c);

/*
 * A signal's name (with or without SIG, any case), number 1..64 or group ("@job") as a
 * mask with bit n-1 for signal n; 0 when it is none.
 */
uint64_t policyload_signal(const char *s);

/*
 * May s name a policy: letters, digits, "_" and "-", 1 to 64 of them.  Such a name
 * is a file's name without its suffix and never a path.
 */
int policyload_name_ok(const char *s);

#endif
