/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of tokens (token_policies.h). */
#include "server/token_policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "protocol/cleanup.h"
#include "server/log.h"
#include "server/policy/secrets.h"

static struct token_policy *find(const struct token_policies *policies, const char *path)
{
	for (size_t i = 0; i < policies->count; i++)
		if (strcmp(policies->all[i].path, path) == 0)
			return &policies->all[i];
	return NULL;
}

static int load(struct token_policy *policy, const char *path, const struct options *options, struct err *err)
{
	struct options own = *options;
	int result;

	own.policy = path;
	result = settings_load(&policy->settings, &own, err);
	if (result < 0)
		return result;
	policy->path = strdup(path);
	policy->realm = server_memory(sizeof *policy->realm);
	if (!policy->path || !policy->realm)
		return err_set(err, -ENOMEM, "out of memory");
	if (buffer_length(&policy->settings.notes) && buffer_append(&policy->settings.notes, "", 1) == 0)
		log_line("%s: %s", path, buffer_data(&policy->settings.notes));
	return 0;
}

int token_policies_prepare(struct token_policies *policies, const struct access *access,
			   const struct options *options, const struct settings *main, struct err *err)
{
	int result = 0;

	/* they do not move: settings are referred to */
	policies->all = calloc(access->count + 1, sizeof *policies->all);
	if (!policies->all)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < access->count && result == 0; i++) {
		const char *path = access->rows[i].policy;

		if (path && !find(policies, path))
			result = load(&policies->all[policies->count++], path, options, err);
	}
	/* two may name the same variable, and no process that is forked here is to have any */
	policy_secrets_forget(&main->policy);
	for (size_t i = 0; i < policies->count; i++)
		policy_secrets_forget(&policies->all[i].settings.policy);
	for (size_t i = 0; i < policies->count && result == 0; i++)
		result = realm_prepare(policies->all[i].realm, &policies->all[i].settings, err);
	return result;
}

int token_policies_begin(struct token_policies *policies, struct server *server, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < policies->count && result == 0; i++)
		result = server_add(server, policies->all[i].realm, err);
	return result;
}

struct realm *token_policies_find(const struct token_policies *policies, struct server *server,
				  const char *path)
{
	const struct token_policy *policy = path ? find(policies, path) : NULL;

	return !path ? &server->realm : policy ? policy->realm : NULL;
}

void token_policies_deinit(struct token_policies *policies)
{
	for (size_t i = 0; i < policies->count; i++) {
		struct token_policy *policy = &policies->all[i];

		free(policy->path);
		settings_deinit(&policy->settings);
		if (policy->realm)
			munmap(policy->realm, sizeof *policy->realm);
	}
	free(policies->all);
	*policies = (struct token_policies){0};
}
