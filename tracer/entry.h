/*
 * The tracer's side of entering (common/entry.h): the asker's question is
 * judged, its environment filtered, its listener taken and served, and the
 * front-door process watched until it ends.  Main thread only.  An asker is a
 * stranger until it is filtered: what it says is bounded, and a connection that
 * breaks the protocol is closed and nothing else.
 */

#ifndef TRACER_ENTRY_H
#define TRACER_ENTRY_H

#include "common/loop.h"
#include "common/msg.h"
#include "tracer/tracer.h"

#define ENTRY_MAX 256 /* askers and commands at once */

struct entries;

/*
 * monitor: the channel for LISTENER and ENTRY_STATE.  NULL with errno.
 */
struct entries *entry_init(struct tracer *t, struct loop *l,
    struct chan *monitor, uint32_t session);

/* The monitor's MSG_ENTRY; its descriptors are taken. */
void entry_got(struct entries *es, struct msg *m);

/* Another image is in force: who enters from now on lives under its terms. */
void entry_new_image(struct entries *es);

/* The monitor's MSG_PLACED: who waited for it goes on. */
void entry_placed(struct entries *es, const struct msg *m);

/* How many are being served or asked. */
unsigned int entry_count(const struct entries *es);

#endif
