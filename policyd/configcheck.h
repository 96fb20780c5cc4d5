/*
 * Values of config.yaml that name something of the kernel's: paths for
 * Landlock, system calls.  Called by the loader, before anything acts on them.  policyd
 * only; pure.
 */

#ifndef POLICYD_CONFIGCHECK_H
#define POLICYD_CONFIGCHECK_H

struct config;
struct yread;

/*
 * landlock.*: absolute paths in canonical form, no patterns; what is not is an
 * error in y's diagnostics.
 */
void configcheck_landlock(const struct yread *y, const struct config *c);

/*
 * sandbox.seccomp.syscalls.block: names that exist, and none that every command
 * needs to start and to end.
 */
void configcheck_syscalls(const struct yread *y, const struct config *c);

#endif
