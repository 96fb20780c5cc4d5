/*
 * policyd as a child of the monitor: holds the loaded config and policies,
 * compiles an image for each session that asks.
 */

#ifndef POLICYD_SERVE_H
#define POLICYD_SERVE_H

struct chan;

/*
 * Answer the monitor on c until it has gone (0) or the channel breaks (-1).
 * Blocks in chan_recv only.
 */
int serve(struct chan *c);

#endif
