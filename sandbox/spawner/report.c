/* SPDX-License-Identifier: Apache-2.0 */
/* What the spawner tells the frontend, and what it advises when a layer is refused. */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* Sends are blocking: the frontend is the only one who gives orders, and if it is gone this is EPIPE. */
static void send_frame(struct spawner *spawner, struct frame_header *header, const struct buffer *payload,
		       const int *fds, size_t fd_count)
{
	frame_send(spawner->socket, header, payload->bytes ? buffer_data(payload) : NULL,
		   buffer_length(payload), fds, fd_count, 0);
}

void report_started(struct spawner *spawner, struct instance *instance)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_STARTED, .call = instance->call, .value = instance->id};

	int pidfd = (int)syscall(SYS_pidfd_open, instance->pid, 0);

	if (pidfd >= 0) /* without one the frontend refuses the frame, as it must */
		instance->fds[instance->fd_count++] = pidfd;
	frame_put_u32(&payload, (uint32_t)instance->pid);
	send_frame(spawner, &header, &payload, instance->fds, instance->fd_count);
	instance->told = true;
	for (size_t i = 0; i < instance->fd_count; i++)
		close_fd(&instance->fds[i]);
	instance->fd_count = 0;
}

void report_failed(struct spawner *spawner, uint32_t call, int code, const char *layer, const char *step,
		   const char *detail)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_FAILED, .call = call, .value = (uint32_t)-code};
	char where[512];

	snprintf(where, sizeof where, "%s%s%s", step, detail && detail[0] ? " " : "", detail ? detail : "");
	frame_put_text(&payload, layer);
	frame_put_text(&payload, where);
	frame_put_text(&payload, report_remedy(layer, step, code));
	send_frame(spawner, &header, &payload, NULL, 0);
}

void report_died(struct spawner *spawner, const struct instance *instance, int status)
{
	static const uint32_t kinds[] = {[EXECUTOR_SANDBOX] = SPAWNER_SANDBOX,
					 [EXECUTOR_FILES] = SPAWNER_FILES,
					 [EXECUTOR_WEB] = SPAWNER_WEB};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_DIED, .value = instance->id};

	if (!instance->told)
		return;
	frame_put_u32(&payload, kinds[instance->profile]);
	frame_put_u32(&payload, (uint32_t)status);
	send_frame(spawner, &header, &payload, NULL, 0);
}

const char *report_remedy(const char *layer, const char *step, int code)
{
	if (!strcmp(layer, "namespaces") && code == -ENOSPC)
		return "user namespaces are switched off: sysctl user.max_user_namespaces must be above 0";
	if (!strcmp(layer, "namespaces") && code == -EPERM && !strcmp(step, "uid_map"))
		return "AppArmor restricts user namespaces: sysctl "
		       "kernel.apparmor_restrict_unprivileged_userns=0, or a "
		       "profile for sallyport with \"userns,\"";
	if (!strcmp(layer, "namespaces") && code == -EPERM)
		return "namespaces are refused: sysctl kernel.unprivileged_userns_clone=1; in a container, a "
		       "seccomp "
		       "profile that permits user namespaces (--security-opt seccomp=unconfined), or "
		       "--cap-add SYS_ADMIN";
	if (!strcmp(layer, "mounts") && !strcmp(step, "idmapped mount"))
		return "this file system cannot show root's files as another's: start sallyport as the "
		       "workspace's owner, "
		       "or give the workspace to an ordinary user";
	if (!strcmp(layer, "mounts") && code == -EPERM && !strcmp(step, "mount"))
		return "the container masks /proc, so no new one may be mounted: --security-opt "
		       "systempaths=unconfined";
	if (!strcmp(layer, "mounts") && (code == -EPERM || code == -EACCES))
		return "mounting is refused inside the new namespace: AppArmor "
		       "(kernel.apparmor_restrict_unprivileged_"
		       "userns=0) or the container's security options";
	if (!strcmp(layer, "landlock") && (code == -ENOSYS || code == -EOPNOTSUPP))
		return "the kernel has no Landlock or it is off: Linux 5.13 or newer with \"landlock\" in "
		       "the lsm= list";
	if (!strcmp(layer, "seccomp"))
		return "the kernel must be built with CONFIG_SECCOMP_FILTER";
	if (!strcmp(layer, "start") && code == -ENOENT)
		return "the installation is incomplete: install sallyport again";
	return "";
}
