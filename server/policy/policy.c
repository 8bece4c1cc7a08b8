/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy's life: defaults, reading the file, its hash. Checking the text is check.c's business. Trusts the
 * person who started us to name the file, and nothing about what the file is: it may be a FIFO, a directory,
 * huge, or change while it is read; what was read once is what is checked and hashed.
 */
#include "server/policy/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/policy/keys.h"

void policy_values_init(const struct policy_key *keys, void *object)
{
	for (const struct policy_key *key = keys; key->name; key++) {
		void *member = (char *)object + key->offset;

		if (key->type == POLICY_INTEGER || key->type == POLICY_DECIMAL || key->type == POLICY_WORD)
			*(int64_t *)member = key->preset;
		else if (key->type == POLICY_BOOLEAN)
			*(bool *)member = key->preset != 0;
		else if (POLICY_IS_TEXT(key->type))
			*(char **)member = NULL;
		else if (POLICY_IS_LIST(key->type))
			*(struct policy_list *)member = (struct policy_list){0};
		else if (key->type == POLICY_OBJECTS)
			*(struct policy_objects *)member = (struct policy_objects){0};
	}
}

void policy_init(struct policy *policy)
{
	*policy = (struct policy){0};
	policy_values_init(policy_keys, policy);
}

static void list_deinit(struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
}

static void objects_deinit(const struct policy_key *key, struct policy_objects *objects)
{
	for (size_t i = 0; i < objects->count; i++)
		policy_values_deinit(key->members, (char *)objects->items + i * key->size);
	free(objects->items);
}

void policy_values_deinit(const struct policy_key *keys, void *object)
{
	for (const struct policy_key *key = keys; key->name; key++) {
		void *member = (char *)object + key->offset;

		if (POLICY_IS_TEXT(key->type))
			free(*(char **)member);
		else if (POLICY_IS_LIST(key->type))
			list_deinit(member);
		else if (key->type == POLICY_OBJECTS)
			objects_deinit(key, member);
	}
	policy_values_init(keys, object);
}

void policy_deinit(struct policy *policy)
{
	policy_values_deinit(policy_keys, policy);
	policy_init(policy);
}

static void hash(char hex[65], const void *bytes, size_t length)
{
	struct sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&context);
	sha256_update(&context, length, bytes);
	sha256_digest(&context, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/*
 * SHA-256 of what `sallyport policy show` prints for the defaults. A constant, since every start without a
 * policy would compute the same; test_policy computes it anew, so a changed default cannot keep the old one.
 */
static const char default_sha256[] = "e0955b8b7a4121ece0090f57b9fdb9c84b3ae8d143774c059abd819ae702fe1a";

void policy_default(struct policy *policy)
{
	policy_init(policy);
	memcpy(policy->sha256, default_sha256, sizeof default_sha256);
}

static const char *what_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO or pipe";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

/* Non-blocking, since opening a FIFO would wait for a writer; only a regular file is read. */
static int open_regular(const char *path, struct err *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	int code;

	if (fd < 0) {
		code = -errno;
		return err_set(err, code, "cannot open the policy: %s", strerror(-code));
	}
	if (fstat(fd, &status) < 0) {
		code = -errno;
		return err_set(err, code, "cannot examine the policy: %s", strerror(-code));
	}
	if (!S_ISREG(status.st_mode))
		return err_set(err, -EINVAL, "the policy is %s; a regular file is needed",
			       what_kind(status.st_mode));
	if (status.st_size > (off_t)LIMIT_POLICY_BYTES)
		return err_set(err, -EFBIG, "the policy has %lld bytes; at most %u are read",
			       (long long)status.st_size, LIMIT_POLICY_BYTES);
	return steal_fd(&fd);
}

static int read_whole(int fd, struct buffer *text, struct err *err)
{
	for (;;) {
		ssize_t got;
		int result = buffer_reserve(text, 4096);

		/* one block beyond the limit is reserved, so that "exactly at the limit" can be told from
		 * more */
		if (result < 0)
			return err_set(err, result, "no memory to read the policy");
		got = read(fd, text->bytes + text->end, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			result = -errno;
			return err_set(err, result, "cannot read the policy: %s", strerror(-result));
		}
		if (got == 0)
			return 0;
		text->end += (size_t)got;
		if (buffer_length(text) > LIMIT_POLICY_BYTES)
			return err_set(err, -EFBIG, "the policy has more than %u bytes", LIMIT_POLICY_BYTES);
	}
}

int policy_read(struct policy *policy, const char *path, struct buffer *problems, struct err *err)
{
	struct buffer text;
	int fd, result;

	fd = open_regular(path, err);
	if (fd < 0)
		return err_wrap(err, fd, "%s", path);
	buffer_init(&text, LIMIT_POLICY_BYTES + 2 * 4096);
	result = read_whole(fd, &text, err);
	close(fd);
	if (result < 0)
		err_wrap(err, result, "%s", path);
	else
		result = policy_parse(policy, buffer_length(&text) ? buffer_data(&text) : "",
				      buffer_length(&text), path, problems, err);
	if (result == 0)
		hash(policy->sha256, buffer_data(&text), buffer_length(&text));
	buffer_deinit(&text);
	return result;
}
