/*
 * Config and policies come into force: the monitor opens the files, policyd reads
 * them; first at the start, again at SIGHUP or RELOAD, and when policyd had to be
 * started again.  What fails leaves in force what was; where that is nothing and
 * only descriptors or memory were short, it is tried again.
 *
 *	IDLE -> CONFIG -> POLICIES -> IMAGES -> IDLE
 *
 * IMAGES compiles the image of each live session anew.  Monitor only.
 */

#ifndef SUPERVISOR_LOAD_H
#define SUPERVISOR_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/loop.h"
#include "common/msg.h"

struct monitor;
struct session;

enum load_state {
	LOAD_IDLE,
	LOAD_CONFIG,   /* policyd reads the config */
	LOAD_POLICIES, /* policyd reads the policies */
	LOAD_IMAGES,   /* live sessions get new images */
	LOAD_STATE_MAX
};

enum load_event {
	LOADE_START,
	LOADE_CONFIG,	/* CONF_RESULT without error */
	LOADE_POLICIES, /* POLICY_RESULT without error */
	LOADE_IMAGES,	/* every session has answered */
	LOADE_BAD,	/* an error: what was stays */
	LOADE_GONE,	/* policyd died */
	LOAD_EVENT_MAX
};

#define LOAD_ASKERS 16
#define LOAD_TEXT   12000

struct load {
	enum load_state state;
	uint32_t id; /* of the question to policyd */
	bool loaded; /* once: something is in force */
	bool fresh;  /* policyd was started again and holds nothing yet */
	bool again;  /* asked for while at work */
	bool starved; /* it failed for want of descriptors or memory */
	struct loop_timer retry; /* of what then failed, where policyd is fresh */
	struct daemon_conf next;
	int feeds_next; /* struct feedconf that came with it; owned; -1 */
	uint32_t policies;
	unsigned int waiting; /* sessions without their new image */
	unsigned int failed;  /* sessions that keep the old one */
	uint32_t asker[LOAD_ASKERS]; /* ids of control's RELOADs */
	unsigned int askers;
	char text[LOAD_TEXT]; /* diagnostics, for RELOADED */
	char not_built[2048]; /* parts switched on and not built yet */
	char not_built_next[2048];
};

/* Begin, or note that it must begin again.  asker: id of a RELOAD of control's, or 0. */
void load_start(struct monitor *mon, uint32_t asker);

/* policyd is up: it knows nothing, load. */
void load_policyd_ready(struct monitor *mon);
/* policyd's answers, and its death. */
void load_got_conf(struct monitor *mon, struct msg *m);
void load_got_policies(struct monitor *mon, struct msg *m);
void load_policyd_gone(struct monitor *mon);

/* Session s has its new image (error NULL), or keeps its old one. */
void load_session_done(struct monitor *mon, const char *error);

/* Log diagnostics of policyd, a line each. */
void load_log_text(int level, const char *text, size_t len);

void load_print_states(FILE *fp);

#endif
