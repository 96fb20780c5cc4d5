/*
 * The hosts of package registries that the clients installed on this machine
 * are configured to use (common/registry.h), from their files alone: no client is run.
 * In the monitor's helper, with a user's credentials, and in agentshctl.
 */

#ifndef SUPERVISOR_REGFIND_H
#define SUPERVISOR_REGFIND_H

#include "common/registry.h"

/*
 * Fill out.  home and workspace: canonical directories or ""; what lies below
 * them, and what another than root may write, is the user's.  env: look at our
 * own environment too, as the user's.  root is put before every path but these two
 * ("" for this machine; tests have their own).  Reads files, so it may block.
 */
void regfind(const char *root, const char *home, const char *workspace, int env,
    struct registries *out);

#endif
