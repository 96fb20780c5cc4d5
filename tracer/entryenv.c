/*
 * The environment filter of the front door.  Trusts nothing in the asker's
 * strings; names that the session sets itself are taken from nobody.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/entryenv.h"

#define SESSION_CNT 2 /* AGENTSH_SESSION_ID, AGENTSH_IN_SESSION */
#define OWN_CNT	    (SESSION_CNT + ENTRYENV_PROXY_CNT)

/* original-cli-api 5.1 */
static const struct {
	const char *name, *value; /* NULL: the proxy's URL */
} proxy_tab[ENTRYENV_PROXY_CNT] = {
	{ "HTTP_PROXY", NULL },
	{ "HTTPS_PROXY", NULL },
	{ "ALL_PROXY", NULL },
	{ "http_proxy", NULL },
	{ "https_proxy", NULL },
	{ "all_proxy", NULL },
	{ "NO_PROXY", "localhost,127.0.0.1" },
	{ "no_proxy", "localhost,127.0.0.1" },
};

struct env {
	char **v;
	size_t n, room, bytes;
};

/* The name's length, or 0 where it is no variable. */
static size_t
name_len(const char *s)
{
	const char *eq = strchr(s, '=');

	return eq == NULL ? 0 : (size_t)(eq - s);
}

static bool
same_name(const char *a, const char *b)
{
	size_t n = name_len(a);

	return n == name_len(b) && memcmp(a, b, n) == 0;
}

/* Set a variable, in place of one of its name. */
static void
env_set(struct env *e, char *s)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (same_name(e->v[i], s))
			break;
	if (i == e->n && e->n == e->room)
		return;
	e->v[i] = s;
	if (i == e->n)
		e->n++;
}

static unsigned int
count_inject(const struct image *im)
{
	unsigned int n = 0;

	while (image_env_inject(im, n) != NULL)
		n++;
	return n;
}

/* Keep what the policy lets through. */
static void
take_allowed(struct env *env, const struct image *im, uint32_t rule,
    const struct entry_args *e)
{
	uint32_t i;
	size_t n;

	for (i = 0; i < e->envc; i++) {
		n = name_len(e->envp[i]);
		if (n == 0 || !image_env_allowed(im, rule, e->envp[i], n))
			continue;
		env->v[env->n++] = e->envp[i];
		env->bytes += strlen(e->envp[i]) + 1;
	}
}

/* The session's proxy, under the names that the policy lets in. */
static void
set_proxy(struct env *env, const struct image *im, uint32_t rule, uint16_t port,
    char *store)
{
	char url[40];
	size_t i;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	for (i = 0; i < ENTRYENV_PROXY_CNT; i++, store += ENTRYENV_STRING) {
		if (!image_env_allowed(im, rule, proxy_tab[i].name,
			strlen(proxy_tab[i].name)))
			continue;
		snprintf(store, ENTRYENV_STRING, "%s=%s", proxy_tab[i].name,
		    proxy_tab[i].value != NULL ? proxy_tab[i].value : url);
		env_set(env, store);
	}
}

int
entryenv_filter(const struct image *im, uint32_t rule,
    const struct entry_args *e, const char *session, uint16_t proxy_port,
    char *store, char ***out,
    char *why, size_t size)
{
	unsigned int i, inject = count_inject(im);
	uint32_t keys, bytes;
	struct env env = { .room = e->envc + inject + OWN_CNT };

	env.v = calloc(env.room + 1, sizeof(*env.v));
	if (env.v == NULL)
		return ENOMEM;
	take_allowed(&env, im, rule, e);
	image_env_limits(im, rule, &keys, &bytes);
	if ((keys != 0 && env.n > keys) || (bytes != 0 && env.bytes > bytes)) {
		if (keys != 0 && env.n > keys)
			snprintf(why, size, "environment has %zu variables, "
			    "max_keys is %u", env.n, keys);
		else
			snprintf(why, size, "environment has %zu bytes, "
			    "max_bytes is %u", env.bytes, bytes);
		free(env.v);
		return E2BIG;
	}
	if (proxy_port != 0)
		set_proxy(&env, im, rule, proxy_port,
		    store + SESSION_CNT * ENTRYENV_STRING);
	for (i = 0; i < inject; i++)
		env_set(&env, (char *)(uintptr_t)image_env_inject(im, i));
	snprintf(store, ENTRYENV_STRING, "AGENTSH_SESSION_ID=%s", session);
	env_set(&env, store);
	strcpy(store + ENTRYENV_STRING, "AGENTSH_IN_SESSION=1");
	env_set(&env, store + ENTRYENV_STRING);
	env.v[env.n] = NULL;
	*out = env.v;
	return 0;
}
