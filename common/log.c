/*
 * Log lines, see log.h.  State is one static structure: a process has one log.
 *
 * Runs in every process.  Trusts nothing of what a line contains: control
 * characters are replaced before it leaves.  Never exits, never blocks on a child's account
 * longer than a write to the operator's own output does.
 */

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum log_kind { LOG_TO_FD, LOG_TO_SYSLOG };

static struct {
	const char *name;
	int level;
	log_sink *sink;
	void *sink_arg;
	enum log_kind kind;
	int fd;
	int owned; /* fd is ours to close */
	int json;
} log_state = { .name = "agentsh", .level = LOG_INFO, .fd = STDERR_FILENO };

static const char *const level_name_tab[] = {
	[LOG_EMERG] = "emergency",
	[LOG_ALERT] = "alert",
	[LOG_CRIT] = "critical",
	[LOG_ERR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

const char *
log_level_name(int level)
{
	if (level < LOG_EMERG || level > LOG_DEBUG)
		return "debug";
	return level_name_tab[level];
}

void
log_init(const char *name, int level)
{
	log_state.name = name;
	log_state.level = level;
}

void
log_set_level(int level)
{
	log_state.level = level;
}

int
log_get_level(void)
{
	return log_state.level;
}

void
log_set_sink(log_sink *sink, void *arg)
{
	log_state.sink_arg = arg;
	log_state.sink = sink;
}

static void
output_replace(enum log_kind kind, int fd, int owned, int json)
{
	if (log_state.owned)
		close(log_state.fd);
	log_state.kind = kind;
	log_state.fd = fd;
	log_state.owned = owned;
	log_state.json = json;
}

int
log_open_output(const char *output, int json)
{
	int fd;

	if (output[0] == '\0' || strcmp(output, "syslog") == 0) {
		openlog(log_state.name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
		output_replace(LOG_TO_SYSLOG, -1, 0, 0);
		return 0;
	}
	if (strcmp(output, "stderr") == 0 || strcmp(output, "stdout") == 0) {
		fd = output[3] == 'e' ? STDERR_FILENO : STDOUT_FILENO;
		output_replace(LOG_TO_FD, fd, 0, json);
		return 0;
	}
	fd = open(output,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
	    0640);
	if (fd == -1)
		return -1;
	output_replace(LOG_TO_FD, fd, 1, json);
	return 0;
}

/* One line, one character for each byte; what is no printable byte becomes '?'. */
static void
text_clean(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; i + 1 < size && src[i] != '\0'; i++) {
		unsigned char ch = (unsigned char)src[i];

		dst[i] = (ch < 0x20 || ch == 0x7f) ? '?' : src[i];
	}
	dst[i] = '\0';
}

static void
json_escape(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; *src != '\0' && n + 3 < size; src++) {
		if (*src == '"' || *src == '\\')
			dst[n++] = '\\';
		dst[n++] = (*src & 0x80) ? '?' : *src;
	}
	dst[n] = '\0';
}

static void
stamp(char *buf, size_t size)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, size - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

static void
line_write(int level, const char *name, int pid, const char *clean)
{
	char line[LOG_LINE_MAX * 2 + 256], esc[LOG_LINE_MAX * 2], when[64];
	ssize_t done;
	int n;

	stamp(when, sizeof(when));
	if (log_state.json) {
		json_escape(esc, sizeof(esc), clean);
		n = snprintf(line, sizeof(line),
		    "{\"time\":\"%s\",\"level\":"
		    "\"%s\",\"process\":\"%s\",\"pid\":%d,\"msg\":\"%s\"}\n",
		    when, log_level_name(level), name, pid, esc);
	} else {
		n = snprintf(line, sizeof(line), "%s %s %s[%d]: %s\n", when,
		    log_level_name(level), name, pid, clean);
	}
	do {
		done = write(log_state.fd, line, (size_t)n);
	} while (done == -1 && errno == EINTR);
}

void
log_foreign(int level, const char *name, int pid, const char *text)
{
	char clean[LOG_LINE_MAX];

	if (level > log_state.level)
		return;
	text_clean(clean, sizeof(clean), text);
	if (log_state.kind == LOG_TO_SYSLOG)
		syslog(level, "%s[%d]: %s", name, pid, clean);
	else
		line_write(level, name, pid, clean);
}

void
log_vline(int level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_MAX], clean[LOG_LINE_MAX];
	int saved = errno;

	if (level > log_state.level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (log_state.sink != NULL) {
		text_clean(clean, sizeof(clean), text);
		log_state.sink(level, clean, log_state.sink_arg);
	} else {
		log_foreign(level, log_state.name, (int)getpid(), text);
	}
	errno = saved;
}

#define LOG_FUNCTION(function, level)       \
	void function(const char *fmt, ...) \
	{                                   \
		va_list ap;                 \
                                            \
		va_start(ap, fmt);          \
		log_vline(level, fmt, ap);  \
		va_end(ap);                 \
	}

LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_notice, LOG_NOTICE)
LOG_FUNCTION(log_warn, LOG_WARNING)
LOG_FUNCTION(log_error, LOG_ERR)
