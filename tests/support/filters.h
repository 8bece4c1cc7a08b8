/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_SUPPORT_FILTERS_H
#define SALLYPORT_TESTS_SUPPORT_FILTERS_H

/*
 * The filters as they were compiled, for every architecture we have, run by an interpreter over calls by
 * name: what the tables promise holds for arm64 too, without a machine of that kind. For programs that link
 * filter_test_dep.
 */

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/filter/filter.h"

extern const struct filter_program filter_programs_x86_64[FILTER_COUNT],
	filter_programs_aarch64[FILTER_COUNT];

static const struct target {
	const char *name;
	uint32_t token;
	const struct filter_program *programs;
} targets[] = {{"x86_64", SCMP_ARCH_X86_64, filter_programs_x86_64},
	       {"aarch64", SCMP_ARCH_AARCH64, filter_programs_aarch64}};

/* The few instructions of classic BPF that seccomp filters use. Fails the test on any other, or past the end.
 */
static uint32_t interpret(const struct filter_program *program, const struct seccomp_data *data)
{
	uint32_t accumulator = 0;

	for (size_t at = 0; at < program->length; at++) {
		const struct sock_filter *code = &program->code[at];

		switch (code->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(code->k % 4 == 0 && code->k + 4 <= sizeof *data);
			memcpy(&accumulator, (const char *)data + code->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			accumulator &= code->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += accumulator == code->k ? code->jt : code->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += accumulator >= code->k ? code->jt : code->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += accumulator > code->k ? code->jt : code->jf;
			break;
		case BPF_JMP | BPF_JA:
			at += code->k;
			break;
		case BPF_RET | BPF_K:
			return code->k;
		default:
			fail_msg("instruction %zu is %#x", at, code->code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

static uint32_t ask(const struct target *target, enum filter_name name, const char *call,
		    const uint64_t *arguments)
{
	struct seccomp_data data = {.arch = target->token,
				    .nr = seccomp_syscall_resolve_name_arch(target->token, call)};

	if (data.nr < 0)
		fail_msg("%s has no %s", target->name, call);
	if (arguments)
		memcpy(data.args, arguments, sizeof data.args);
	return interpret(&target->programs[name], &data);
}

#define REFUSED(number) (SECCOMP_RET_ERRNO | (number))
#define ARGUMENTS(...)  ((const uint64_t[6]){__VA_ARGS__})

struct expectation {
	enum filter_name filter;
	const char *call;
	const uint64_t *arguments;
	uint32_t answer;
};

static void check(const struct expectation *list, size_t count)
{
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
		for (size_t i = 0; i < count; i++) {
			uint32_t answer = ask(&targets[t], list[i].filter, list[i].call, list[i].arguments);

			if (answer != list[i].answer)
				fail_msg("%s, filter %d, %s (row %zu): %#x, expected %#x", targets[t].name,
					 list[i].filter, list[i].call, i, answer, list[i].answer);
		}
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The same answer for each, whatever its arguments. Older architectures' own calls are passed over elsewhere.
 */
static inline void all(enum filter_name filter, uint32_t answer, const char *const *calls)
{
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
		for (size_t i = 0; calls[i]; i++) {
			if (seccomp_syscall_resolve_name_arch(targets[t].token, calls[i]) < 0)
				continue;
			uint32_t heard = ask(&targets[t], filter, calls[i], NULL);

			if (heard != answer)
				fail_msg("%s, filter %d, %s: %#x, expected %#x", targets[t].name, filter,
					 calls[i], heard, answer);
		}
}

#endif
