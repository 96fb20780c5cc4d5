/*
 * What the first bytes of an executable say, against what the kernel makes of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "tracer/exechead.h"

static char interp[EXECHEAD_LINE], arg[EXECHEAD_LINE];

static void
want(const char *line, const char *want_interp, const char *want_arg)
{
	assert_int_equal(exechead_shebang(line, strlen(line), interp, arg), 1);
	assert_string_equal(interp, want_interp);
	assert_string_equal(arg, want_arg);
}

static void
shebang_script_split(void **state)
{
	(void)state;
	want("#!/bin/sh\n", "/bin/sh", "");
	want("#! /bin/sh -e\nrest", "/bin/sh", "-e");
	want("#!/usr/bin/env -S python3 -u\n", "/usr/bin/env", "-S python3 -u");
	want("#!\t/bin/sh \t -x \t\n", "/bin/sh", "-x");
	want("#!/bin/sh", "/bin/sh", "");
}

static void
shebang_other_none(void **state)
{
	(void)state;
	assert_int_equal(exechead_shebang("", 0, interp, arg), 0);
	assert_int_equal(exechead_shebang("#", 1, interp, arg), 0);
	assert_int_equal(exechead_shebang("\x7f" "ELF", 4, interp, arg), 0);
	assert_int_equal(exechead_shebang(" #!/bin/sh\n", 11, interp, arg), 0);
}

static void
shebang_empty_refused(void **state)
{
	(void)state;
	assert_int_equal(exechead_shebang("#!\n", 3, interp, arg), -1);
	assert_int_equal(exechead_shebang("#!  \t\n", 6, interp, arg), -1);
	assert_int_equal(exechead_shebang("#!", 2, interp, arg), -1);
}

static void
shebang_cut_off_name_refused(void **state)
{
	char line[512];

	(void)state;
	memset(line, 'a', sizeof(line));
	memcpy(line, "#!/", 3);
	assert_int_equal(exechead_shebang(line, sizeof(line), interp, arg), -1);
	/* A long argument is cut, the interpreter's name is whole. */
	line[10] = ' ';
	assert_int_equal(exechead_shebang(line, sizeof(line), interp, arg), 1);
	assert_int_equal(strlen(interp), 8);
	assert_int_equal(strlen(arg), EXECHEAD_LINE - 12);
}

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
};

static void
elf_make(struct image *im)
{
	memset(im, 0, sizeof(*im));
	memcpy(im->eh.e_ident, ELFMAG, SELFMAG);
	im->eh.e_ident[EI_CLASS] = ELFCLASS64;
	im->eh.e_phoff = sizeof(im->eh);
	im->eh.e_phentsize = sizeof(im->ph[0]);
	im->eh.e_phnum = 2;
	im->ph[0].p_type = PT_LOAD;
	im->ph[1].p_type = PT_INTERP;
	im->ph[1].p_offset = 0x238;
	im->ph[1].p_filesz = 28;
}

static int
loader(const struct image *im, size_t n, uint64_t *off, uint64_t *size)
{
	return exechead_loader((const uint8_t *)im, n, off, size);
}

static void
loader_dynamic_found(void **state)
{
	struct image im;
	uint64_t off = 0, size = 0;

	(void)state;
	elf_make(&im);
	assert_int_equal(loader(&im, sizeof(im), &off, &size), 1);
	assert_int_equal(off, 0x238);
	assert_int_equal(size, 28);
}

static void
loader_static_none(void **state)
{
	struct image im;
	uint64_t off, size;

	(void)state;
	elf_make(&im);
	im.ph[1].p_type = PT_NOTE;
	assert_int_equal(loader(&im, sizeof(im), &off, &size), 0);
	im.eh.e_ident[0] = 'x';
	assert_int_equal(loader(&im, sizeof(im), &off, &size), 0);
	assert_int_equal(loader(&im, 8, &off, &size), 0);
}

static void
loader_headers_elsewhere_refused(void **state)
{
	struct image im;
	uint64_t off, size;

	(void)state;
	elf_make(&im);
	assert_int_equal(loader(&im, sizeof(im) - 1, &off, &size), -1);
	im.eh.e_phoff = UINT64_MAX - 8;
	assert_int_equal(loader(&im, sizeof(im), &off, &size), -1);
	elf_make(&im);
	im.eh.e_phentsize = 32;
	assert_int_equal(loader(&im, sizeof(im), &off, &size), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shebang_script_split),
		cmocka_unit_test(shebang_other_none),
		cmocka_unit_test(shebang_empty_refused),
		cmocka_unit_test(shebang_cut_off_name_refused),
		cmocka_unit_test(loader_dynamic_found),
		cmocka_unit_test(loader_static_none),
		cmocka_unit_test(loader_headers_elsewhere_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
