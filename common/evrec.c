/*
 * Event records: measuring, writing and reading them, and the names under which
 * users see them.  Runs in the tracer, the monitor and auditd.  evrec_decode
 * believes nothing: every length, type and enum is checked before it is used as
 * an index, and the texts it hands out lie inside the bytes it was given. It
 * must never allocate, and never look at bytes that somebody else can change.
 */

#include "common/evrec.h"

#include <string.h>

const uint16_t evrec_text_max[EVS_MAX] = {
	[EVS_RULE] = 128,
	[EVS_FILE] = 256,
	[EVS_MESSAGE] = 512,
	[EVS_EXE] = 1024,
	[EVS_PATH] = 4096,
	[EVS_PATH2] = 4096,
	[EVS_SESSION] = 64,
};

static const struct {
	const char *name;
	bool mergeable;
} type_tab[EV_MAX] = { [EV_NONE] = { "none", false },
#define X(name, text, merge) [EV_##name] = { text, merge },
	EV_TABLE(X)
#undef X
};

/* The types of the original, by what is done; reading a file is opening it. */
static const char *const file_type_tab[FOP_MAX] = {
	[FOP_READ] = "file_open",
	[FOP_LIST] = "dir_list",
	[FOP_STAT] = "file_stat",
	[FOP_READLINK] = "symlink_read",
	[FOP_WRITE] = "file_write",
	[FOP_TRUNCATE] = "file_truncate",
	[FOP_CREATE] = "file_create",
	[FOP_SYMLINK] = "symlink_create",
	[FOP_LINK] = "file_link",
	[FOP_MKDIR] = "dir_create",
	[FOP_CHMOD] = "file_chmod",
	[FOP_CHOWN] = "file_chown",
	[FOP_UTIME] = "file_utime",
	[FOP_XATTR] = "file_xattr",
	[FOP_RENAME] = "file_rename",
	[FOP_RENAME_TO] = "file_rename",
	[FOP_DELETE] = "file_delete",
	[FOP_RMDIR] = "dir_delete",
};

static const char *const net_type_tab[NOP_MAX] = {
	[NOP_CONNECT] = "net_connect",
	[NOP_BIND] = "net_bind",
	[NOP_LISTEN] = "net_listen",
	[NOP_SENDTO] = "net_sendto",
};

size_t
evrec_measure(struct evrec *e)
{
	size_t i, n, sum = 0;

	for (i = 0; i < EVS_MAX; i++) {
		n = e->text[i].p == NULL ? 0 : e->text[i].len;
		if (n > evrec_text_max[i]) {
			n = evrec_text_max[i];
			e->fix.flags |= EVF_TRUNCATED;
		}
		e->fix.len[i] = (uint16_t)n;
		sum += n;
	}
	e->fix.total = (uint16_t)sum;
	return sizeof(e->fix) + sum;
}

void
evrec_encode(const struct evrec *e, void *out)
{
	uint8_t *p = out;
	size_t i;

	memcpy(p, &e->fix, sizeof(e->fix));
	p += sizeof(e->fix);
	for (i = 0; i < EVS_MAX; i++) {
		if (e->fix.len[i] == 0)
			continue;
		memcpy(p, e->text[i].p, e->fix.len[i]);
		p += e->fix.len[i];
	}
}

static bool
fix_is_sane(const struct evrec_fix *f)
{
	if (f->type == EV_NONE || f->type >= EV_MAX)
		return false;
	if (f->decision >= DEC_MAX || f->layer >= LAYER_MAX || f->allowed > 1)
		return false;
	if (f->type == EV_FILE || f->type == EV_SOFT_DELETED)
		return f->op < FOP_MAX;
	if (f->type == EV_NET || f->type == EV_UNIX)
		return f->op < NOP_MAX;
	return true;
}

int
evrec_decode(struct evrec *e, const void *in, size_t len)
{
	const char *p = in;
	size_t i, sum = 0;

	memset(e, 0, sizeof(*e));
	if (len < sizeof(e->fix))
		return -1;
	memcpy(&e->fix, in, sizeof(e->fix));
	if (!fix_is_sane(&e->fix))
		return -1;
	p += sizeof(e->fix);
	len -= sizeof(e->fix);
	for (i = 0; i < EVS_MAX; i++) {
		if (e->fix.len[i] > evrec_text_max[i] ||
		    e->fix.len[i] > len - sum)
			return -1;
		if (e->fix.len[i] != 0)
			evrec_set(e, (enum ev_text)i, p + sum, e->fix.len[i]);
		sum += e->fix.len[i];
	}
	return sum == e->fix.total ? 0 : -1;
}

bool
evrec_is_plain(const struct evrec_fix *f)
{
	return f->type < EV_MAX && type_tab[f->type].mergeable &&
	    f->allowed == 1 && f->error == 0 && f->decision == DEC_ALLOW &&
	    (f->flags & EVF_ALWAYS) == 0;
}

bool
evrec_is_judged(const struct evrec_fix *f)
{
	return (f->type > EV_NONE && f->type <= EV_COMMAND_POLICY) ||
	    f->type == EV_SOFT_DELETED || f->type == EV_HTTP ||
	    f->type == EV_DNS_REDIRECT || f->type == EV_CONNECT_REDIRECT;
}

static const char *
signal_type(const struct evrec_fix *f)
{
	if (f->decision == DEC_ABSORB)
		return "signal_absorbed";
	if (f->decision == DEC_REDIRECT && f->allowed)
		return "signal_redirected";
	return f->allowed ? "signal_sent" : "signal_blocked";
}

const char *
evrec_type_name(const struct evrec_fix *f)
{
	if (f->type >= EV_MAX)
		return "unknown";
	if (f->type == EV_FILE)
		return f->op < FOP_MAX ? file_type_tab[f->op] : "file_unknown";
	if (f->type == EV_NET)
		return f->op < NOP_MAX ? net_type_tab[f->op] : "net_unknown";
	if (f->type == EV_SIGNAL)
		return signal_type(f);
	return type_tab[f->type].name;
}

const char *
evrec_op_name(const struct evrec_fix *f)
{
	if (f->type == EV_FILE || f->type == EV_SOFT_DELETED)
		return f->op < FOP_MAX ? file_op_name[f->op] : "";
	if (f->type == EV_NET || f->type == EV_UNIX)
		return f->op < NOP_MAX ? net_op_name[f->op] : "";
	if (f->type == EV_COMMAND_POLICY)
		return "command_precheck";
	return "";
}
