# SPDX-License-Identifier: Apache-2.0
"""Real work inside run_command, without a network: what people's tools do must not notice the sandbox. (With one: tests/web/tools.py.)"""

import os
import subprocess

import pytest
from conftest import SANITIZED, TOP

WAIT = "300"
pytestmark = pytest.mark.skipif(SANITIZED, reason="the programs that work here are not ours: once, without sanitizers, says it all")


@pytest.fixture
def work(start, workspace):
    """work(LINE): runs it as bash does with -e in the workspace; its output. It must succeed, and be refused `refused` and no more."""
    server = {}

    def run(line, *, roots=(), variables=None, refused=()):
        if not server:
            server["one"] = start("--answer-within", WAIT, roots=[workspace, *roots])
        done = server["one"].call("run_command", command=f"set -eo pipefail; {line}", max_bytes=100000, **({"env": variables} if variables else {}))
        facts = done["structuredContent"]
        assert facts.get("exit_code") == 0, facts
        assert {denial["rule"] for denial in facts.get("denials", [])} == set(refused), facts
        return facts["stdout"]
    return run


PERSON = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))}


def test_git(work, workspace):
    """A repository that is the workspace, with everything that does not write its configuration; and one cloned below it."""
    git = ["git", "-c", "init.defaultBranch=main", "-C", str(workspace)]
    subprocess.run([*git, "init", "-q"], check=True)
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "--reference", str(workspace), str(workspace / ".git")], check=True)
    work("for n in 1 2 3; do echo $n > file$n; git add file$n; git commit -qm $n; done; git status --porcelain", variables=PERSON)
    said = work("git checkout -qb side HEAD~2; echo side > side; git add side; git commit -qm side; git rebase -q main; git log --format=%s; "
                "echo x >> file1; git stash -q; git stash pop -q; git restore file1; git checkout -q main; git merge -q --no-edit side; git tag v1; "
                "git branch -d side >&2; git gc -q; git fsck --strict >&2; git describe --tags", variables=PERSON,
                refused=["protected:.git/config"])  # branch -d looks for settings of the branch to remove, and goes on without
    assert said.split() == ["side", "3", "2", "1", "v1"]
    said = work("git worktree add -q tree; cd tree; echo leaf > leaf; git add leaf; git commit -qm tree; cd ..; git merge -q --ff-only tree; "
                "git worktree remove tree; git log -1 --format=%s", variables=PERSON)
    assert said == "tree\n"
    said = work("git clone -q . /tmp/clone; git clone -q --recurse-submodules . below; cd below; git config user.name x; git remote add other ..; "
                "git fetch -q other; git checkout -qb more; echo more > more; git add more; git commit -qm more; "
                "git -c protocol.file.allow=always submodule add -q /tmp/clone inner; git commit -qm inner; git submodule status | wc -l; "
                "git -c protocol.file.allow=always clone -q --recurse-submodules . /tmp/again; ls /tmp/again/inner | wc -l; git bundle create -q /tmp/b HEAD; "
                "git bundle verify -q /tmp/b; git archive HEAD | tar t | wc -l", variables=PERSON)
    assert said.split() == ["1", "5", "8"]


def test_a_compiler_and_make(work, workspace):
    """Our own core as the real project: gcc -O2 under make -j4, linked and run."""
    files = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "-z", "protocol", "sandbox/egress"], capture_output=True, check=True)
    archive = subprocess.run(["tar", "-C", TOP, "--null", "-T", "-", "-c"], input=files.stdout, capture_output=True, check=True)
    (workspace / "source.tar").write_bytes(archive.stdout)
    (workspace / "main.c").write_text('#include "sandbox/egress/host.h"\n#include <stdio.h>\n#include <string.h>\nint main(int n, char **words)\n{\n'
                                      '\tchar host[HOST_TEXT_BYTES];\n\tif (n < 2 || host_normalise(words[1], strlen(words[1]), host, NULL) < 0)\n'
                                      '\t\treturn 1;\n\tputs(host);\n\treturn 0;\n}\n')
    (workspace / "Makefile").write_text("OBJECTS = $(patsubst %.c,%.o,$(wildcard protocol/error.c protocol/buffer.c protocol/frame*.c protocol/ring.c "
                                        "sandbox/egress/addresses.c sandbox/egress/host.c sandbox/egress/idn.c) main.c)\nCFLAGS = -O2 -Wall -D_GNU_SOURCE -std=gnu11 -I. -pipe -flto\n"
                                        "normalise: $(OBJECTS)\n\tgcc $(CFLAGS) -o $@ $(OBJECTS)\n")
    assert work("tar xf source.tar; make -s -j4; ./normalise 0x7f.1; ./normalise EXAMPLE.org.") == "127.0.0.1\nexample.org\n"
    assert work("touch main.c; make -j4 CFLAGS='-O2 -D_GNU_SOURCE -std=gnu11 -I. -g -flto' | wc -l") == "2\n"


def test_python(work, workspace):
    (workspace / "many.py").write_text("""
import multiprocessing, multiprocessing.shared_memory, sqlite3, subprocess, tempfile, threading, asyncio, mmap

def square(n):
    return n * n

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(4) as pool:
            print(method, sum(pool.map(square, range(1000))))
    with multiprocessing.Manager() as manager:
        shared = manager.dict(a=1)
        print(shared["a"])
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=1 << 20)
    memory.buf[0] = 7
    print(memory.buf[0])
    memory.close()
    memory.unlink()
    with sqlite3.connect("base.db") as base:
        base.execute("pragma journal_mode=wal")
        base.execute("create table t (n)")
        base.executemany("insert into t values (?)", ((n,) for n in range(100)))
        print(base.execute("select count(*) from t").fetchone()[0])

    async def main():
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        print(await reader.read())
        process = await asyncio.create_subprocess_exec("echo", "child", stdout=subprocess.PIPE)
        print((await process.communicate())[0])
    asyncio.run(main())
    event = threading.Event()
    threading.Thread(target=event.set).start()
    print(event.wait(10))
""")
    total = sum(n * n for n in range(1000))
    assert work("/usr/bin/python3 many.py").splitlines() == [f"fork {total}", f"spawn {total}", f"forkserver {total}", "1", "7", "100", "b''", "b'child\\n'",
                                                            "True"]


def test_pip_in_a_virtual_environment(work, workspace):
    (workspace / "package" / "greeting").mkdir(parents=True)
    (workspace / "package/greeting/__init__.py").write_text("def main():\n    print('hello from', __name__)\n")
    (workspace / "package/setup.py").write_text("from setuptools import setup\nsetup(name='greeting', version='1', packages=['greeting'], "
                                                "entry_points={'console_scripts': ['greet=greeting:main']})\n")
    said = work("/usr/bin/python3 -m venv --system-site-packages --without-pip venv; . venv/bin/activate; python -m pip install -q --no-index --disable-pip-version-check --no-build-isolation ./package; "
                "greet; python -m pip list --disable-pip-version-check | grep -c greeting; python -m pip uninstall -qy greeting")
    assert said == "hello from greeting\n1\n"


def test_node_with_webassembly_and_npm(work, workspace, node):
    top = os.path.realpath(os.path.dirname(os.path.dirname(node)))  # what lies beside node's directory is not shown by itself
    npm = f"node {top}/lib/node_modules/npm/bin/npm-cli.js"
    (workspace / "wasm.mjs").write_text("""
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
const code = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0,
  32, 0, 32, 1, 106, 11]);
const { instance } = await WebAssembly.instantiate(code);
if (isMainThread) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  console.log(instance.exports.add(40, 2), memory.grow(100));
  const worker = new Worker(new URL(import.meta.url));
  worker.on('message', (sum) => console.log('worker', sum));
} else {
  parentPort.postMessage(instance.exports.add(1, 2));
}
""")
    assert work("node wasm.mjs", roots=[f"{top}:ro"], variables={"PATH": f"{top}/bin:/usr/bin:/bin"}) == "42 1\nworker 3\n"
    (workspace / "library").mkdir()
    (workspace / "library/package.json").write_text('{"name": "library", "version": "1.0.0", "main": "index.js"}')
    (workspace / "library/index.js").write_text("module.exports = 'the library';\n")
    (workspace / "package.json").write_text('{"name": "app", "version": "1.0.0", "scripts": {"prebuild": "node -e \\"require(\'fs\').writeFileSync(\'post\', \'1\')\\"", '
                                            '"build": "node build.js"}}')
    (workspace / "build.js").write_text("console.log('built with', require('library'));\n")
    said = work(f"{npm} pack --silent ./library; {npm} install --silent --no-audit --no-fund --offline ./library-1.0.0.tgz; {npm} run --silent build; cat post",
                variables={"PATH": f"{top}/bin:/usr/bin:/bin"})
    assert said == "library-1.0.0.tgz\nbuilt with the library\n1"


def test_cargo(work, workspace):
    for name, manifest, source in (("library", "", "pub fn says() -> &'static str { \"a crate\" }"),
                                   ("app", '[dependencies]\nlibrary = { path = "../library" }\n', "fn main() { println!(\"{}\", library::says()); }")):
        (workspace / name / "src").mkdir(parents=True)
        (workspace / name / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{manifest}')
        (workspace / name / "src" / ("main.rs" if name == "app" else "lib.rs")).write_text(source)
    assert work("cd app; /usr/bin/cargo run --quiet --offline --release; /usr/bin/cargo test --quiet --offline >&2",
                variables={"PATH": "/usr/bin:/bin"}) == "a crate\n"


def test_a_java_virtual_machine(work, workspace):
    (workspace / "Main.java").write_text("""
import java.nio.file.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Main {
	public static void main(String[] words) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		Future<Long> sum = pool.submit(() -> LongStream.range(0, 1000000).parallel().sum());
		System.out.println(sum.get());
		pool.shutdown();
		Files.writeString(Path.of("out"), "written");
		System.gc();
		Process child = new ProcessBuilder("echo", "child").inheritIO().start();
		System.out.println(child.waitFor());
	}
}
""")
    assert work("/usr/bin/javac Main.java; /usr/bin/java -Xmx64m Main; cat out") == "499999500000\nchild\n0\nwritten"


def test_go(work, workspace):
    (workspace / "go.mod").write_text("module example.org/app\n\ngo 1.19\n")
    (workspace / "main.go").write_text("""package main

import (
	"fmt"
	"os/exec"
	"sync"
)

func main() {
	var group sync.WaitGroup
	sums := make([]int, 100)
	for n := range sums {
		group.Add(1)
		go func(n int) { defer group.Done(); sums[n] = n }(n)
	}
	group.Wait()
	out, err := exec.Command("echo", "child").Output()
	fmt.Println(len(sums), string(out), err)
}
""")
    assert work("/usr/bin/go build -o app . && ./app", variables={"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}) == "100 child\n <nil>\n"
