/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of protected paths. What is here costs its user something (a tool that wants to write it fails),
 * so each row says what would happen without it. Not here is what acts only when a person asks for it:
 * Makefiles, package.json scripts, CI workflows and .envrc (direnv asks again after each change) are the
 * project's own content, and reading the change before running it is the person's part.
 */
#include "server/policy/protect.h"

#include <stddef.h>

const struct protected_path protected_paths[] = {
	{".agents", "skills and their scripts, which Codex and others load"},
	{".aider.conf.yml", "commands that aider runs after each change"},
	{".amazonq", "MCP servers and hooks that Amazon Q starts"},
	{".bash_aliases", "run by every bash of Debian and its kin, if the workspace is a home"},
	{".bash_login", "run by a login shell, if the workspace is a home"},
	{".bash_logout", "run by bash when it ends, if the workspace is a home"},
	{".bash_profile", "run by a login shell, if the workspace is a home"},
	{".bashrc", "run by every bash, if the workspace is a home"},
	{".claude", "hooks, permissions and commands of Claude Code, run without a question"},
	{".codex", "MCP servers and commands that Codex starts"},
	{".continue", "MCP servers that Continue starts"},
	{".crush.json", "MCP servers and commands that Crush starts"},
	{".cshrc", "run by every csh, if the workspace is a home"},
	{".cursor", "MCP servers, hooks and rules that Cursor obeys"},
	{".devcontainer", "initializeCommand runs on the machine itself when an editor opens the folder"},
	{".devcontainer.json", "the same as a single file"},
	{".factory", "MCP servers and hooks of Factory's droid"},
	{".gemini", "MCP servers and commands that Gemini CLI starts"},
	{".git/commondir", "with it git takes config and hooks from wherever it says"},
	{".git/config",
	 "core.fsmonitor, core.hooksPath, core.sshCommand, filters and aliases are commands that "
	 "your next git runs"},
	{".git/config.worktree", "as .git/config, where extensions.worktreeConfig is set"},
	{".git/hooks", "run by git at commit, checkout, merge and push"},
	{".gitconfig", "as .git/config, if the workspace is a home"},
	{".github/hooks", "hooks that GitHub Copilot runs"},
	{".idea", "run configurations and startup tasks of JetBrains editors"},
	{".junie", "MCP servers that Junie starts"},
	{".kilocode", "MCP servers that Kilo Code starts"},
	{".kiro", "MCP servers and hooks that Kiro starts"},
	{".login", "run by a csh login shell, if the workspace is a home"},
	{".mcp.json", "MCP servers that Claude Code and others start"},
	{".opencode", "plugins and commands that opencode loads"},
	{".profile", "run by a login shell, if the workspace is a home"},
	{".qwen", "MCP servers and commands that Qwen Code starts"},
	{".roo", "MCP servers that Roo Code starts"},
	{".ssh", "who may log in, and commands that ssh runs, if the workspace is a home"},
	{".tcshrc", "run by every tcsh, if the workspace is a home"},
	{".trae", "MCP servers that Trae starts"},
	{".vscode", "tasks that run on opening the folder, settings that name programs, MCP servers"},
	{".windsurf", "MCP servers and hooks that Windsurf starts"},
	{".xprofile", "run when a desktop begins, if the workspace is a home"},
	{".xsessionrc", "run when a desktop begins, if the workspace is a home"},
	{".zed", "tasks and context servers that Zed starts"},
	{".zlogin", "run by a zsh login shell, if the workspace is a home"},
	{".zlogout", "run by a zsh login shell when it ends, if the workspace is a home"},
	{".zprofile", "run by a zsh login shell, if the workspace is a home"},
	{".zshenv", "run by every zsh, if the workspace is a home"},
	{".zshrc", "run by every zsh, if the workspace is a home"},
	{"HEAD", "with it and a config beside it git takes the workspace itself for a bare repository"},
	{"crush.json", "MCP servers and commands that Crush starts"},
	{"opencode.json", "MCP servers and permissions of opencode"},
	{"opencode.jsonc", "as opencode.json"},
	{NULL, NULL},
};
