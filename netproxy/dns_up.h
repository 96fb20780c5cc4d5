/*
 * Asking the machine's resolvers: each question once, however many wait for it,
 * by UDP with a TCP connection where the answer was cut, the next resolver
 * where one fails.
 *
 * An answer is taken only from the address and port that were asked, on the
 * port the question left from (the kernel's random choice: one of its own for
 * each question up to DNS_UP_SOCKETS of them at once, one of those beyond),
 * with its random id and its question.  A port that gets DNS_UP_STRAYS answers
 * to nothing is being guessed at: its questions go on by TCP.
 *
 * Runs in netproxy, in libevent's loop.  Never blocks.
 */

#ifndef NETPROXY_DNS_UP_H
#define NETPROXY_DNS_UP_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "netproxy/dns_answer.h"
#include "netproxy/dns_conf.h"

#define DNS_UP_QUESTIONS 28672u /* at once; some 700 bytes each */
#define DNS_UP_SOCKETS	 256u
#define DNS_UP_STREAMS	 256u /* at once; more fail */
#define DNS_UP_STREAMS_EACH 16u /* of questions that one asked first */
#define DNS_UP_STRAYS	 64u
#define DNS_UP_REST_MS	 10000u /* a resolver that is silent is asked last */

struct event_base;
struct dns_up;
struct dns_flight;

/*
 * One who waits.  done is called once from the loop, never from dns_up_ask, and
 * may ask and cancel at will; a is NULL where no resolver answered.
 */
struct dns_wait {
	TAILQ_ENTRY(dns_wait) entry;
	struct dns_flight *flight; /* NULL: does not wait */
	const void *who; /* a session, only compared; NULL: the house */
	void (*done)(struct dns_wait *w, const struct dns_answer *a);
};

/* Called with each answer before those who wait for it; name in lower case. */
typedef void dns_up_store(void *arg, const struct dns_name *name, uint16_t type,
    const struct dns_answer *a);

struct dns_up *dns_up_new(struct event_base *base, dns_up_store *store,
    void *arg);
/* Who still waits is not told. */
void dns_up_free(struct dns_up *up);

/* From now on ask these.  What is on its way to the old ones begins anew. */
void dns_up_configure(struct dns_up *up, const struct dns_conf *conf);

/*
 * Spell names in random case and want them back so (a server on the way may not
 * do that: off unless called).
 */
void dns_up_mix_case(struct dns_up *up, bool on);

/*
 * Ask for name (lower case) and type on behalf of w, whose done and who are set.  0, or
 * -1: nobody to ask, too many questions, no memory; then done is not called.
 */
int dns_up_ask(struct dns_up *up, const struct dns_name *name, uint16_t type,
    struct dns_wait *w) __attribute__((warn_unused_result));
/* w no longer waits (it need not). */
void dns_up_cancel(struct dns_wait *w);

struct dns_up_stats {
	uint64_t asked, joined, sent, timeouts, streams, strays, failed;
	unsigned int flights, sockets;
};
void dns_up_stats(const struct dns_up *up, struct dns_up_stats *s);

#endif
