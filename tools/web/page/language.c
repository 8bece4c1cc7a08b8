/* SPDX-License-Identifier: Apache-2.0 */
/* Which language a block of code is in: what highlighters leave in classes and attributes. */
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/page/writer.h"

#define PARENTS 3  /* of a <pre> that are asked */
#define WORDS   32 /* of a class list that are looked at */

/* Before the name. */
static const char *const prefixes[] = {"highlight-source-",
				       "highlight-text-",
				       "language-",
				       "lang-",
				       "highlight-",
				       "source-",
				       "src-",
				       "sh_",
				       "brush:",
				       "listing-"};

/* Names that stand alone among other classes. Sorted. */
static const char *const names[] = {
	"actionscript", "apache",   "applescript", "asm",      "awk",
	"bash",         "batch",    "bat",         "c",        "c#",
	"c++",          "clojure",  "cmake",       "cmd",      "coffee",
	"coffeescript", "console",  "cpp",         "csharp",   "css",
	"csv",          "d",        "dart",        "diff",     "docker",
	"dockerfile",   "elixir",   "elm",         "erb",      "erlang",
	"fish",         "fortran",  "fsharp",      "go",       "golang",
	"gradle",       "graphql",  "groovy",      "haskell",  "hcl",
	"html",         "http",     "ini",         "java",     "javascript",
	"jinja",        "js",       "json",        "jsonc",    "jsx",
	"julia",        "kotlin",   "kt",          "latex",    "less",
	"lisp",         "lua",      "make",        "makefile", "markdown",
	"matlab",       "md",       "mysql",       "nginx",    "nim",
	"nix",          "objc",     "objectivec",  "ocaml",    "pascal",
	"perl",         "php",      "pgsql",       "plsql",    "powershell",
	"prolog",       "protobuf", "ps1",         "puppet",   "py",
	"pycon",        "python",   "python3",     "r",        "rb",
	"rst",          "ruby",     "rust",        "sass",     "scala",
	"scheme",       "scss",     "sh",          "shell",    "solidity",
	"sql",          "svelte",   "swift",       "tcl",      "terraform",
	"tex",          "toml",     "ts",          "tsx",      "typescript",
	"vb",           "vbnet",    "vim",         "vue",      "wasm",
	"xml",          "yaml",     "yml",         "zig",      "zsh",
};

/* What says that there is none. */
static const char *const none[] = {"default",     "text",        "plain", "plaintext", "none",
				   "nohighlight", "notranslate", "txt",   "undefined", "code",
				   "auto",        "unknown",     "wrap",  "raw"};

static bool listed(const char *const *list, size_t count, struct slice word)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(word, list[i]))
			return true;
	return false;
}

/* A name that may stand behind a fence. True: there was an answer, be it that there is no language. */
static bool take(char language[LANGUAGE_BYTES], struct slice word)
{
	size_t length = 0;

	while (word.length && strchr(" :;\"'", word.bytes[0])) {
		word.bytes++;
		word.length--;
	}
	while (length < word.length && !strchr(" ;,{\"'`", word.bytes[length]) &&
	       (unsigned char)word.bytes[length] > ' ' && (unsigned char)word.bytes[length] < 0x7f)
		length++;
	word.length = length;
	if (!length || length >= LANGUAGE_BYTES)
		return false;
	if (listed(none, ARRAY_SIZE(none), word))
		return true;
	for (size_t i = 0; i < length; i++)
		language[i] = word.bytes[i] >= 'A' && word.bytes[i] <= 'Z' ? (char)(word.bytes[i] | 0x20)
									   : word.bytes[i];
	language[length] = '\0';
	return true;
}

static bool from_classes(char language[LANGUAGE_BYTES], struct slice classes)
{
	struct slice rest = classes, word, all;
	unsigned words = 0;

	while (all = rest, word = slice_word(&rest), word.length && words++ < WORDS)
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
			size_t length = strlen(prefixes[i]);

			if (!slice_begins(word, prefixes[i]))
				continue;
			if (prefixes[i][length - 1] == ':') /* "brush: js", with white space */
				word = all;
			word.bytes += length;
			word.length -= length;
			if (take(language, word))
				return true;
			break;
		}
	for (words = 0; word = slice_word(&classes), word.length && words < WORDS; words++)
		if (listed(names, ARRAY_SIZE(names), word))
			return take(language, word);
	return false;
}

static bool from_node(char language[LANGUAGE_BYTES], const struct node *node)
{
	static const enum attribute_name attributes[] = {ATTRIBUTE_data_lang, ATTRIBUTE_data_language,
							 ATTRIBUTE_lang};

	for (size_t i = 0; i < ARRAY_SIZE(attributes) - (node->element != ELEMENT_pre); i++) {
		struct slice value = node_attribute(node, attributes[i]);

		if (value.length && (i < 2 || listed(names, ARRAY_SIZE(names), value)) &&
		    take(language, value))
			return true;
	}
	return from_classes(language, node_attribute(node, ATTRIBUTE_class));
}

void code_language(const struct node *node, char language[LANGUAGE_BYTES])
{
	const struct node *child = node_first_element(node);

	language[0] = '\0';
	if (child && child->element == ELEMENT_code && from_node(language, child))
		return;
	for (unsigned i = 0; node && i <= PARENTS && node->element != ELEMENT_body &&
			     node->element != ELEMENT_article && node->element != ELEMENT_main;
	     i++, node = node->parent) {
		if (from_node(language, node))
			return;
		if (node->element == ELEMENT_tr) /* cells of line numbers lie deeper */
			i = 0;
	}
}
