/*
 * The entry blob, as the tracer reads it from an asker: any bytes in a sealed
 * memfd.  What is accepted must have the counts it says, end every string
 * inside the blob, and be what entry_blob_write makes of it again.
 */

#include <sys/mman.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

static int
sealed(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd != -1);
	must(write(fd, data, size) == (ssize_t)size);
	must(fcntl(fd, F_ADD_SEALS,
		 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0);
	return fd;
}

static void
check(const struct entry_args *a)
{
	uint32_t i;

	for (i = 0; i < a->argc; i++)
		must(strlen(a->argv[i]) < a->map_bytes);
	for (i = 0; i < a->envc; i++)
		must(strlen(a->envp[i]) < a->map_bytes);
	must(a->argv[a->argc] == NULL && a->envp[a->envc] == NULL);
	must(strlen(a->program) < a->map_bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry_args a, again;
	int fd = sealed(data, size), out;

	if (entry_blob_read(fd, &a) == 0) {
		check(&a);
		out = entry_blob_write(a.argv, a.envp, a.program);
		must(out != -1);
		must(entry_blob_read(out, &again) == 0);
		must(again.map_bytes == a.map_bytes &&
		    memcmp(again.map, a.map, a.map_bytes) == 0);
		entry_args_clear(&again);
		entry_args_clear(&a);
		close(out);
	}
	close(fd);
	return 0;
}
