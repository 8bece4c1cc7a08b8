/* SPDX-License-Identifier: Apache-2.0 */
/* Command line and policy, put together. See settings.h. */
#include "server/settings.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "server/policy/compile.h"
#include "server/policy/secrets.h"
#include "server/workspaces.h"

/* The home of whoever the commands act as: of the workspace's owner when root started us for somebody. The
 * user database is asked only where the environment cannot say, since that costs a tenth of our start. */
static char *find_home(uid_t owner)
{
	const char *home = getenv("HOME");
	struct passwd *entry;

	if (geteuid() == owner && home && home[0] == '/')
		return realpath(home, NULL);
	entry = getpwuid(owner);
	if (entry && entry->pw_dir && entry->pw_dir[0] == '/')
		return realpath(entry->pw_dir, NULL);
	return NULL;
}

static uid_t workspace_owner(const struct options *options)
{
	_cleanup_free_ char *path = NULL;
	struct stat status;
	const char *first = options->workspace_count ? options->workspaces[0] : ".";
	size_t length = strlen(first);

	if (geteuid() != 0)
		return geteuid();
	if (length > 3 && (strcmp(first + length - 3, ":ro") == 0 || strcmp(first + length - 3, ":rw") == 0))
		length -= 3;
	path = strndup(first, length);
	return path && stat(path, &status) == 0 ? status.st_uid : 0;
}

static int load(struct settings *settings, const struct options *options, struct err *err)
{
	uid_t owner = workspace_owner(options);
	_cleanup_free_ char *home = find_home(owner);
	const char *config_home = owner == geteuid() ? getenv("XDG_CONFIG_HOME") : NULL;
	int result = 0;

	policy_default(&settings->policy);
	if (options->policy)
		result = policy_read(&settings->policy, options->policy, NULL, err);

	if (result == 0)
		result = workspaces_add(&settings->plan, options, home, &settings->notes, err);
	if (result == 0)
		result = policy_compile(&settings->policy, options->policy, home, &settings->plan,
					&settings->notes, err);
	if (result == 0 && config_home && config_home[0] == '/') {
		settings->plan.config_home = strdup(config_home);
		result = settings->plan.config_home ? 0 : -ENOMEM;
	}
	if (result < 0)
		return result;
	result =
		policy_secrets_open(&settings->policy, &settings->plan, home, owner, &settings->secrets, err);
	if (result < 0)
		return result;
	settings->instance = options->instance;
	settings->answer_within_ms = options->answer_within_ms ? options->answer_within_ms
							       : (uint32_t)settings->policy.answer_within_ms;
	if (options->result_bytes)
		settings->plan.result_bytes = options->result_bytes;
	return 0;
}

int settings_load(struct settings *settings, const struct options *options, struct err *err)
{
	int result;

	policy_init(&settings->policy);
	plan_init(&settings->plan);
	settings->answer_within_ms = 0;
	settings->instance = NULL;
	settings->secrets = -1;
	buffer_init(&settings->notes, LIMIT_POLICY_BYTES);
	result = load(settings, options, err);
	if (result < 0)
		settings_deinit(settings);
	return result;
}

void settings_deinit(struct settings *settings)
{
	if (settings->secrets >= 0)
		close_fd(&settings->secrets);
	policy_deinit(&settings->policy);
	plan_deinit(&settings->plan);
	buffer_deinit(&settings->notes);
}
