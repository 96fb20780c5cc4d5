/*
 * Registries: URLs to hosts, clients' files to URLs, a machine's files to
 * registries.  Every host here is the test's own.
 */

#include <sys/stat.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/registry.h"
#include "common/regparse.h"
#include "supervisor/regfind.h"

static void
url_host_cleaned(void **state)
{
	static const struct {
		const char *url, *host;
	} tab[] = {
		{ "https://npm.registry.test/", "npm.registry.test" },
		{ "HTTPS://NPM.Registry.Test.", "npm.registry.test" },
		{ "http://user:secret@a.registry.test:4873/x",
		    "a.registry.test" },
		{ "sparse+https://i.registry.test/x/", "i.registry.test" },
		{ "mirror+http://m.registry.test/l", "m.registry.test" },
		{ "https://a.test,direct", "a.test" },
		{ "a.registry.test", "a.registry.test" },
		{ "http://10.0.0.5:80/", "10.0.0.5" },
		{ "http://localhost:4873/", "localhost" },
	};
	static const char *const no[] = { "", "https://", "https:///x",
		"https://*/", "https://*.test/", "https://[::1]/",
		"https://a..b/", "https://a b/\xff", "https://{a,b}.test/",
		"https://${HOST}/", "https://a%2e.test/", "https://.a/",
		"file:///x", "https://\xc3\xa4.test/" };
	char host[REGISTRY_HOST_LEN];
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(registry_clean(tab[i].url, strlen(tab[i].url),
				     host),
		    0);
		assert_string_equal(host, tab[i].host);
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (registry_clean(no[i], strlen(no[i]), host) == 0 &&
		    strcmp(host, "a") != 0)
			fail_msg("%s gives %s", no[i], host);
}

/* ---- files ---- */

static char got[4096];

static void
take(const char *url, size_t n, int instead, void *arg)
{
	size_t len = strlen(got);

	snprintf(got + len, sizeof(got) - len, "%s%.*s", instead ? "=" : "+",
	    (int)n, url);
}

static void
gives(regparse *fn, const char *text, const char *want)
{
	char *exact = malloc(strlen(text));

	got[0] = '\0';
	assert_non_null(exact);
	memcpy(exact, text, strlen(text)); /* no NUL to stop at */
	fn(exact, strlen(text), take, NULL);
	free(exact);
	assert_string_equal(got, want);
}

static void
npm_files_read(void **state)
{
	gives(regparse_npmrc,
	    "; c\nfund=false\nregistry=http://a.test/\n"
	    "registry2=http://no.test\n@us:registry = \"https://b.test/x\"\n"
	    "//a.test/:_authToken=x\nregistry=none\n#registry=http://c.test",
	    "=http://a.test/+https://b.test/x");
	gives(regparse_npm_code,
	    "x\n  registry: new Definition('registry', {\n"
	    "    default: 'https://npm.registry.test/',\n type: url,\n",
	    "+https://npm.registry.test/");
	gives(regparse_npm_code,
	    "define('registry', {\n  default: "
	    "`https://npm.registry.test/`,",
	    "+https://npm.registry.test/");
	gives(regparse_npm_code, "define('registry', {\n  default: null,\n})",
	    "");
	gives(regparse_npm_code, "define('registry', {", "");
	gives(regparse_npm_code, "", "");
}

static void
pip_files_read(void **state)
{
	gives(regparse_pip_conf,
	    "[global]\nindex-url = https://a.test/simple\n"
	    "extra-index-url =\n    https://b.test/s\n    http://c.test/s\n"
	    "timeout = 60\n    https://no.test\ncert = /x\n"
	    "find-links = /opt/wheels\n",
	    "=https://a.test/simple+https://b.test/s+http://c.test/s");
	gives(regparse_pip_code,
	    "class PackageIndex:\n  pass\n\n"
	    "PyPI = PackageIndex(\"https://pypi.registry.test/\", "
	    "file_storage_domain=\"files.registry.test\")\n"
	    "TestPyPI = PackageIndex(\n    \"https://no.test/\"\n)\n",
	    "+https://pypi.registry.test/+files.registry.test");
	gives(regparse_pip_code, "\nPyPI = PackageIndex(", "");
}

static void
cargo_files_read(void **state)
{
	gives(regparse_cargo_toml,
	    "[registries.us]\n"
	    "index = \"sparse+https://a.test/i/\"\ntoken = \"x\"\n",
	    "+sparse+https://a.test/i/");
	gives(regparse_cargo_toml,
	    "[source.crates-io]\nreplace-with = 'm'\n"
	    "[source.m]\nregistry = 'https://m.test/index'\n"
	    "[registry]\ndefault = \"us\"\n",
	    "=https://m.test/index");
	gives(regparse_cargo_toml,
	    "[registries]\n"
	    "us = { index = \"https://u.test/git\" }\n# index = \"https://n\"\n"
	    "[source.v]\ndirectory = \"vendor\"\n",
	    "+https://u.test/git");
	gives(regparse_cargo_json,
	    "{\"dl\":\"https://dl.test/crates\",\n"
	    "\"api\" : \"https://api.test\"}",
	    "+https://dl.test/crates+https://api.test");
	gives(regparse_cargo_code,
	    "sparse+https://\0"
	    "sparse+https://example/",
	    "");
	gives(regparse_cargo_code,
	    "xxsparse+https:// sparse+https://H/x "
	    "sparse+https://index.registry.test/cargoxx",
	    "+index.registry.test");
}

static void
go_files_read(void **state)
{
	gives(regparse_go_env,
	    "# c\nGOPROXY=https://a.test,direct\n"
	    "GOSUMDB=sum.test\nGOTOOLCHAIN=local\n",
	    "=https://a.test=sum.test");
	gives(regparse_go_env, "GOPROXY=off\nGOSUMDB=off\n", "");
	gives(regparse_go_env,
	    "GOPROXY=https://a.test/x|http://b.test\n"
	    "GOSUMDB=sum.test+key https://s.test\n",
	    "=https://a.test/x=http://b.test=https://s.test");
	gives(regparse_go_env, "GOSUMDB=sum.test+033de0ae", "=sum.test");
	gives(regparse_go_code, "https://doc.test/x,y https://p.test,direct",
	    "+p.test");
	gives(regparse_go_code, "https://", "");
}

static void
apt_files_read(void **state)
{
	gives(regparse_apt_list,
	    "# deb http://no.test/ x\n"
	    "deb http://a.test/debian bookworm main\n"
	    "deb-src [signed-by=/k arch=amd64] https://b.test/d x y\n"
	    "deb cdrom:[Debian]/ x\ndeb file:/x ./\n"
	    "  deb\tmirror+https://m.test/l x\ndebx http://no.test\ndeb [x\n",
	    "+http://a.test/debian+https://b.test/d+mirror+https://m.test/l");
	gives(regparse_apt_sources,
	    "Types: deb\n# URIs: http://no.test\n"
	    "URIs: http://a.test/d https://b.test/d\n http://c.test\n"
	    "Suites: x\n http://no.test\n\nEnabled: no\nURIs: http://no.test\n"
	    "\n\nuris: http://d.test",
	    "+http://a.test/d+https://b.test/d+http://c.test+http://d.test");
	gives(regparse_lines,
	    "https://a.test/debian\n# x\n\n"
	    "http://b.test/d\tpriority:1\nfile:/x\n",
	    "+https://a.test/debian+http://b.test/d");
}

/* ---- a machine ---- */

static char top[64];

static void
put(const char *path, const char *text, mode_t mode)
{
	char full[256], *p;
	FILE *fp;

	snprintf(full, sizeof(full), "%s%s", top, path);
	for (p = full + strlen(top) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*p = '/';
	}
	assert_non_null(fp = fopen(full, "w"));
	fputs(text, fp);
	fclose(fp);
	assert_int_equal(chmod(full, mode), 0);
}

/* "eco level host" of all that is found, each with ';'. */
static const char *
found(const char *home, const char *work)
{
	static char buf[4096];
	static struct registries r;
	char h[128], w[128];
	size_t n = 0;
	uint32_t i;

	snprintf(h, sizeof(h), "%s%s", top, home);
	snprintf(w, sizeof(w), "%s%s", top, work);
	regfind(top, home[0] ? h : "", work[0] ? w : "", 0, &r);
	assert_int_equal(registries_check(&r), 0);
	buf[0] = '\0';
	for (i = 0; i < r.n; i++)
		n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s %s %s;",
		    registry_eco_name[r.v[i].eco],
		    r.v[i].user ? "user" : "system", r.v[i].host);
	return buf;
}

static int
make_top(void **state)
{
	char real[64];

	snprintf(top, sizeof(top), "/tmp/regfind.XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(real, sizeof(real), "%s", top);
	return 0;
}

static int
remove_top(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", top);
	return system(cmd);
}

#define NPM_CODE_FILE                                                \
	"/usr/lib/node_modules/npm/node_modules/@npmcli/config/lib/" \
	"definitions/definitions.js"
#define NPM_CODE_TEXT \
	"define('registry', {default: 'https://npm.registry.test/'"

static void
machine_nothing_found(void **state)
{
	assert_string_equal(found("/home/u", "/w"), "");
	assert_string_equal(found("", ""), "");
}

static void
machine_builtin_found(void **state)
{
	const char *level = geteuid() == 0 ? "system" : "user";
	char want[128];

	put(NPM_CODE_FILE, NPM_CODE_TEXT, 0644);
	snprintf(want, sizeof(want), "npm %s npm.registry.test;", level);
	assert_string_equal(found("/home/u", "/w"), want);
	put(NPM_CODE_FILE, NPM_CODE_TEXT, 0664);
	assert_string_equal(found("/home/u", "/w"),
	    "npm user npm.registry.test;");
}

/* What a session may write is never the system's, whoever owns it. */
static void
machine_users_marked(void **state)
{
	put("/home/u/.npmrc", "registry=http://mine.registry.test/\n", 0644);
	put("/w/.npmrc", "@x:registry=http://work.registry.test/\n", 0644);
	assert_string_equal(found("/home/u", "/w"),
	    "npm user mine.registry.test;npm user work.registry.test;");
	/* A workspace that holds the system's files. */
	put("/etc/npmrc", "registry=http://sys.registry.test/\n", 0644);
	assert_non_null(
	    strstr(found("/home/u", "/etc"), "npm user sys.registry.test;"));
}

static void
machine_system_replaces_builtin(void **state)
{
	if (geteuid() != 0)
		skip();
	put(NPM_CODE_FILE, NPM_CODE_TEXT, 0644);
	put("/etc/npmrc", "registry=http://sys.registry.test/\n", 0644);
	put("/home/u/.npmrc", "registry=http://mine.registry.test/\n", 0644);
	assert_string_equal(found("/home/u", "/w"),
	    "npm system sys.registry.test;npm user mine.registry.test;");
	/* The user's does not: it does not count where it may not. */
	put("/etc/npmrc", "fund=false\n", 0644);
	assert_string_equal(found("/home/u", "/w"),
	    "npm user mine.registry.test;npm system npm.registry.test;");
}

static void
machine_odd_files_skipped(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/etc", top);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/npmrc", top);
	assert_int_equal(mkfifo(path, 0644), 0);
	put("/etc/pip.conf", "", 0644);
	assert_string_equal(found("/home/u", "/w"), "");
}

static void
struct_bad_refused(void **state)
{
	static struct registries good, r;

	registries_init(&good);
	registries_add(&good, REG_NPM, 0, "a.test", "/etc/x\ny");
	registries_add(&good, REG_NPM, 0, "a.test", "/again");
	registries_add(&good, REG_NPM, 1, "a.test", "/mine");
	assert_int_equal(good.n, 2);
	assert_string_equal(good.v[0].from, "/etc/x?y");
	assert_int_equal(registries_check(&good), 0);
#define REFUSED(change)                                     \
	do {                                                \
		r = good;                                   \
		change;                                     \
		assert_int_equal(registries_check(&r), -1); \
	} while (0)
	REFUSED(r.magic[0] = 'x');
	REFUSED(r.n = REGISTRY_HOSTS + 1);
	REFUSED(r.v[0].eco = REG_MAX);
	REFUSED(r.v[0].user = 2);
	REFUSED(r.v[0].host[0] = '\0');
	REFUSED(r.v[0].host[0] = '*');
	REFUSED(r.v[0].host[0] = '.');
	REFUSED(memset(r.v[0].host, 'a', sizeof(r.v[0].host)));
	REFUSED(memset(r.v[0].from, 'a', sizeof(r.v[0].from)));
	REFUSED(r.v[1].from[0] = '\n');
}

static void
struct_full_counts_dropped(void **state)
{
	static struct registries r;
	char host[32];
	int i;

	registries_init(&r);
	for (i = 0; i < REGISTRY_HOSTS + 5; i++) {
		snprintf(host, sizeof(host), "h%d.test", i);
		registries_add(&r, REG_GO, 0, host, "/x");
	}
	assert_int_equal(r.n, REGISTRY_HOSTS);
	assert_int_equal(r.dropped, 5);
}

#define MACHINE(f) cmocka_unit_test_setup_teardown(f, make_top, remove_top)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_host_cleaned),
		cmocka_unit_test(npm_files_read),
		cmocka_unit_test(pip_files_read),
		cmocka_unit_test(cargo_files_read),
		cmocka_unit_test(go_files_read),
		cmocka_unit_test(apt_files_read),
		MACHINE(machine_nothing_found),
		MACHINE(machine_builtin_found),
		MACHINE(machine_users_marked),
		MACHINE(machine_system_replaces_builtin),
		MACHINE(machine_odd_files_skipped),
		cmocka_unit_test(struct_bad_refused),
		cmocka_unit_test(struct_full_counts_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
