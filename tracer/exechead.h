/*
 * What the first bytes of an executable say: a `#!` line or an ELF interpreter.
 * Pure; used by the exec question.
 */

#ifndef TRACER_EXECHEAD_H
#define TRACER_EXECHEAD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Read a `#!` line from the first n bytes of a file: interpreter and optional
 * argument, copied, terminated.  1: a script, 0: none, -1: a script the kernel
 * refuses (ENOEXEC).
 */
#define EXECHEAD_LINE 256
int exechead_shebang(const char *head, size_t n, char interp[EXECHEAD_LINE],
    char arg[EXECHEAD_LINE]);

/*
 * PT_INTERP of a 64-bit ELF image in the n first bytes of a file: where the
 * string stands in the file and how long it is with its NUL.  1 found, 0 there
 * is none (static, or no ELF), -1 the headers are elsewhere or malformed.
 */
int exechead_loader(const uint8_t *head, size_t n, uint64_t *offset,
    uint64_t *size);

#endif
