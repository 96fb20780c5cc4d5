/*
 * agentsh and agentshctl: options, words, durations, the HTTP client against
 * canned answers, the split of exec's words, PATH look-up, and the shapes of
 * the JSON that exec reports.
 */

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/ctl/api.h"
#include "supervisor/ctl/events.h"
#include "supervisor/ctl/exec.h"
#include "supervisor/ctl/home.h"
#include "supervisor/ctl/http.h"
#include "supervisor/ctl/opt.h"
#include "supervisor/ctl/out.h"
#include "supervisor/ctl/session.h"
#include "supervisor/ctl/words.h"

int ctl_fail(const struct ctl *c, const char *fmt, ...);

/* main.c has the real one; here it only must not be called unseen. */
static int failures;

int
ctl_fail(const struct ctl *c, const char *fmt, ...)
{
	failures++;
	return EXIT_FAIL;
}

bool
ctl_json(const struct ctl *c, const struct opts *o)
{
	return true;
}

static const struct opt test_opts[] = {
	{ "json", 0, OPT_FLAG, NULL, NULL, "" },
	{ "define", 'D', OPT_LIST, "name=value", NULL, "" },
	{ "limit", 'n', OPT_UINT, "number", "TEST_CTL_LIMIT", "" },
	{ "timeout", 0, OPT_DURATION, "duration", NULL, "" },
	{ "output", 'o', OPT_CHOICE, "text|json", NULL, "" },
	{ .kind = OPT_END },
};

/* Literals where a char * is wanted; nobody writes to them. */
#define U(s) ((char *)(uintptr_t)(s))
#define WORDS(...)                                                  \
	(char **)(uintptr_t)(const char *[]) { __VA_ARGS__, NULL }, \
	    (int)(sizeof((const char *[]) { __VA_ARGS__ }) / sizeof(char *))

static int
parse(struct opts *o, char **argv, int argc)
{
	return opts_parse(o, test_opts, NULL, argc, argv, OPTS_ALL);
}

static void
opts_mixed_are_all_taken(void **state)
{
	struct opts o;

	assert_int_equal(parse(&o,
			     WORDS("a", "--json", "-DX=1", "-D", "Y=2", "b",
				 "--limit=7", "--timeout", "1m30s", "-ojson",
				 "--", "--json", "-x")),
	    0);
	assert_true(opts_flag(&o, "json"));
	assert_int_equal(opts_get(&o, "define")->cnt, 2);
	assert_string_equal(opts_get(&o, "define")->list[0], "X=1");
	assert_string_equal(opts_get(&o, "define")->list[1], "Y=2");
	assert_int_equal(opts_get(&o, "limit")->num, 7);
	assert_int_equal(opts_get(&o, "timeout")->num, 90000000000ull);
	assert_string_equal(opts_str(&o, "output", ""), "json");
	assert_int_equal(o.npos, 4);
	assert_int_equal(o.dash, 2);
	assert_string_equal(o.pos[2], "--json");
	assert_string_equal(o.pos[3], "-x");
	opts_clear(&o);
}

static void
opts_wrong_say_what(void **state)
{
	static const struct {
		const char *word[2];
		const char *error;
	} tab[] = {
		{ { "--jsn" }, "unknown flag: --jsn (did you mean --json?)" },
		{ { "--zzzzzzzz" }, "unknown flag: --zzzzzzzz" },
		{ { "-q" }, "unknown shorthand flag: 'q' in -q" },
		{ { "--limit" }, "flag needs an argument: --limit" },
		{ { "--limit", "x" },
		    "invalid value \"x\" for --limit: expected a number" },
		{ { "--limit", "-1" },
		    "invalid value \"-1\" for --limit: expected a number" },
		{ { "--timeout", "5" },
		    "invalid value \"5\" for --timeout: expected a duration "
		    "such as 30s or 1h30m" },
		{ { "-o", "xml" },
		    "invalid value \"xml\" for --output: expected text|json" },
		{ { "--json=7" },
		    "invalid value \"7\" for --json: expected true|false" },
	};
	struct opts o;
	size_t i;

	for (i = 0; i < sizeof(tab) / sizeof(tab[0]); i++) {
		assert_int_equal(parse(&o, (char **)(uintptr_t)tab[i].word,
				     tab[i].word[1] ? 2 : 1),
		    -1);
		assert_string_equal(o.error, tab[i].error);
		opts_clear(&o);
	}
}

static void
opts_environment_is_default(void **state)
{
	struct opts o;

	setenv("TEST_CTL_LIMIT", "12", 1);
	assert_int_equal(parse(&o, WORDS("x")), 0);
	assert_int_equal(opts_get(&o, "limit")->num, 12);
	opts_clear(&o);
	assert_int_equal(parse(&o, WORDS("-n", "3")), 0);
	assert_int_equal(opts_get(&o, "limit")->num, 3);
	opts_clear(&o);
	setenv("TEST_CTL_LIMIT", "many", 1);
	assert_int_equal(parse(&o, WORDS("x")), -1);
	assert_non_null(strstr(o.error, "TEST_CTL_LIMIT"));
	opts_clear(&o);
	unsetenv("TEST_CTL_LIMIT");
}

static void
opts_too_many_repetitions_are_refused(void **state)
{
	char *argv[OPT_LIST_MAX + 2];
	struct opts o;
	int i;

	for (i = 0; i < OPT_LIST_MAX + 1; i++)
		argv[i] = U("-DA=1");
	argv[i] = NULL;
	assert_int_equal(parse(&o, argv, OPT_LIST_MAX), 0);
	opts_clear(&o);
	assert_int_equal(parse(&o, argv, OPT_LIST_MAX + 1), -1);
	opts_clear(&o);
}

static void
durations_parse_or_do_not(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "250ms", 250000000ull },
		{ "1h30m", 5400000000000ull },
		{ "7d", 604800000000000ull },
		{ "1m1s1ms1us1ns", 61001001001ull },
	};
	static const char *const bad[] = { "", "5", "s", "1x", "1s ", "-1s",
		"1.5s", "99999999999999999999s", "999999999d" };
	uint64_t ns;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(dur_parse(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(dur_parse(bad[i], &ns), -1);
}

static const char *const word_tab[] = { "exec", "session", "session", "events",
	"policy", "version", NULL };

static void
words_are_found_and_guessed(void **state)
{
	assert_int_equal(words_find(words_array, word_tab, "policy", 0), 4);
	assert_int_equal(words_find(words_array, word_tab, "pol", 0),
	    WORDS_NONE);
	assert_int_equal(words_find(words_array, word_tab, "pol", 1), 4);
	assert_int_equal(words_find(words_array, word_tab, "ses", 1), 1);
	assert_int_equal(words_find(words_array, word_tab, "e", 1),
	    WORDS_AMBIGUOUS);
	assert_int_equal(words_find(words_array, word_tab, "", 1), WORDS_NONE);
	assert_string_equal(words_nearest(words_array, word_tab, "sesion"),
	    "session");
	assert_string_equal(words_nearest(words_array, word_tab, "exce"),
	    "exec");
	assert_null(words_nearest(words_array, word_tab, "banana"));
	assert_null(words_nearest(words_array, word_tab, ""));
}

/* ---- http ---- */

static int
head(struct http_head *h, const char *text)
{
	return http_head_parse(h, text, strlen(text));
}

static void
http_head_good_is_understood(void **state)
{
	struct http_head h;

	assert_int_equal(head(&h,
			     "HTTP/1.1 404 Not Found\r\n"
			     "Content-Type: application/json\r\n"
			     "content-length:  12 \r\n\r\n"),
	    0);
	assert_int_equal(h.status, 404);
	assert_string_equal(h.reason, "Not Found");
	assert_string_equal(h.type, "application/json");
	assert_int_equal(h.framing, HTTP_LENGTH);
	assert_int_equal(h.length, 12);
	assert_int_equal(head(&h, "HTTP/1.1 204 No Content\r\n\r\n"), 0);
	assert_int_equal(h.framing, HTTP_NO_BODY);
	assert_int_equal(head(&h,
			     "HTTP/1.1 200\r\nTransfer-Encoding: "
			     "Chunked\r\n\r\n"),
	    0);
	assert_int_equal(h.framing, HTTP_CHUNKED);
}

static void
http_head_with_two_readings_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\r\n",
		"HTTP/1.1 200 OK\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 20x OK\r\n\r\n",
		"HTTP/1.1 200 OK\n\n",
		"HTTP/1.1 200 OK\r\nA: b\n\r\n",
		"HTTP/1.1 200 OK\r\nA\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: "
		"1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: "
		"99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nrest",
	};
	struct http_head h;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (head(&h, bad[i]) != -1)
			fail_msg("accepted: %s", bad[i]);
}

/* A client whose server has already said text, and closed. */
static void
answer(struct http *h, const char *text, size_t len)
{
	char request[512];
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(write(sv[1], text, len), (ssize_t)len);
	assert_int_equal(shutdown(sv[1], SHUT_WR), 0);
	http_attach(h, sv[0]);
	assert_int_equal(http_ask(h, "GET", "/x", "", NULL, 0), 0);
	assert_true(read(sv[1], request, sizeof(request)) > 0);
	assert_memory_equal(request, "GET /x HTTP/1.1\r\nHost: ", 23);
	close(sv[1]);
}

static void
http_bodies_are_read_to_their_end(void **state)
{
	static const char *const good[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\n"
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	};
	struct http h;
	char *body;
	size_t i, len;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		answer(&h, good[i], strlen(good[i]));
		body = http_body(&h, &len);
		assert_non_null(body);
		assert_int_equal(len, 5);
		assert_string_equal(body, "hello");
		free(body);
		http_close(&h);
	}
}

static void
http_bodies_cut_short_are_refused(void **state)
{
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"x\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"fffffffff\r\nhello\r\n0\r\n\r\n",
	};
	struct http h;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		answer(&h, bad[i], strlen(bad[i]));
		assert_null(http_body(&h, &len));
		assert_int_equal(errno, EPROTO);
		/* Nothing more may be asked where the end is not known. */
		assert_int_equal(http_ask(&h, "GET", "/", "", NULL, 0), -1);
		http_close(&h);
	}
}

static void
http_large_body_crosses_the_buffer(void **state)
{
	static const char top[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n";
	static char text[sizeof(top) + 60000];
	struct http h;
	char *body;
	size_t len;

	memset(text, 'x', sizeof(text));
	memcpy(text, top, sizeof(top) - 1);
	answer(&h, text, sizeof(top) - 1 + 60000);
	body = http_body(&h, &len);
	assert_non_null(body);
	assert_int_equal(len, 60000);
	assert_int_equal(strspn(body, "x"), 60000);
	free(body);
	http_close(&h);
}

static void
targets_are_escaped(void **state)
{
	char buf[64] = "/a", small[12] = "/a";

	assert_int_equal(api_segment(buf, sizeof(buf), "x/../y"), 0);
	assert_int_equal(api_param(buf, sizeof(buf), "k", "a b&%"), 0);
	assert_int_equal(api_param(buf, sizeof(buf), "l", "\xff"), 0);
	assert_string_equal(buf, "/a/x%2F..%2Fy?k=a%20b%26%25&l=%FF");
	assert_int_equal(api_segment(small, sizeof(small), "longer name"), -1);
}

static size_t lines;

static void
count_line(void *arg, const char *data, size_t len)
{
	assert_int_equal(len, 7);
	assert_memory_equal(data, "{\"a\":1}", 7);
	lines++;
}

static void
events_stream_is_cut_into_lines(void **state)
{
	static const char text[] = "event: ready\n\ndata: {\"a\":1}\n\n"
				   "data: {\"a\":1}\r\n\r\n";
	struct events_lines *l = calloc(1, sizeof(*l));
	char *big = malloc(EVENTS_LINE_MAX + 1);
	size_t i;

	assert_non_null(l);
	assert_non_null(big);
	lines = 0;
	for (i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(events_feed(l, text + i, 1, count_line, NULL),
		    0);
	assert_int_equal(lines, 2);
	assert_int_equal(events_feed(l, text, sizeof(text) - 1, count_line,
			     NULL),
	    0);
	assert_int_equal(lines, 4);
	memset(big, 'x', EVENTS_LINE_MAX + 1);
	assert_int_equal(events_feed(l, big, EVENTS_LINE_MAX + 1, count_line,
			     NULL),
	    -1);
	free(big);
	free(l);
}

static void
texts_of_strangers_are_made_harmless(void **state)
{
	char buf[32];

	out_safe(buf, sizeof(buf), "a\033[31mb\x7f\n");
	assert_string_equal(buf, "a?[31mb??");
	out_safe(buf, sizeof(buf),
	    "\xc2\x9b"
	    "1m \xc3\xa9 \x9b");
	assert_string_equal(buf, "??1m \xc3\xa9 ?");
}

static void
tables_are_aligned(void **state)
{
	char text[128] = "";
	struct table t;
	FILE *fp = fmemopen(text, sizeof(text), "w");

	assert_non_null(fp);
	table_init(&t, 3);
	assert_non_null(table_add(&t, (const char *[]) { "A", "BBBB", "C" }));
	assert_non_null(table_add(&t,
	    (const char *[]) { "\xc3\xa9\xc3\xa9", NULL, "x\ny" }));
	table_print(&t, fp, false);
	fclose(fp);
	table_clear(&t);
	assert_string_equal(text, "A   BBBB  C\n\xc3\xa9\xc3\xa9        x?y\n");
}

/* ---- exec ---- */

static void
split(struct exec_words *w, struct opts *o, const char *env, char **argv,
    int argc)
{
	assert_int_equal(opts_parse(o, exec_opts, NULL, argc, argv, 1), 0);
	exec_words_split(o, env, w);
}

static void
exec_words_name_session_and_command(void **state)
{
	struct exec_words w;
	struct opts o;

	split(&w, &o, NULL, WORDS("--", "ls", "-l"));
	assert_null(w.session);
	assert_int_equal(w.cnt, 2);
	assert_string_equal(w.command[0], "ls");
	opts_clear(&o);

	split(&w, &o, NULL, WORDS("s1", "--timeout", "1s", "--", "ls", "--x"));
	assert_string_equal(w.session, "s1");
	assert_int_equal(w.cnt, 2);
	opts_clear(&o);

	/* Without "--" the command begins at the second word. */
	split(&w, &o, NULL, WORDS("s1", "ls", "--all", "--", "x"));
	assert_string_equal(w.session, "s1");
	assert_int_equal(w.cnt, 4);
	assert_string_equal(w.command[1], "--all");
	opts_clear(&o);

	/* The environment's session wins; its name is skipped. */
	split(&w, &o, "s2", WORDS("s2", "ls"));
	assert_string_equal(w.session, "s2");
	assert_int_equal(w.cnt, 1);
	opts_clear(&o);
	split(&w, &o, "s2", WORDS("s1", "--", "ls"));
	assert_string_equal(w.session, "s2");
	assert_int_equal(w.cnt, 1);
	opts_clear(&o);
	split(&w, &o, "s2", WORDS("ls"));
	assert_string_equal(w.session, "s2");
	assert_string_equal(w.command[0], "ls");
	opts_clear(&o);

	split(&w, &o, NULL, WORDS("s1"));
	assert_int_equal(w.cnt, 0);
	opts_clear(&o);
}

static int
request(struct exec_req *q, char **argv, int argc)
{
	struct exec_words w;
	struct opts o;
	int code;

	split(&w, &o, NULL, argv, argc);
	code = exec_req_parse(NULL, &o, q, w.command, w.cnt);
	opts_clear(&o);
	return code;
}

static void
exec_json_request_is_read(void **state)
{
	struct exec_req q;
	int before = failures;

	assert_int_equal(request(&q,
			     WORDS("--json",
				 "{\"command\":\"/bin/echo\",\"args\":[\"a\","
				 "\"b c\"],\"env\":{\"TEST_X\":\"1\"},"
				 "\"timeout\":\"2s\",\"stdin\":\"in\","
				 "\"working_dir\":\"sub\",\"unknown\":1}")),
	    0);
	assert_string_equal(q.command, "/bin/echo");
	assert_string_equal(q.argv[0], "/bin/echo");
	assert_string_equal(q.argv[2], "b c");
	assert_null(q.argv[3]);
	assert_int_equal(q.timeout_ns, 2000000000ull);
	assert_int_equal(q.in_len, 2);
	assert_string_equal(q.dir, "sub");
	assert_string_equal(q.events, "none");
	assert_true(q.waited);
	assert_false(q.want_json);
	exec_req_clear(&q);
	assert_int_equal(failures, before);
}

static void
exec_json_request_wrong_is_refused(void **state)
{
	static const char *const bad[] = { "", "[]", "{", "{}",
		"{\"command\":1}", "{\"command\":\"\"}",
		"{\"command\":\"x\",\"args\":{}}",
		"{\"command\":\"x\",\"args\":[1]}",
		"{\"command\":\"x\",\"env\":[]}",
		"{\"command\":\"x\",\"env\":{\"A=B\":\"c\"}}",
		"{\"command\":\"x\",\"env\":{\"A\":1}}",
		"{\"command\":\"x\",\"stdin\":1}",
		"{\"command\":\"x\",\"include_events\":\"some\"}" };
	struct exec_req q;
	size_t i;
	int before;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		before = failures;
		if (request(&q, WORDS("--json", bad[i])) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_true(failures > before);
		exec_req_clear(&q);
	}
}

static void
exec_plain_command_is_not_waited_for(void **state)
{
	struct exec_req q;

	assert_int_equal(request(&q, WORDS("--", "true")), 0);
	assert_false(q.waited);
	exec_req_clear(&q);
	assert_int_equal(request(&q, WORDS("--timeout", "1s", "--", "true")),
	    0);
	assert_true(q.waited);
	exec_req_clear(&q);
	assert_int_equal(request(&q, WORDS("-o", "json", "--", "true")), 0);
	assert_true(q.waited && q.want_json);
	assert_string_equal(q.events, "summary");
	exec_req_clear(&q);
}

static void
make_file(const char *dir, const char *name, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int
lookup(const char *command, const char *path, char *found, size_t size)
{
	struct exec_req q = { .command = (char *)(uintptr_t)command };
	int code;

	q.envp = calloc(1, sizeof(*q.envp));
	assert_non_null(q.envp);
	assert_int_equal(exec_req_setenv(&q, "PATH", path), 0);
	code = exec_req_lookup(&q);
	snprintf(found, size, "%s", q.program ? q.program : "");
	q.command = NULL;
	exec_req_clear(&q);
	return code;
}

static void
lookup_follows_path(void **state)
{
	char dir[] = "/tmp/test_ctl.XXXXXX", path[256], found[256];
	char want[256], file[256];

	assert_non_null(mkdtemp(dir));
	make_file(dir, "prog", 0755);
	make_file(dir, "data", 0644);
	snprintf(path, sizeof(path), "/nonexistent:%s", dir);
	snprintf(want, sizeof(want), "%s/prog", dir);
	assert_int_equal(lookup("prog", path, found, sizeof(found)), 0);
	assert_string_equal(found, want);
	assert_int_equal(lookup("data", path, found, sizeof(found)), 126);
	assert_int_equal(lookup("none", path, found, sizeof(found)), 127);
	assert_int_equal(lookup("", path, found, sizeof(found)), 127);
	assert_int_equal(lookup(dir, path, found, sizeof(found)), 126);
	assert_int_equal(lookup(want, "/x", found, sizeof(found)), 0);
	assert_int_equal(lookup("./none", path, found, sizeof(found)), 127);
	unlink(want);
	snprintf(file, sizeof(file), "%s/data", dir);
	unlink(file);
	rmdir(dir);
}

static const char sample[] =
    "[{\"type\":\"session_created\",\"session_id\":\"s\"},"
    "{\"type\":\"command_policy\",\"command_id\":\"cmd-1\",\"pid\":41},"
    "{\"type\":\"command_policy\",\"command_id\":\"cmd-2\",\"pid\":42,"
    "\"policy\":{\"decision\":\"allow\",\"effective_decision\":\"allow\"}},"
    "{\"type\":\"file_open\",\"command_id\":\"cmd-2\",\"pid\":43,"
    "\"path\":\"/etc/x\",\"policy\":{\"decision\":\"deny\","
    "\"effective_decision\":\"deny\",\"rule\":\"default\"}},"
    "{\"type\":\"file_open\",\"command_id\":\"cmd-2\",\"pid\":43,"
    "\"fields\":{\"rule_line\":7},"
    "\"path\":\"/etc/shadow\",\"operation\":\"read\",\"policy\":{"
    "\"decision\":\"deny\",\"effective_decision\":\"deny\",\"rule\":\"R\"}},"
    "{\"type\":\"net_connect\",\"command_id\":\"cmd-2\",\"pid\":43},"
    "{\"type\":\"file_open\",\"command_id\":\"cmd-1\",\"pid\":41}]";

static void
own_events_are_those_of_the_command(void **state)
{
	json_t *all = json_loads(sample, 0, NULL), *own;

	own = exec_own_events(all, 42);
	assert_int_equal(json_array_size(own), 4);
	assert_false(exec_events_complete(own));
	json_decref(own);
	own = exec_own_events(all, 99);
	assert_int_equal(json_array_size(own), 0);
	json_decref(own);
	json_decref(all);
}

static json_t *
respond(const struct exec_end *e, const char *kind, int pid)
{
	struct exec_req q = { .command = U("cat"), .events = kind };
	json_t *all = json_loads(sample, 0, NULL);
	json_t *own = exec_own_events(all, pid), *j;

	q.echo = json_pack("{s:s}", "command", "cat");
	j = exec_response(&q, e, "s", own);
	json_decref(q.echo);
	json_decref(own);
	json_decref(all);
	assert_non_null(j);
	return j;
}

static void
expect_json(const json_t *j, const char *key, const char *want)
{
	char *s = json_dumps(json_object_get(j, key),
	    JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(s);
	assert_string_equal(s, want);
	free(s);
}

static void
response_of_success_has_the_shape(void **state)
{
	struct exec_end e = { .entered = true, .start_ns = 1000000001ull };
	json_t *j;

	e.duration_ns = 12345678;
	e.out.buf = U("h\xc3\xa9\xff\n");
	e.out.len = 5;
	e.out.total = 5;
	e.usage.ru_maxrss = 100;
	j = respond(&e, "summary", 99);
	expect_json(j, "session_id", "\"s\"");
	expect_json(j, "timestamp", "\"1970-01-01T00:00:01.000000001Z\"");
	expect_json(j, "request", "{\"command\":\"cat\"}");
	expect_json(j, "result",
	    "{\"exit_code\":0,\"stdout\":\"h\xc3\xa9\xef\xbf\xbd\\n\","
	    "\"stdout_total_bytes\":5,\"duration_ms\":12}");
	expect_json(j, "events",
	    "{\"file_operations\":[],\"network_operations\":[],"
	    "\"blocked_operations\":[],\"truncated\":true}");
	expect_json(j, "resources", "{\"memory_peak_kb\":100}");
	expect_json(j, "guidance", "{\"status\":\"ok\"}");
	json_decref(j);
}

static void
response_counts_and_shows_events(void **state)
{
	struct exec_end e = { .entered = true, .exit_code = 1 };
	const json_t *ev;
	json_t *j = respond(&e, "all", 42);

	expect_json(j, "command_id", "\"cmd-2\"");
	ev = json_object_get(j, "events");
	assert_int_equal(json_array_size(
			     json_object_get(ev, "file_operations")),
	    2);
	assert_int_equal(json_array_size(json_object_get(ev, "other")), 1);
	expect_json(ev, "blocked_operations_count", "2");
	expect_json(ev, "network_operations_count", "1");
	assert_null(json_object_get(ev, "truncated"));
	expect_json(json_object_get(j, "guidance"), "policy_rule", "\"R\"");
	expect_json(json_object_get(j, "guidance"), "blocked_target",
	    "\"/etc/shadow\"");
	json_decref(j);

	j = respond(&e, "none", 42);
	ev = json_object_get(j, "events");
	expect_json(ev, "blocked_operations", "[]");
	expect_json(ev, "other_count", "1");
	assert_null(json_object_get(ev, "other"));
	json_decref(j);

	j = respond(&e, "blocked", 42);
	ev = json_object_get(j, "events");
	expect_json(ev, "file_operations", "[]");
	assert_int_equal(json_array_size(
			     json_object_get(ev, "blocked_operations")),
	    2);
	json_decref(j);
}

static void
response_of_refusal_and_timeout_say_why(void **state)
{
	struct exec_end e = { .exit_code = 126 };
	const json_t *res;
	json_t *j;

	e.why.end = ENTER_REFUSED;
	strcpy(e.why.rule, "block-x");
	j = respond(&e, "summary", 99);
	res = json_object_get(json_object_get(j, "result"), "error");
	expect_json(res, "code", "\"E_POLICY_DENIED\"");
	expect_json(res, "policy_rule", "\"block-x\"");
	expect_json(json_object_get(j, "guidance"), "status", "\"blocked\"");
	assert_null(json_object_get(j, "resources"));
	json_decref(j);

	memset(&e, 0, sizeof(e));
	e.entered = e.timed_out = true;
	e.exit_code = 124;
	j = respond(&e, "summary", 99);
	res = json_object_get(j, "result");
	expect_json(res, "stdout_truncated", "true");
	expect_json(res, "stderr_truncated", "true");
	expect_json(json_object_get(res, "error"), "message",
	    "\"command timed out\"");
	expect_json(json_object_get(j, "guidance"), "reason",
	    "\"command timed out\"");
	json_decref(j);
}

static void
session_request_has_real_workspace(void **state)
{
	json_t *j = session_request("x", "/usr/../usr/bin/..", NULL);

	assert_non_null(j);
	expect_json(j, "workspace", "\"/usr\"");
	expect_json(j, "id", "\"x\"");
	assert_null(json_object_get(j, "policy"));
	json_decref(j);
	assert_null(session_request(NULL, "/nonexistent/dir", NULL));
}

/* Nobody listens: the command must not run, in place or waited for. */
static void
enter_without_daemon_does_not_run(void **state)
{
	struct enter_request eq = {
		.socket = "/nonexistent/entry.sock",
		.session = "s",
		.program = "/bin/true",
		.argv = (char *const[]) { U("true"), NULL },
		.envp = (char *const[]) { NULL },
	};
	struct exec_req q = { .command = U("true"), .want_json = true };
	struct enter_result r;
	struct exec_end e;

	enter(&eq, &r);
	assert_int_equal(r.end, ENTER_UNREACHABLE);
	assert_int_equal(r.error, ENOENT);
	assert_int_equal(r.exit_code, 1);
	assert_int_equal(exec_wait(&q, &eq, &e), 0);
	assert_false(e.entered);
	assert_int_equal(e.exit_code, 1);
	assert_int_equal(e.why.end, ENTER_UNREACHABLE);
	exec_end_clear(&e);
}

/* Root is in /etc/passwd; whoever is not there is asked for, and not found. */
static void
home_is_that_of_the_user(void **state)
{
	const struct passwd *pw = getpwuid(0);
	char buf[PATH_MAX], small[2];

	assert_non_null(pw);
	assert_string_equal(home_of(0, buf, sizeof(buf)), pw->pw_dir);
	assert_null(home_of(0, small, sizeof(small)));
	if (getpwuid(4000000123u) == NULL)
		assert_null(home_of(4000000123u, buf, sizeof(buf)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opts_mixed_are_all_taken),
		cmocka_unit_test(opts_wrong_say_what),
		cmocka_unit_test(opts_environment_is_default),
		cmocka_unit_test(opts_too_many_repetitions_are_refused),
		cmocka_unit_test(durations_parse_or_do_not),
		cmocka_unit_test(words_are_found_and_guessed),
		cmocka_unit_test(http_head_good_is_understood),
		cmocka_unit_test(http_head_with_two_readings_is_refused),
		cmocka_unit_test(http_bodies_are_read_to_their_end),
		cmocka_unit_test(http_bodies_cut_short_are_refused),
		cmocka_unit_test(http_large_body_crosses_the_buffer),
		cmocka_unit_test(targets_are_escaped),
		cmocka_unit_test(events_stream_is_cut_into_lines),
		cmocka_unit_test(texts_of_strangers_are_made_harmless),
		cmocka_unit_test(tables_are_aligned),
		cmocka_unit_test(exec_words_name_session_and_command),
		cmocka_unit_test(exec_json_request_is_read),
		cmocka_unit_test(exec_json_request_wrong_is_refused),
		cmocka_unit_test(exec_plain_command_is_not_waited_for),
		cmocka_unit_test(lookup_follows_path),
		cmocka_unit_test(own_events_are_those_of_the_command),
		cmocka_unit_test(response_of_success_has_the_shape),
		cmocka_unit_test(response_counts_and_shows_events),
		cmocka_unit_test(response_of_refusal_and_timeout_say_why),
		cmocka_unit_test(session_request_has_real_workspace),
		cmocka_unit_test(enter_without_daemon_does_not_run),
		cmocka_unit_test(home_is_that_of_the_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
