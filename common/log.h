/*
 * Log lines.  The monitor owns the real output (standard error, a file or
 * syslog); a child's lines travel to it as MSG_LOG, so that no child keeps a
 * descriptor for logging.  Levels are syslog's numbers.  Control characters
 * in a line are replaced: a stranger's bytes cannot forge a second line.
 *
 * One line is one write.  Threads may log at once.  Never fails, never exits:
 * what cannot be written is dropped.
 */

#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdarg.h>
#include <stdint.h>
#include <syslog.h>

#define LOG_LINE_MAX 2048 /* bytes of text, the rest is cut */

/* Where finished lines go instead of standard error. */
typedef void log_sink(int level, const char *text, void *arg);

/* Name of this process in its lines (borrowed) and the least urgent level kept. */
void log_init(const char *name, int level);
void log_set_level(int level);
int log_get_level(void);
/* Lines go to sink (NULL: standard error). */
void log_set_sink(log_sink *sink, void *arg);

/*
 * The monitor's output: "stderr", "stdout", "syslog" or the path of a file, which
 * is opened for appending (0640, no symbolic link).  json: one object a line.
 * 0 or -1 with errno, and then the old output stays.  Monitor only.
 */
int log_open_output(const char *output, int json)
    __attribute__((warn_unused_result));

/* A line of another process, as the monitor writes it. */
void log_foreign(int level, const char *name, int pid, const char *text);

void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_vline(int level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* "error", "warning" ... of a level, never NULL. */
const char *log_level_name(int level);

#endif
