/* SPDX-License-Identifier: Apache-2.0 */
/* What one policy governs (realm.h). */
#include "server/realm.h"

#include "protocol/cleanup.h"
#include "sandbox/spawner/spare.h"
#include "server/log.h"
#include "server/policy/compile.h"
#include "server/policy/secrets.h"

int realm_prepare(struct realm *realm, struct settings *settings, struct err *err)
{
	realm->settings = settings;
	policy_secrets_forget(&settings->policy);
	realm->spare = spare_start(&settings->plan, settings->secrets, policy_complete, err);
	if (settings->secrets >= 0)
		close_fd(&settings->secrets);
	return realm->spare < 0 ? realm->spare : 0;
}

int realm_begin(struct realm *realm, struct loop *loop, struct err *err)
{
	int result = supervisor_init(&realm->supervisor, loop, realm->spare, log_text, err);

	if (result < 0)
		return result;
	realm->spare = -1;
	result = calls_init(&realm->calls, loop, &realm->supervisor, &realm->settings->plan);
	realm->calls.context.instance = realm->settings->instance;
	return result < 0 ? err_set(err, result, "out of memory") : 0;
}

void realm_deinit(struct realm *realm)
{
	calls_deinit(&realm->calls);
	supervisor_deinit(&realm->supervisor);
}

void realm_serve(struct realm *realm)
{
	struct calls *calls = &realm->calls;

	channel_push(&calls->files);
	channel_push(&calls->search);
	channel_push(&calls->web);
	channel_drain(&calls->files);
	channel_drain(&calls->search);
}

void realm_rest(struct realm *realm)
{
	channel_rest(&realm->calls.files);
	channel_rest(&realm->calls.search);
}
