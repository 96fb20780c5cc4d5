/*
 * YAML to a bounded tree with a place on every node.  libyaml gives events,
 * this makes nodes of them, resolves aliases and merge keys, refuses duplicate
 * keys, and holds the bounds of SEMANTICS.md, Loading: depth, bytes, nodes after
 * aliases.  Any bytes may come in; nothing here is fatal.  policyd only.
 */

#ifndef POLICYD_YTREE_H
#define POLICYD_YTREE_H

#include <stddef.h>
#include <stdint.h>

#include "policyd/policy.h"

struct arena;
struct diag;

#define YTREE_DEPTH_MAX 32
#define YTREE_BYTES_MAX 1048576
#define YTREE_NODES_MAX 100000
#define YTREE_STEP	256

enum ytype { Y_SCALAR, Y_LIST, Y_MAP, Y_MAX };

extern const char *const ytype_name[Y_MAX]; /* "a scalar" ... */

struct ypair;

/*
 * An alias is the anchored node itself, so a node may have several parents (but
 * never itself below it).  str.pos is the place of every type of node.
 */
struct ynode {
	enum ytype type;
	uint8_t null; /* a plain scalar that spells null */
	uint16_t height; /* 1 for a scalar */
	uint32_t size; /* nodes in it, aliases counted each time */
	uint32_t n; /* entries of a list or pairs of a map */
	struct pstr str; /* the scalar's text, "" otherwise */
	struct ynode **items;
	struct ypair *pairs;
};

struct ypair {
	struct ynode *key; /* always a scalar */
	struct ynode *value;
	uint32_t rank; /* order in the map, merged keys last */
};

/* The file's bytes and where its lines begin: shared by the tree and its users. */
struct ysource {
	const char *bytes; /* in the arena, terminated */
	size_t size;
	const uint32_t *lines; /* byte offset of each line */
	uint32_t nlines;
	const uint32_t *chars; /* characters before byte i * YTREE_STEP */
};

struct ytree {
	struct ysource src;
	struct ynode *root; /* a null scalar for an empty document */
};

/*
 * Parse size_bytes of bytes, called file in what goes to d.  0 with *t
 * filled from arena a, or -1 with errors in d.  Documents after the first are
 * a warning.
 */
int ytree_parse(struct ytree *t, struct arena *a, const char *file,
    const void *bytes, size_t size_bytes, struct diag *d);

/* The value of key in a map, or NULL (also when n is no map or NULL). */
const struct ynode *ytree_get(const struct ynode *n, const char *key);

/* Line and column of byte offset off; past the end is the end. */
struct pos ytree_pos(const struct ysource *src, size_t off);

/*
 * The byte offset in the source of byte off of scalar p: through the escapes of
 * quoted scalars; the start of p for folded and block scalars.
 */
size_t ytree_offset(const struct ysource *src, const struct pstr *p,
    size_t off);

#endif
