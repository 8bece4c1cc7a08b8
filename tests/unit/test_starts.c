/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to be started, for how long, and what is started before it is asked for
 * (sandbox/spawner/starts.c, setup.c, ahead.c): executors are pretended, but for the process that one of them
 * is. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/spawner/setup.h"
#include "sandbox/spawner/spawner.h"

static uint32_t begun[LIMIT_INSTANCES], refused;
static size_t begun_count;
static int refused_with;
static uint32_t fails, deferred; /* a request that fails at once, and waits for choice.c then */

/* ---- what is around the two ---- */

void instance_start(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller)
{
	assert_int_equal(kind, SPAWNER_SANDBOX);
	assert_int_equal(caller, call + 1000);
	begun[begun_count++] = call;
	if (call == fails) {
		fails = 0;
		deferred = call;
		return;
	}
	spawner->instances[spawner->count++] = (struct instance){.call = call, .setup = -1};
}

void choice_run(struct spawner *spawner)
{
	uint32_t call = deferred;

	deferred = 0;
	if (call)
		starts_add(spawner, call, SPAWNER_SANDBOX, call + 1000);
}

void instance_fail_at(struct spawner *spawner, struct instance *instance, int code, const char *layer,
		      const char *step, const char *detail)
{
	(void)spawner, (void)layer, (void)step, (void)detail;
	assert_int_equal(code, -ETIMEDOUT);
	instance->failed = true;
}

void report_failed(struct spawner *spawner, uint32_t call, const struct failure *failure)
{
	(void)spawner;
	refused = call;
	refused_with = failure->code;
}

void failure_set(struct failure *failure, int code, const char *layer, const char *step, const char *detail)
{
	(void)layer, (void)step, (void)detail;
	failure->code = code;
}

const struct profile *instance_profile(const struct instance *instance)
{
	static const struct profile row = {.name = "sandbox", .program = "sallyport-keeper"};

	(void)instance;
	return &row;
}

static uint32_t ended, started;
static uid_t owner; /* of the workspace */

void instance_end(const struct spawner *spawner, const struct instance *instance)
{
	(void)spawner;
	ended = instance->id;
}

void report_started(struct spawner *spawner, struct instance *instance)
{
	(void)spawner;
	assert_false(instance->told);
	instance->told = true;
	started = instance->call;
}

int identity_decide(struct identity *identity, const struct plan *plan, enum confinement confinement)
{
	(void)plan, (void)confinement;
	*identity = (struct identity){.privileged = true, .uid = owner, .owner_uid = owner};
	return 0;
}

int instance_add(struct spawner *spawner, const struct instance_order *order, struct start_failure *failure)
{
	struct instance *instance = &spawner->instances[spawner->count++];

	(void)failure;
	assert_int_equal(order->call, 0);
	*instance = (struct instance){.id = ++spawner->next_id,
				      .profile = order->profile,
				      .purpose = order->purpose,
				      .pid = 1,
				      .setup = -1,
				      .deadline = clock_ms() + LIMIT_START_MS,
				      .latest = clock_ms() + LIMIT_START_MS};
	return identity_decide(&instance->identity, NULL, order->confinement);
}

/* Nothing of these is reached. */
void probe_tried(struct spawner *spawner, const struct failure *failure)
{
	(void)spawner, (void)failure;
}
void choice_tried(struct spawner *spawner, const struct failure *failure)
{
	(void)spawner, (void)failure;
}
struct instance *egress_broker(struct spawner *spawner)
{
	(void)spawner;
	return NULL;
}
bool egress_needed(const struct spawner *spawner, enum executor_profile profile, enum confinement confinement)
{
	(void)spawner, (void)profile, (void)confinement;
	return false;
}
int egress_listening(struct spawner *spawner, struct instance *sandbox, struct frame_descriptors *descriptors)
{
	(void)spawner, (void)sandbox, (void)descriptors;
	return 0;
}
int identity_map(const struct identity *identity, pid_t pid, uid_t uid, gid_t gid)
{
	(void)identity, (void)pid, (void)uid, (void)gid;
	return 0;
}
int idmap_get(struct idmap *kept, const struct identity *identity, uid_t uid, gid_t gid)
{
	(void)kept, (void)identity, (void)uid, (void)gid;
	return 0;
}

/* ---- tests ---- */

static int setup(void **state)
{
	struct spawner *spawner = calloc(1, sizeof *spawner);

	spawner->instances = calloc(LIMIT_INSTANCES, sizeof *spawner->instances);
	begun_count = refused = fails = deferred = ended = started = 0;
	owner = 1000;
	*state = spawner;
	return 0;
}

static int teardown(void **state)
{
	struct spawner *spawner = *state;

	starts_deinit(&spawner->starts);
	free(spawner->instances);
	free(spawner);
	return 0;
}

static void ask(struct spawner *spawner, uint32_t count)
{
	for (uint32_t call = 1; call <= count; call++)
		starts_add(spawner, call, SPAWNER_SANDBOX, call + 1000);
	starts_run(spawner);
}

static void test_a_few_at_a_time_and_in_order(void **state)
{
	struct spawner *spawner = *state;

	ask(spawner, 3 * LIMIT_STARTS);
	assert_int_equal(begun_count, LIMIT_STARTS);
	starts_run(spawner);
	assert_int_equal(begun_count, LIMIT_STARTS);
	/* one stands, and one failed and has yet to end: both make room */
	spawner->instances[2].state = INSTANCE_READY;
	spawner->instances[5].failed = true;
	starts_run(spawner);
	assert_int_equal(begun_count, LIMIT_STARTS + 2);
	for (size_t i = 0; i < spawner->count; i++)
		spawner->instances[i].state = INSTANCE_READY;
	starts_run(spawner);
	assert_int_equal(begun_count, 2 * LIMIT_STARTS + 2);
	for (size_t i = 0; i < begun_count; i++)
		assert_int_equal(begun[i], i + 1);
	assert_int_equal(refused, 0);
}

static void test_more_than_the_table_holds(void **state)
{
	struct spawner *spawner = *state;

	ask(spawner, LIMIT_INSTANCES);
	assert_int_equal(refused, 0);
	assert_int_equal(spawner->count + spawner->starts.count, LIMIT_INSTANCES);
	starts_add(spawner, 5000, SPAWNER_SANDBOX, 6000);
	assert_int_equal(refused, 5000);
	assert_int_equal(refused_with, -EMFILE);
}

/* Whatever is to be done without an event is done before the spawner waits for one. */
static void test_one_that_is_tried_again(void **state)
{
	struct spawner *spawner = *state;

	fails = 2;
	ask(spawner, 2);
	assert_int_equal(begun_count, 3);
	assert_int_equal(begun[2], 2);
	assert_int_equal(spawner->count, 2);
}

/* A process that has worked and from then on waits. */
static pid_t start_process(void)
{
	int pipes[2];
	char byte;

	assert_return_code(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int64_t until = clock_ms() + 20; clock_ms() < until;)
			;
		if (write(pipes[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

static struct instance *starting(struct spawner *spawner, pid_t pid)
{
	int64_t now = clock_ms();

	spawner->count = 1;
	spawner->instances[0] = (struct instance){
		.pid = pid, .setup = -1, .deadline = now - 1, .latest = now + LIMIT_START_LONGEST_MS};
	return &spawner->instances[0];
}

static void test_slow_is_not_stuck(void **state)
{
	struct spawner *spawner = *state;
	pid_t pid = start_process();
	struct instance *instance = starting(spawner, pid);

	/* it has done something since the last look */
	assert_in_range(instances_expire(spawner), LIMIT_START_MS / 2, LIMIT_START_MS);
	assert_false(instance->failed);
	/* and once it rests, nothing any more */
	for (int64_t until = clock_ms() + LIMIT_START_MS; !instance->failed && clock_ms() < until;) {
		instance->deadline = clock_ms() - 1;
		instances_expire(spawner);
	}
	assert_true(instance->failed);
	/* nor may it work for ever */
	instance = starting(spawner, pid);
	instance->latest = clock_ms();
	instances_expire(spawner);
	assert_true(instance->failed);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_a_word_that_waits_is_heard(void **state)
{
	struct spawner *spawner = *state;
	struct frame_header ready = {.type = SETUP_READY};
	struct instance *instance = starting(spawner, 0);
	int sockets[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_return_code(frame_send(sockets[1], &ready, NULL, 0, NULL, 0, 0), 0);
	instance->setup = sockets[0];
	instance->latest = instance->deadline;
	assert_int_equal(instances_expire(spawner), -1);
	assert_false(instance->failed);
	assert_int_equal(instance->state, INSTANCE_READY);
	close(sockets[1]);
}

/* ---- ahead ---- */

/* It says that it stands. */
static void stand(struct spawner *spawner, size_t index)
{
	struct frame_header ready = {.type = SETUP_READY};
	int sockets[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_return_code(frame_send(sockets[1], &ready, NULL, 0, NULL, 0, 0), 0);
	spawner->instances[index].setup = sockets[0];
	instance_serve(spawner, index);
	assert_int_equal(spawner->instances[index].state, INSTANCE_READY);
	close(sockets[1]);
}

/* A caller gets one that was started for it. */
static void give(struct spawner *spawner, uint32_t call)
{
	assert_false(ahead_take(spawner, call, call));
	assert_int_equal(instance_add(spawner, &(struct instance_order){.profile = EXECUTOR_SANDBOX}, NULL),
			 0);
	spawner->instances[spawner->count - 1].call = call;
	stand(spawner, spawner->count - 1);
	assert_int_equal(started, call);
}

/* Two callers have one, and there is a third. */
static struct instance *build_ahead(struct spawner *spawner)
{
	give(spawner, 1);
	ahead_run(spawner);
	assert_int_equal(spawner->count, 1);
	give(spawner, 2);
	ahead_run(spawner);
	assert_int_equal(spawner->count, 3);
	assert_int_equal(spawner->instances[2].purpose, INSTANCE_AHEAD);
	return &spawner->instances[2];
}

static void test_the_third_is_there_before_it_is_asked_for(void **state)
{
	struct spawner *spawner = *state;
	struct instance *ahead = build_ahead(spawner);

	stand(spawner, 2);
	assert_false(ahead->told);
	ahead_run(spawner); /* one is enough */
	assert_int_equal(spawner->count, 3);
	assert_true(ahead_take(spawner, 3, 7));
	assert_int_equal(started, 3);
	assert_int_equal(ahead->caller, 7);
	ahead_run(spawner); /* the next one */
	assert_int_equal(spawner->count, 4);
	/* asked for while it starts: told of when it stands */
	assert_true(ahead_take(spawner, 4, 8));
	assert_int_equal(started, 3);
	assert_false(ahead_take(spawner, 5, 9)); /* it is somebody's */
	ahead_run(spawner);                      /* nobody is to wait for it */
	assert_int_equal(spawner->count, 4);
	stand(spawner, 3);
	assert_int_equal(started, 4);
}

static void test_one_that_shows_old_things_is_not_given(void **state)
{
	struct spawner *spawner = *state;
	struct instance *ahead = build_ahead(spawner);

	stand(spawner, 2);
	owner = 1001;
	assert_false(ahead_take(spawner, 3, 3));
	assert_int_equal(ended, ahead->id);
	assert_true(ahead->failed);
	assert_int_equal(started, 2);
}

static void test_one_in_vain_ends(void **state)
{
	struct spawner *spawner = *state;
	struct instance *ahead = build_ahead(spawner);

	stand(spawner, 2);
	assert_in_range(instances_expire(spawner), LIMIT_AHEAD_MS / 2, LIMIT_AHEAD_MS);
	assert_false(ahead->failed);
	ahead->deadline = ahead->latest = clock_ms() - 1;
	assert_int_equal(instances_expire(spawner), -1);
	assert_true(ahead->failed);
	assert_false(ahead_take(spawner, 3, 3));
	ahead_run(spawner); /* nobody has asked since */
	assert_int_equal(spawner->count, 3);
	/* of those that somebody has none ends */
	spawner->instances[0].deadline = spawner->instances[0].latest = clock_ms() - 1;
	assert_int_equal(instances_expire(spawner), -1);
	assert_false(spawner->instances[0].failed);
}

static void test_none_where_each_call_has_its_own(void **state)
{
	struct spawner *spawner = *state;

	spawner->plan.sandbox_per_call = true;
	give(spawner, 1);
	give(spawner, 2);
	ahead_run(spawner);
	assert_int_equal(spawner->count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_few_at_a_time_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_the_table_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_that_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_is_not_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_word_that_waits_is_heard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_third_is_there_before_it_is_asked_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_one_that_shows_old_things_is_not_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_in_vain_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none_where_each_call_has_its_own, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
