/*
 * The sessions' resolver between clients and resolvers of a test's own, all on
 * loopback and in one process.  What a test says and hears goes through the
 * messages below: one house, one test at a time.
 */

#ifndef DNSLOOP_H
#define DNSLOOP_H

#include <netinet/in.h>
#include <stdbool.h>

#include "dnshelp.h"
#include "netproxy/dns_int.h"

#define PATIENCE_S 60 /* a machine may be slow; no test waits for it to end */

struct house {
	struct event_base *base;
	struct np *np;
	struct dns_server *d;
	in_port_t port; /* of the server, network order */
	int resolver[2]; /* UDP; the second is used where a test says so */
	int listener; /* TCP, of resolver[0] */
	struct dns_conf conf;
};

extern struct house h;
extern struct pkt query; /* the last that a client said */
extern struct pkt got; /* the last that a client heard, from got_from */
extern struct pkt asked; /* the last that a resolver heard, from resolver_peer */
extern struct pkt answer; /* the last that a resolver said */
extern struct sockaddr_in resolver_peer, got_from;

/* One resolver in use, deadlines of PATIENCE_S. */
int setup(void **state);
int teardown(void **state);
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

struct sockaddr_in loop_addr(unsigned int n, in_port_t port); /* 127.0.0.n */
/* A socket of this type, or -1: the port is somebody's. */
int bound(int type, uint32_t addr, in_port_t port);
in_port_t port_of(int fd);

/* Turn the loop until fd can be read; false: it cannot, and nothing goes on. */
bool pump(int fd);
/* Some turns, for what must not happen. */
bool quiet(int fd);

/* ---- clients ---- */

int client(unsigned int n); /* of session n, by UDP */
void send_query(int fd);
void ask(int fd, unsigned int id, const char *name, unsigned int type);
void get(int fd);
unsigned int rcode(void); /* of what was got */
unsigned int answers(void);
bool got_text(const char *text);

int stream_client(unsigned int n); /* by TCP, or what looks like it */
void stream_send(int s, const struct pkt *p);
void stream_get(int s);

/* ---- resolvers ---- */

/* The next question that arrives at resolver r, in asked; what it asks. */
const char *get_asked(unsigned int r);
/* An answer to what was asked, without records yet. */
void answer_begin(unsigned int rcode_sent, unsigned int an);
void answer_send(unsigned int r);
void answer_a(unsigned int r, const char *name, const char *addr);
/* Take the connection that comes, and what is asked on it. */
int stream_accept(void);

#endif
