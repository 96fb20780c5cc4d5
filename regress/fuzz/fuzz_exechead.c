/*
 * The first bytes of an executable, any: a `#!` line and an ELF's headers.  What comes out
 * of a line is what a second, slower reading of it says, after the kernel's
 * load_script(); an interpreter's place is only taken from headers that are there.
 */

#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/exechead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLANKS " \t"

static void
must(int ok)
{
	if (!ok)
		__builtin_trap();
}

/*
 * The kernel sees EXECHEAD_LINE bytes, NULs after the end of a short file.  The
 * same answer as exechead_shebang's; line is cut up.
 */
static int
slow_shebang(char line[EXECHEAD_LINE + 1], size_t n, char **interp, char **arg)
{
	char *nl, *end;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	line[n] = '\0';
	nl = memchr(line, '\n', n);
	if (nl != NULL) {
		*nl = '\0';
	} else if (n == EXECHEAD_LINE) {
		/* Full and no newline: the name must end in sight. */
		*interp = line + 2 + strspn(line + 2, BLANKS);
		if (strcspn(*interp, BLANKS) == strlen(*interp) &&
		    strlen(line) == EXECHEAD_LINE)
			return -1;
		line[EXECHEAD_LINE - 1] = '\0';
	}
	end = line + strlen(line);
	while (end > line + 2 && strchr(BLANKS, end[-1]) != NULL)
		*--end = '\0';
	*interp = line + 2 + strspn(line + 2, BLANKS);
	if (**interp == '\0')
		return -1;
	*arg = *interp + strcspn(*interp, BLANKS);
	if (**arg != '\0') {
		*(*arg)++ = '\0';
		*arg += strspn(*arg, BLANKS);
	}
	return 1;
}

static void
script(const char *head, size_t n)
{
	char interp[EXECHEAD_LINE], arg[EXECHEAD_LINE];
	char line[EXECHEAD_LINE + 1], *want_interp, *want_arg;
	size_t seen = n < EXECHEAD_LINE ? n : EXECHEAD_LINE;
	int rc = exechead_shebang(head, n, interp, arg);

	memcpy(line, head, seen);
	must(slow_shebang(line, seen, &want_interp, &want_arg) == rc);
	if (rc != 1)
		return;
	must(strcmp(interp, want_interp) == 0);
	must(strcmp(arg, want_arg) == 0);
}

/* Some program header inside the n bytes says so. */
static int
has_loader(const uint8_t *head, size_t n, uint64_t offset, uint64_t size)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	unsigned int i;

	must(n >= sizeof(eh));
	memcpy(&eh, head, sizeof(eh));
	for (i = 0; i < eh.e_phnum; i++) {
		must(eh.e_phoff + i * sizeof(ph) + sizeof(ph) <= n);
		memcpy(&ph, head + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_INTERP)
			return ph.p_offset == offset && ph.p_filesz == size;
	}
	return 0;
}

static void
elf(const uint8_t *head, size_t n)
{
	uint64_t offset, size;
	int rc = exechead_loader(head, n, &offset, &size);

	if (rc != 0)
		must(memcmp(head, ELFMAG, SELFMAG) == 0);
	if (rc == 1)
		must(has_loader(head, n, offset, size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *head = malloc(size + 1);

	must(head != NULL);
	/* At the very end of its storage. */
	memcpy(head + 1, data, size);
	script((const char *)head + 1, size);
	elf(head + 1, size);
	free(head);
	return 0;
}
