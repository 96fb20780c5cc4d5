/*
 * The ClientHello of TLS: which name it asks for.  One strict reading across records and
 * fragments, bounded; what is no well-formed TLS hello is said to be none.  SSLv2
 * hellos, DTLS and QUIC are not TLS here.  Pure.
 */

#ifndef NETPROXY_HELLO_PARSE_H
#define NETPROXY_HELLO_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netproxy/http_name.h"

#define HELLO_RECORDS_MAX 64
#define HELLO_MSG_MAX 32768 /* bytes of handshake message, with its header */
#define HELLO_WIRE_MAX (HELLO_MSG_MAX + HELLO_RECORDS_MAX * 5)

enum hello_rc {
	HELLO_MORE, /* call again with at least need bytes */
	HELLO_OK,
	HELLO_OTHER, /* the first byte is no handshake record's */
	HELLO_BAD,   /* begins like TLS and is malformed: refuse it */
};

struct hello {
	size_t need;	    /* HELLO_MORE: bytes without which nothing can be said */
	size_t wire_bytes;  /* HELLO_OK: its records, all of them */
	bool has_sni, ech;  /* ech: the name may hide another (or be GREASE) */
	char sni[HTTP_HOST_SIZE]; /* normalised, "" without has_sni */
	/* Inside the handshake message, for hello_rewrite. */
	size_t msg_bytes, exts_at, sni_at, sni_bytes;
};

/*
 * Read the first len bytes of a stream.  msg: storage for the handshake
 * message, whose contents are the caller's afterwards for hello_rewrite.
 */
enum hello_rc hello_parse(struct hello *h, const uint8_t *p, size_t len,
    uint8_t msg[HELLO_MSG_MAX]) __attribute__((warn_unused_result));

#endif
