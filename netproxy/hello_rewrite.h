/*
 * A ClientHello with another name in it.  Note that both ends of TLS hash the hello as
 * they saw it: a server that checks Finished ends a handshake whose name was rewritten,
 * unless it terminates for both.  It is for such servers.  Pure.
 */

#ifndef NETPROXY_HELLO_REWRITE_H
#define NETPROXY_HELLO_REWRITE_H

#include "netproxy/hello_parse.h"

#define HELLO_OUT_MAX (HELLO_WIRE_MAX + HTTP_NAME_MAX + 64)

/*
 * Write to out the records of the hello h (which hello_parse found in msg) with
 * name as its one host_name; lengths corrected, one record for each 16 KiB, version
 * of the first record kept.  Returns their bytes, or 0: h has no SNI, or the result
 * would be too long.
 */
size_t hello_rewrite(const struct hello *h, const uint8_t *msg,
    uint16_t record_version, const char *name, uint8_t out[HELLO_OUT_MAX])
    __attribute__((warn_unused_result));

#endif
