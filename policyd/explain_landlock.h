/*
 * What `policy explain` says of the second layer.  policyd's tool mode only.
 */

#ifndef POLICYD_EXPLAIN_LANDLOCK_H
#define POLICYD_EXPLAIN_LANDLOCK_H

#include <stdint.h>
#include <stdio.h>

struct image;

/* A question as Landlock sees it: rights on a path and on its directory. */
struct explain_land {
	const struct image *image;
	const char *path; /* canonical and absolute */
	const char *what; /* the operation's name */
	uint32_t own, parent;
	uint32_t dir_own, dir_parent; /* the same where path is a directory */
	int allowed; /* by the policy */
};

/* Fill in q for a file operation (enum file_op), or for executing. */
void explain_land_file(struct explain_land *q, unsigned int op);
void explain_land_exec(struct explain_land *q);

/* Lines of text, none where the configuration does not ask for Landlock. */
void explain_land_text(const struct explain_land *q, FILE *fp);

/*
 * JSON members, each followed by a comma: "landlock" is off, none (it has no
 * say), permits or refuses; "landlock_lacks" the rights that it has not been given.
 */
void explain_land_json(const struct explain_land *q, FILE *fp);

#endif
