/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of network.inject (secrets.h). Trusts the person who wrote the policy to name the right file, and
 * nobody else to leave it alone: where commands could read it, or somebody else write it, it is refused.
 */
#include "server/policy/secrets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/rules.h"
#include "sandbox/sealed.h"
#include "server/paths.h"
#include "server/policy/compile.h"
#include "server/secret.h"

/* ---- where it may be ---- */

static int refuse_place(struct err *err, const char *file, const char *place)
{
	return err_set(err, -EACCES,
		       "%s lies in %s, where a command could read or replace it; keep secrets elsewhere, for "
		       "example below ~/.config/sallyport",
		       file, place);
}

static int check_outside(const char *file, const struct plan_path *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int result = path_passes(file, list[i].path);

		if (result < 0)
			return err_set(err, result, "%s: %s", file, strerror(-result));
		if (result)
			return refuse_place(err, file, list[i].path);
	}
	return 0;
}

/* What commands see beside workspaces and the system: what policy adds, and the directories of PATH, which
 * are found again when a sandbox is built. */
static int check_extra(const char *file, const struct plan *plan, struct err *err)
{
	struct plan shown = {.workspaces = plan->workspaces, .workspace_count = plan->workspace_count};
	int result = 0;

	for (size_t i = 0; i < plan->extra_count && result == 0; i++)
		result = plan_add_path(&shown.extra, &shown.extra_count, plan->extra[i].path, false);
	if (result == 0)
		result = policy_search_path(getenv("PATH"), plan->home, &shown);
	if (result < 0)
		err_set(err, result, "no memory");
	else
		result = check_outside(file, shown.extra, shown.extra_count, err);
	shown.workspaces = NULL; /* the other's */
	shown.workspace_count = 0;
	plan_deinit(&shown);
	return result;
}

/* Of what commands see of the system they read what its modes let them. */
static int check_system(const char *file, int fd, uid_t owner, struct err *err)
{
	struct stat status;

	if (!policy_shows(file))
		return 0;
	if (fstat(fd, &status) < 0)
		return err_set(err, -errno, "%s: %s", file, strerror(errno));
	return status.st_uid == owner || status.st_mode & S_IRGRP
		       ? refuse_place(err, file, "a directory of the system")
		       : 0;
}

static int read_file(const char *text, const struct plan *plan, const char *home, uid_t owner,
		     struct buffer *secret, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;
	int result = path_canonical(text, home, true, &path, err);

	if (result < 0)
		return result;
	if (text[0] == '~')
		text = path;
	result = check_outside(text, plan->workspaces, plan->workspace_count, err);
	if (result == 0)
		result = check_extra(text, plan, err);
	if (result < 0)
		return result;
	fd = secret_open(path);
	result = secret_read(secret, fd, path, true, err);
	return result < 0 ? result : check_system(path, fd, owner, err);
}

/* ---- what it may be ---- */

/* Without what an editor puts at the end. */
static size_t trimmed(const char *secret, size_t length)
{
	if (length && secret[length - 1] == '\n')
		length--;
	if (length && secret[length - 1] == '\r')
		length--;
	return length;
}

static int check_value(const char *secret, size_t length, struct err *err)
{
	if (length < LIMIT_INJECT_MIN_BYTES || length > LIMIT_INJECT_BYTES)
		return err_set(err, -EINVAL, "a secret must have from %d to %d bytes, and this one has %zu",
			       LIMIT_INJECT_MIN_BYTES, LIMIT_INJECT_BYTES, length);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)secret[i] < ' ' || secret[i] == 0x7f)
			return err_set(
				err, -EINVAL,
				"a secret must be one line without control characters, and this one has one "
				"as byte %zu",
				i + 1);
	return 0;
}

/* Commands listen there, and would read what comes. */
static int check_host(const struct plan *plan, const struct plan_rule *rule, struct err *err)
{
	if (rule->port ? rules_inside(plan, rule->host, rule->port)
		       : rules_inside(plan, rule->host, 443) || rules_inside(plan, rule->host, 80))
		return err_set(err, -EINVAL,
			       "%s is the loopback of sandboxes, where commands listen, who would read the "
			       "secret",
			       rule->host);
	return 0;
}

/* ---- all of them ---- */

static int add_secret(const struct policy_inject *inject, const struct plan *plan, const char *home,
		      uid_t owner, struct buffer *payload, struct err *err)
{
	const char *value = inject->environment ? getenv(inject->environment) : NULL;
	struct buffer text = {.max = LIMIT_SECRET_FILE_BYTES};
	size_t length = 0;
	int result = 0;

	if (inject->file)
		result = read_file(inject->file, plan, home, owner, &text, err);
	else if (!value)
		result = err_set(err, -ENOENT, "the variable %s is not set", inject->environment);
	if (result == 0 && inject->file)
		value = buffer_data(&text);
	if (result == 0) {
		/* a NUL inside a file is found as a control character */
		length = inject->file ? buffer_length(&text) - 1 : strlen(value);
		length = trimmed(value, length);
		result = check_value(value, length, err);
	}
	if (result == 0)
		result = frame_put_text(payload, inject->prefix);
	if (result == 0)
		result = frame_put_bytes(payload, value, length);
	secret_forget(&text);
	return result;
}

int policy_secrets_open(const struct policy *policy, const struct plan *plan, const char *home, uid_t owner,
			int *memfd, struct err *err)
{
	const struct policy_inject *injects = policy->injects.items;
	struct buffer payload = {.max = LIMIT_INJECTS_BYTES};
	int result = 0;

	*memfd = -1;
	if (policy->injects.count == 0)
		return 0;
	/* in one piece, so that nothing is left of it where it grew */
	result = buffer_reserve(&payload, LIMIT_INJECTS_BYTES);
	for (size_t i = 0; i < policy->injects.count && result == 0; i++) {
		result = check_host(plan, &plan->injects[i].rule, err);
		if (result == 0)
			result = add_secret(&injects[i], plan, home, owner, &payload, err);
		if (result < 0)
			err_wrap(err, result, "network.inject[%zu]", i);
	}
	if (result == 0)
		result =
			sealed_open("sallyport-secrets", buffer_data(&payload), buffer_length(&payload), err);
	secret_forget(&payload);
	if (result < 0)
		return result;
	*memfd = result;
	return 0;
}

void policy_secrets_forget(const struct policy *policy)
{
	const struct policy_inject *injects = policy->injects.items;

	for (size_t i = 0; i < policy->injects.count; i++) {
		char *value = injects[i].environment ? getenv(injects[i].environment) : NULL;

		if (!value)
			continue;
		explicit_bzero(value, strlen(value));
		unsetenv(injects[i].environment);
	}
}
