/*
 * Which function answers which question.  Data only.
 */

#include "tracer/call.h"
#include "tracer/cred.h"
#include "tracer/exec.h"
#include "tracer/fileops.h"
#include "tracer/notify.h"
#include "tracer/place.h"
#include "tracer/sig.h"
#include "tracer/sock.h"

/* A question without a function is refused. */
ask_fn *const dispatch_tab[ASK_MAX] = {
	[ASK_OPEN] = openops_ask,
	[ASK_EXEC] = exec_ask,
	[ASK_TRUNCATE] = perform_ask_truncate,
	[ASK_UNLINK] = perform_ask_unlink,
	[ASK_RENAME] = perform_ask_rename,
	[ASK_LINK] = perform_ask_link,
	[ASK_SYMLINK] = perform_ask_symlink,
	[ASK_MKDIR] = perform_ask_mkdir,
	[ASK_MKNOD] = perform_ask_mknod,
	[ASK_CHMOD] = perform_ask_chmod,
	[ASK_CHOWN] = perform_ask_chown,
	[ASK_UTIME] = perform_ask_utime,
	[ASK_SETXATTR] = metaops_ask_setxattr,
	[ASK_REMOVEXATTR] = metaops_ask_removexattr,
	[ASK_SETATTR] = metaops_ask_setattr,
	[ASK_STAT] = metaops_ask_stat,
	[ASK_STATX] = metaops_ask_statx,
	[ASK_STATFS] = metaops_ask_statfs,
	[ASK_ACCESS] = metaops_ask_access,
	[ASK_READLINK] = metaops_ask_readlink,
	[ASK_GETXATTR] = metaops_ask_getxattr,
	[ASK_LISTXATTR] = metaops_ask_listxattr,
	[ASK_GETATTR] = metaops_ask_getattr,
	[ASK_WATCH] = metaops_ask_watch,
	[ASK_CONNECT] = sock_ask_connect,
	[ASK_BIND] = sock_ask_bind,
	[ASK_LISTEN] = sock_ask_listen,
	[ASK_SENDTO] = sock_ask_sendto,
	[ASK_SENDMSG] = sock_ask_sendmsg,
	[ASK_SENDMMSG] = sock_ask_sendmmsg,
	[ASK_KILL] = sig_ask_kill,
	[ASK_TKILL] = sig_ask_tkill,
	[ASK_QUEUE] = sig_ask_queue,
	[ASK_PIDFD_SIGNAL] = sig_ask_pidfd,
	[ASK_SETOWN] = sig_ask_setown,
	[ASK_ASYNC] = sig_ask_async,
	[ASK_PRLIMIT] = sig_ask_prlimit,
	[ASK_SCHED] = sig_ask_sched,
	[ASK_AFFINITY] = place_ask_affinity,
	[ASK_CRED] = cred_ask,
	[ASK_SHARE] = notify_ask_share,
	[ASK_UMASK] = notify_ask_umask,
	[ASK_LOCK] = notify_ask_lock,
};
