/*
 * Clients' files of any bytes, read from storage of exactly their size: what
 * is found is inside it, and what is clean of that makes sound registries.
 * The input: which reader, the text.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/registry.h"
#include "common/regparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static regparse *const reader_tab[] = { regparse_npmrc, regparse_npm_code,
	regparse_pip_conf, regparse_pip_code, regparse_cargo_toml,
	regparse_cargo_json, regparse_cargo_code, regparse_go_env,
	regparse_go_code, regparse_apt_list, regparse_apt_sources,
	regparse_lines };

struct given {
	const char *text;
	size_t n;
	struct registries r;
};

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static void
on_url(const char *url, size_t len, int instead, void *arg)
{
	struct given *g = arg;
	char host[REGISTRY_HOST_LEN], again[REGISTRY_HOST_LEN];

	must(url >= g->text && len <= (size_t)(g->text + g->n - url));
	if (registry_clean(url, len, host) == -1)
		return;
	must(registry_clean(host, strlen(host), again) == 0);
	must(strcmp(host, again) == 0);
	registries_add(&g->r, (enum registry_eco)(len % REG_MAX), instead, host,
	    "file");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct given g;
	char *text;

	if (size == 0)
		return 0;
	must((text = malloc(size - 1)) != NULL || size == 1);
	if (size > 1)
		memcpy(text, data + 1, size - 1);
	g.text = text;
	g.n = size - 1;
	registries_init(&g.r);
	reader_tab[data[0] % (sizeof(reader_tab) / sizeof(reader_tab[0]))](text,
	    size - 1, on_url, &g);
	must(registries_check(&g.r) == 0);
	free(text);
	return 0;
}
