/*
 * Config and policies through policyd, see load.h.
 *
 * Runs in the monitor.  Opens files that root wrote; reads none of them.  Trusts
 * policyd's answers in their sizes only: strings of daemon_conf must end, numbers are
 * limits.  Must never leave a half-loaded state in force.
 */

#include "supervisor/load.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/journal.h"
#include "supervisor/monitor.h"
#include "supervisor/session.h"
#include "supervisor/state.h"

#define POLICIES_MAX 512
#define RETRY_NS     NS_PER_SEC

static const char *const load_state_name[LOAD_STATE_MAX] = {
	[LOAD_IDLE] = "IDLE",
	[LOAD_CONFIG] = "CONFIG",
	[LOAD_POLICIES] = "POLICIES",
	[LOAD_IMAGES] = "IMAGES",
};

static const char *const load_event_name[LOAD_EVENT_MAX] = {
	[LOADE_START] = "START",
	[LOADE_CONFIG] = "CONFIG",
	[LOADE_POLICIES] = "POLICIES",
	[LOADE_IMAGES] = "IMAGES",
	[LOADE_BAD] = "BAD",
	[LOADE_GONE] = "GONE",
};

enum load_action {
	LOADA_NONE,
	LOADA_AGAIN, /* remember */
	LOADA_CONFIG, /* send the config */
	LOADA_POLICIES, /* send the policies */
	LOADA_IMAGES, /* in force; compile for live sessions */
	LOADA_DONE, /* answer who asked */
	LOADA_FAIL, /* the old stays; answer who asked */
	LOADA_MAX
};

static const char *const load_action_name[LOADA_MAX] = {
	[LOADA_NONE] = "-",
	[LOADA_AGAIN] = "again",
	[LOADA_CONFIG] = "send-config",
	[LOADA_POLICIES] = "send-policies",
	[LOADA_IMAGES] = "compile-images",
	[LOADA_DONE] = "done",
	[LOADA_FAIL] = "fail",
};

struct load_cell {
	enum load_state next;
	enum load_action action;
};

/* clang-format off */
static const struct load_cell load_tab[LOAD_STATE_MAX][LOAD_EVENT_MAX] = {
	/*		  START				CONFIG				POLICIES			IMAGES			BAD				GONE */
	[LOAD_IDLE] = {	  { LOAD_CONFIG, LOADA_CONFIG },{ LOAD_IDLE, LOADA_NONE },	{ LOAD_IDLE, LOADA_NONE },	{ LOAD_IDLE, LOADA_NONE }, { LOAD_IDLE, LOADA_NONE },	{ LOAD_IDLE, LOADA_NONE } },
	[LOAD_CONFIG] = { { LOAD_CONFIG, LOADA_AGAIN },	{ LOAD_POLICIES, LOADA_POLICIES },{ LOAD_CONFIG, LOADA_NONE },	{ LOAD_CONFIG, LOADA_NONE }, { LOAD_IDLE, LOADA_FAIL },	{ LOAD_IDLE, LOADA_FAIL } },
	[LOAD_POLICIES] = { { LOAD_POLICIES, LOADA_AGAIN },{ LOAD_POLICIES, LOADA_NONE },{ LOAD_IMAGES, LOADA_IMAGES },	{ LOAD_POLICIES, LOADA_NONE }, { LOAD_IDLE, LOADA_FAIL },{ LOAD_IDLE, LOADA_FAIL } },
	[LOAD_IMAGES] = { { LOAD_IMAGES, LOADA_AGAIN },	{ LOAD_IMAGES, LOADA_NONE },	{ LOAD_IMAGES, LOADA_NONE },	{ LOAD_IDLE, LOADA_DONE }, { LOAD_IMAGES, LOADA_NONE },	{ LOAD_IDLE, LOADA_DONE } },
};
/* clang-format on */

static void load_event(struct monitor *mon, enum load_event ev);

void
load_print_states(FILE *fp)
{
	unsigned int s, e;

	for (s = 0; s < LOAD_STATE_MAX; s++) {
		for (e = 0; e < LOAD_EVENT_MAX; e++)
			fprintf(fp, "%s\t%s\t%s\t%s\n", load_state_name[s],
			    load_event_name[e],
			    load_state_name[load_tab[s][e].next],
			    load_action_name[load_tab[s][e].action]);
	}
}

/* ---- diagnostics ---- */

static void
text_add(struct load *l, const char *text, size_t len)
{
	size_t have = strlen(l->text);

	if (have > 0 && l->text[have - 1] != '\n' && have + 1 < sizeof(l->text))
		l->text[have++] = '\n';
	if (len >= sizeof(l->text) - have)
		len = sizeof(l->text) - have - 1;
	memcpy(l->text + have, text, len);
	l->text[have + len] = '\0';
}

void
load_log_text(int level, const char *text, size_t len)
{
	const char *nl;
	size_t n;

	while (len > 0) {
		nl = memchr(text, '\n', len);
		n = nl != NULL ? (size_t)(nl - text) : len;
		if (n > 0 && text[0] != '\0')
			(level <= LOG_ERR ? log_error : log_warn)("%.*s",
			    (int)n, text);
		n += nl != NULL;
		text += n;
		len -= n;
	}
}

static void
take_text(struct load *l, struct msg *m, bool error)
{
	size_t len;
	const char *text = msg_tail(m, &len);

	len = strnlen(text, len);
	text_add(l, text, len);
	load_log_text(error ? LOG_ERR : LOG_WARNING, text, len);
}

/* Of what failed with error. */
static void
text_fail(struct load *l, const char *why, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		l->starved = true;
	log_error("%s", why);
	text_add(l, why, strlen(why));
}

/* ---- the steps ---- */

static void
send_config(struct monitor *mon)
{
	const char *path = mon->opts.config;
	struct msg_none none = { 0 };
	int fd;

	mon->load.text[0] = '\0';
	mon->load.failed = 0;
	mon->load.starved = false;
	fd = state_open_trusted(AT_FDCWD, path, path);
	if (fd == -1) {
		text_fail(&mon->load, "the config cannot be used", errno);
		load_event(mon, LOADE_BAD);
		return;
	}
	mon->load.id = monitor_next_id(mon);
	if (proc_send(&mon->policyd, MSG_CONF_LOAD, mon->load.id, 0, &none,
		path, strlen(path) + 1, &fd, 1) == -1)
		load_event(mon, LOADE_BAD);
	close(fd);
}

static int
is_policy(const struct dirent *de)
{
	size_t len = strlen(de->d_name);

	if (de->d_name[0] == '.' || len < 5 || len > 200)
		return 0;
	return strcmp(de->d_name + len - 5, ".yaml") == 0 ||
	    strcmp(de->d_name + len - 4, ".yml") == 0;
}

static int
send_policy(struct monitor *mon, int dir, const char *name)
{
	struct msg_none none = { 0 };
	char shown[MSG_PATH_LEN + 256];
	int fd, rc;

	snprintf(shown, sizeof(shown), "%s/%s", mon->load.next.policies_dir,
	    name);
	if ((fd = state_open_trusted(dir, name, shown)) == -1) {
		text_fail(&mon->load, "a policy file cannot be used", errno);
		return -1;
	}
	rc = proc_send(&mon->policyd, MSG_POLICY_FILE, mon->load.id, 0, &none,
	    name, strlen(name) + 1, &fd, 1);
	close(fd);
	return rc;
}

static int
policies_dir(struct monitor *mon)
{
	const char *path = mon->load.next.policies_dir;
	struct stat st;
	int fd, error = 0;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		error = errno;
		log_error("policies.dir %s: %m", path);
	} else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		log_error("policies.dir %s: uid %u, mode %04o: must be root's, "
			  "and writable by nobody else",
		    path, st.st_uid, st.st_mode & 07777);
	else
		return fd;
	if (fd != -1)
		close(fd);
	text_fail(&mon->load, "the policy directory cannot be used", error);
	return -1;
}

static int
send_all(struct monitor *mon, int dir)
{
	struct dirent **list = NULL;
	struct msg_none none = { 0 };
	int i, n, rc = -1;

	n = scandirat(dir, ".", &list, is_policy, alphasort);
	if (n == -1 || n > POLICIES_MAX) {
		text_fail(&mon->load, "the policy directory cannot be listed",
		    n == -1 ? errno : 0);
		goto out;
	}
	rc = proc_send(&mon->policyd, MSG_POLICY_BEGIN, mon->load.id, 0, &none,
	    NULL, 0, NULL, 0);
	for (i = 0; i < n && rc == 0; i++)
		rc = send_policy(mon, dir, list[i]->d_name);
	if (rc == 0)
		rc = proc_send(&mon->policyd, MSG_POLICY_COMMIT, mon->load.id,
		    0, &none, NULL, 0, NULL, 0);
out:
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return rc;
}

static void
send_policies(struct monitor *mon)
{
	int dir, rc;

	if ((dir = policies_dir(mon)) == -1) {
		load_event(mon, LOADE_BAD);
		return;
	}
	mon->load.id = monitor_next_id(mon);
	rc = send_all(mon, dir);
	close(dir);
	if (rc == -1)
		load_event(mon, LOADE_BAD);
}

/* Paths that are open cannot change under a running house. */
static void
keep_path(const char *key, char *next, const char *now)
{
	if (strcmp(next, now) == 0)
		return;
	log_warn("%s changed: it needs a restart, %s stays in use", key, now);
	memcpy(next, now, MSG_PATH_LEN);
}

/* 0, or -1: a start must not go on without its log. */
static int
apply_log(struct monitor *mon)
{
	if (mon->opts.check_only)
		return 0;
	log_set_level((int)mon->conf.log_level);
	if (log_open_output(mon->conf.log_output, (int)mon->conf.log_json) == 0)
		return 0;
	log_error("cannot write the log to %s: %m: make its directory, or "
		  "change logging.output",
	    mon->conf.log_output);
	return mon->load.loaded ? 0 : -1;
}

static int
apply(struct monitor *mon)
{
	struct load *l = &mon->load;

	if (l->loaded) {
		keep_path("sessions.base_dir", l->next.base_dir,
		    mon->conf.base_dir);
		keep_path("audit.storage.sqlite_path", l->next.sqlite_path,
		    mon->conf.sqlite_path);
		keep_path("audit.integrity.key_file", l->next.audit_key_file,
		    mon->conf.audit_key_file);
	}
	if (l->loaded && l->next.net_port != 0 &&
	    l->next.net_port != mon->conf.net_port)
		log_warn("sandbox.network.proxy_listen_addr changed: it needs "
			 "a restart");
	mon->conf = l->next;
	netproc_reload(mon, l->feeds_next);
	l->feeds_next = -1;
	memcpy(l->not_built, l->not_built_next, sizeof(l->not_built));
	if (!mon->conf.audit_enabled)
		log_warn("audit.enabled: false has no effect: events are always "
			 "recorded");
	return apply_log(mon);
}

static void
compile_images(struct monitor *mon)
{
	struct session *s;

	if (apply(mon) == -1) {
		monitor_load_failed(mon);
		return;
	}
	mon->load.waiting = 1; /* our own hand, until all are counted */
	TAILQ_FOREACH(s, &mon->sessions, entry) {
		if (session_recompile(s) == 0)
			mon->load.waiting++;
	}
	load_session_done(mon, NULL);
}

/* Of a load that failed only what made it fail is told: warnings are in the log. */
static void
keep_errors(char *text)
{
	char *line = text, *out = text, *end;
	size_t n;

	while (*line != '\0') {
		end = line + strcspn(line, "\n");
		n = (size_t)(end - line) + (*end == '\n');
		if (memmem(line, n, ": warning: ", 11) == NULL) {
			memmove(out, line, n);
			out += n;
		}
		line += n;
	}
	*out = '\0';
}

static void
answer_askers(struct monitor *mon, uint32_t error)
{
	struct load *l = &mon->load;
	struct msg_status st = { .error = error, .count = l->failed };
	unsigned int i;

	if (error != 0)
		keep_errors(l->text);
	for (i = 0; i < l->askers; i++)
		(void)proc_send(&mon->control, MSG_RELOADED, l->asker[i], 0,
		    &st, l->text, strlen(l->text) + 1, NULL, 0);
	l->askers = 0;
}

static void
on_retry(struct loop_timer *t)
{
	struct monitor *mon = t->arg;

	if (mon->load.fresh)
		load_start(mon, 0);
}

static void
finished(struct monitor *mon, bool good)
{
	struct load *l = &mon->load;
	bool first = !l->loaded, again = l->again;

	l->again = false;
	answer_askers(mon, good ? 0 : EINVAL);
	if (good) {
		l->loaded = true;
		l->fresh = false;
		log_info("policies in force: %u%s", l->policies,
		    l->failed ? ", not for every session" : "");
		if (!first)
			journal_simple(mon, EV_POLICY_CHANGED,
			    mon->opts.config);
		monitor_loaded(mon);
	} else if (first) {
		monitor_load_failed(mon);
		return;
	} else if (l->fresh && l->starved) {
		log_error("policyd has no policies, for want of descriptors or "
			  "memory: tried again");
		loop_timer_set(&mon->loop, &l->retry, RETRY_NS, on_retry, mon);
	} else if (l->fresh) {
		log_error("policyd has no policies: no session can be created "
			  "until the files are repaired and reloaded");
	} else {
		log_error("nothing was changed: the old config and policies "
			  "stay in force");
	}
	if (again)
		load_start(mon, 0);
}

/* The one function that changes the state. */
static void
load_event(struct monitor *mon, enum load_event ev)
{
	struct load *l = &mon->load;
	const struct load_cell *c = &load_tab[l->state][ev];

	l->state = c->next;
	switch (c->action) {
	case LOADA_NONE:
	case LOADA_MAX:
		break;
	case LOADA_AGAIN:
		l->again = true;
		break;
	case LOADA_CONFIG:
		send_config(mon);
		break;
	case LOADA_POLICIES:
		send_policies(mon);
		break;
	case LOADA_IMAGES:
		compile_images(mon);
		break;
	case LOADA_DONE:
		finished(mon, true);
		break;
	case LOADA_FAIL:
		finished(mon, false);
		break;
	}
}

/* ---- what comes in ---- */

void
load_start(struct monitor *mon, uint32_t asker)
{
	struct load *l = &mon->load;
	struct session *s;

	if (asker != 0 && l->askers < LOAD_ASKERS)
		l->asker[l->askers++] = asker;
	TAILQ_FOREACH(s, &mon->sessions, entry)
		session_busy(s);
	load_event(mon, LOADE_START);
}

static bool
ends(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static bool
conf_ok(const struct daemon_conf *d)
{
	return ends(d->base_dir, sizeof(d->base_dir)) &&
	    ends(d->sqlite_path, sizeof(d->sqlite_path)) &&
	    ends(d->policies_dir, sizeof(d->policies_dir)) &&
	    ends(d->default_policy, sizeof(d->default_policy)) &&
	    ends(d->log_output, sizeof(d->log_output)) &&
	    ends(d->audit_key_file, sizeof(d->audit_key_file)) &&
	    d->log_level <= LOG_DEBUG;
}

/*
 * "FILE:L:C: warning: "KEY" switches on a part that is not built yet: PART":
 * session info shows KEY and PART.
 */
static void
find_not_built(struct load *l)
{
	static const char mark[] =
	    "\" switches on a part that is not built yet: ";
	const char *line, *end, *key, *m;
	size_t n = 0;

	l->not_built_next[0] = '\0';
	for (line = l->text; *line != '\0'; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		m = memmem(line, (size_t)(end - line), mark, sizeof(mark) - 1);
		if (m == NULL)
			continue;
		for (key = m; key > line && key[-1] != '"'; key--)
			;
		n += (size_t)snprintf(l->not_built_next + n,
		    sizeof(l->not_built_next) - n, "%s%.*s (%.*s)",
		    n ? "\n" : "", (int)(m - key), key,
		    (int)(end - m - (long)sizeof(mark) + 1),
		    m + sizeof(mark) - 1);
		if (n >= sizeof(l->not_built_next))
			return;
	}
}

void
load_got_conf(struct monitor *mon, struct msg *m)
{
	const struct msg_conf_result *r = msg_payload(m);
	struct load *l = &mon->load;

	if (l->state != LOAD_CONFIG || m->hdr.id != l->id)
		return;
	if (l->feeds_next != -1)
		close(l->feeds_next);
	l->feeds_next = msg_take_fd(m, 0);
	take_text(l, m, r->error != 0);
	if (r->error == 0 && !conf_ok(&r->conf)) {
		proc_bad(&mon->policyd, "malformed configuration");
		return;
	}
	if (r->error == 0) {
		l->next = r->conf;
		find_not_built(l);
	}
	load_event(mon, r->error == 0 ? LOADE_CONFIG : LOADE_BAD);
}

void
load_got_policies(struct monitor *mon, struct msg *m)
{
	const struct msg_status *st = msg_payload(m);
	struct load *l = &mon->load;

	if (l->state != LOAD_POLICIES || m->hdr.id != l->id)
		return;
	take_text(l, m, st->error != 0);
	l->policies = st->count;
	load_event(mon, st->error == 0 ? LOADE_POLICIES : LOADE_BAD);
}

void
load_policyd_ready(struct monitor *mon)
{
	mon->load.fresh = true;
	load_start(mon, 0);
}

void
load_policyd_gone(struct monitor *mon)
{
	if (mon->load.state != LOAD_IDLE)
		text_fail(&mon->load, "policyd died", 0);
	load_event(mon, LOADE_GONE);
}

void
load_session_done(struct monitor *mon, const char *error)
{
	struct load *l = &mon->load;

	if (error != NULL) {
		l->failed++;
		text_fail(l, error, 0);
	}
	if (l->state == LOAD_IMAGES && l->waiting > 0 && --l->waiting == 0)
		load_event(mon, LOADE_IMAGES);
}
