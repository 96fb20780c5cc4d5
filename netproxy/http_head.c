/*
 * First lines of requests and responses, and what they and the fields say
 * together: the target, where the body ends, what becomes of the connection.
 * Runs in netproxy on a stranger's bytes.  Must never choose between two readings.
 */

#include <string.h>
#include <strings.h>

#include "netproxy/http_head.h"

static int
refuse(const char **why, int status, const char *text)
{
	*why = text;
	return status;
}

long
http_head_end(const char *p, size_t len, size_t *seen)
{
	size_t i, max = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;

	for (i = *seen; i < max; i++) {
		if (p[i] == '\0')
			return -1;
		if (i > 0 && p[i - 1] == '\r' && p[i] != '\n')
			return -1;
		if (p[i] != '\n')
			continue;
		if (i < 2 || p[i - 1] != '\r')
			return -1;
		if (i >= 3 && p[i - 2] == '\n')
			return (long)i + 1;
	}
	*seen = max;
	return max == HTTP_HEAD_MAX ? -1 : 0;
}

/* The word of the first line that ends at the next blank, which is skipped. */
static bool
take_word(const char **p, const char *end, struct http_str *w)
{
	const char *blank = memchr(*p, ' ', (size_t)(end - *p));

	if (blank == NULL)
		return false;
	w->p = *p;
	w->len = (size_t)(blank - *p);
	*p = blank + 1;
	return w->len > 0;
}

static bool
is_method(const struct http_str *m)
{
	size_t i;

	for (i = 0; i < m->len; i++)
		if (!((m->p[i] >= 'A' && m->p[i] <= 'Z') ||
		    (m->p[i] >= 'a' && m->p[i] <= 'z') ||
		    (m->p[i] >= '0' && m->p[i] <= '9') ||
		    memchr("!#$%&'*+-.^_`|~", m->p[i], 15) != NULL))
			return false;
	return m->len > 0 && m->len <= HTTP_METHOD_MAX;
}

static bool
str_equal(const struct http_str *a, const char *s)
{
	return strlen(s) == a->len && memcmp(a->p, s, a->len) == 0;
}

/* Visible ASCII and no fragment. */
static bool
is_path(const struct http_str *p)
{
	size_t i;

	for (i = 0; i < p->len; i++)
		if ((unsigned char)p->p[i] <= ' ' || p->p[i] == 0x7f ||
		    (unsigned char)p->p[i] >= 0x80 || p->p[i] == '#')
			return false;
	return p->len > 0;
}

static int
parse_version(struct http_str *v, unsigned int *minor, const char **why)
{
	if (v->len != 8 || memcmp(v->p, "HTTP/", 5) != 0 || v->p[6] != '.' ||
	    v->p[5] < '0' || v->p[5] > '9' || v->p[7] < '0' || v->p[7] > '9')
		return refuse(why, 400, "no HTTP version");
	if (v->p[5] != '1' || v->p[7] > '1')
		return refuse(why, 505, "an HTTP version other than 1.0 and 1.1");
	*minor = (unsigned int)(v->p[7] - '0');
	return 0;
}

static int
parse_authority_form(struct http_request *r, const struct http_str *t,
    const char **why)
{
	if (http_host_parse(&r->host, t->p, t->len) == -1 || r->host.port == 0)
		return refuse(why, 400, "CONNECT without a plain host:port");
	r->form = HTTP_FORM_AUTHORITY;
	r->path = *t;
	return 0;
}

/* http://host[:port][/path][?query] */
static int
parse_absolute_form(struct http_request *r, const struct http_str *t,
    const char **why)
{
	const char *p = t->p + 7, *end = t->p + t->len, *q;

	if (t->len < 8 || strncasecmp(t->p, "http://", 7) != 0)
		return refuse(why, 400, "a target that is not http://");
	for (q = p; q < end && *q != '/' && *q != '?'; q++)
		;
	if (http_host_parse(&r->host, p, (size_t)(q - p)) == -1)
		return refuse(why, 400, "a target without a plain host");
	if (r->host.port == 0)
		r->host.port = 80;
	r->form = HTTP_FORM_ABSOLUTE;
	r->has_host = true;
	r->path.p = q;
	r->path.len = (size_t)(end - q);
	if (r->path.len == 0) {
		r->path.p = str_equal(&r->method, "OPTIONS") ? "*" : "/";
		r->path.len = 1;
	}
	r->add_slash = r->path.p[0] == '?';
	return is_path(&r->path) ? 0 :
	    refuse(why, 400, "a target with other than visible ASCII");
}

static int
parse_origin_form(struct http_request *r, const struct http_str *t,
    const char **why)
{
	r->form = HTTP_FORM_ORIGIN;
	r->path = *t;
	if (str_equal(t, "*") && str_equal(&r->method, "OPTIONS"))
		r->form = HTTP_FORM_ASTERISK;
	else if (t->p[0] != '/')
		return refuse(why, 400, "a target that is no path");
	return is_path(&r->path) ? 0 :
	    refuse(why, 400, "a target with other than visible ASCII");
}

static int
parse_target(struct http_request *r, enum http_side side,
    const struct http_str *t, const char **why)
{
	if (str_equal(&r->method, "CONNECT"))
		return side == HTTP_TO_PROXY ? parse_authority_form(r, t, why) :
		    refuse(why, 400, "CONNECT to what is no proxy");
	if (http_str_is(&r->method, "CONNECT"))
		return refuse(why, 400, "CONNECT in small letters");
	if (side == HTTP_TO_PROXY || t->p[0] == 'h' || t->p[0] == 'H')
		return parse_absolute_form(r, t, why);
	return parse_origin_form(r, t, why);
}

/* METHOD SP TARGET SP VERSION, one blank each */
static int
parse_request_line(struct http_request *r, enum http_side side, const char *p,
    const char *eol, const char **why)
{
	struct http_str target, version;
	int rc;

	if (!take_word(&p, eol, &r->method) || !is_method(&r->method))
		return refuse(why, 400, "no method");
	if (!take_word(&p, eol, &target))
		return refuse(why, 400, "no target");
	version.p = p;
	version.len = (size_t)(eol - p);
	if ((rc = parse_version(&version, &r->minor, why)) != 0)
		return rc;
	return parse_target(r, side, &target, why);
}

/*
 * The target and Host agree.  A CONNECT's Host may leave out the port: some
 * clients take it from an https URL.
 */
static int
check_host(struct http_request *r, const char **why)
{
	const struct http_fields *f = &r->fields;
	struct http_host h;

	if (!f->has_host) {
		if (r->minor > 0)
			return refuse(why, 400, "no Host");
		return 0;
	}
	if (http_host_parse(&h, f->host.p, f->host.len) == -1)
		return refuse(why, 400, "Host is not one plain host");
	if (r->form == HTTP_FORM_ORIGIN || r->form == HTTP_FORM_ASTERISK) {
		r->host = h;
		r->has_host = true;
		return 0;
	}
	if (h.port == 0)
		h.port = r->form == HTTP_FORM_ABSOLUTE ? 80 : r->host.port;
	if (!http_host_equal(&h, &r->host) || h.port != r->host.port)
		return refuse(why, 400, "Host is not the target's");
	return 0;
}

static int
request_framing(struct http_request *r, const char **why)
{
	const struct http_fields *f = &r->fields;

	if (f->chunked && r->minor == 0)
		return refuse(why, 400, "Transfer-Encoding in HTTP/1.0");
	r->framing = f->chunked ? HTTP_CHUNKED :
	    f->length > 0 ? HTTP_LENGTH : HTTP_NO_BODY;
	r->length = f->length;
	if (r->framing != HTTP_NO_BODY && (r->form == HTTP_FORM_AUTHORITY ||
	    str_equal(&r->method, "TRACE")))
		return refuse(why, 400, "a body where there can be none");
	return 0;
}

int
http_request_parse(struct http_request *r, enum http_side side, const char *p,
    size_t len, const char **why)
{
	const char *eol = memchr(p, '\r', len);
	int rc;

	memset(r, 0, offsetof(struct http_request, fields));
	if (eol == NULL || (size_t)(eol - p) + 4 > len ||
	    memcmp(p + len - 4, "\r\n\r\n", 4) != 0)
		return refuse(why, 400, "not a head");
	if ((rc = parse_request_line(r, side, p, eol, why)) != 0)
		return rc;
	rc = http_fields_parse(&r->fields, eol + 2,
	    (size_t)(p + len - eol) - 4, why);
	if (rc != 0 || (rc = check_host(r, why)) != 0 ||
	    (rc = request_framing(r, why)) != 0)
		return rc;
	r->close = r->fields.close || r->minor == 0;
	r->upgrade = r->minor == 1 && r->fields.upgrade &&
	    r->fields.websocket && r->framing == HTTP_NO_BODY &&
	    str_equal(&r->method, "GET");
	return 0;
}

/* HTTP/1.x SP 3DIGIT [SP reason] */
static int
parse_status_line(struct http_response *r, const char *p, const char *eol,
    const char **why)
{
	struct http_str v = { p, 8 };
	size_t i, len = (size_t)(eol - p);

	if (len < 12 || p[8] != ' ' || (len > 12 && p[12] != ' ') ||
	    parse_version(&v, &r->minor, why) != 0)
		return refuse(why, -1, "no status line");
	for (i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return refuse(why, -1, "no status");
		r->status = r->status * 10 + (unsigned int)(p[i] - '0');
	}
	if (r->status < 100)
		return refuse(why, -1, "no status");
	r->reason.p = len > 13 ? p + 13 : "";
	r->reason.len = len > 13 ? len - 13 : 0;
	for (i = 0; i < r->reason.len; i++)
		if (((unsigned char)r->reason.p[i] < 0x20 &&
		    r->reason.p[i] != '\t') || r->reason.p[i] == 0x7f)
			return refuse(why, -1, "a control character");
	return 0;
}

static void
response_framing(struct http_response *r, bool head)
{
	const struct http_fields *f = &r->fields;

	r->length = f->length;
	if (head || r->status < 200 || r->status == 204 || r->status == 304)
		r->framing = HTTP_NO_BODY;
	else if (f->chunked)
		r->framing = HTTP_CHUNKED;
	else if (f->has_length)
		r->framing = f->length > 0 ? HTTP_LENGTH : HTTP_NO_BODY;
	else
		r->framing = HTTP_UNTIL_CLOSE;
	r->close = f->close || r->framing == HTTP_UNTIL_CLOSE ||
	    (r->minor == 0 && !f->keep_alive);
}

int
http_response_parse(struct http_response *r, bool head, const char *p,
    size_t len, const char **why)
{
	const char *eol = memchr(p, '\r', len);

	memset(r, 0, offsetof(struct http_response, fields));
	if (eol == NULL || (size_t)(eol - p) + 4 > len ||
	    memcmp(p + len - 4, "\r\n\r\n", 4) != 0)
		return refuse(why, -1, "not a head");
	if (parse_status_line(r, p, eol, why) != 0)
		return -1;
	if (http_fields_parse(&r->fields, eol + 2,
	    (size_t)(p + len - eol) - 4, why) != 0)
		return -1;
	if (r->fields.chunked && r->minor == 0)
		return refuse(why, -1, "Transfer-Encoding in HTTP/1.0");
	response_framing(r, head);
	return 0;
}
