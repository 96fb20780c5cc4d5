/*
 * The bytes of a policy image.  A header, then sections; everything is named by
 * offset or index, so that the image means the same wherever it is mapped.
 * Host byte order: policyd and the readers run on one machine.
 *
 * policyd/compile.c writes it, common/image_check.c admits it, image_*.c read
 * it.  Only they and lint include this file.  A reader may rely on what
 * image_check promises and on nothing else: each structure says so below.
 */

#ifndef COMMON_IMAGE_FMT_H
#define COMMON_IMAGE_FMT_H

#include <stdint.h>

#include "common/decision.h"
#include "common/image.h"
#include "common/landlock.h"

#define IMAGE_MAGIC   "AGSHIMG"
#define IMAGE_VERSION 2u
#define IMAGE_NONE    0xffffffffu /* an index that is absent */
#define IMAGE_ALIGN   8u	  /* of every section and every automaton */

#define IMAGE_SIZE_MAX	  (64u << 20)
#define IMAGE_RULES_MAX	  65536u
#define IMAGE_GROUPS_MAX  64u	   /* automata of one use */
#define IMAGE_BPF_MAX	  4096u /* BPF_MAXINSNS */
#define IMAGE_LAND_MAX	  1024u /* each is an open at every entry */

/*
 *	name	  element			what
 * The order is that of enum image_section.
 */
/* clang-format off */
#define IMAGE_SECTIONS(X) \
	X(STRINGS,  char)			/* NUL-terminated; the first is "" */ \
	X(SETTINGS, struct image_settings)	/* exactly one */ \
	X(META,	    struct image_meta)		/* exactly one */ \
	X(RULES,    struct image_rule_rec)	/* names and places */ \
	X(OUTCOMES, struct image_outcome)	/* what a match answers */ \
	X(DFAS,	    struct image_blob)		/* automata in POOL */ \
	X(POOL,	    uint64_t)			/* bytes of the automata */ \
	X(GROUPS,   struct image_group)		/* an automaton and its answers */ \
	X(FILE_ROWS, struct image_file_row)	/* by accept id: first in order */ \
	X(FILE_OUT, struct image_file_row)	/* by order: outcomes; last: no match */ \
	X(UNIX_ROWS, struct image_unix_row) \
	X(UNIX_OUT, struct image_unix_row) \
	X(SETS,	    uint64_t)			/* rows of bits, one bit a rule */ \
	X(CMDS,	    struct image_cmd_rec)	/* command rules in order */ \
	X(ARGS,	    uint32_t)			/* automata of args_patterns */ \
	X(NETS,	    struct image_net_rec)	/* network rules in order */ \
	X(PORTS,    uint16_t) \
	X(CIDRS,    struct image_cidr) \
	X(REDIRS,   struct image_redir_rec)	/* dns_ and connect_redirects in order */ \
	X(SIGS,	    struct image_sig_rec)	/* signal rules in order */ \
	X(ENVS,	    struct image_env_rec)	/* environment profiles; 0 is the policy's */ \
	X(INJECT,   uint32_t)			/* strings "NAME=VALUE" */ \
	X(BPF,	    uint64_t)			/* struct sock_filter */ \
	X(LAND,	    struct image_land_rec)	/* Landlock's rules */ \
	X(BLOCKED,  uint64_t)			/* 512 bits, or none: calls by number */
/* clang-format on */

enum image_section {
#define X(name, type) IS_##name,
	IMAGE_SECTIONS(X)
#undef X
	IS_MAX
};

/* n elements from byte off; off is aligned and inside the image. */
struct image_sec {
	uint32_t off;
	uint32_t n;
};

struct image_hdr {
	char magic[8];
	uint32_t version;
	uint32_t size_bytes; /* of the whole image */
	struct image_sec sec[IS_MAX];
};

/* An automaton: len bytes from byte off of POOL; dfa_check has admitted it. */
struct image_blob {
	uint32_t off;
	uint32_t len;
};

/*
 * What one automaton's accept ids index: row answers + id (ids 0..naccept) of
 * FILE_ROWS or UNIX_ROWS, or word answers + id * words of SETS.
 */
struct image_group {
	uint32_t dfa;
	uint32_t answers;
};

/*
 * The patterns of one use.  They are one automaton where that stays small, else
 * several, each asked.
 */
struct image_use {
	uint32_t group; /* first in GROUPS */
	uint32_t n;
};

enum image_use_id {
	IU_FILE,    /* paths of file rules: FILE_ROWS */
	IU_UNIX,    /* paths of unix_socket_rules: UNIX_ROWS */
	IU_BASE,    /* basenames of commands: SETS of cmd_words */
	IU_PATH,    /* paths of commands: SETS of cmd_words */
	IU_DOMAIN,  /* names and address texts: SETS of net_words */
	IU_PRIVATE, /* network.private_answers: SETS of one word */
	IU_MAX
};

struct image_meta {
	uint32_t project_root; /* strings */
	uint32_t home;
	uint32_t policy_name;
	uint32_t policy_file;
	struct image_use use[IU_MAX];
	uint32_t cmd_words; /* 64-bit words of a set of command rules */
	uint32_t net_words;
	uint32_t default_rule[BR_MAX]; /* outcomes of the builtin rules */
};

struct image_rule_rec {
	uint32_t name;	  /* strings */
	uint32_t file;
	uint32_t message;
	uint32_t line;
	uint64_t timeout_ns;
	uint32_t env;	  /* profile in ENVS, 0 for all but command rules */
	uint32_t pad;
};

/* As struct verdict, checked: enums in range, rule < RULES or a builtin. */
struct image_outcome {
	uint32_t rule;
	uint8_t decision;
	uint8_t allowed;
	uint8_t layer;
	uint8_t always;
};

/*
 * A number for each operation.  In FILE_ROWS and UNIX_ROWS: the place in order
 * of the first rule that matches and lists the operation, which is a row of
 * FILE_OUT or UNIX_OUT; the last row there is for no match.  In those: an
 * outcome.
 */
struct image_file_row {
	uint16_t v[FOP_MAX];
};

struct image_unix_row {
	uint16_t v[NOP_MAX];
};

struct image_cmd_rec {
	uint32_t outcome;
	uint32_t min_depth;
	uint32_t max_depth; /* inclusive */
	uint32_t args;	    /* first in ARGS */
	uint32_t nargs;	    /* 0: any arguments; else one must accept */
};

#define INET_HAS_DOMAINS  0x02u
#define INET_HAS_CIDRS	  0x04u
#define INET_EITHER	  0x08u /* a deny with both is met by either */
#define INET_NO_PRIVATE	  0x10u /* allows by name only: never a private address */
#define INET_DNS_SKIP	  0x20u /* not asked for DNS queries */

struct image_net_rec {
	uint32_t outcome;
	uint32_t flags;	 /* INET_* */
	uint32_t ports;	 /* first in PORTS */
	uint32_t nports; /* 0: any */
	uint32_t cidrs;	 /* first in CIDRS */
	uint32_t ncidrs;
};

#define IREDIR_DNS     0x1u /* of dns_redirects, else of connect_redirects */
#define IREDIR_SNI     0x2u /* tls mode rewrite_sni */
#define IREDIR_SILENT  0x4u /* no event */

struct image_redir_rec {
	uint32_t outcome;
	uint32_t flags; /* IREDIR_* */
	uint32_t args;	/* first in ARGS: automata, one of which must accept */
	uint32_t nargs;
	uint32_t host; /* strings */
	uint32_t sni;
	uint32_t port; /* 1..65535, 0 for DNS */
	uint32_t pad;
	uint8_t addr[16]; /* DNS: what A or AAAA gets, v4 as ::ffff:a.b.c.d */
};

struct image_cidr {
	uint8_t addr[16]; /* v4 as ::ffff:a.b.c.d */
	uint8_t prefix;	  /* 0..128 */
	uint8_t pad[7];
};

struct image_sig_rec {
	uint64_t mask;	   /* bit n-1 is signal n */
	uint32_t outcome;
	uint32_t rel;	   /* IMAGE_SIG_*, any of; 0 = any relation */
	uint32_t comm_dfa; /* IMAGE_NONE: any name */
	uint32_t pid_min, pid_max;
	uint32_t redirect; /* signal to send instead, 0..64 */
};

/*
 * One of Landlock's rules: rights are its own bits, all below LANDLOCK_END.
 * Bit i of may_make: the session may itself make the path's component i.
 */
struct image_land_rec {
	uint32_t path;	/* strings; canonical and absolute */
	uint32_t tree;	/* rights on it and everything below it */
	uint32_t exact; /* rights on it alone: of files only */
	uint32_t pad;
	uint64_t may_make;
};

#define IENV_ALLOW 0x1u
#define IENV_DENY  0x2u

struct image_env_rec {
	uint32_t group;	    /* answers are words of IENV_* bits; IMAGE_NONE: none */
	uint32_t allow_all; /* 1: no allow list */
	uint32_t max_keys;  /* 0 = none */
	uint32_t max_bytes;
};

#endif
