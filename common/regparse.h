/*
 * Where package managers write which registry they use: their configuration
 * and, for what is built into them, their own code.  Text in, URLs out; pure.
 *
 * Not whole readers of these formats: each finds the few values that are URLs.
 * What is found is cleaned (registry_clean) before it means anything.
 */

#ifndef COMMON_REGPARSE_H
#define COMMON_REGPARSE_H

#include <stddef.h>

/*
 * A URL, or for GOSUMDB a name, not terminated.  instead: it is used in place
 * of what is built into the client; else beside it.
 */
typedef void regparse_fn(const char *url, size_t len, int instead, void *arg);

typedef void regparse(const char *text, size_t n, regparse_fn *fn, void *arg);

regparse regparse_npmrc; /* .npmrc: registry, @scope:registry */
regparse regparse_npm_code; /* npm's table of options */
regparse regparse_pip_conf; /* pip.conf: index-url, extra-index-url */
regparse regparse_pip_code; /* pip's models/index.py */
regparse regparse_cargo_toml; /* config.toml: registries and sources */
regparse regparse_cargo_json; /* an index's config.json: dl, api */
regparse regparse_cargo_code; /* the program itself */
regparse regparse_go_env; /* go.env, go/env: GOPROXY, GOSUMDB */
regparse regparse_go_code; /* the program itself */
regparse regparse_apt_list; /* sources.list: deb [..] URI ... */
regparse regparse_apt_sources; /* *.sources: URIs: ... */
regparse regparse_lines; /* a list of mirrors: a URL a line */

/* One value of GOPROXY, or of an environment variable with URLs. */
void regparse_urls(const char *s, size_t n, int instead, regparse_fn *fn,
    void *arg);

#endif
