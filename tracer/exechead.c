/*
 * What the first bytes of an executable say: a `#!` line or an ELF interpreter.
 * Pure; the bytes are the adversary's and every offset is checked.
 */

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "tracer/exechead.h"

static bool
is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

int
exechead_shebang(const char *head, size_t n, char interp[EXECHEAD_LINE],
    char arg[EXECHEAD_LINE])
{
	size_t i = 2, end, start;
	const char *nl;

	if (n > EXECHEAD_LINE)
		n = EXECHEAD_LINE;
	if (n < 2 || head[0] != '#' || head[1] != '!')
		return 0;
	nl = memchr(head, '\n', n);
	/* Without a newline the kernel keeps a byte for the NUL. */
	end = nl != NULL ? (size_t)(nl - head) :
	    n == EXECHEAD_LINE ? n - 1 : n;
	if (nl == NULL) {
		/*
		 * Cut off: the kernel takes it if the interpreter's name is
		 * whole.
		 */
		size_t k = 2;

		while (k < n && is_blank(head[k]))
			k++;
		while (k < n && !is_blank(head[k]) && head[k] != '\0')
			k++;
		if (k == n && n == EXECHEAD_LINE)
			return -1;
	}
	if ((nl = memchr(head + 2, '\0', end - 2)) != NULL)
		end = (size_t)(nl - head);
	while (end > 2 && is_blank(head[end - 1]))
		end--;
	while (i < end && is_blank(head[i]))
		i++;
	if (i == end)
		return -1;
	for (start = i; i < end && !is_blank(head[i]); i++)
		;
	memcpy(interp, head + start, i - start);
	interp[i - start] = '\0';
	while (i < end && is_blank(head[i]))
		i++;
	memcpy(arg, head + i, end - i);
	arg[end - i] = '\0';
	return 1;
}

int
exechead_loader(const uint8_t *head, size_t n, uint64_t *offset,
    uint64_t *size)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	unsigned int i;
	uint64_t at;

	if (n < sizeof(eh) || memcmp(head, ELFMAG, SELFMAG) != 0 ||
	    head[EI_CLASS] != ELFCLASS64)
		return 0;
	memcpy(&eh, head, sizeof(eh));
	if (eh.e_phentsize != sizeof(ph))
		return -1;
	for (i = 0; i < eh.e_phnum; i++) {
		at = eh.e_phoff + (uint64_t)i * sizeof(ph);
		if (at < eh.e_phoff || at > n || n - at < sizeof(ph))
			return -1;
		memcpy(&ph, head + at, sizeof(ph));
		if (ph.p_type != PT_INTERP)
			continue;
		*offset = ph.p_offset;
		*size = ph.p_filesz;
		return 1;
	}
	return 0;
}
