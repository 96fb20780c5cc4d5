/*
 * agentshctl events query --summary: what happened, shortly.  Equal events are
 * one line with a count; what was allowed is counted by rule, what was refused
 * or moved to the trash, and every command, stands with what it was about and
 * why.  Runs as the user.  Names in events were chosen by workloads: table.c
 * prints none of them raw.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/ctl/events.h"
#include "supervisor/ctl/out.h"
#include "supervisor/ctl/summary.h"

#define SUMMARY_COLS 6

static const char *
decision_of(const json_t *ev)
{
	const json_t *policy = json_object_get(ev, "policy");

	if (strcmp(out_str(policy, "effective_decision"), "deny") == 0)
		return "deny";
	return out_str(policy, "decision");
}

/* Is the object of this event worth a line of its own? */
static bool
is_single(const json_t *ev)
{
	const char *type = out_str(ev, "type");

	return strcmp(decision_of(ev), "allow") != 0 ||
	    strncmp(type, "command_", 8) == 0;
}

/* "default.yaml:12", or "" for rules that no file wrote. */
static void
place_of(const json_t *ev, char *buf, size_t size)
{
	const json_t *f = json_object_get(ev, "fields");
	json_int_t line = json_integer_value(json_object_get(f, "rule_line"));

	*buf = '\0';
	if (line > 0)
		snprintf(buf, size, "%s:%lld", out_str(f, "rule_file"),
		    (long long)line);
}

static void
target_of(const json_t *ev, char *buf, size_t size)
{
	const json_t *policy = json_object_get(ev, "policy");
	const char *why = out_str(policy, "message");

	*buf = '\0';
	if (is_single(ev))
		snprintf(buf, size, "%s%s%s", events_target(ev),
		    *why != '\0' ? "  " : "", why);
}

/* How many calls an event stands for. */
static json_int_t
calls_of(const json_t *ev)
{
	const json_t *f = json_object_get(ev, "fields");
	json_int_t n = json_integer_value(json_object_get(f, "count"));

	return n > 1 ? n : 1;
}

size_t
summary_whole(const char *s)
{
	size_t n = strlen(s), back = 0, want;
	unsigned char lead;

	while (back < 3 && back < n &&
	    ((unsigned char)s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back == n)
		return n;
	lead = (unsigned char)s[n - 1 - back];
	if (lead < 0xc0)
		return n;
	want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	return back < want ? n - 1 - back : n;
}

/*
 * The line of groups that ev belongs to, [count, decision, type, rule, place,
 * target]; made at its first occurrence.  Borrowed; NULL when out of memory.
 */
static json_t *
group_of(json_t *groups, json_t *lines, const json_t *ev)
{
	const json_t *policy = json_object_get(ev, "policy");
	char key[2048], place[320], target[1024];
	json_t *g;

	place_of(ev, place, sizeof(place));
	target_of(ev, target, sizeof(target));
	snprintf(key, sizeof(key), "%s\n%s\n%s\n%s\n%s", decision_of(ev),
	    out_str(ev, "type"), out_str(policy, "rule"), place, target);
	if ((g = json_object_get(groups, key)) != NULL)
		return g;
	/* All of this was valid UTF-8, but what was cut may end in half a character. */
	g = json_pack("[I, s, s, s, s, s#]", (json_int_t)0, decision_of(ev),
	    out_str(ev, "type"), out_str(policy, "rule"), place, target,
	    (int)summary_whole(target));
	if (g == NULL || json_object_set_new_nocheck(groups, key, g) == -1 ||
	    json_array_append(lines, g) == -1)
		return NULL;
	return g;
}

static void
add_line(struct table *tab, const json_t *g)
{
	const char *cell[SUMMARY_COLS];
	char count[24];
	struct table_row *r;
	size_t i;

	snprintf(count, sizeof(count), "%lld",
	    (long long)json_integer_value(json_array_get(g, 0)));
	cell[0] = count;
	for (i = 1; i < SUMMARY_COLS; i++)
		cell[i] = json_string_value(json_array_get(g, i));
	r = table_add(tab, cell);
	if (r != NULL && strcmp(cell[1], "deny") == 0)
		r->cell_hue[1] = HUE_RED;
	else if (r != NULL && strcmp(cell[1], "allow") == 0)
		r->cell_hue[1] = HUE_GREEN;
}

int
summary_print(const json_t *events, FILE *fp, bool colour)
{
	static const char *const head[] = { "COUNT", "DECISION", "TYPE", "RULE",
		"AT", "WHAT" };
	json_t *groups = json_object(), *lines = json_array(), *g = NULL;
	struct table tab;
	struct table_row *r;
	json_t *ev;
	size_t i;
	int error = 0;

	table_init(&tab, SUMMARY_COLS);
	if ((r = table_add(&tab, head)) != NULL)
		r->hue = HUE_BOLD;
	json_array_foreach(events, i, ev) {
		if (json_object_get(ev, "policy") == NULL)
			continue;
		if ((g = group_of(groups, lines, ev)) == NULL) {
			error = -1;
			break;
		}
		json_array_set_new(g, 0,
		    json_integer(json_integer_value(json_array_get(g, 0)) +
			calls_of(ev)));
	}
	json_array_foreach(lines, i, g) add_line(&tab, g);
	table_print(&tab, fp, colour);
	table_clear(&tab);
	json_decref(lines);
	json_decref(groups);
	return error;
}
