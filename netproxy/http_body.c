/*
 * Bodies of HTTP messages.  Runs in netproxy on a stranger's bytes.  Must never take a
 * byte that belongs to the next message, nor leave one that belongs to this.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "netproxy/http_body.h"

/* What one byte of chunked framing does. */
enum step {
	STEP_ON,
	STEP_END,
	STEP_BAD,
};

typedef enum step step_fn(struct http_body *b, unsigned char c);

void
http_body_init(struct http_body *b, enum http_framing framing, uint64_t length)
{
	memset(b, 0, sizeof(*b));
	b->framing = framing;
	b->state = HTTP_CHUNK_SIZE;
	if (framing == HTTP_LENGTH)
		b->left = length;
	b->ended = framing == HTTP_NO_BODY ||
	    (framing == HTTP_LENGTH && length == 0);
}

static enum step
to(struct http_body *b, enum http_chunk_state s)
{
	b->state = s;
	return STEP_ON;
}

static int
hex_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* At most 15 digits: below 2^60, whatever integers the next reader has. */
static enum step
on_size(struct http_body *b, unsigned char c)
{
	int v = hex_of(c);

	if (v == -1 || b->digits == 15)
		return STEP_BAD;
	b->left = b->left * 16 + (uint64_t)v;
	b->digits++;
	return to(b, HTTP_CHUNK_DIGIT);
}

static enum step
on_digit(struct http_body *b, unsigned char c)
{
	if (c == '\r')
		return to(b, HTTP_CHUNK_SIZE_LF);
	if (c != ';')
		return on_size(b, c);
	b->ext = 0;
	return to(b, HTTP_CHUNK_EXT);
}

static int
is_text(unsigned char c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static enum step
on_ext(struct http_body *b, unsigned char c)
{
	if (c == '\r')
		return to(b, HTTP_CHUNK_SIZE_LF);
	if (!is_text(c) || ++b->ext > HTTP_CHUNK_EXT_MAX ||
	    ++b->exts > HTTP_CHUNK_EXTS_MAX)
		return STEP_BAD;
	return STEP_ON;
}

static enum step
on_size_lf(struct http_body *b, unsigned char c)
{
	if (c != '\n')
		return STEP_BAD;
	b->digits = 0;
	return to(b, b->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER);
}

static enum step
on_data_cr(struct http_body *b, unsigned char c)
{
	return c == '\r' ? to(b, HTTP_CHUNK_DATA_LF) : STEP_BAD;
}

static enum step
on_data_lf(struct http_body *b, unsigned char c)
{
	return c == '\n' ? to(b, HTTP_CHUNK_SIZE) : STEP_BAD;
}

static int
is_name(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static enum step
count_trailer(struct http_body *b)
{
	return ++b->trailer > HTTP_TRAILER_MAX ? STEP_BAD : STEP_ON;
}

static enum step
on_trailer(struct http_body *b, unsigned char c)
{
	if (c == '\r')
		return to(b, HTTP_CHUNK_END_LF);
	if (!is_name(c))
		return STEP_BAD;
	b->state = HTTP_CHUNK_NAME;
	return count_trailer(b);
}

static enum step
on_name(struct http_body *b, unsigned char c)
{
	if (c == ':')
		b->state = HTTP_CHUNK_VALUE;
	else if (!is_name(c))
		return STEP_BAD;
	return count_trailer(b);
}

static enum step
on_value(struct http_body *b, unsigned char c)
{
	if (c == '\r')
		return to(b, HTTP_CHUNK_VALUE_LF);
	return is_text(c) ? count_trailer(b) : STEP_BAD;
}

static enum step
on_value_lf(struct http_body *b, unsigned char c)
{
	return c == '\n' ? to(b, HTTP_CHUNK_TRAILER) : STEP_BAD;
}

static enum step
on_end_lf(struct http_body *b, unsigned char c)
{
	return c == '\n' ? STEP_END : STEP_BAD;
}

static step_fn *const step_tab[HTTP_CHUNK_STATE_MAX] = {
	[HTTP_CHUNK_SIZE] = on_size,
	[HTTP_CHUNK_DIGIT] = on_digit,
	[HTTP_CHUNK_EXT] = on_ext,
	[HTTP_CHUNK_SIZE_LF] = on_size_lf,
	[HTTP_CHUNK_DATA_CR] = on_data_cr,
	[HTTP_CHUNK_DATA_LF] = on_data_lf,
	[HTTP_CHUNK_TRAILER] = on_trailer,
	[HTTP_CHUNK_NAME] = on_name,
	[HTTP_CHUNK_VALUE] = on_value,
	[HTTP_CHUNK_VALUE_LF] = on_value_lf,
	[HTTP_CHUNK_END_LF] = on_end_lf,
};

static enum http_body_rc
take_run(struct http_body *b, size_t len, size_t *used, size_t *run)
{
	*run = len < b->left ? len : (size_t)b->left;
	*used += *run;
	b->left -= *run;
	return HTTP_BODY_DATA;
}

static enum http_body_rc
next_length(struct http_body *b, size_t len, size_t *used, size_t *run)
{
	if (b->left == 0) {
		b->ended = 1;
		return HTTP_BODY_END;
	}
	return len > 0 ? take_run(b, len, used, run) : HTTP_BODY_MORE;
}

static enum http_body_rc
next_chunked(struct http_body *b, const char *p, size_t len, size_t *used,
    size_t *run)
{
	enum step s;

	while (*used < len) {
		if (b->state == HTTP_CHUNK_DATA) {
			(void)take_run(b, len - *used, used, run);
			if (b->left == 0)
				b->state = HTTP_CHUNK_DATA_CR;
			return HTTP_BODY_DATA;
		}
		s = step_tab[b->state](b, (unsigned char)p[*used]);
		if (s == STEP_BAD)
			return HTTP_BODY_BAD;
		(*used)++;
		if (s == STEP_END) {
			b->ended = 1;
			return HTTP_BODY_END;
		}
	}
	return HTTP_BODY_MORE;
}

enum http_body_rc
http_body_next(struct http_body *b, const char *p, size_t len, size_t *used,
    size_t *run)
{
	*used = *run = 0;
	if (b->ended)
		return HTTP_BODY_END;
	if (b->framing == HTTP_CHUNKED)
		return next_chunked(b, p, len, used, run);
	if (b->framing == HTTP_LENGTH)
		return next_length(b, len, used, run);
	*used = *run = len;
	return len > 0 ? HTTP_BODY_DATA : HTTP_BODY_MORE;
}

int
http_body_eof(const struct http_body *b)
{
	return b->ended || b->framing == HTTP_UNTIL_CLOSE ||
	    (b->framing == HTTP_LENGTH && b->left == 0);
}

size_t
http_chunk_head(uint64_t n, char out[24])
{
	return (size_t)snprintf(out, 24, "%" PRIx64 "\r\n", n);
}
