/*
 * The first bytes of a TLS stream, any.  Whatever is taken for a hello reads the
 * same when it is all in one record, and with another name when one was put in.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netproxy/hello_parse.h"
#include "netproxy/hello_rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t msg[HELLO_MSG_MAX], msg2[HELLO_MSG_MAX], out[HELLO_OUT_MAX];

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static void
again(const struct hello *h, const char *name)
{
	struct hello h2;
	size_t n = hello_rewrite(h, msg, 0x0301, name, out);

	if (n == 0)
		return;
	if (h->msg_bytes - h->sni_bytes + strlen(name) + 5 > HELLO_MSG_MAX)
		return;
	must(hello_parse(&h2, out, n, msg2) == HELLO_OK);
	must(h2.wire_bytes == n && h2.has_sni && h2.ech == h->ech);
	must(strcmp(h2.sni, name) == 0);
	must(memcmp(msg2 + 4, msg + 4, h->exts_at - 4) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size + 1);
	enum hello_rc rc;
	struct hello h;

	must(p != NULL);
	/* At the very end of its storage. */
	memcpy(p + 1, data, size);
	rc = hello_parse(&h, p + 1, size, msg);
	if (rc == HELLO_MORE)
		must(h.need > size);
	if (rc == HELLO_OK) {
		must(h.wire_bytes <= size);
		/* What follows the hello says nothing of it. */
		must(hello_parse(&h, p + 1, h.wire_bytes, msg) == HELLO_OK);
		must(h.has_sni == (h.sni[0] != '\0'));
		if (h.has_sni) {
			char sni[HTTP_HOST_SIZE];

			memcpy(sni, h.sni, sizeof(sni));
			again(&h, sni);
			again(&h, "another-name.test");
		}
	}
	free(p);
	return 0;
}
