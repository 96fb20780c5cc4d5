/*
 * The texts of a refusal: {{.Path}} and its like replaced in a rule's message.
 * The values come from a workload, so whatever could move a cursor or break a
 * line becomes '?'.  Runs in the tracer, the launcher's front door and
 * policyd's explain.
 */

#include <string.h>

#include "common/image.h"

struct out {
	char *buf;
	size_t size;
	size_t n;
};

static void
put(struct out *o, const char *s, size_t len)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < len && o->n + 1 < o->size; i++) {
		c = (unsigned char)s[i];
		o->buf[o->n++] = c < 0x20 || c == 0x7f ? '?' : s[i];
	}
}

static const char *
value(const struct image_msgvars *v, const char *name, size_t len)
{
	const struct {
		const char *name;
		const char *value;
	} tab[] = {
		{ "Path", v->path },
		{ "Operation", v->operation },
		{ "Command", v->command },
		{ "Args", v->args },
		{ "RemoteAddr", v->remote_addr },
		{ "Domain", v->domain },
		{ "Port", v->port },
		{ "Rule", v->rule },
	};
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++)
		if (strlen(tab[i].name) == len &&
		    memcmp(tab[i].name, name, len) == 0)
			return tab[i].value != NULL ? tab[i].value : "";
	return NULL;
}

/*
 * The variable that s opens with "{{", its length with the braces in *used, or
 * NULL when it is none of ours: then the text stands for itself.
 */
static const char *
variable(const struct image_msgvars *v, const char *s, size_t *used)
{
	const char *p = s + 2, *e, *end;

	end = strstr(p, "}}");
	if (end == NULL)
		return NULL;
	e = end;
	while (p < e && *p == ' ')
		p++;
	while (e > p && e[-1] == ' ')
		e--;
	if (p == e || *p != '.')
		return NULL;
	*used = (size_t)(end + 2 - s);
	return value(v, p + 1, (size_t)(e - p - 1));
}

void
image_message(const char *tmpl, const struct image_msgvars *v, char *buf,
    size_t size)
{
	struct out o = { buf, size, 0 };
	const char *s, *val;
	size_t used;

	if (size == 0)
		return;
	for (s = tmpl; *s != '\0'; s += used) {
		used = 1;
		val = NULL;
		if (s[0] == '{' && s[1] == '{')
			val = variable(v, s, &used);
		if (val != NULL) {
			put(&o, val, strlen(val));
			continue;
		}
		used = strcspn(s + 1, "{") + 1;
		put(&o, s, used);
	}
	buf[o.n] = '\0';
}
