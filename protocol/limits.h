/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_LIMITS_H
#define SALLYPORT_PROTOCOL_LIMITS_H

#include <stdint.h>

/*
 * Every number that bounds something stands here, with its reason; a test refuses LIMIT_ definitions
 * elsewhere. Units are in the names or the comments. Where a policy may change one, the comment says by which
 * key.
 */

/* ---- messages from a host ---- */
#define LIMIT_MESSAGE_BYTES                                                                                  \
	(16u << 20) /* one JSON-RPC message: a 10 MB file as base64 or escaped text still fits */
#define LIMIT_JSON_DEPTH        64 /* real requests nest 6 deep; cJSON recurses, so this also bounds the stack */
#define LIMIT_JSON_VALUES       200000 /* values in one message: bounds cJSON's 64-byte nodes to 13 MB */
#define LIMIT_JSON_NUMBER_BYTES 63     /* one number: 17 digits, sign and exponent are all a double can use */
#define LIMIT_ID_BYTES          512    /* an id is echoed, so it is bounded; hosts use at most 36 */
#define LIMIT_ARGUMENTS_BYTES                                                                                \
	1024 /* the decoded arguments of a tool, as a struct; a test holds every tool against it */
#define LIMIT_CLIENT_NAME_BYTES 256 /* a longer clientInfo.name is no host that anybody knows */
#define LIMIT_BATCH_MESSAGES    100 /* 2025-03-26 only */
#define LIMIT_CALLS_IN_FLIGHT                                                                                \
	4096 /* requests accepted and unanswered, one caller: "1,000 calls in flight" four times over */
#define LIMIT_SUBSCRIPTIONS   64  /* open subscriptions/listen requests, one caller */
#define LIMIT_TOOL_NAME_BYTES 128 /* tools: "SHOULD be between 1 and 128 characters" */

/* ---- what is read from a host ---- */
#define LIMIT_INPUT_READ_BYTES                                                                               \
	(64u << 10) /* by one read: a pipe's size, so a fast host does not keep its own answers waiting */
#define LIMIT_INPUT_KEEP_BYTES (128u << 10) /* a larger line buffer is given back between lines */

#define LIMIT_HEAP_KEEP_BYTES                                                                                \
	(16u << 20) /* freed memory kept while calls come, so that none faults it in again */

/* ---- what waits for a host that does not read ---- */
#define LIMIT_OUTGOING_PAUSE_BYTES (4u << 20) /* past this no more requests are read from the host */
#define LIMIT_OUTGOING_BYTES                                                                                 \
	(64u << 20) /* past this (answers to calls already accepted) the host is taken for dead */

/* ---- answers ---- */
#define LIMIT_RESULT_BYTES_DEFAULT                                                                           \
	32000 /* bulk text of one result unless --result-limit or policy says otherwise */
#define LIMIT_RESULT_BYTES_MAX (8u << 20) /* hosts drop connections above 10 MiB (hosts.md, 9) */
#define LIMIT_ANSWER_BYTES                                                                                   \
	(64u << 20) /* one answer as JSON: 8 MB text of control characters becomes six times that */
#define LIMIT_DENIAL_BYTES     (16u << 10) /* a denial's _meta: its fields, each byte of them escaped */
#define LIMIT_TOOLS_PAGE_BYTES (64u << 10) /* of tools/list; all our tools are to fit one of 16 KB */

/* ---- file tools ---- */
#define LIMIT_PATH_BYTES        4096    /* PATH_MAX, its NUL included: the kernel takes no longer one */
#define LIMIT_READ_LINES        2000    /* default of read_file's limit: what models are used to */
#define LIMIT_READ_LINES_MAX    1000000 /* more lines than LIMIT_RESULT_BYTES_MAX holds in practice */
#define LIMIT_LIST_ENTRIES      200    /* default of list_directory's limit: about 8,000 characters of text */
#define LIMIT_LIST_ENTRIES_MAX  2000   /* an answer stays below a megabyte also with long names */
#define LIMIT_LIST_DEPTH        32     /* deeper trees are source of mistakes, not of knowledge */
#define LIMIT_LIST_VISITED      200000 /* entries one listing looks at: 10 MB of names */
#define LIMIT_LIST_STEP         64     /* entries between two looks at other calls: about 100 us */
#define LIMIT_LIST_RESULT_BYTES (1u << 20)  /* entries of one listing as frames: 2,000 long names */
#define LIMIT_NEAR_NAMES        4096        /* names compared when one is missing: below a millisecond */
#define LIMIT_HEAD_BYTES        8000        /* a NUL among these tells binary from text, as git has it */
#define LIMIT_MEDIA_BYTES       3000000     /* 4 MB as base64: ZeroClaw takes no line above 4 MiB */
#define LIMIT_REST_BYTES        (16u << 20) /* looked through for the end of a line that was cut */
#define LIMIT_FILES_REPLY_BYTES                                                                              \
	4096                       /* a final reply; kept free in the ring by whatever is sent before it     \
				    */
#define LIMIT_FILES_BEGUN       64 /* calls that have begun and are not done: each holds up to four descriptors */
#define LIMIT_FILES_PIECE_BYTES (16u << 10) /* the least worth sending of something long */
#define LIMIT_FILES_SLICE_BYTES                                                                              \
	(512u << 10) /* looked through between two looks at other calls: about 100 us */
#define LIMIT_FILES_REQUESTS_BYTES                                                                           \
	(48u << 20) /* of long requests coming in at once: three of the longest                              \
		     */

/* ---- frames between our processes ---- */
#define LIMIT_FRAME_BYTES                                                                                    \
	(64u << 10) /* payload of a frame in a ring: pieces keep rings small and latency even */
#define LIMIT_MESSAGE_FRAME_BYTES                                                                            \
	(192u << 10)              /* payload of a frame on a socket: argv and environment of a command */
#define LIMIT_FRAME_DESCRIPTORS 8 /* a command passes 4, a files executor 4 */
#define LIMIT_CHANNEL_QUEUE_BYTES                                                                            \
	(64u << 20)                    /* requests that wait for one executor: four of the longest messages */
#define LIMIT_TURN_FRAMES 256          /* frames taken from one executor before others have their turn */
#define LIMIT_RING_BYTES  (256u << 10) /* each direction; larger only shows up as memory (performance.md) */

/* ---- sandboxes and the processes in them ---- */
#define LIMIT_PLAN_BYTES         (1u << 20) /* the encoded plan: a thousand long paths and rules */
#define LIMIT_PLAN_ITEMS         4096       /* entries of one list in it */
#define LIMIT_WORKSPACES         64 /* each is a mount in every executor and a descriptor in the files executor */
#define LIMIT_INSTANCES          256 /* sandboxes and executors of one server */
#define LIMIT_STARTS             8 /* under way at once; the next ones wait: more only share the processors */
#define LIMIT_SANDBOXES          128 /* at once, of all callers: 0.5 MB each when idle; sandbox.maximum */
#define LIMIT_SANDBOXES_MAX      240 /* the most a policy may choose: LIMIT_INSTANCES, less our own executors */
#define LIMIT_NANNIES            64 /* commands of one caller that run at a time */
#define LIMIT_NANNIES_IDLE       4 /* more than these end after their call: a burst leaves no memory behind */
#define LIMIT_ROOT_BYTES         (1u << 20) /* an executor's own root: mount points and links alone */
#define LIMIT_CHANNELS           4          /* descriptors of one executor: files has the most */
#define LIMIT_PLACED_DESCRIPTORS 16         /* standard, setup, plan, channels, program */
#define LIMIT_NANNY_DEATHS       100  /* nannies killed at the door in a row: then the sandbox is given up */
#define LIMIT_SWEEP_PROCESSES    4096 /* descendants killed in one round; more are found by the next */
#define LIMIT_SWEEP_ROUNDS                                                                                   \
	200 /* then a fork bomb refills faster than it is killed: all is killed at once                      \
	     */
#define LIMIT_COMMAND_ARGUMENTS 4096 /* argv and environment entries of one command */
#define LIMIT_COMMAND_PROCESSES                                                                              \
	1024 /* in one sandbox; threads count: a JVM beside a build is hundreds; limits.processes */
#define LIMIT_COMMAND_FILES                                                                                  \
	4096 /* RLIMIT_NOFILE of a command: build tools want 1024, node more; limits.files */
#define LIMIT_COMMAND_FILE_BYTES                                                                             \
	(8ull << 30) /* RLIMIT_FSIZE: a runaway writer ends before the disk does; limits.fileBytes */
#define LIMIT_COMMAND_DATA_BYTES                                                                             \
	(16ull << 30) /* RLIMIT_DATA: RLIMIT_AS would break Node's WebAssembly; limits.dataBytes */
#define LIMIT_TEMPORARY_BYTES                                                                                \
	(1ull << 30) /* /tmp of a sandbox, also /dev/shm and home: memory of the machine;                    \
			limits.temporaryBytes */
#define LIMIT_TEMPORARY_FILES                                                                                \
	100000 /* in each of them: inodes are kernel memory that no size bounds; limits.temporaryFiles */
#define LIMIT_TEMPORARY_SHARE                                                                                \
	6 /* part of a sandbox's memory that each of the three may fill: all three leave half to processes   \
	   */
#define LIMIT_TEMPORARY_FILE_SHARE                                                                           \
	(16u << 10) /* memory for each file in one of them, which takes 1 KB of the kernel's: a fifth for    \
		       all three */
#define LIMIT_CGROUP_LOCK_S   2          /* for an earlier spawner to give our group back: 20 ms as a rule */
#define LIMIT_CGROUP_END_S    10         /* then it is left as it is, with whatever could not be ended */
#define LIMIT_CGROUP_ROUNDS   10         /* emptying our group: a spare may be born meanwhile */
#define LIMIT_MOUNTINFO_BYTES (1u << 20) /* of /proc/self/mountinfo: thousands of mounts */
#define LIMIT_CORE_BYTES                                                                                     \
	1 /* RLIMIT_CORE: no file, being too small for one, and no crash handler either (core(5): with 0 the \
	     kernel starts a `|` of core_pattern, outside the sandbox and as root; 1 is its mark for not) */
#define LIMIT_COMMAND_LOCKED_BYTES (8u << 20) /* RLIMIT_MEMLOCK: the kernel's own default */
#define LIMIT_COMMAND_QUEUE_BYTES  819200     /* RLIMIT_MSGQUEUE: the kernel's own default */
#define LIMIT_COMMAND_SIGNALS      8192 /* RLIMIT_SIGPENDING: a timer takes one; each is kernel memory */
#define LIMIT_COMMAND_OOM_SCORE                                                                              \
	"1000" /* of commands: out of memory, the kernel takes them before anything of the person's or ours  \
		*/
#define LIMIT_EXECUTOR_FILES 512 /* RLIMIT_NOFILE of executors of our own */
#define LIMIT_PEOPLE_BYTES                                                                                   \
	(64u << 10) /* of passwd or group that are copied with a line more: a thousand lines */
#define LIMIT_FILES_AHEAD                                                                                    \
	1024 /* of RLIMIT_NOFILE of who sends descriptors to that of commands: each that sends at the same   \
		moment gets one message (253 of them) past it */
#define LIMIT_PRIVATE_TRIES 8    /* names for a private directory, should somebody remove them as stale */
#define LIMIT_REMEDY_BYTES  1024 /* what a person can do about a layer, for two profiles at once */
#define LIMIT_PROBE_LAYERS  64   /* layers that a probe tells about: a dozen exist */
#define LIMIT_COMMAND_UMASK 022  /* of commands until they change it; what most systems give a person */
#define LIMIT_KEEPER_FILES                                                                                   \
	512 /* RLIMIT_NOFILE of a keeper beyond that of commands: two for each nanny, what a call in         \
	       hand takes, and a message of descriptors (LIMIT_FILES_AHEAD) */
#define LIMIT_NOTIFY_WAITING                                                                                 \
	128 /* calls that would block (FIFOs without another end, leases), of one sandbox; more fail */
#define LIMIT_NOTIFY_SLICE_NS 100000 /* a call takes a tenth of it; the kernel's least */
#define LIMIT_NOTIFY_RETRY_MS 10 /* between two tries of such a call: nobody sees it, and it costs little */
#define LIMIT_NOTIFY_REACH_MS                                                                                \
	5000 /* for the broker's answer, which takes no more than a turn of its loop                         \
	      */
#define LIMIT_NOTIFY_CONNECTED                                                                               \
	1024 /* sockets remembered as connected, so that connecting again says so: build tools hold 50 */
#define LIMIT_NOTIFY_ANCESTORS 1024 /* between a signalled process and its nanny: commands are not more */
#define LIMIT_NOTIFY_LOOKS     8    /* at processes that change while we look */
#define LIMIT_NOTIFY_LINKS     40   /* symbolic links followed in one path: the kernel's own number */
#define LIMIT_NOTIFY_DENIALS   256  /* told of one request: of different ones 16 are shown anyway */
#define LIMIT_NOTIFY_TERMINAL_FILES                                                                          \
	32                /* descriptors looked at for a controlling terminal: it stands among the first */
#define LIMIT_MOUNTS 2048 /* mounts one sandbox's view may need: 64 workspaces with their protected paths */

/* ---- commands ---- */
#define LIMIT_COMMAND_OUTPUT_BYTES (1u << 20) /* kept of each stream while it runs */
#define LIMIT_COMMAND_TEXT_BYTES   8000 /* default of max_bytes: reaches every model whole (hosts.md, 9) */

#define LIMIT_COMMAND_TIMEOUT_MS                                                                             \
	86400000 /* a day: the longest wait_ms and timeout_ms; answer-within bounds them anyway */
#define LIMIT_PIPE_READ_BYTES (16u << 10) /* read from a command's pipe at once */
#define LIMIT_PIPE_TURN_BYTES                                                                                \
	(128u << 10) /* of one pipe before others have their turn: twice what a pipe holds */
#define LIMIT_PIPE_DRAIN_BYTES                                                                               \
	(16u << 20) /* of one pipe after the command's end: it may have made it larger, up to                \
		       fs.pipe-max-size */
#define LIMIT_FRONTEND_FILES                                                                                 \
	24 /* descriptors of the frontend beside those of commands: 15 stay open, 8 come or go at a time */
#define LIMIT_PROGRESS_LINE_BYTES 200 /* of the newest line in a progress notification */
#define LIMIT_COMMAND_DENIALS                                                                                \
	16 /* different ones told with a command's result; more would bury its output                        \
	    */
#define LIMIT_COMMANDS_AT_ONCE                                                                               \
	64 /* running in one sandbox; further ones wait their turn: four descriptors each */

/* ---- the web ---- */
#define LIMIT_URL_BYTES 8192 /* what servers and browsers agree on being able to read */
#define LIMIT_WEB_FETCHES                                                                                    \
	256 /* running at once in one web executor, each with a socket; more wait for their turn */
#define LIMIT_WEB_WAITING   4096 /* the frontend has no more calls than this in flight */
#define LIMIT_WEB_REDIRECTS 10   /* followed by one fetch; browsers stop at 20, loops show sooner */
#define LIMIT_WEB_HEADER_BYTES                                                                               \
	(256u                                                                                                \
	 << 10) /* response headers of one hop: real ones stay under 32 KB, cookies and policies included */
#define LIMIT_WEB_BODY_BYTES                                                                                 \
	(8u << 20) /* of one answer, decompressed: 100 times a large page; what is beyond is told as cut */
#define LIMIT_WEB_BODIES_BYTES (64u << 20) /* of all fetches that run in one executor together */
#define LIMIT_WEB_TEXT_BYTES                                                                                 \
	(3u * LIMIT_WEB_BODY_BYTES)          /* Latin-1 becomes twice that in UTF-8, U+FFFD thrice */
#define LIMIT_WEB_LENGTH_DEFAULT 20000       /* max_length of fetch_url, characters: tools.md */
#define LIMIT_WEB_LENGTH_MAX     (8u << 20)  /* --result-limit binds before */
#define LIMIT_WEB_PAGES          16          /* kept for later pages of one executor's answers */
#define LIMIT_WEB_PAGES_BYTES    (16u << 20) /* all of them together */
#define LIMIT_WEB_PAGES_MS       600000      /* a page read on after ten minutes is fetched anew */
#define LIMIT_WEB_ASKS_BYTES                                                                                 \
	(4u << 20) /* questions to a broker that does not read: all fetches' are far less */
#define LIMIT_WEB_TRIM_BYTES (1u << 20) /* of bodies, after which memory is given back when all is done */
#define LIMIT_WEB_OUTGOING_BYTES                                                                             \
	(32u << 20) /* answers that wait for the frontend to read; past it no request is read */
#define LIMIT_CERTIFICATES_BYTES (4u << 20) /* the system's bundle is 220 KB */
#define LIMIT_WEB_TOTAL_MS       60000      /* a fetch, however patient the host is */
#define LIMIT_WEB_IDLE_MS        20000      /* without one byte: the other side is taken for dead */
#define LIMIT_WEB_MARGIN_MS      250 /* before the frontend's deadline: the answer itself must get there */

/* ---- the egress broker ---- */
#define LIMIT_BROKER_CLIENTS     64    /* web executors: one a caller */
#define LIMIT_BROKER_CONNECTS    256   /* asked for and unanswered, one client: as many as it runs fetches */
#define LIMIT_BROKER_ADDRESSES   8     /* of one name that are tried */
#define LIMIT_BROKER_ATTEMPT_MS  250   /* before the next address is tried beside it: RFC 8305 section 5 */
#define LIMIT_BROKER_TOTAL_MS    15000 /* resolving and connecting together */
#define LIMIT_BROKER_LOOKUP_MS   2000  /* before a name server is asked again */
#define LIMIT_BROKER_LOOKUPS     2     /* times each name server is asked */
#define LIMIT_LISTENERS          64 /* sockets inside one sandbox: ports that a policy names; two are usual */
#define LIMIT_LISTENERS_PORT     8 /* addresses of one port with a socket each; then one serves any address */
#define LIMIT_LISTENER_QUEUE     128  /* connections that wait until the broker accepts them */
#define LIMIT_BROKER_NAMES       2048 /* one sandbox: a build asks for dozens; 300 KB when they are long */
#define LIMIT_BROKER_RELAYS      256 /* connections of one sandbox: npm opens 50; more wait in the listener */
#define LIMIT_BROKER_RELAYS_ALL  2048  /* of all together: two descriptors and 128 KB each at worst */
#define LIMIT_BROKER_FILES       12288 /* RLIMIT_NOFILE of the broker: those, and listeners of 256 sandboxes */
#define LIMIT_RELAY_BYTES        (UINT64_C(64) << 30)  /* one connection, both ways: a large clone is 10 GB */
#define LIMIT_NETWORK_BYTES      (UINT64_C(256) << 30) /* one sandbox in a day: dozens of clones and images */
#define LIMIT_NETWORK_BYTES_MIN  65536                 /* a page; less would be no network */
#define LIMIT_NETWORK_MS         86400000              /* that day */
#define LIMIT_RELAY_BUFFER_BYTES (64u << 10) /* held of each direction at most; 16 KB copy half as fast */
#define LIMIT_RELAY_IDLE_MS      1800000  /* without a byte either way; a database keeps quiet for minutes */
#define LIMIT_RELAY_TOTAL_MS     86400000 /* a day, as the longest command */
#define LIMIT_RELAY_ACCEPTS      16       /* taken from one listener before others have their turn */
#define LIMIT_DNS_MESSAGE_BYTES  1232     /* of a question: what resolvers send in one packet, padded */
#define LIMIT_DNS_TURN           64       /* questions from one sandbox before others have their turn */
#define LIMIT_DNS_STREAMS        16       /* connections of one sandbox that ask over TCP; more are closed */
#define LIMIT_DNS_STREAM_MS      10000    /* without a question: RFC 7766 section 6.2.3, "a few seconds" */
#define LIMIT_DNS_LINES          64  /* sockets that commands take for UDP, of one sandbox; the oldest end */
#define LIMIT_BROKER_COMING      512 /* connections made for a keeper and not accepted: more than queue up */
#define LIMIT_BROKER_DENIALS     100 /* refusals told, one sandbox, each second: a result shows 16 */
#define LIMIT_RESOLV_BYTES       (16u << 10) /* of resolv.conf: a dozen lines */
#define LIMIT_HOSTS_BYTES        (1u << 20)  /* of /etc/hosts; block lists are that long */

/* ---- time, milliseconds ---- */
#define LIMIT_END_MS          80   /* after that grace, what our own processes may take to be gone */
#define LIMIT_DEATH_MS        1000 /* from a kill to the word that nothing is left; then we say so */
#define LIMIT_SPAWNER_REST_MS 1000 /* a spawner with nothing to do ends; its return costs 1 ms */
#define LIMIT_SANDBOX_IDLE_MS                                                                                \
	3600000 /* without a call, sandboxes and executors end: a person at lunch finds their /tmp again;    \
		   sandbox.idleSeconds */
#define LIMIT_SANDBOX_IDLE_MIN_MS    1000     /* below it a sandbox would go between two calls of a model */
#define LIMIT_SANDBOX_IDLE_MAX_MS    86400000 /* a day */
#define LIMIT_PROGRESS_MS            250      /* progress of a call at most four times a second */
#define LIMIT_START_MS               10000 /* an executor that starts, and has done nothing for so long, is killed */
#define LIMIT_START_LONGEST_MS       60000 /* and one that has: no host waits longer for an answer */
#define LIMIT_ANSWER_WITHIN_MS       4000 /* strangers wait 5 s (hosts.md, 11); answerWithin, --answer-within */
#define LIMIT_ANSWER_WITHIN_KNOWN_MS 45000 /* hosts known by name to wait at least 60 s */
#define LIMIT_PROBE_MS                                                                                       \
	20000 /* doctor: every layer is tried in processes of its own, on a slow machine too                 \
	       */
#define LIMIT_IDLE_MS      100 /* without calls, after which freed memory is given back */
#define LIMIT_END_GRACE_MS 50  /* after end of input: calls that are all but done may still answer */
#define LIMIT_LAST_WORD_MS                                                                                   \
	5000 /* after a cancel: executors look for them each 100 us; one that hangs so long is replaced */
#define LIMIT_KILL_GRACE_MS 2000 /* a nanny that has not reported a kill by then loses its whole sandbox */

/* ---- command line and policy ---- */
#define LIMIT_POLICY_BYTES         (256u << 10) /* a policy of thousands of names is 100 KB; read whole at start */
#define LIMIT_POLICY_ENTRIES       1024    /* of one list: each path is a mount or a rule of every sandbox */
#define LIMIT_POLICY_PROBLEMS      20      /* mistakes told at once: enough to mend a file in one go */
#define LIMIT_SEARCH_PATH_ENTRIES  64      /* directories of PATH that commands get */
#define LIMIT_ANSWER_WITHIN_MIN_MS 100     /* below it nothing could be answered but "still running" */
#define LIMIT_ANSWER_WITHIN_MAX_MS 3600000 /* an hour: no host waits longer */
#define LIMIT_RESULT_BYTES_MIN     1000    /* below it a refusal would not fit */

/* ---- the range from which a policy may choose what a sandbox may use (limits.*) ---- */
#define LIMIT_COMMAND_PROCESSES_MIN 16 /* keeper, nannies, a shell and a pipeline */
#define LIMIT_COMMAND_PROCESSES_MAX 65536
#define LIMIT_COMMAND_FILES_MIN     64                   /* a dynamic linker and a shell with pipes */
#define LIMIT_COMMAND_FILES_MAX     1048576              /* the kernel's fs.nr_open */
#define LIMIT_COMMAND_DATA_MIN      (UINT64_C(16) << 20) /* below it bash and git do not start */
#define LIMIT_TEMPORARY_BYTES_MIN   (UINT64_C(1) << 20)  /* here-documents and lock files */
#define LIMIT_MEMORY_BYTES_MIN                                                                               \
	(UINT64_C(64) << 20)                 /* keeper, nannies, a shell, git, and /tmp beside them          \
					      */
#define LIMIT_CPUS_MIN_THOUSANDTHS 10        /* the kernel's least: 1 ms of 100 */
#define LIMIT_CPUS_MAX_THOUSANDTHS 1024000   /* more than any machine has */
#define LIMIT_TEMPORARY_FILES_MIN  64        /* a shell's and a compiler's */
#define LIMIT_TEMPORARY_FILES_MAX  100000000 /* a hundred million: 100 GB of the kernel's memory */
#define LIMIT_POLICY_BYTES_MAX     (UINT64_C(1) << 50) /* any of the byte counts: exact in a JSON number */

#endif
