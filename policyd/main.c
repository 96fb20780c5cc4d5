/*
 * agentsh-policyd: reads YAML, checks it, compiles it, explains it.  Started by
 * agentshd as its child (channel on descriptor 3), or by agentshctl as a tool
 * (-T).  Trusts nothing of what it parses; opens no file by itself; everything
 * it is to read comes as a descriptor.
 */

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "policyd/serve.h"
#include "policyd/tool.h"

static int
run_child(void)
{
	struct child ch;

	if (child_start(&ch, PROC_POLICYD) == -1)
		return 1;
	if (serve(&ch.chan) == -1) {
		log_error("channel to the monitor: %s", strerror(errno));
		return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "-T") == 0)
		return tool_main(argc - 2, argv + 2);
	log_init("policyd", LOG_INFO);
	return run_child();
}
