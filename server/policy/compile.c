/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy compiled. Precedence is not decided here but carried out by the sandbox: what is hidden is
 * stronger than all else, what is protected is stronger than what may be written.
 */
#include "server/policy/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "sandbox/egress/listeners.h"
#include "sandbox/egress/methods.h"
#include "server/paths.h"
#include "server/policy/entry.h"
#include "server/policy/protect.h"
#include "server/workspaces.h"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory for the policy");
}

static int add_writable(struct plan *plan, const char *text, const char *home, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	struct stat status;
	int result = path_canonical(text, home, true, &path, err);

	if (result < 0)
		return err_wrap(err, result, "filesystem.allowWrite");
	if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
		return err_set(err, -ENOTDIR, "filesystem.allowWrite: %s is not a directory", text);
	if (workspaces_system(path))
		return err_set(err, -EINVAL,
			       "filesystem.allowWrite: %s is a directory of the system; name one below it",
			       text);
	for (size_t i = 0; i < plan->workspace_count; i++) {
		if (!path_within(path, plan->workspaces[i].path))
			continue;
		if (!plan->workspaces[i].write)
			return err_set(err, -EINVAL,
				       "filesystem.allowWrite: %s lies in the workspace %s, which was named "
				       "read-only (:ro)",
				       text, plan->workspaces[i].path);
		return 0; /* writable already; a second mount would only hide protected paths */
	}
	for (size_t i = 0; i < plan->extra_count; i++)
		if (plan->extra[i].write && strcmp(plan->extra[i].path, path) == 0)
			return 0;
	if (plan_add_path(&plan->extra, &plan->extra_count, path, true) < 0)
		return no_memory(err);
	return 0;
}

static int add_canonical(char ***list, size_t *count, const char *text, const char *home, const char *key,
			 struct err *err)
{
	_cleanup_free_ char *path = NULL;
	int result = path_canonical(text, home, false, &path, err);

	if (result < 0)
		return err_wrap(err, result, "%s", key);
	if (strcmp(path, "/") == 0)
		return err_set(err, -EINVAL, "%s: / would leave nothing", key);
	return plan_add_text(list, count, path) < 0 ? no_memory(err) : 0;
}

/* Where one of the deny lists names a directory, or what is around it: what they mean for it as a whole. */
static int deny_whole(struct plan *plan, size_t protect_from, struct err *err)
{
	for (size_t i = 0; i < plan->hide_count; i++)
		for (size_t j = 0; j < plan->workspace_count; j++)
			if (path_within(plan->workspaces[j].path, plan->hide[i]))
				return err_set(err, -EINVAL, "filesystem.denyRead: %s hides the workspace %s",
					       plan->hide[i], plan->workspaces[j].path);
	for (size_t i = protect_from; i < plan->protect_count; i++) {
		for (size_t j = 0; j < plan->workspace_count; j++)
			if (path_within(plan->workspaces[j].path, plan->protect[i]))
				plan->workspaces[j].write = false;
		for (size_t j = 0; j < plan->extra_count; j++)
			if (path_within(plan->extra[j].path, plan->protect[i]))
				plan->extra[j].write = false;
	}
	return 0;
}

static int compile_files(const struct policy *policy, const char *home, struct plan *plan, struct err *err)
{
	size_t built_in;
	int result = 0;

	for (size_t i = 0; i < policy->allow_write.count && result == 0; i++)
		result = add_writable(plan, policy->allow_write.items[i], home, err);
	for (const struct protected_path *row = protected_paths; row->path && result == 0; row++)
		if (!policy->allow_git_config || strcmp(row->path, PROTECTED_GIT_CONFIG) != 0)
			result = plan_add_text(&plan->protect, &plan->protect_count, row->path) < 0
					 ? no_memory(err)
					 : 0;
	built_in = plan->protect_count;
	for (size_t i = 0; i < policy->deny_write.count && result == 0; i++)
		result = add_canonical(&plan->protect, &plan->protect_count, policy->deny_write.items[i],
				       home, "filesystem.denyWrite", err);
	for (size_t i = 0; i < policy->deny_read.count && result == 0; i++)
		result = add_canonical(&plan->hide, &plan->hide_count, policy->deny_read.items[i], home,
				       "filesystem.denyRead", err);
	return result < 0 ? result : deny_whole(plan, built_in, err);
}

static int add_rules(struct plan_rule **list, size_t *count, const struct policy_list *from, const char *key,
		     struct err *err)
{
	char host[ENTRY_HOST_BYTES];
	uint16_t port;
	int result;

	for (size_t i = 0; i < from->count; i++) {
		result = entry_domain(from->items[i], host, &port, err);
		if (result < 0)
			return err_wrap(err, result, "%s", key);
		if (plan_add_rule(list, count, host, port) < 0)
			return no_memory(err);
	}
	return 0;
}

/* No sandbox could be built; better said now than with every command. */
static int check_ports(const struct plan *plan, struct err *err)
{
	struct listener list[LIMIT_LISTENERS];

	if (listeners_list(plan, list, ARRAY_SIZE(list)) < 0)
		return err_set(err, -EINVAL,
			       "network.allowedDomains: more different ports than commands can be given (%d)",
			       LIMIT_LISTENERS - 1);
	return 0;
}

static uint32_t method_bits(const struct policy_list *list)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < list->count; i++)
		for (unsigned method = 0; plan_methods[method]; method++)
			if (strcmp(plan_methods[method], list->items[i]) == 0)
				bits |= 1u << method;
	return bits;
}

/* What fetch_url may be beside where it goes. Secrets are no part of the plan (secrets.h). */
static int compile_web(const struct policy *policy, struct plan *plan, struct err *err)
{
	const struct policy_methods *methods = policy->methods.items;
	const struct policy_inject *injects = policy->injects.items;
	char host[ENTRY_HOST_BYTES];
	uint16_t port;
	int result = 0;

	for (size_t i = 0; i < policy->methods.count && result == 0; i++) {
		result = entry_domain(methods[i].domain, host, &port, err);
		if (result == 0 && plan_add_methods(plan, host, port, method_bits(&methods[i].methods)) < 0)
			result = no_memory(err);
	}
	for (size_t i = 0; i < policy->injects.count && result == 0; i++) {
		result = entry_domain(injects[i].domain, host, &port, err);
		if (result == 0 &&
		    plan_add_inject(plan, host, port, injects[i].header, injects[i].plaintext) < 0)
			result = no_memory(err);
	}
	if (result < 0)
		return result;
	plan->robots = policy->robots;
	plan->user_agent = strdup(policy->user_agent ? policy->user_agent : "sallyport/" SALLYPORT_VERSION);
	return plan->user_agent ? 0 : no_memory(err);
}

static int compile_network(const struct policy *policy, struct plan *plan, struct err *err)
{
	int result;

	plan->network_listed = policy->allowed_domains.given;
	result = add_rules(&plan->allowed, &plan->allowed_count, &policy->allowed_domains,
			   "network.allowedDomains", err);
	if (result == 0)
		result = add_rules(&plan->denied, &plan->denied_count, &policy->denied_domains,
				   "network.deniedDomains", err);
	if (result == 0)
		result = compile_web(policy, plan, err);
	return result < 0 ? result : check_ports(plan, err);
}

/*
 * Whoever may write below `root` must not decide what the next start reads as its policy. Hiding the file
 * inside would not do: a parent directory can be renamed, and a file put in its place.
 */
static int check_outside(const char *file, const struct plan_path *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int result = list[i].write ? path_passes(file, list[i].path) : 0;

		if (result < 0)
			return err_set(err, result, "%s: %s", file, strerror(-result));
		if (result)
			return err_set(err, -EPERM,
				       "%s lies inside %s, where a command could change it; keep the policy "
				       "elsewhere, for example as ~/.config/sallyport/policy.json",
				       file, list[i].path);
	}
	return 0;
}

/* HOME of commands: the person's, so that paths in messages are theirs; what is in it is not shown. */
static int compile_home(const char *home, struct plan *plan)
{
	free(plan->home);
	plan->home =
		strdup(home && strcmp(home, "/") != 0 && !workspaces_system(home) ? home : "/home/sallyport");
	return plan->home ? 0 : -ENOMEM;
}

/*
 * Where sandboxes without a view of their own have their /tmp and home: where the person has temporary files,
 * but not where a command could get at the directory.
 */
static void compile_scratch(const char *home, struct plan *plan)
{
	_cleanup_free_ char *path = NULL;
	const char *text = getenv("TMPDIR");
	struct err ignored = {""};

	if (!text || text[0] != '/' || path_canonical(text, home, true, &path, &ignored) < 0)
		return;
	for (size_t i = 0; i < plan->workspace_count; i++)
		if (path_within(path, plan->workspaces[i].path))
			return;
	for (size_t i = 0; i < plan->extra_count; i++)
		if (path_within(path, plan->extra[i].path))
			return;
	plan->scratch = steal_pointer(path);
}

static int compile_sandbox(const struct policy *policy, const char *home, struct plan *plan)
{
	int result = 0;

	compile_scratch(home, plan);
	plan->require_profile = (enum confinement)(policy->require_profile + CONFINEMENT_FULL);
	for (size_t i = 0; i < policy->require_layers.count && result == 0; i++)
		result = plan_add_text(&plan->require_layers, &plan->require_layer_count,
				       policy->require_layers.items[i]);
	return result;
}

int policy_compile(const struct policy *policy, const char *file, const char *home, struct plan *plan,
		   struct buffer *notes, struct err *err)
{
	int result = compile_files(policy, home, plan, err);

	if (result == 0)
		result = compile_network(policy, plan, err);
	if (result == 0 && file)
		result = check_outside(file, plan->workspaces, plan->workspace_count, err);
	if (result == 0 && file)
		result = check_outside(file, plan->extra, plan->extra_count, err);
	if (result < 0)
		return result;
	if (policy_repositories(plan, !policy->allow_git_config) < 0 || policy_programs(plan, notes) < 0)
		return no_memory(err);
	if (compile_home(home, plan) < 0)
		return no_memory(err);
	result = compile_sandbox(policy, home, plan);
	if (result < 0)
		return no_memory(err);
	plan->command_processes = (uint32_t)policy->processes;
	plan->command_files = (uint32_t)policy->files;
	plan->command_file_bytes = (uint64_t)policy->file_bytes;
	plan->command_data_bytes = (uint64_t)policy->data_bytes;
	plan->temporary_bytes = (uint64_t)policy->temporary_bytes;
	plan->temporary_files = (uint64_t)policy->temporary_files;
	plan->sandbox_maximum = (uint32_t)policy->sandbox_maximum;
	plan->command_count = (uint32_t)policy->command_count;
	plan->commands_at_once = (uint32_t)policy->commands_at_once;
	plan->command_ms = (uint32_t)policy->command_ms;
	plan->command_kept_ms = (uint32_t)policy->command_kept_ms;
	plan->output_bytes = (uint64_t)policy->output_bytes;
	plan->download_bytes = (uint64_t)policy->download_bytes;
	plan->terminal_rows = (uint32_t)policy->terminal_rows;
	plan->terminal_columns = (uint32_t)policy->terminal_columns;
	plan->sandbox_idle_ms = (uint32_t)policy->sandbox_idle_ms;
	plan->sandbox_per_call = policy->sandbox_lifetime == POLICY_LIFETIME_CALL;
	plan->memory_bytes = (uint64_t)policy->memory_bytes;
	plan->cpu_thousandths = (uint32_t)policy->cpu_thousandths;
	plan->network_bytes = (uint64_t)policy->network_bytes;
	plan->result_bytes = (uint64_t)policy->result_bytes;
	memcpy(plan->policy_sha256, policy->sha256, sizeof plan->policy_sha256);
	return 0;
}

int policy_complete(struct plan *plan)
{
	return policy_search_path(getenv("PATH"), plan->home, plan);
}
