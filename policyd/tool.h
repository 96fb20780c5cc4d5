/*
 * policyd as a tool: `agentsh-policyd -T WORD ...`, started by agentshctl with
 * the user's rights and a descriptor for every file, once, without a daemon.
 */

#ifndef POLICYD_TOOL_H
#define POLICYD_TOOL_H

/*
 * argv[0] is WORD.  Confines the process before a byte is parsed.  Returns the
 * exit status: 0, 1 something is wrong with what was given (or lint found
 * something), 2 usage or a malformed line.
 */
int tool_main(int argc, char **argv);

#endif
