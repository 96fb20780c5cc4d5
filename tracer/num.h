/*
 * Numbers to text without formatting functions: names below /proc on the hot
 * path.
 */

#ifndef TRACER_NUM_H
#define TRACER_NUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NUM_MAX 11 /* ten digits and the NUL */

/* Decimal digits of n at p, terminated; returns the end. */
static inline char *
num_put(char *p, uint32_t n)
{
	char tmp[NUM_MAX];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	memcpy(p, tmp + i, sizeof(tmp) - i);
	p += sizeof(tmp) - i;
	*p = '\0';
	return p;
}

/* The text s at p, terminated; returns the end. */
static inline char *
num_text(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n + 1);
	return p + n;
}

#endif
