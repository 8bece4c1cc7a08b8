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
#define LIMIT_SUBSCRIPTIONS 64 /* open subscriptions/listen requests, one caller */
#define LIMIT_RESOURCE_SUBSCRIPTIONS                                                                         \
	2048 /* pairs of a subscriber and a resource, one caller: a thousand files, and commands, by two */
#define LIMIT_RESOURCE_URI_BYTES                                                                             \
	(16u << 10) /* echoed where it is not found; a path of LIMIT_PATH_BYTES, each of them %XX */
#define LIMIT_STATE_S         3600 /* a requestState is good for as long: a person may have to be asked */
#define LIMIT_TASKS           256  /* one caller's, with those that have ended */
#define LIMIT_TASK_BYTES      (32u << 20) /* of the results that one caller's tasks keep */
#define LIMIT_COMPLETIONS     100         /* completion: "Maximum 100 items per response" */
#define LIMIT_TOOLS           32          /* in the table: rows of metrics; models cope with fewer */
#define LIMIT_TOOL_NAME_BYTES 128         /* tools: "SHOULD be between 1 and 128 characters" */

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

/* ---- HTTP ---- */
#define LIMIT_HTTP_HEAD_BYTES                                                                                \
	(8u << 10) /* a connection's memory: the request's head, and the response's; more is answered 431    \
		    */
#define LIMIT_HTTP_CHUNK_BYTES          1024  /* of a stream, at a time */
#define LIMIT_HTTP_CONNECTIONS          20000 /* as many as descriptors allow: idle streams are most of them */
#define LIMIT_HTTP_CONNECTIONS_MIN      256   /* where nobody says how many descriptors there may be */
#define LIMIT_HTTP_OTHER_FILES          4096  /* descriptors for pipes, doors and logs of commands */
#define LIMIT_HTTP_REQUEST_MS           30000 /* for a head, for a body, and to take an answer: --request-timeout */
#define LIMIT_HTTP_IDLE_TIMES           4           /* as long: from one answer to the next whole head */
#define LIMIT_HTTP_LEAST_BYTES          (64u << 10) /* a second: so much more time has who sends or takes much */
#define LIMIT_HTTP_BEAT_MS              25000 /* a comment on each stream: proxies give up after 60 s, some after 30 */
#define LIMIT_HTTP_BODIES_BYTES         (256u << 20) /* messages that are being read, of all connections */
#define LIMIT_HTTP_BURST_MS             10000 /* of http.requestsPerSecond: what so long may have, at once */
#define LIMIT_HTTP_CALLS                1024 /* in flight, one caller's: a quarter of all (http.callsInFlight) */
#define LIMIT_HTTP_BODY_MIN_BYTES       (64u << 10) /* of http.bodyBytes: with less a file could not be written */
#define LIMIT_HTTP_RATE_MIN_THOUSANDTHS 100 /* of http.requestsPerSecond: the burst is one request then */
#define LIMIT_HTTP_RATE_MAX_THOUSANDTHS 1000000000 /* more than any machine answers */
#define LIMIT_HTTP_RATE_THOUSANDTHS                                                                          \
	10000000 /* half of what one processor answers: nobody needs it, and none gets everything */
#define LIMIT_REQUEST_ID_BYTES  64           /* of X-Request-Id: a UUID has 36 */
#define LIMIT_METHOD_NAME_BYTES 64           /* of a method, in the log: ours have 24 */
#define LIMIT_METRICS_BYTES     (256u << 10) /* the text of all metrics: 20 lines for each tool */
#define LIMIT_HTTP_RETRY_MS     1000u        /* how soon a client may come back to a stream that it lost */
#define LIMIT_HTTP_KEPT_BYTES   (64u << 10)  /* of a stream that can be resumed: what was sent last */
#define LIMIT_HTTP_RESUME_MS    300000 /* how long an answer waits for a client that has lost its stream */
#define LIMIT_HTTP_STREAMS      16384  /* open subscriptions of one caller: many clients share a token */
#define LIMIT_HTTP_SESSIONS     4096   /* legacy sessions known here; others are made again from their ids */
#define LIMIT_HTTP_SESSION_IDLE_MS                                                                           \
	3600000 /* after which one is forgotten, with its subscriptions, until it is used again */
#define LIMIT_HTTP_SESSION_S      604800     /* a week: how long an id is good for */
#define LIMIT_HTTP_STREAM_NUMBERS 500000000  /* where those of a session begin: nine digits are read */
#define LIMIT_HTTP_ENDED_SESSIONS 4096       /* deleted ones that are remembered */
#define LIMIT_HTTP_DRAIN_MS       10000      /* for answers that are under way when the server is to end */
#define LIMIT_SECRET_FILE_BYTES   (1u << 20) /* a file of tokens: some ten thousand */
#define LIMIT_SECRET_READ_BYTES   4096       /* of it, at a time */
#define LIMIT_TOKEN_MIN_BYTES     16         /* a bearer token that nobody guesses */
#define LIMIT_TOKEN_MAX_BYTES     1024       /* and that fits a head */

/* ---- answers ---- */
#define LIMIT_RESULT_BYTES_DEFAULT                                                                           \
	32000 /* bulk text of one result unless --result-limit or policy says otherwise */
#define LIMIT_RESULT_BYTES_MAX (8u << 20) /* hosts drop connections above 10 MiB (hosts.md, 9) */
#define LIMIT_ANSWER_BYTES                                                                                   \
	(64u << 20) /* one answer as JSON: 8 MB text of control characters becomes six times that */
#define LIMIT_DENIAL_BYTES     (16u << 10) /* a denial's _meta: its fields, each byte of them escaped */
#define LIMIT_TOOLS_PAGE_BYTES (64u << 10) /* of tools/list; all our tools are to fit one of 16 KB */

/* ---- file tools ---- */
#define LIMIT_PATH_BYTES         4096    /* PATH_MAX, its NUL included: the kernel takes no longer one */
#define LIMIT_READ_LINES         2000    /* default of read_file's limit: what models are used to */
#define LIMIT_READ_LINES_MAX     1000000 /* more lines than LIMIT_RESULT_BYTES_MAX holds in practice */
#define LIMIT_LIST_ENTRIES       200  /* default of list_directory's limit: about 8,000 characters of text */
#define LIMIT_LIST_ENTRIES_MAX   2000 /* an answer stays below a megabyte also with long names */
#define LIMIT_LIST_DEPTH         32   /* deeper trees are source of mistakes, not of knowledge */
#define LIMIT_LIST_VISITED       200000     /* entries one listing looks at: 10 MB of names */
#define LIMIT_LIST_STEP          64         /* entries between two looks at other calls: about 100 us */
#define LIMIT_LIST_RESULT_BYTES  (1u << 20) /* entries of one listing as frames: 2,000 long names */
#define LIMIT_GLOB_BYTES         1024       /* of a glob that a model writes; it writes 50 */
#define LIMIT_GLOB_ALTERNATIVES  256        /* that its braces stand for: three sets of six */
#define LIMIT_GLOB_PROGRAM_BYTES (1u << 20) /* all of them compiled: a set takes 33 bytes, a letter two */
#define LIMIT_IGNORE_BYTES                                                                                   \
	(1u << 20) /* read of one ignore file: the largest public ones are 100 KB, what is beyond does not   \
		      count */
#define LIMIT_IGNORE_RULES         8192       /* of one such file; each may be asked about each name */
#define LIMIT_IGNORE_PROGRAM_BYTES (8u << 20) /* compiled: at most 33 bytes for three of a set `[a]` */
#define LIMIT_WALK_NAMES_BYTES                                                                               \
	(128u << 20) /* names that one walk holds: a million of 100 bytes in one directory */
#define LIMIT_WALK_DEPTH (LIMIT_PATH_BYTES / 2) /* no path is deeper */
#define LIMIT_WALK_OPEN                                                                                      \
	64 /* directories of one walk that are open; those above are opened again on the way back */
#define LIMIT_FIND_PATHS        200   /* default of find_files' limit, as of list_directory's */
#define LIMIT_FIND_PATHS_MAX    2000  /* as there */
#define LIMIT_FIND_STEP         256   /* entries between two looks at other calls: about 100 us */
#define LIMIT_FIND_RANKED       10000 /* offset and limit together, sorted by time or size: kept in memory */
#define LIMIT_FIND_RANKED_BYTES (16u << 20) /* their paths: 1,600 bytes each */
#define LIMIT_FIND_KEPT_MS      120000      /* a find that was not done may be gone on with */
#define LIMIT_NEAR_NAMES        4096        /* names compared when one is missing: below a millisecond */
#define LIMIT_HEAD_BYTES        8000        /* a NUL among these tells binary from text, as git has it */
#define LIMIT_MEDIA_BYTES       3000000     /* 4 MB as base64: ZeroClaw takes no line above 4 MiB */
#define LIMIT_REST_BYTES        (16u << 20) /* looked through for the end of a line that was cut */
#define LIMIT_FILES_REPLY_BYTES                                                                              \
	4096                 /* a final reply; kept free in the ring by whatever is sent before it           \
			      */
#define LIMIT_FILES_BEGUN 64 /* calls that have begun and are not done: each holds up to four descriptors */
#define LIMIT_ATTRIBUTE_BYTES                                                                                \
	65536 /* an extended attribute, and the names of all: the kernel's own limits                        \
	       */
#define LIMIT_RECEIVE_SLICE_BYTES (128u << 10) /* out of a pipe between two looks at other calls: 100 us */
#define LIMIT_RECEIVE_UNSAVED_BYTES                                                                          \
	(32u                                                                                                 \
	 << 20) /* received before they are sent to the disk, and so much again until they must be there:    \
		   who dirties more memory than a disk takes is made to wait, and all calls with him */
#define LIMIT_RECEIVE_TELL_MS 200        /* between two words on how far it is: less than LIMIT_PROGRESS_MS */
#define LIMIT_JOURNAL_BYTES   (4u << 20) /* LIMIT_PATCH_FILES changes with three of the longest paths each */
#define LIMIT_PATCH_FILES     200   /* files of one patch: each holds two descriptors until all are done */
#define LIMIT_PATCH_HUNKS     20000 /* of one patch: a message holds no more that change anything */
#define LIMIT_PATCH_FILE_BYTES                                                                               \
	(16u << 20) /* a file that is patched, before and after: looked through in one step, 30 ms */
#define LIMIT_PATCH_FILE_LINES   1000000     /* and its lines, 24 bytes each */
#define LIMIT_PATCH_BYTES        (64u << 20) /* all files of one patch, before and after */
#define LIMIT_PATCH_RESULT_BYTES (2u << 20)  /* LIMIT_PATCH_FILES with two of the longest paths each */
#define LIMIT_PATCH_LINES        1000000     /* of a patch itself: what a message of short lines holds */
#define LIMIT_PATCH_COMPARED     100000000   /* places that all hunks of a file are looked for at: 0.1 s */
#define LIMIT_PATCH_NEAR         20000000    /* lines compared to tell where a hunk would nearly fit: 30 ms */
#define LIMIT_CHANGES_SYNCS                                                                                  \
	16 /* of one patch on the way to the disk at once: others write too (SYNC_SLOTS) */
#define LIMIT_FILE_WATCHES 4096 /* paths watched for all callers: 100 bytes each, and their holds */
#define LIMIT_WATCH_NODES                                                                                    \
	16384 /* files and directories watched for them: 1 KB each of the kernel's, and the user's other     \
		 programs want some */
#define LIMIT_WATCH_DEPTH       64 /* directories on the way to one: each is looked up again after changes */
#define LIMIT_WATCH_SETTLE_MS   50 /* from a change to the look that takes all that came with it */
#define LIMIT_WATCH_AGAIN_MS    2000        /* between tries to have what could not be had */
#define LIMIT_FILES_PIECE_BYTES (16u << 10) /* the least worth sending of something long */
#define LIMIT_FILES_SLICE_BYTES                                                                              \
	(512u << 10) /* looked through between two looks at other calls: about 100 us */
#define LIMIT_FILES_REQUESTS_BYTES                                                                           \
	(48u << 20)      /* of long requests coming in at once: three of the longest                         \
			  */
#define LIMIT_EDITS 1000 /* of one edit_file: each goes through the whole file */
#define LIMIT_EDIT_BYTES                                                                                     \
	(16u << 20) /* of a file that is edited: as large as one that is written; three of it are held */
#define LIMIT_EDITS_BYTES                                                                                    \
	(128u << 20)                 /* held by all edits at once: two of the largest files                  \
				      */
#define LIMIT_EDIT_MATCHES   1000000 /* of one edit with `all`: 8 MB to remember */
#define LIMIT_EDIT_COUNTED   1000    /* of an `old` that is there too often: who reads more? */
#define LIMIT_EDIT_PLACES    10      /* shown of an `old` that is there more than once */
#define LIMIT_RESEMBLE_LINES 256     /* of a text that was not found by which its place is looked for */
#define LIMIT_DIFF_CONTEXT   3       /* lines around a change: what every tool shows and patch wants */
#define LIMIT_DIFF_DISTANCE  1000    /* lines of one change for which the smallest diff is looked for: 4 MB */
#define LIMIT_DIFF_WINDOW    4096    /* lines of each side in which the end of a change is looked for */
#define LIMIT_DIFF_SAME      4       /* equal lines that end a change: fewer are often only braces */
#define LIMIT_DIFF_LINE_BYTES                                                                                \
	2000 /* shown of one line: longer ones are data or minified, and bury the rest                       \
	      */

/* ---- searches ---- */
#define LIMIT_SEARCH_PATTERN_BYTES 4096 /* an expression; what people write stays below 200 */
#define LIMIT_SEARCH_GLOB_BYTES    1024
#define LIMIT_SEARCH_RESULTS       250   /* default of search_files' limit: some 25,000 characters */
#define LIMIT_SEARCH_RESULTS_MAX   10000 /* --result-limit binds before */
#define LIMIT_SEARCH_CONTEXT       50    /* lines around a match; whoever wants more reads the file */
#define LIMIT_SEARCH_THREADS       8 /* of one search, and never more than processors: they wait for memory */
#define LIMIT_SEARCHES             8 /* that run or wait for their next page; the oldest of these gives way */
#define LIMIT_SEARCH_KEPT_MS       300000 /* without a next page: the tree has changed by then */
#define LIMIT_SEARCH_BINARY_BYTES  1024   /* a NUL among the first of them makes a file binary */
#define LIMIT_SEARCH_WINDOW_BYTES                                                                            \
	(256u << 10) /* of a file looked at together: fits the processor's cache                             \
		      */
#define LIMIT_SEARCH_WINDOW_MAX_BYTES                                                                        \
	(4u << 20) /* longest line, and with `multiline` longest file, looked at whole; longer in pieces */
#define LIMIT_SEARCH_OVERLAP_BYTES 4096 /* of such pieces: a match so long is found wherever it stands */
#define LIMIT_SEARCH_SHOWN_BYTES   400  /* of one line, around the match: minified files have one line */
#define LIMIT_SEARCH_LINES         200  /* shown of one match of many lines */
#define LIMIT_SEARCH_CHUNK_FILES   16   /* that a thread takes at once */
#define LIMIT_SEARCH_CHUNKS        256  /* ahead of the first that is not done: 4,096 paths */
#define LIMIT_SEARCH_SHEET_BYTES   (256u << 10) /* results of a chunk before they must wait for their turn */
#define LIMIT_SEARCH_HELD_BYTES    (4u << 20)   /* results that wait for theirs, of one search */
#define LIMIT_SEARCH_STEPS         10000000     /* of PCRE2 for one line: 0.1 to 1 s */
#define LIMIT_SEARCH_STACK_BYTES   (1u << 20)   /* of PCRE2's compiled code, a thread */
#define LIMIT_SEARCH_HEAP_KB       16384        /* of PCRE2's interpreter, a thread */
#define LIMIT_SEARCH_OVERRUNS      20 /* lines that were too much for an expression: then the search ends */

/* ---- trees, and what is known of files ---- */
#define LIMIT_TREE_DEPTH 512     /* directories in each other: PATH_MAX allows more, nobody has them */
#define LIMIT_TREE_NAMES 4000000 /* held on the way through a tree: some 100 MB of short names */
#define LIMIT_TREE_STEP  64      /* entries removed between two looks at other calls: about 300 us */
#define LIMIT_COPY_UNSIZED_BYTES                                                                             \
	(64u << 20)                        /* of a file that says it has none and gives some all the same    \
					    */
#define LIMIT_INFO_TEXT_BYTES (64u << 20)  /* looked through for lines and encoding: 10 ms of ASCII */
#define LIMIT_INFO_HASH_BYTES (4ull << 30) /* hashed in one call: 2 s with the processor's instructions */
#define LIMIT_READ_FILES      100          /* of read_files: more than fit an answer in a useful way */
#define LIMIT_READ_FILES_MEDIA_BYTES                                                                         \
	(6u << 20) /* images and audio of one answer: 8 MB as base64, and hosts drop answers above 10 */

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
#define LIMIT_PLAN_BYTES    (1u << 20) /* the encoded plan: a thousand long paths and rules */
#define LIMIT_PLAN_ITEMS    4096       /* entries of one list in it */
#define LIMIT_WORKSPACES    64  /* each is a mount in every executor and a descriptor in the files executor */
#define LIMIT_INSTANCES     256 /* sandboxes and executors of one server */
#define LIMIT_STARTS        8   /* under way at once; the next ones wait: more only share the processors */
#define LIMIT_SANDBOXES     128 /* at once, of all callers: 0.5 MB each when idle; sandbox.maximum */
#define LIMIT_SANDBOXES_MAX 240 /* the most a policy may choose: LIMIT_INSTANCES, less our own executors */

/* What lies in .git/worktrees and .git/modules is looked at when the server starts and protected one by one,
 * each by some mounts. Names have slashes, and submodules have submodules. */
#define LIMIT_REPOSITORIES     128
#define LIMIT_REPOSITORY_DEPTH 8

#define LIMIT_INSIDE_CONNECTIONS                                                                             \
	16 /* to servers in one sandbox at once, each kept by a nanny; browsers take 6 */
#define LIMIT_NANNIES      (LIMIT_COMMANDS_AT_ONCE + LIMIT_INSIDE_CONNECTIONS)
#define LIMIT_INSIDE_BYTES (64u << 10) /* on their way through such a connection, each way */
#define LIMIT_INSIDE_WAITING                                                                                 \
	256 /* connections asked for and not yet there, of all callers: beyond it who asks lies or floods */
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
#define LIMIT_EXECUTOR_FILES                                                                                 \
	1024 /* RLIMIT_NOFILE of executors of our own: LIMIT_FILES_BEGUN, LIMIT_PATCH_FILES */
#define LIMIT_SEARCH_FILES 2048 /* that of search: directories whose files wait for a thread */
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
#define LIMIT_HANDLE_BYTES   16  /* of randomness in a command's id: nobody finds another's by trying */
#define LIMIT_INSTANCE_BYTES 32  /* of --instance: it stands in each id that a model repeats */
#define LIMIT_HANDLES        64  /* of one caller: 16 MB of output in memory at worst; limits.commands */
#define LIMIT_HANDLES_MAX    256 /* the most a policy may choose */
#define LIMIT_COMMAND_KEPT_MS                                                                                \
	3600000 /* after its end or last read: a person at lunch finds the build's output again;             \
		   limits.commandKeptSeconds */
#define LIMIT_COMMAND_KEPT_MIN_MS 1000       /* below it output would go between two calls of a model */
#define LIMIT_COMMAND_KEPT_MAX_MS 604800000  /* a week */
#define LIMIT_COMMAND_MS          86400000   /* of running: what was forgotten ends; limits.commandSeconds */
#define LIMIT_COMMAND_MIN_MS      1000       /* below it most programs could not even start */
#define LIMIT_COMMAND_MAX_MS      2592000000 /* 30 days */
#define LIMIT_OUTPUT_BYTES                                                                                   \
	(1ull << 30) /* of one command, kept on a disk: more than any build writes; limits.outputBytes */
#define LIMIT_OUTPUT_RECORD_SHARE 4   /* of that, for what says which stream each piece came from */
#define LIMIT_HANDLE_LINE_BYTES   200 /* of the command in list_commands */
#define LIMIT_BACKGROUND_MS                                                                                  \
	100 /* before a command that goes into the background is let go: what fails at once says so */
#define LIMIT_LOG_FILES                                                                                      \
	8 /* logs of that size at once, or as much in many smaller ones, of all callers; others keep what    \
	     fits memory */
#define LIMIT_STATE_MS                                                                                       \
	200 /* for a nanny's word on what a command waits for: it takes 0.3, 80 with 900 threads */
#define LIMIT_STOP_GRACE_MS    2000 /* from stop_command's signal to SIGKILL */
#define LIMIT_TERMINAL_ROWS    24   /* of a terminal: what programs expect */
#define LIMIT_TERMINAL_COLUMNS 120  /* lines of compilers and tables stay whole more often than in 80 */
#define LIMIT_QUIET_MS         100  /* without new output, after which what came is worth an answer */
#define LIMIT_PIPE_READ_BYTES  (16u << 10) /* read from a command's pipe at once */
#define LIMIT_PIPE_TURN_BYTES                                                                                \
	(128u << 10) /* of one pipe before others have their turn: twice what a pipe holds */
#define LIMIT_PIPE_PACE_MS 8
#define LIMIT_PIPE_PACE_BYTES                                                                                \
	(64u << 10) /* of one pipe in each of these stretches while others call: 8 MB/s is more than a build \
		       writes, and leaves us a processor that others have not used up */
#define LIMIT_PIPE_PACED_MS 100 /* after a call, others are expected */
#define LIMIT_PIPE_DRAIN_BYTES                                                                               \
	(16u << 20) /* of one pipe after the command's end: it may have made it larger, up to                \
		       fs.pipe-max-size */
#define LIMIT_COMMAND_LOG_BYTES                                                                              \
	(256u << 10) /* of a command's log in memory: most commands write less and need no file; with the    \
			older half going to the file at once, 1 GB takes 8,192 writes */
#define LIMIT_COMMAND_LOG_BLOCK_BYTES                                                                        \
	(16u << 10) /* of it that is found, read and lost together: what a pipe gives at once, and all that  \
		       a command with a little output costs */
#define LIMIT_FRONTEND_FILES                                                                                 \
	24 /* descriptors of the frontend beside those of commands: 15 stay open, 8 come or go at a time */
#define LIMIT_READ_FOLDED_BYTES   (512 << 10) /* of the log for one answer, where lines were written over */
#define LIMIT_PROGRESS_LINE_BYTES 200         /* of the newest line in a progress notification */
#define LIMIT_COMMAND_DENIALS                                                                                \
	16 /* different ones told with a command's result; more would bury its output                        \
	    */
#define LIMIT_COMMANDS_AT_ONCE                                                                               \
	64 /* running in one sandbox; further ones wait their turn: four descriptors each */

#define LIMIT_TERMINAL_SIDE_MIN 2 /* below it readline does not start */
#define LIMIT_TERMINAL_SIDE                                                                                  \
	1000 /* rows or columns: some programs keep the whole screen, and no model reads a longer line */
#define LIMIT_TERMINAL_BYTES 4096 /* on their way in one direction: what the kernel's terminal holds */
#define LIMIT_STATE_THREADS                                                                                  \
	1024 /* looked at for one answer: 45 us each on a busy machine, and only their own call waits */
#define LIMIT_STATE_POLLED     1024 /* descriptors of one poll or select: what most programs may have open */
#define LIMIT_STATE_INFO_BYTES (16u << 10) /* of what an epoll waits for: 200 descriptors */

/* ---- the web ---- */
#define LIMIT_URL_BYTES           8192         /* what servers and browsers agree on being able to read */
#define LIMIT_METHOD_BYTES        16           /* of HTTP; OPTIONS is the longest that is allowed */
#define LIMIT_WEB_REQUEST_BODY    (128u << 10) /* that a model gives: one frame with headers and URL */
#define LIMIT_INJECTS             64           /* entries of network.inject */
#define LIMIT_INJECT_MIN_BYTES    8    /* a shorter secret would be found in what it is not in, and is none */
#define LIMIT_INJECT_BYTES        4096 /* of a secret: tokens are shorter, servers take no longer header */
#define LIMIT_INJECT_PREFIX_BYTES 64   /* before it: "Bearer " */
#define LIMIT_INJECTS_BYTES       (LIMIT_INJECTS * (LIMIT_INJECT_BYTES + LIMIT_INJECT_PREFIX_BYTES + 8))
#define LIMIT_USER_AGENT_BYTES    256
#define LIMIT_WEB_FETCHES                                                                                    \
	128 /* running at once in one web executor, each with a socket, or half as many over TLS; more wait  \
	       for their turn. 200 pages of 30 KB at once then take it to 22 MB; with 256 running it was 30  \
	     */
#define LIMIT_WEB_WAITING   4096 /* the frontend has no more calls than this in flight */
#define LIMIT_WEB_REDIRECTS 10   /* followed by one fetch; browsers stop at 20, loops show sooner */
#define LIMIT_WEB_HEADER_BYTES                                                                               \
	(256u                                                                                                \
	 << 10) /* response headers of one hop: real ones stay under 32 KB, cookies and policies included */
#define LIMIT_WEB_BODY_BYTES                                                                                 \
	(16u << 20) /* of one answer, decompressed: 100 times a large page; what is beyond is told as cut */
#define LIMIT_WEB_BODIES_BYTES                                                                               \
	(64u << 20) /* of all fetches in one executor together; past it each has only its part, 512 KB */
#define LIMIT_WEB_TEXT_BYTES                                                                                 \
	(3u * LIMIT_WEB_BODY_BYTES)            /* Latin-1 becomes twice that in UTF-8, U+FFFD thrice */
#define LIMIT_WEB_LENGTH_DEFAULT  20000        /* max_length of fetch_url, characters: tools.md */
#define LIMIT_WEB_LENGTH_MAX      (8u << 20)   /* --result-limit binds before */
#define LIMIT_WEB_KEPT            64           /* loads that have ended and may be asked for again */
#define LIMIT_WEB_KEPT_BYTES      (6u << 20)   /* all of them together, but the newest may be larger */
#define LIMIT_WEB_KEPT_BODY_BYTES (256u << 10) /* of a larger one only the text is kept */
#define LIMIT_WEB_KEPT_MS         600000       /* a page read on after ten minutes is fetched anew */
#define LIMIT_WEB_FRESH_S         86400 /* of what a server says about how long it may be shown again */
#define LIMIT_WEB_VALIDATOR_BYTES 256   /* of an ETag: real ones stay under 100 */
#define LIMIT_WEB_AT_ONCE_BYTES                                                                              \
	(192u << 10) /* a body converted in the loop: about 3 ms; larger ones in a thread */
#define LIMIT_WEB_CONVERT_MS       5000         /* of a page: ten times what the largest takes */
#define LIMIT_WEB_CONVERT_BYTES    (192u << 20) /* of its tree, while it is converted */
#define LIMIT_WEB_REQUEST_HEADERS  (16u << 10)  /* that a model gives */
#define LIMIT_WEB_PIPES            64           /* downloads watched at once */
#define LIMIT_WEB_BROKEN           6            /* connections of a download in a row that brought nothing */
#define LIMIT_WEB_RETRIES          4            /* of a page whose server is busy */
#define LIMIT_WEB_RETRY_MS         500 /* before the first, doubled each time, unless the server says when */
#define LIMIT_WEB_ORIGINS          256 /* whose robots.txt is known */
#define LIMIT_WEB_ROBOTS_MS        86400000 /* section 2.4: no longer than 24 hours */
#define LIMIT_WEB_ROBOTS_FAILED_MS 60000    /* one that could not be read is asked for again soon */
#define LIMIT_WEB_ASKS_BYTES                                                                                 \
	(4u << 20) /* questions to a broker that does not read: all fetches' are far less */
#define LIMIT_WEB_TRIM_BYTES (1u << 20) /* of bodies, after which memory is given back when all is done */
#define LIMIT_WEB_OUTGOING_BYTES                                                                             \
	(32u << 20) /* answers that wait for the frontend to read; past it no request is read */
#define LIMIT_CERTIFICATES_BYTES (4u << 20) /* the system's bundle is 220 KB */
#define LIMIT_WEB_UNREAD_BYTES   (1u << 20) /* of answers: past it no further fetch begins */
#define LIMIT_WEB_TOTAL_MS       120000     /* a page, in the background too */
#define LIMIT_WEB_FIRST_BYTE_MS  45000      /* handshake, request, and what the server thinks about it */
#define LIMIT_WEB_IDLE_MS        20000 /* in which LIMIT_WEB_DRIP_BYTES must come: less is as good as dead */
#define LIMIT_WEB_TELL_MS        500   /* between words about how far a load is */
#define LIMIT_WEB_DRIP_BYTES     2000
#define LIMIT_WEB_MARGIN_MS      250 /* the broker's own time, and the way of an answer of its */
#define LIMIT_WEB_DEPTH          256 /* of JSON or XML that is laid out anew; deeper stays as it was */
#define LIMIT_WEB_GUESS_BYTES                                                                                \
	8192 /* of a text without a declared character set, decoded as each candidate                        \
	      */
#define LIMIT_ROBOTS_BYTES                                                                                   \
	(500u << 10) /* of a robots.txt that are read: RFC 9309 section 2.5 asks for as many */

/* ---- downloads ---- */
#define LIMIT_DOWNLOAD_BYTES                                                                                 \
	(4ull << 30) /* of one: an image of a system; more is a mistake, or fills a disk;                    \
			limits.downloadBytes */
#define LIMIT_DOWNLOADS                                                                                      \
	16 /* at once under one policy: each is a pipe and a place among LIMIT_FILES_BEGUN for as long as it \
	      takes */
#define LIMIT_DOWNLOADS_CALLER 8  /* of one caller: more only share the line */
#define LIMIT_DOWNLOADS_KEPT   16 /* results of one caller that nobody has read yet */
#define LIMIT_DOWNLOAD_FREE_FILES                                                                            \
	8 /* of the frontend's descriptors, when one begins: frames bring others, and one cut short is a lie \
	   */
#define LIMIT_DOWNLOAD_KEPT_MS 600000 /* they are kept: a model that was told to come back does so soon */
#define LIMIT_DOWNLOAD_STALL_MS                                                                              \
	120000 /* without a byte, for all that the web executor tries again meanwhile; or for the disk to    \
		  take the rest */

/* ---- pages: HTML as a tree and as Markdown ---- */
#define LIMIT_PAGE_DEPTH 512 /* of the tree: as Chrome; text that lies deeper stays */
#define LIMIT_PAGE_FORMATTING                                                                                \
	64 /* formatting elements that misnesting carries on; real pages have under 10 */
#define LIMIT_PAGE_MOVES       (4u << 20)   /* nodes that misnested end tags move, all together: 50 ms */
#define LIMIT_PAGE_BLOCK_BYTES (256u << 10) /* that the tree's memory grows by */
#define LIMIT_PAGE_COLUMNS     128          /* of a table; a wider one is written cell by cell */
#define LIMIT_PAGE_NOTES       4096         /* references to footnotes; the largest articles have 1,500 */
#define LIMIT_PAGE_BASE_BYTES  2048 /* of a base, which each short link on the page is made longer by */

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
#define LIMIT_RESOURCE_UPDATE_MS     250      /* new output of a subscribed command, told as often at most */
#define LIMIT_PROGRESS_MS            250      /* progress of a call at most four times a second */
#define LIMIT_SPARE_YIELD_MS         20 /* to the first answer, before it seals itself: that takes 1 ms, or ten */
#define LIMIT_START_MS               10000 /* an executor that starts, and has done nothing for so long, is killed */
#define LIMIT_AHEAD_MS               60000 /* a sandbox built ahead, and nobody asks for one: it would show old things */
#define LIMIT_START_LONGEST_MS       60000 /* and one that has: no host waits longer for an answer */
#define LIMIT_ANSWER_MARGIN_MS       250 /* before the frontend's deadline: an executor's answer must get there */
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
