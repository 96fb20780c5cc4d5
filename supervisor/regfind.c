/*
 * Registries that clients use, see regfind.h.  Runs with a user's rights on
 * files that may be that user's; believes none of them more than it must: what
 * a session could have written is marked as the user's, and policyd leaves it
 * out unless the config says otherwise.
 */

#include "supervisor/regfind.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/regparse.h"

#define TEXT_MAX  (4 << 20) /* of a configuration or a source file */
#define CODE_MAX  (256 << 20) /* of a program */
#define FILES_MAX 64 /* of one pattern */

enum base {
	B_SYSTEM, /* below root */
	B_HOME,
	B_WORK,
	B_MAX
};

/* What a source is to the ecosystem. */
enum kind {
	K_CONF, /* says what is used: beside or instead of what is built in */
	K_CODE, /* what is built into the client */
	K_MAX
};

/* clang-format off */
#define NPM_CODE "npm/node_modules/@npmcli/config/lib/definitions/definitions.js"
#define NPM_OLD	 "npm/lib/utils/config/definitions.js"
#define PIP_CODE "pip/_internal/models/index.py"

static const struct source {
	enum registry_eco eco;
	enum kind kind;
	enum base base;
	const char *pattern; /* of glob(3) */
	regparse *parse;
	bool program;
} source_tab[] = {
	{ REG_NPM, K_CONF, B_SYSTEM, "/usr/etc/npmrc", regparse_npmrc, false },
	{ REG_NPM, K_CONF, B_SYSTEM, "/usr/local/etc/npmrc", regparse_npmrc, false },
	{ REG_NPM, K_CONF, B_SYSTEM, "/etc/npmrc", regparse_npmrc, false },
	{ REG_NPM, K_CONF, B_SYSTEM, "/usr/lib/node_modules/npm/npmrc", regparse_npmrc, false },
	{ REG_NPM, K_CONF, B_HOME, "/.npmrc", regparse_npmrc, false },
	{ REG_NPM, K_CONF, B_WORK, "/.npmrc", regparse_npmrc, false },
	{ REG_NPM, K_CODE, B_SYSTEM, "/usr/lib/node_modules/" NPM_CODE, regparse_npm_code, false },
	{ REG_NPM, K_CODE, B_SYSTEM, "/usr/local/lib/node_modules/" NPM_CODE, regparse_npm_code, false },
	{ REG_NPM, K_CODE, B_SYSTEM, "/usr/lib/node_modules/" NPM_OLD, regparse_npm_code, false },
	{ REG_NPM, K_CODE, B_SYSTEM, "/usr/local/lib/node_modules/" NPM_OLD, regparse_npm_code, false },
	{ REG_NPM, K_CODE, B_SYSTEM, "/usr/share/nodejs/@npmcli/config/lib/definitions/definitions.js", regparse_npm_code, false },
	{ REG_NPM, K_CODE, B_SYSTEM, "/usr/share/nodejs/" NPM_OLD, regparse_npm_code, false },
	{ REG_NPM, K_CODE, B_HOME, "/.nvm/versions/node/*/lib/node_modules/" NPM_CODE, regparse_npm_code, false },
	{ REG_PYPI, K_CONF, B_SYSTEM, "/etc/xdg/pip/pip.conf", regparse_pip_conf, false },
	{ REG_PYPI, K_CONF, B_SYSTEM, "/etc/pip.conf", regparse_pip_conf, false },
	{ REG_PYPI, K_CONF, B_HOME, "/.config/pip/pip.conf", regparse_pip_conf, false },
	{ REG_PYPI, K_CONF, B_HOME, "/.pip/pip.conf", regparse_pip_conf, false },
	{ REG_PYPI, K_CONF, B_WORK, "/.venv/pip.conf", regparse_pip_conf, false },
	{ REG_PYPI, K_CODE, B_SYSTEM, "/usr/lib/python3*/dist-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_PYPI, K_CODE, B_SYSTEM, "/usr/lib/python3*/site-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_PYPI, K_CODE, B_SYSTEM, "/usr/local/lib/python3*/dist-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_PYPI, K_CODE, B_SYSTEM, "/usr/local/lib/python3*/site-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_PYPI, K_CODE, B_HOME, "/.local/lib/python3*/site-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_PYPI, K_CODE, B_HOME, "/.pyenv/versions/*/lib/python3*/site-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_PYPI, K_CODE, B_WORK, "/.venv/lib/python3*/site-packages/" PIP_CODE, regparse_pip_code, false },
	{ REG_CARGO, K_CONF, B_SYSTEM, "/usr/local/cargo/config.toml", regparse_cargo_toml, false },
	{ REG_CARGO, K_CONF, B_HOME, "/.cargo/config.toml", regparse_cargo_toml, false },
	{ REG_CARGO, K_CONF, B_HOME, "/.cargo/config", regparse_cargo_toml, false },
	{ REG_CARGO, K_CONF, B_WORK, "/.cargo/config.toml", regparse_cargo_toml, false },
	{ REG_CARGO, K_CONF, B_WORK, "/.cargo/config", regparse_cargo_toml, false },
	{ REG_CARGO, K_CONF, B_SYSTEM, "/usr/local/cargo/registry/index/*/config.json", regparse_cargo_json, false },
	{ REG_CARGO, K_CONF, B_HOME, "/.cargo/registry/index/*/config.json", regparse_cargo_json, false },
	{ REG_CARGO, K_CODE, B_SYSTEM, "/usr/bin/cargo", regparse_cargo_code, true },
	{ REG_CARGO, K_CODE, B_SYSTEM, "/usr/local/rustup/toolchains/*/bin/cargo", regparse_cargo_code, true },
	{ REG_CARGO, K_CODE, B_HOME, "/.rustup/toolchains/*/bin/cargo", regparse_cargo_code, true },
	{ REG_GO, K_CONF, B_HOME, "/.config/go/env", regparse_go_env, false },
	{ REG_GO, K_CODE, B_SYSTEM, "/usr/local/go/go.env", regparse_go_env, false },
	{ REG_GO, K_CODE, B_SYSTEM, "/usr/lib/go*/go.env", regparse_go_env, false },
	{ REG_GO, K_CODE, B_SYSTEM, "/usr/lib/go-1.1[0-9]/bin/go", regparse_go_code, true },
	{ REG_GO, K_CODE, B_SYSTEM, "/usr/lib/go-1.20/bin/go", regparse_go_code, true },
	{ REG_DEBIAN, K_CONF, B_SYSTEM, "/etc/apt/sources.list", regparse_apt_list, false },
	{ REG_DEBIAN, K_CONF, B_SYSTEM, "/etc/apt/sources.list.d/*.list", regparse_apt_list, false },
	{ REG_DEBIAN, K_CONF, B_SYSTEM, "/etc/apt/sources.list.d/*.sources", regparse_apt_sources, false },
	{ REG_DEBIAN, K_CONF, B_SYSTEM, "/etc/apt/mirrors/*.list", regparse_lines, false },
};

static const struct {
	const char *name;
	enum registry_eco eco;
} env_tab[] = {
	{ "npm_config_registry", REG_NPM },
	{ "NPM_CONFIG_REGISTRY", REG_NPM },
	{ "PIP_INDEX_URL", REG_PYPI },
	{ "PIP_EXTRA_INDEX_URL", REG_PYPI },
	{ "GOPROXY", REG_GO },
};
/* clang-format on */

struct find {
	struct registries *out;
	const char *base[B_MAX];
	/* the system's configuration replaces what is built in */
	bool replaced[REG_MAX];
	/* of the file being read */
	enum registry_eco eco;
	int user;
	const char *from;
};

static void
on_url(const char *url, size_t len, int instead, void *arg)
{
	struct find *f = arg;
	char host[REGISTRY_HOST_LEN];

	if (registry_clean(url, len, host) == -1)
		return;
	registries_add(f->out, f->eco, f->user, host, f->from);
	if (instead && !f->user)
		f->replaced[f->eco] = true;
}

static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n > 1 && strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* Could who runs a session have written it? */
static int
is_users(const struct find *f, const char *path, const struct stat *st)
{
	char real[PATH_MAX];

	if (st->st_uid != 0 || (st->st_mode & (S_IWGRP | S_IWOTH)) != 0 ||
	    realpath(path, real) == NULL)
		return 1;
	return is_below(real, f->base[B_HOME]) ||
	    is_below(real, f->base[B_WORK]) ||
	    is_below(path, f->base[B_HOME]) || is_below(path, f->base[B_WORK]);
}

static void
read_file(struct find *f, const struct source *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	off_t max = s->program ? CODE_MAX : TEXT_MAX;
	struct stat st;
	void *p;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= max) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
		    0);
		if (p != MAP_FAILED) {
			f->eco = s->eco;
			f->user = s->base != B_SYSTEM || is_users(f, path, &st);
			f->from = path;
			s->parse(p, (size_t)st.st_size, on_url, f);
			(void)munmap(p, (size_t)st.st_size);
		}
	}
	close(fd);
}

static void
read_source(struct find *f, const struct source *s)
{
	char pattern[PATH_MAX];
	glob_t g;
	size_t i;

	if (s->base != B_SYSTEM && f->base[s->base][0] == '\0')
		return;
	if ((size_t)snprintf(pattern, sizeof(pattern), "%s%s", f->base[s->base],
		s->pattern) >= sizeof(pattern))
		return;
	if (strpbrk(f->base[s->base], "*?[\\") != NULL) {
		/* Not a directory to be matched by what is in its own name. */
		if (strpbrk(s->pattern, "*?[") == NULL)
			read_file(f, s, pattern);
		return;
	}
	if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
		return;
	for (i = 0; i < g.gl_pathc && i < FILES_MAX; i++)
		read_file(f, s, g.gl_pathv[i]);
	globfree(&g);
}

static void
read_env(struct find *f)
{
	char from[REGISTRY_FROM_LEN];
	const char *v;
	size_t i;

	for (i = 0; i < sizeof(env_tab) / sizeof(env_tab[0]); i++) {
		if ((v = getenv(env_tab[i].name)) == NULL)
			continue;
		snprintf(from, sizeof(from), "environment %s", env_tab[i].name);
		f->eco = env_tab[i].eco;
		f->user = 1;
		f->from = from;
		regparse_urls(v, strlen(v), 1, on_url, f);
	}
}

void
regfind(const char *root, const char *home, const char *workspace, int env,
    struct registries *out)
{
	struct find f = { .out = out, .base = { root, home, workspace } };
	const struct source *s,
	    *end = source_tab + sizeof(source_tab) / sizeof(source_tab[0]);

	registries_init(out);
	/* Configuration first: it says whether what is built in is used. */
	for (s = source_tab; s < end; s++)
		if (s->kind == K_CONF)
			read_source(&f, s);
	if (env)
		read_env(&f);
	for (s = source_tab; s < end; s++)
		if (s->kind == K_CODE && !f.replaced[s->eco])
			read_source(&f, s);
}
