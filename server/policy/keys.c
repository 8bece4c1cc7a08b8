/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key a policy may have. Words that people know from sandbox-runtime keep their meaning; what differs
 * stands in docs/policy.md. A key that would do nothing is not here: an unknown key is an error, and a key
 * that is accepted and ignored would be a lie.
 */
#include "server/policy/keys.h"

#include <stdbool.h>
#include <string.h>

#include "protocol/limits.h"
#include "sandbox/confinement.h"
#include "sandbox/egress/methods.h"
#include "server/policy/policy.h"

#define KEY(member) offsetof(struct policy, member)

/* POLICY_LIFETIME_* */
static const char *const lifetimes[] = {"server", "call", NULL};
/* In the order of enum confinement. */
static const char *const profiles[] = {"full", "container", "minimal", NULL};

static const struct policy_key methods_members[] = {
	{"domain", POLICY_DOMAIN, offsetof(struct policy_methods, domain), .required = true,
	 .description = "As in allowedDomains, which decides whether it is reached at all."},
	{"methods", POLICY_WORDS, offsetof(struct policy_methods, methods), .required = true,
	 .description = "GET and HEAD are for headers of the model's own.", .words = plan_methods},
	{NULL},
};

static const struct policy_key inject_members[] = {
	{"domain", POLICY_DOMAIN, offsetof(struct policy_inject, domain), .required = true,
	 .description = "As in allowedDomains."},
	{"environment", POLICY_TEXT, offsetof(struct policy_inject, environment), 1, 255,
	 .description = "Name of the variable that the secret is in when the server starts."},
	{"file", POLICY_PATH, offsetof(struct policy_inject, file),
	 .description = "The file that the secret is in, without a newline at its end."},
	{"header", POLICY_TEXT, offsetof(struct policy_inject, header), 1, 64, .required = true,
	 .description = "Its name, as Authorization."},
	{"plaintext", POLICY_BOOLEAN, offsetof(struct policy_inject, plaintext),
	 .description = "Sends it over http too, where everybody on the way can read it."},
	{"prefix", POLICY_TEXT, offsetof(struct policy_inject, prefix), 0, LIMIT_INJECT_PREFIX_BYTES,
	 .description = "What stands before the secret, as \"Bearer \"."},
	{NULL},
};

static const char *judge_inject(const void *object)
{
	const struct policy_inject *inject = object;

	if (!inject->file == !inject->environment)
		return "say where the secret is by either file or environment";
	if (inject->environment && strchr(inject->environment, '='))
		return "environment must be the name of a variable";
	return inject->header ? rules_header_of_policy(inject->header) : NULL;
}

const struct policy_key policy_keys[] = {
	{"$schema", POLICY_IGNORED, .description = "Where an editor finds the schema. Not read."},
	{"answerWithin", POLICY_DECIMAL, KEY(answer_within_ms), LIMIT_ANSWER_WITHIN_MIN_MS,
	 LIMIT_ANSWER_WITHIN_MAX_MS, 0,
	 "Seconds within which every call is answered. Not given: 45 for hosts known to wait a minute, else "
	 "4."},
	{"filesystem.allowGitConfig", POLICY_BOOLEAN, KEY(allow_git_config),
	 .description =
		 "Lets commands and file tools write .git/config of a workspace. A command that may write "
		 "it can make your next git command outside run a program."},
	{"filesystem.allowWrite", POLICY_PATHS, KEY(allow_write),
	 .description = "Directories that commands may write besides the workspaces. They must exist."},
	{"filesystem.denyRead", POLICY_PATHS, KEY(deny_read),
	 .description = "Paths that nobody sees, wherever they are. Stronger than all else."},
	{"filesystem.denyWrite", POLICY_PATHS, KEY(deny_write),
	 .description = "Paths that stay as they are though they lie where writing is allowed, beside those "
			"that are protected always."},
	{"http.bodyBytes", POLICY_INTEGER, KEY(http_body_bytes), LIMIT_HTTP_BODY_MIN_BYTES,
	 LIMIT_MESSAGE_BYTES, LIMIT_MESSAGE_BYTES,
	 "Size of a message over HTTP; a longer one is answered 413."},
	{"http.callsInFlight", POLICY_INTEGER, KEY(http_calls), 1, LIMIT_CALLS_IN_FLIGHT, LIMIT_HTTP_CALLS,
	 "Calls of one token that are not answered yet, over HTTP; a further one is answered 429."},
	{"http.requestsPerSecond", POLICY_DECIMAL, KEY(http_rate_thousandths),
	 LIMIT_HTTP_RATE_MIN_THOUSANDTHS, LIMIT_HTTP_RATE_MAX_THOUSANDTHS, LIMIT_HTTP_RATE_THOUSANDTHS,
	 "Requests with one token over HTTP, on average; what ten seconds may have may come at once. What is "
	 "more is answered 429."},
	{"http.sessions", POLICY_INTEGER, KEY(http_sessions), 1, LIMIT_HTTP_STREAMS, LIMIT_HTTP_SESSIONS,
	 "Sessions of one token over HTTP that are known at a time. One that is idle gives way; without an "
	 "idle one a further one is answered 429."},
	{"http.streams", POLICY_INTEGER, KEY(http_streams), 1, LIMIT_HTTP_STREAMS, LIMIT_HTTP_STREAMS,
	 "Open streams of one token over HTTP; who wants to listen on a further one is answered 429."},
	{"http.withoutToken", POLICY_BOOLEAN, KEY(http_open),
	 .description =
		 "Lets every program of this machine that can connect ask over HTTP without a token, all of "
		 "them as one caller; over a Unix socket those of the users that may connect (--allow-uid). "
		 "Only where no other machine can connect, and no --token-file is given."},
	{"limits.commandKeptSeconds", POLICY_DECIMAL, KEY(command_kept_ms), LIMIT_COMMAND_KEPT_MIN_MS,
	 LIMIT_COMMAND_KEPT_MAX_MS, LIMIT_COMMAND_KEPT_MS,
	 "Seconds after its end, or after it was last read, that a command's output can still be read."},
	{"limits.commandSeconds", POLICY_DECIMAL, KEY(command_ms), LIMIT_COMMAND_MIN_MS, LIMIT_COMMAND_MAX_MS,
	 LIMIT_COMMAND_MS,
	 "Seconds after which a command is killed, whatever it is. timeout_ms shortens it."},
	{"limits.commands", POLICY_INTEGER, KEY(command_count), 1, LIMIT_HANDLES_MAX, LIMIT_HANDLES,
	 "Commands of a caller that have an id: those that run in the background, and those that have ended "
	 "and can still be read. The oldest that has ended gives way to a new one."},
	{"limits.commandsAtOnce", POLICY_INTEGER, KEY(commands_at_once), 1, LIMIT_COMMANDS_AT_ONCE,
	 LIMIT_COMMANDS_AT_ONCE, "Commands of a caller that run at once; further ones wait for their turn."},
	{"limits.cpus", POLICY_DECIMAL, KEY(cpu_thousandths), LIMIT_CPUS_MIN_THOUSANDTHS,
	 LIMIT_CPUS_MAX_THOUSANDTHS, 0,
	 "Processors' time of all commands of a caller together, 1.5 being one and a half processors. Binds "
	 "where there is a group of cgroup v2 (doctor says). Not given: all there are."},
	{"limits.dataBytes", POLICY_INTEGER, KEY(data_bytes), LIMIT_COMMAND_DATA_MIN, LIMIT_POLICY_BYTES_MAX,
	 LIMIT_COMMAND_DATA_BYTES, "Private memory of one process of a command."},
	{"limits.downloadBytes", POLICY_INTEGER, KEY(download_bytes), 0, LIMIT_POLICY_BYTES_MAX,
	 LIMIT_DOWNLOAD_BYTES, "Size of a file that download_file writes."},
	{"limits.fileBytes", POLICY_INTEGER, KEY(file_bytes), 0, LIMIT_POLICY_BYTES_MAX,
	 LIMIT_COMMAND_FILE_BYTES, "Size of a file that a command writes."},
	{"limits.files", POLICY_INTEGER, KEY(files), LIMIT_COMMAND_FILES_MIN, LIMIT_COMMAND_FILES_MAX,
	 LIMIT_COMMAND_FILES, "Files that one process of a command has open at once."},
	{"limits.memoryBytes", POLICY_INTEGER, KEY(memory_bytes), LIMIT_MEMORY_BYTES_MIN,
	 LIMIT_POLICY_BYTES_MAX, 0,
	 "Memory of all commands of a caller together, with what lies in /tmp. Binds where there is a group "
	 "of cgroup v2 (doctor says); elsewhere it bounds each process. Not given: three quarters of the "
	 "machine's."},
	{"limits.networkBytes", POLICY_INTEGER, KEY(network_bytes), LIMIT_NETWORK_BYTES_MIN,
	 LIMIT_POLICY_BYTES_MAX, LIMIT_NETWORK_BYTES,
	 "Bytes that the commands of one sandbox send and receive in 24 hours, all connections together."},
	{"limits.outputBytes", POLICY_INTEGER, KEY(output_bytes), 0, LIMIT_POLICY_BYTES_MAX,
	 LIMIT_OUTPUT_BYTES,
	 "Output of a command that is kept for read_output, in a file without a name when it is more than "
	 "256 KB. The oldest is lost first, and the result says how much. 0: what memory holds."},
	{"limits.processes", POLICY_INTEGER, KEY(processes), LIMIT_COMMAND_PROCESSES_MIN,
	 LIMIT_COMMAND_PROCESSES_MAX, LIMIT_COMMAND_PROCESSES,
	 "Processes and threads of all commands of a caller together."},
	{"limits.temporaryBytes", POLICY_INTEGER, KEY(temporary_bytes), LIMIT_TEMPORARY_BYTES_MIN,
	 LIMIT_POLICY_BYTES_MAX, LIMIT_TEMPORARY_BYTES,
	 "Size of a sandbox's own /tmp, and of its home and /dev/shm."},
	{"limits.temporaryFiles", POLICY_INTEGER, KEY(temporary_files), LIMIT_TEMPORARY_FILES_MIN,
	 LIMIT_TEMPORARY_FILES_MAX, LIMIT_TEMPORARY_FILES, "Files and directories in each of them."},
	{"network.allowedDomains", POLICY_DOMAINS, KEY(allowed_domains),
	 .description = "Names and addresses that fetch_url and commands reach, nothing else. Empty: "
			"nothing. Not given: "
			"any public address on ports 80 and 443 for fetch_url, nothing for commands."},
	{"network.deniedDomains", POLICY_DOMAINS, KEY(denied_domains),
	 .description = "Names and addresses that are never reached. Stronger than allowedDomains."},
	{"network.inject", POLICY_OBJECTS, KEY(injects), .max = LIMIT_INJECTS,
	 .description =
		 "Headers with secrets that requests of fetch_url and download_file to a domain carry. "
		 "No model, command, result or log sees them. Either file or environment says where "
		 "the secret is.",
	 .members = inject_members, .size = sizeof(struct policy_inject), .judge = judge_inject},
	{"network.methods", POLICY_OBJECTS, KEY(methods), .max = LIMIT_POLICY_ENTRIES,
	 .description =
		 "Requests that fetch_url may make beside GET and HEAD, by domain; only there may they "
		 "have headers of the model's own and a body.",
	 .members = methods_members, .size = sizeof(struct policy_methods)},
	{"network.robots", POLICY_BOOLEAN, KEY(robots), .preset = 1,
	 .description = "fetch_url obeys robots.txt."},
	{"network.userAgent", POLICY_TEXT, KEY(user_agent), 1, LIMIT_USER_AGENT_BYTES,
	 .description =
		 "As what fetch_url and download_file present themselves. Not given: sallyport and its "
		 "version."},
	{"resultLimit", POLICY_INTEGER, KEY(result_bytes), LIMIT_RESULT_BYTES_MIN, LIMIT_RESULT_BYTES_MAX,
	 LIMIT_RESULT_BYTES_DEFAULT, "Bytes of text that one result holds at most."},
	{"sandbox.idleSeconds", POLICY_DECIMAL, KEY(sandbox_idle_ms), LIMIT_SANDBOX_IDLE_MIN_MS,
	 LIMIT_SANDBOX_IDLE_MAX_MS, LIMIT_SANDBOX_IDLE_MS,
	 "Seconds without a call after which a caller's sandbox ends, and with it its /tmp; the next command "
	 "gets a new one. The programs behind file and web tools end likewise."},
	{"sandbox.lifetime", POLICY_WORD, KEY(sandbox_lifetime), .preset = POLICY_LIFETIME_SERVER,
	 .description =
		 "How long a sandbox lives: as long as the server, so that /tmp and caches last from call to "
		 "call, or one call, so that nothing does.",
	 .words = lifetimes},
	{"sandbox.maximum", POLICY_INTEGER, KEY(sandbox_maximum), 1, LIMIT_SANDBOXES_MAX, LIMIT_SANDBOXES,
	 "Sandboxes of all callers at once. One that is idle gives way to another caller's; without an idle "
	 "one, commands wait."},
	{"sandbox.requireLayers", POLICY_WORDS, KEY(require_layers),
	 .description = "Layers that must be there (`sallyport doctor` lists them). Where one is not, every "
			"call is refused.",
	 .words = confinement_layers},
	{"sandbox.requireProfile", POLICY_WORD, KEY(require_profile),
	 .preset = CONFINEMENT_CONTAINER - CONFINEMENT_FULL,
	 .description =
		 "The least confinement that calls may run with: full is taken where the system gives it, "
		 "then container, then minimal, and below this one every call is refused.",
	 .words = profiles},
	{"terminal.columns", POLICY_INTEGER, KEY(terminal_columns), LIMIT_TERMINAL_SIDE_MIN,
	 LIMIT_TERMINAL_SIDE, LIMIT_TERMINAL_COLUMNS, "Width of the terminal of a command with tty."},
	{"terminal.rows", POLICY_INTEGER, KEY(terminal_rows), LIMIT_TERMINAL_SIDE_MIN, LIMIT_TERMINAL_SIDE,
	 LIMIT_TERMINAL_ROWS, "Its height."},
	{NULL},
};

const char *const policy_sections[] = {"filesystem", "http",     "limits", "network",
				       "sandbox",    "terminal", NULL};

const char *policy_key_split(const struct policy_key *key, char section[POLICY_SECTION_BYTES])
{
	const char *dot = strchr(key->name, '.');
	size_t length = dot ? (size_t)(dot - key->name) : 0;

	if (length >= POLICY_SECTION_BYTES)
		length = POLICY_SECTION_BYTES - 1;
	memcpy(section, key->name, length);
	section[length] = '\0';
	return dot ? dot + 1 : key->name;
}
