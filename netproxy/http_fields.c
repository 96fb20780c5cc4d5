/*
 * The fields of a head, and the few of them whose meaning decides where a message
 * ends and who it is for.  Runs in netproxy on a stranger's bytes.  Must never
 * let pass a field that another reader could take for one of those few.
 */

#include <string.h>
#include <strings.h>

#include "netproxy/http_head.h"

typedef int see_fn(struct http_fields *f, const struct http_str *value,
    const char **why);

static int
refuse(const char **why, int status, const char *text)
{
	*why = text;
	return status;
}

bool
http_str_is(const struct http_str *a, const char *s)
{
	return strlen(s) == a->len && strncasecmp(a->p, s, a->len) == 0;
}

/* The characters of a token, RFC 9110 5.6.2. */
static bool
is_tchar(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' &&
	    (c | 0x20) <= 'z') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) !=
	    NULL);
}

static bool
is_token(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_tchar((unsigned char)p[i]))
			return false;
	return len > 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Digits alone, and no leading zero that somebody might read as octal. */
static int
see_length(struct http_fields *f, const struct http_str *v, const char **why)
{
	size_t i;

	if (f->has_length)
		return refuse(why, 400, "more than one Content-Length");
	if (v->len == 0 || v->len > 18 || (v->p[0] == '0' && v->len > 1))
		return refuse(why, 400, "Content-Length is not a plain number");
	for (i = 0; i < v->len; i++) {
		if (v->p[i] < '0' || v->p[i] > '9')
			return refuse(why, 400,
			    "Content-Length is not a plain number");
		f->length = f->length * 10 + (uint64_t)(v->p[i] - '0');
	}
	f->has_length = true;
	return 0;
}

static int
see_coding(struct http_fields *f, const struct http_str *v, const char **why)
{
	if (f->chunked)
		return refuse(why, 400, "more than one Transfer-Encoding");
	if (!http_str_is(v, "chunked"))
		return refuse(why, 400,
		    "a Transfer-Encoding other than exactly chunked");
	f->chunked = true;
	return 0;
}

static int
see_host(struct http_fields *f, const struct http_str *v, const char **why)
{
	if (f->has_host)
		return refuse(why, 400, "more than one Host");
	f->has_host = true;
	f->host = *v;
	return 0;
}

/* What decides framing or addressee is nobody's to nominate. */
static const char *const unnominable[] = { "host", "content-length",
	"transfer-encoding", "connection", NULL };

static int
nominate(struct http_fields *f, const struct http_str *w, const char **why)
{
	const char *const *u;

	if (!is_token(w->p, w->len))
		return refuse(why, 400, "Connection is not a list of names");
	for (u = unnominable; *u != NULL; u++)
		if (http_str_is(w, *u))
			return refuse(why, 400,
			    "Connection names a field that it may not");
	if (f->nnominated == HTTP_NOMINATED_MAX)
		return refuse(why, 400, "Connection names too many fields");
	f->nominated[f->nnominated++] = *w;
	f->close |= http_str_is(w, "close");
	f->keep_alive |= http_str_is(w, "keep-alive");
	f->upgrade |= http_str_is(w, "upgrade");
	return 0;
}

static int
see_connection(struct http_fields *f, const struct http_str *v,
    const char **why)
{
	const char *p = v->p, *end = v->p + v->len, *comma;
	struct http_str w;
	int rc;

	for (; p < end; p = comma < end ? comma + 1 : end) {
		comma = memchr(p, ',', (size_t)(end - p));
		if (comma == NULL)
			comma = end;
		w.p = p;
		w.len = (size_t)(comma - p);
		while (w.len > 0 && is_blank(*w.p)) {
			w.p++;
			w.len--;
		}
		while (w.len > 0 && is_blank(w.p[w.len - 1]))
			w.len--;
		if (w.len > 0 && (rc = nominate(f, &w, why)) != 0)
			return rc;
	}
	return 0;
}

static int
see_upgrade(struct http_fields *f, const struct http_str *v, const char **why)
{
	f->websocket = http_str_is(v, "websocket");
	return 0;
}

static int
see_expect(struct http_fields *f, const struct http_str *v, const char **why)
{
	if (f->expect_continue || !http_str_is(v, "100-continue"))
		return refuse(why, 417, "an Expect other than 100-continue");
	f->expect_continue = true;
	return 0;
}

/* None of these is passed on as it stands; some say something here. */
static const struct {
	const char *name;
	see_fn *see;
} known_tab[] = {
	{ "connection", see_connection },
	{ "content-length", see_length },
	{ "expect", see_expect },
	{ "host", see_host },
	{ "http2-settings", NULL },
	{ "keep-alive", NULL },
	{ "te", NULL },
	{ "trailer", NULL },
	{ "transfer-encoding", see_coding },
	{ "upgrade", see_upgrade },
};

#define KNOWN (sizeof(known_tab) / sizeof(known_tab[0]))

/* Gateways' environments do not tell '_' from '-'. */
static bool
is_lookalike(const struct http_str *name)
{
	static const char *const tab[] = { "content_length", "transfer_encoding",
		NULL };
	const char *const *t;

	for (t = tab; *t != NULL; t++)
		if (http_str_is(name, *t))
			return true;
	return false;
}

static int
see_field(struct http_fields *f, struct http_field *field, const char **why)
{
	size_t i;

	if (field->name.len > 6 && strncasecmp(field->name.p, "proxy-", 6) == 0)
		field->drop = true;
	for (i = 0; i < KNOWN; i++) {
		if (!http_str_is(&field->name, known_tab[i].name))
			continue;
		field->drop = true;
		return known_tab[i].see != NULL ?
		    known_tab[i].see(f, &field->value, why) : 0;
	}
	if (is_lookalike(&field->name))
		return refuse(why, 400, "a field that looks like a length");
	return 0;
}

/* Any byte but controls other than the tab. */
static bool
is_value(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)p[i] < 0x20 && p[i] != '\t') ||
		    p[i] == 0x7f)
			return false;
	return true;
}

static int
parse_field(struct http_fields *f, const char *p, size_t len, const char **why)
{
	const char *colon = memchr(p, ':', len), *end = p + len;
	struct http_field *field;

	if (is_blank(*p))
		return refuse(why, 400, "a folded line");
	if (colon == NULL || !is_token(p, (size_t)(colon - p)))
		return refuse(why, 400, "a field without a proper name");
	if (f->n == HTTP_FIELDS_MAX)
		return refuse(why, 431, "too many fields");
	field = &f->f[f->n++];
	field->drop = false;
	field->name.p = p;
	field->name.len = (size_t)(colon - p);
	for (p = colon + 1; p < end && is_blank(*p); p++)
		;
	while (end > p && is_blank(end[-1]))
		end--;
	field->value.p = p;
	field->value.len = (size_t)(end - p);
	if (!is_value(p, field->value.len))
		return refuse(why, 400, "a control character in a field");
	return see_field(f, field, why);
}

int
http_fields_parse(struct http_fields *f, const char *p, size_t len,
    const char **why)
{
	const char *end = p + len, *eol;
	int rc;

	memset(f, 0, offsetof(struct http_fields, f));
	f->nnominated = 0;
	f->has_host = f->has_length = f->chunked = false;
	f->close = f->keep_alive = f->upgrade = false;
	f->websocket = f->expect_continue = false;
	f->length = 0;
	for (; p < end; p = eol + 2) {
		eol = memchr(p, '\r', (size_t)(end - p));
		if (eol == NULL || eol == p || eol + 1 == end || eol[1] != '\n')
			return refuse(why, 400, "a line that does not end in CRLF");
		if ((rc = parse_field(f, p, (size_t)(eol - p), why)) != 0)
			return rc;
	}
	if (f->chunked && f->has_length)
		return refuse(why, 400,
		    "Content-Length beside Transfer-Encoding");
	return 0;
}

bool
http_field_is_hop(const struct http_fields *f, const struct http_field *field)
{
	unsigned int i;

	if (field->drop)
		return true;
	for (i = 0; i < f->nnominated; i++)
		if (f->nominated[i].len == field->name.len &&
		    strncasecmp(f->nominated[i].p, field->name.p,
		    field->name.len) == 0)
			return true;
	return false;
}
