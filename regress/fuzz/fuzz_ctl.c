/*
 * What agentsh and agentshctl read: an HTTP answer of any bytes over a socket,
 * its body as a stream of events, the head alone, and the same bytes as words
 * against an option table.
 */

#include <sys/socket.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/ctl/events.h"
#include "supervisor/ctl/http.h"
#include "supervisor/ctl/opt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS 16

static const struct opt tab[] = {
	{ "json", 'j', OPT_FLAG, NULL, NULL, "" },
	{ "define", 'D', OPT_LIST, "name=value", NULL, "" },
	{ "limit", 'n', OPT_UINT, "number", NULL, "" },
	{ "timeout", 0, OPT_DURATION, "duration", NULL, "" },
	{ "output", 'o', OPT_CHOICE, "text|json", NULL, "" },
	{ .kind = OPT_END },
};

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static void
on_line(void *arg, const char *data, size_t len)
{
	must(len > 0 && memchr(data, '\n', len) == NULL);
}

/* The server has said data and gone. */
static void
client(const uint8_t *data, size_t size)
{
	static struct events_lines lines;
	static struct http h;
	char buf[512];
	ssize_t n;
	int sv[2], bad = 0;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	must(send(sv[1], data, size, MSG_DONTWAIT) == (ssize_t)size);
	must(shutdown(sv[1], SHUT_WR) == 0);
	http_attach(&h, sv[0]);
	lines.len = 0;
	if (http_ask(&h, "GET", "/", "", NULL, 0) == 0) {
		while ((n = http_read(&h, buf, sizeof(buf))) > 0)
			if (!bad)
				bad = events_feed(&lines, buf, (size_t)n,
				    on_line, NULL);
		must(n == -1 || h.ended);
	}
	http_close(&h);
	close(sv[1]);
}

static void
words(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[WORDS], *p;
	struct opts o;
	int argc = 0;

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	for (p = text; p < text + size && argc < WORDS; p += strlen(p) + 1)
		argv[argc++] = p;
	if (opts_parse(&o, tab, NULL, argc, argv, data[0] % 3 - 1) == 0)
		must(o.npos <= argc && o.dash <= o.npos);
	else
		must(o.error[0] != '\0');
	opts_clear(&o);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head h;

	if (size == 0 || size > 32768)
		return 0;
	if (http_head_parse(&h, (const char *)data, size) == 0)
		must(h.status >= 100 && h.status < 600);
	client(data, size);
	words(data, size);
	return 0;
}
