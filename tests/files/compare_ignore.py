#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ignore rules against git's own word: generated trees, and repositories that are named.

usage: compare_ignore.py WALK-FILES [--trees N] [--seed N] [--repository DIRECTORY]...

Each tree has ignore files made of pieces that are special somewhere; what a walk leaves out must be what
`git check-ignore --no-index` names. Everything follows from the seed, which a failure prints with the tree.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

MEMORY = "/dev/shm"  # where a tree is made ten times as fast as on a disk
WORDS = ["a", "b", "ab", "aa", "ba", "a.b", "b.o", ".a", "x y", "a ", "#a", "!a", "\\a", "[a", "a]", "a*", "?", "-", "A", "ü", "a\tb", "{a,b}"]
PIECES = ["a", "b", "a", "b", "*", "*", "**", "?", "/", "/", "/", "[ab]", "[!a]", "[^b]", "[a-b]", "[]a]", "[[:alpha:]]", "[[:space:]]", "\\a", "\\*", "\\/",
          "\\ ", "\\\\", " ", "#", "!", ".", "o", "[", "]", "-", "**/", "/**", "/**/", "ab", "\t", "ü", "x y", "[a/b]", "{a,b}", "[\\]a]", "[[:x:]]", "[[:]",
          "***"]
WHOLE = ["*", "/*", "!*/", "!/a", "a/", "/a/b", "**/a", "a/**", "a/**/b", "!a", "!b/", "\\#a", "\\!a", "# a", "", "  ", "a ", "a\\ ", "a  ", "/", "//", "a//",
         "*.o", "!*.o", "a/*", "!a/b", "foo**/bar", "a**/b", "a**", "**", "/**", "*/", "**/", "*a*", "\r", "a\r", "a\\", "[a"]


def make_line(rng):
    if rng.random() < 0.4:
        return rng.choice(WHOLE)
    return ("!" if rng.random() < 0.2 else "") + "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 6)))


def make_rules(rng):
    lines = [make_line(rng) for _ in range(rng.randint(1, 8))]
    ends = [rng.choice(["\n", "\n", "\n", "\r\n"]) for _ in lines]
    ends[-1] = rng.choice(["\n", ""])
    text = ("\ufeff" if rng.random() < 0.05 else "") + "".join(line + end for line, end in zip(lines, ends))
    data = text.encode()
    return data.replace(b"a", b"a\0", 1) if rng.random() < 0.02 else data


def make_repository(rng, directory):
    """The least that git takes for one."""
    for name in ("objects", "refs", "info"):
        os.makedirs(os.path.join(directory, ".git", name))
    with open(os.path.join(directory, ".git/HEAD"), "w") as file:
        file.write("ref: refs/heads/main\n")
    if rng.random() < 0.5:
        with open(os.path.join(directory, ".git/info/exclude"), "wb") as file:
            file.write(make_rules(rng))


def make_tree(rng, directory, depth=0):
    """Names of every kind, directories with rules of their own, repositories in the repository."""
    if depth > 0 and rng.random() < 0.05:
        make_repository(rng, directory)
    if rng.random() < (0.9 if depth == 0 else 0.3):
        with open(os.path.join(directory, ".gitignore"), "wb") as file:
            file.write(make_rules(rng))
    for word in rng.sample(WORDS, rng.randint(2, 7)):
        path = os.path.join(directory, word)
        kind = rng.random()
        if kind < 0.45 and depth < 4:
            os.mkdir(path)
            make_tree(rng, path, depth + 1)
        elif kind < 0.5:
            os.symlink(rng.choice(["a", ".", "nowhere"]), path)
        else:
            open(path, "w").close()


def make_home(rng, directory):
    """Where a person's own rules come from. What surrounds the value is what git's configuration may have around it."""
    home, config = os.path.join(directory, "home"), os.path.join(directory, "xdg")
    environment = {"HOME": home, "PATH": os.environ["PATH"]}
    os.makedirs(home)
    if rng.random() < 0.5:
        environment["XDG_CONFIG_HOME"] = config
    else:
        config = os.path.join(home, ".config")
    os.makedirs(os.path.join(config, "git"))
    for name in (os.path.join(config, "git/ignore"), os.path.join(home, "mine"), os.path.join(home, "other one")):
        if rng.random() < 0.8:
            with open(name, "wb") as file:
                file.write(make_rules(rng).replace(b"*", b"b"))
    values = ["~/mine", "~/mine", home + "/mine", '"~/other one"', "~/other one", '~/"other" one ; mine', "~/\\\nmine # here", "", "~/nowhere"]
    for name in (os.path.join(config, "git/config"), os.path.join(home, ".gitconfig")):
        if rng.random() < 0.5:
            lines = [rng.choice(["[user]\nname = x", '[core "x"]\nexcludesFile = ~/mine', "[core]", "[core]\nbare = false", "; [core]", ""]),
                     rng.choice(["[core] ", "[CORE]\n\t", "[core]\n", "[core]\n# ~\n", "[core]\r\n", "[user]\n"])
                     + rng.choice(["excludesFile", "excludesfile", "EXCLUDESFILE"]) + rng.choice([" = ", "=", "\t=\t"]) + rng.choice(values),
                     rng.choice(["", "[a]\nb", "[core]\nexcludesFile = ~/mine"])]
            with open(name, "w", encoding="ascii") as file:
                file.write("\n".join(lines))
    return environment


def all_paths(top):
    """Paths of a repository, and the repositories inside, whose content is not its own."""
    found, inner = [], []
    for directory, names, files in os.walk(top):
        if directory != top and os.path.lexists(os.path.join(directory, ".git")):
            inner.append(os.path.relpath(directory, top))
            names.clear()
            continue
        names[:] = [name for name in names if name != ".git"]
        found += [os.path.relpath(os.path.join(directory, name), top) for name in names + files if name != ".git"]
    return found, inner


def ignored_by_git(top, paths):
    answer = subprocess.run(["git", "-c", "safe.directory=*", "-C", top, "check-ignore", "--no-index", "-z", "--stdin"],
                            input=b"".join(os.fsencode(path) + b"\0" for path in paths), capture_output=True)
    if answer.returncode not in (0, 1):
        raise RuntimeError(answer.stderr.decode())
    return {os.fsdecode(path) for path in answer.stdout.split(b"\0") if path}


def told(tool, top, path="."):
    answer = subprocess.run([tool, top, path, "hidden"], capture_output=True, check=True)
    return [os.fsdecode(name) for name in answer.stdout.split(b"\0") if name]


def compare(tool, top, what):
    paths, inner = all_paths(top)
    expected = set(paths) - ignored_by_git(top, paths)
    whole = told(tool, top)
    mine = [path for path in whole if not any(path.startswith(each + "/") for each in inner)]
    if len(mine) != len(set(mine)):
        sys.exit(f"{what}: a path was told twice")
    order = [[os.fsencode(part) for part in path.split("/")] for path in whole]
    if order != sorted(order):
        sys.exit(f"{what}: not in order")
    for path in sorted(expected ^ set(mine)):
        verdict = "left out by git alone" if path in mine else "left out by us alone"
        verbose = subprocess.run(["git", "-c", "safe.directory=*", "-C", top, "check-ignore", "--no-index", "-v", "-n", "--", path], capture_output=True, text=True)
        print(f"{what}: {path!r} is {verdict}: {verbose.stdout!r}")
    if expected ^ set(mine):
        sys.exit(1)
    count, out = len(paths), len(paths) - len(expected)
    for each in inner:
        if each in expected and [path for path in whole if path.startswith(each + "/")] != [each + "/" + path for path in told(tool, top, each)]:
            sys.exit(f"{what}: {each!r} alone tells something else than inside")
        more = compare(tool, os.path.join(top, each), f"{what}, {each}")
        count, out = count + more[0], out + more[1]
    return count, out


def parts_agree(tool, top, rng):
    """What is told from a directory inside is what is told of it from above: rules above it count."""
    whole = told(tool, top)
    directories = [path for path in whole if os.path.isdir(os.path.join(top, path)) and not os.path.islink(os.path.join(top, path))]
    for path in rng.sample(directories, min(3, len(directories))):
        below = [name[len(path) + 1:] for name in whole if name.startswith(path + "/")]
        if told(tool, top, path) != below:
            sys.exit(f"{path!r} alone tells something else than as a part of {top}")


def generated(tool, trees, seed):
    each, count, left_out = 50, 0, 0
    for round_seed in range(seed, seed + (trees + each - 1) // each):
        rng = random.Random(round_seed)
        base = tempfile.mkdtemp(prefix="sallyport-ignore-", dir=MEMORY if os.path.isdir(MEMORY) else None)
        top = os.path.join(base, "top")
        try:
            os.environ.pop("XDG_CONFIG_HOME", None)
            os.environ.update(make_home(rng, base))
            subprocess.run(["git", "init", "-q", "--template=", top], check=True)
            os.makedirs(os.path.join(top, ".git/info"), exist_ok=True)
            if rng.random() < 0.5:
                with open(os.path.join(top, ".git/info/exclude"), "wb") as file:
                    file.write(make_rules(rng).replace(b"*", b"b"))
            for number in range(each):
                os.mkdir(os.path.join(top, f"t{number}"))
                make_tree(rng, os.path.join(top, f"t{number}"))
            paths, out = compare(tool, top, f"seed {round_seed}")
            parts_agree(tool, top, rng)
            count += paths
            left_out += out
        finally:
            shutil.rmtree(base)
    if not count // 10 < left_out < count * 9 // 10:
        sys.exit(f"{left_out} of {count} paths left out: that tries one answer only")
    print(f"{trees} trees, {count} paths, {left_out} of them left out: all as git has it")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repository", action="append", default=[])
    options = parser.parse_args()
    for repository in options.repository:
        print(repository, *compare(options.tool, os.path.abspath(repository), repository))
    if not options.repository:
        generated(options.tool, options.trees, options.seed)


if __name__ == "__main__":
    main()
