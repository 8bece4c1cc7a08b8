# SPDX-License-Identifier: Apache-2.0
"""Files: reading and writing what is not in the workspace, by every way there is."""

import os
import shutil
import socket
import subprocess
import threading

from attack import NOBODY, ROOT, attack, is_set_uid

# Of the victim, and of whoever is seen inside. Never of others: a pipe of theirs would lose what is read.
READ_PROC = """
import os, stat
for pid in {{{pid}, *(int(name) for name in os.listdir("/proc") if name.isdigit() and {everybody})}}:
    for name in {names}:
        try:
            if stat.S_ISREG(os.stat(f"/proc/{{pid}}/{{name}}").st_mode): print(open(f"/proc/{{pid}}/{{name}}", "rb").read(4096).replace(bytes(1), b" ").decode("latin1"))
        except OSError:
            pass
"""


class Victim:
    """A program of the person's that was told a secret."""

    def __init__(self, secret):
        self.process = subprocess.Popen(["/bin/sh", "-c", "read line", secret], stdin=subprocess.PIPE)
        self.pid = self.process.pid

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def read_processes(scene, pid, *names):
    """Looks for the secret in files of /proc/PID."""
    everybody = scene.stage != "unconfined"
    return scene.secret in scene.python(READ_PROC.format(pid=pid, everybody=everybody, names=list(names)))


# ---- reading ----

@attack("files", "view")
def key_in_the_home(scene):
    return scene.secret in scene.run(f"cat {scene.key} ~/.ssh/id_ed25519")


@attack("files", "view")
def search_of_the_whole_home(scene):
    return scene.secret in scene.run(f"grep -rs {scene.secret[:8]} {scene.home} {scene.tmp} ~")


@attack("files", "view")
def file_beside_the_workspace(scene):
    path = scene.file("home/project-other/secret", scene.secret)  # a prefix of the path is not the path (CVE-2025-53110)
    return scene.secret in scene.run(f"cat {path} ../project-other/secret")


@attack("files", "identity", root_only=True)
def shadow(scene):
    return "root:" in scene.run("cat /etc/shadow /etc/shadow- /etc/gshadow")


@attack("files", "view, landlock")
def read_file_by_a_link(scene):
    os.symlink(scene.outside, os.path.join(scene.workspace, "link"))
    os.symlink(os.path.dirname(scene.outside), os.path.join(scene.workspace, "folder"))
    return any(scene.secret in scene.serve().read_file(path) for path in ("link", "folder/secret"))


@attack("files", "view")
def link_made_by_a_command(scene):
    scene.run(f"ln -s {scene.outside} link; ln -s / root; ln -s /proc/self/root proc")
    said = scene.run(f"cat link root{scene.outside} proc{scene.outside}")
    return scene.secret in said or any(scene.secret in scene.serve().read_file(path) for path in ("link", f"root{scene.outside}",
                                                                                                 f"proc{scene.outside}"))


@attack("files", "files executor")
def read_file_beside(scene):
    up = os.path.relpath(scene.outside, scene.workspace)
    return any(scene.secret in scene.serve().read_file(path) for path in (scene.outside, up, f"./x/../{up}", f"/proc/self/root{scene.outside}",
                                                                         f"{scene.workspace}/{up}"))


@attack("files", "files executor")
def path_cut_by_nul(scene):
    return scene.secret in scene.serve().read_file(os.path.relpath(scene.outside, scene.workspace) + "\0.txt")


@attack("files", "files executor")
def list_directory_outside(scene):
    return any("id_ed25519" in scene.serve().list_directory(path) for path in ("../.ssh", os.path.dirname(scene.key)))


@attack("files", "view")
def hard_link_of_an_outside_file(scene):
    return scene.secret in scene.run(f"ln {scene.outside} stolen; cat stolen")


@attack("files", "openat2 beneath")
def rename_race_against_read_file(scene):
    """A directory and a link to elsewhere change places while the file tool reads through them."""
    scene.in_workspace("real/secret", "harmless")
    os.symlink(os.path.dirname(scene.outside), os.path.join(scene.workspace, "other"))
    server = scene.serve()
    stop = threading.Event()

    def swap():
        names = [os.path.join(scene.workspace, name) for name in ("real", "other", "swapped", "place")]
        while not stop.is_set():
            for source in names[:2]:
                os.rename(source, names[3])
                os.rename(names[3], source)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        return any(scene.secret in server.read_file("place/secret") for _ in range(20000 if scene.stage == "unconfined" else 500))
    finally:
        stop.set()
        thread.join()


@attack("files", "pid namespace")
def environment_of_a_process(scene):
    return read_processes(scene, scene.start_victim(), *["environ"])


@attack("files", "pid namespace, landlock")
def command_line_of_a_process(scene):
    """What another program was told, passwords among it. Who performs calls for commands sees more than they."""
    victim = scene.hold(Victim(scene.secret))
    return scene.secret in scene.python(f"""
import os
directory = os.open("/proc", os.O_PATH)
for number in {{{victim.pid}, *(int(name) for name in (os.listdir("/proc") if {scene.stage != "unconfined" and scene.mode.profile == "full"} else ())
               if name.isdigit())}}:
    for name in ("cmdline", f"task/{{number}}/cmdline"):
        for flags in (0, os.O_CREAT, os.O_TRUNC, os.O_CREAT | os.O_NOFOLLOW, os.O_DIRECTORY | os.O_CREAT):
            for path in (f"/proc/{{number}}/{{name}}", f"/proc/self/../{{number}}/{{name}}", f"/dev/fd/../../{{number}}/{{name}}"):
                try: print(os.read(os.open(path, flags), 4096))
                except OSError: pass
            try: print(os.read(os.open(f"{{number}}/{{name}}", flags, dir_fd=directory), 4096))
            except OSError: pass
""")


@attack("files", "pid namespace")
def directory_of_a_process(scene):
    return read_processes(scene, scene.start_victim(), *["cwd/secret"])


@attack("files", "pid namespace")
def root_of_a_process(scene):
    return read_processes(scene, scene.start_victim(), *["root" + scene.outside])


@attack("files", "pid namespace")
def open_file_of_a_process(scene):
    return read_processes(scene, scene.start_victim(), *[f"fd/{number}" for number in range(3, 10)])


@attack("files", "pid namespace")
def memory_of_a_process(scene):
    pid = scene.start_victim()
    return scene.secret in scene.python(f"""
import os
for pid in [{pid}, *(int(name) for name in os.listdir("/proc") if name.isdigit() and {scene.stage != "unconfined"})]:
    try:
        memory = open(f"/proc/{{pid}}/mem", "rb", 0)
        for line in open(f"/proc/{{pid}}/maps"):
            begin, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "rw" in line and end - begin < 1 << 20 and pid != os.getpid():
                memory.seek(begin)
                for found in memory.read(end - begin).split(bytes(1)):
                    if len(found) == 32 and found.isalnum():
                        print(found.decode())
    except OSError:
        pass
""")


@attack("files", "clean environment")
def tokens_in_the_servers_environment(scene):
    scene.environment.update(GITHUB_TOKEN=scene.secret, AWS_SECRET_ACCESS_KEY=scene.secret, HTTPS_PROXY=f"http://me:{scene.secret}@127.0.0.1:1")
    return scene.secret in scene.run("env; cat /proc/*/environ | tr '\\0' '\\n'")


@attack("files", "close_range")
def inherited_descriptor(scene):
    held = scene.hold(open(scene.outside, encoding="utf-8"))
    os.set_inheritable(held.fileno(), True)
    scene.descriptors = (held.fileno(),)
    return scene.secret in scene.python("""
import os
for fd in range(3, 1024):
    try:
        print(os.pread(fd, 100, 0))
    except OSError:
        pass
""") or read_processes(scene, os.getpid(), f"fd/{held.fileno()}")


@attack("files", "view")
def sockets_of_the_persons_services(scene):
    """An agent, docker, D-Bus and X11 are sockets with a path: in the home, in /tmp, in /run."""
    paths = [os.path.join(scene.tmp, "agent"), os.path.join(scene.home, "S.gpg-agent")]
    if ROOT:
        paths.append(f"/run/sallyport-attack-{os.getpid()}")
    for path in paths:
        listener = scene.hold(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(16)
        os.chmod(path, 0o777)
    try:
        return "connected" in scene.python(f"""
import socket
for path in {paths}:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
        print("connected", path)
    except OSError:
        pass
""")
    finally:
        for path in paths:
            os.unlink(path)


# ---- writing ----

@attack("files", "view, landlock")
def startup_file_of_the_shell(scene):
    path = scene.file("home/.bashrc")
    scene.run(f"echo evil >> {path}; echo evil > {scene.home}/.profile; echo evil >> ~/.bashrc")
    return "evil" in scene.text(path) + scene.text("home/.profile")


@attack("files", "view, landlock")
def key_that_lets_somebody_in(scene):
    scene.run("mkdir -p ~/.ssh; echo evil >> ~/.ssh/authorized_keys")
    return "evil" in scene.text("home/.ssh/authorized_keys")


@attack("files", "view, landlock")
def program_in_a_directory_of_path(scene):
    scene.run(f"printf '#!/bin/sh\\n' > {scene.home}/bin/git; chmod +x {scene.home}/bin/git; cp /bin/true {scene.home}/bin/ls")
    return os.listdir(os.path.join(scene.home, "bin")) != []


@attack("files", "view, landlock")
def program_that_is_replaced(scene):
    path = scene.file("home/bin/tool", "before", 0o777)
    scene.run(f"echo evil > {path}; echo evil > x; mv -f x {path}; rm -f {path}")
    return scene.text(path) != "before"


@attack("files", "view, landlock, filter")
def outside_file_that_is_cut_short(scene):
    """By its name and by opening it to read: an older Landlock knows of neither."""
    scene.python(f"""
import os
for attempt in (lambda: os.truncate({scene.outside!r}, 0), lambda: os.open({scene.outside!r}, os.O_RDONLY | os.O_TRUNC), lambda: os.open({scene.outside!r}, 3 | os.O_TRUNC)):
    try:
        attempt()
    except OSError as error:
        print(error)
""")
    return not scene.text(scene.outside)


@attack("files", "files executor")
def write_file_by_a_link(scene):
    scene.in_workspace("plain", "")
    os.symlink(scene.outside, os.path.join(scene.workspace, "link"))
    os.symlink(os.path.dirname(scene.outside), os.path.join(scene.workspace, "folder"))
    for path in ("link", "folder/secret", "folder/new", os.path.relpath(scene.outside, scene.workspace), scene.outside):
        scene.serve().write_file(path, "evil")
    return "evil" in scene.text(scene.outside) or os.path.exists(os.path.join(scene.tmp, "outside/new"))


@attack("files", "view, identity", root_only=True)
def system_files(scene):
    """As in an image's build: /etc/ld.so.preload, /etc/hosts, cron, units."""
    name = f"sallyport-attack-{os.getpid()}"
    places = [f"{folder}/{name}" for folder in ("/etc", "/usr/local/bin", "/usr/lib", "/var/tmp", "/root", "/opt") if os.path.isdir(folder)]
    if os.path.isdir("/etc/cron.d"):
        places.append(f"/etc/cron.d/{name}")
    try:
        scene.run("; ".join(f"echo > {place}" for place in places))
        return any(map(os.path.exists, places))
    finally:
        for place in places:
            if os.path.exists(place):
                os.unlink(place)


@attack("files", "set-uid rule of the filter", root_only=True)
def set_uid_file_of_roots(scene):
    """Root's workspace is shown as the command's own, so a file made there is root's: with the bit it would make anybody root."""
    scene.run("cp /bin/true a; chmod 4755 a; cp /bin/true b; chmod u+s,g+s b; install -m 6755 /bin/true c")
    scene.python("""
import ctypes, os
call = ctypes.CDLL(None, use_errno=True).syscall
attempts = [lambda: os.close(os.open("d", os.O_CREAT | os.O_WRONLY, 0o4755)), lambda: os.mknod("e", 0o104755),
            lambda: open("f", "w").close() or call(452, -100, b"f", 0o4755, 0),
            lambda: os.mkdir("g", 0o6755), lambda: os.chmod("g", 0o2755)]
for attempt in attempts:
    try:
        attempt()
    except OSError:
        pass
""")
    made = [os.path.join(scene.workspace, name) for name in os.listdir(scene.workspace)]
    return any(is_set_uid(path) and os.path.isfile(path) for path in made)


@attack("files", "no capabilities", root_only=True)
def file_with_capabilities(scene):
    scene.python("""
import os
open("tool", "w").close()
try:
    os.setxattr("tool", "security.capability", bytes.fromhex("0100000200002000000000000000000000000000"))
except OSError as error:
    print(error)
""")
    return "security.capability" in os.listxattr(os.path.join(scene.workspace, "tool"))


@attack("files", "nosuid mounts, no_new_privs", root_only=True)
def set_uid_program_of_the_persons(scene):
    path = os.path.join(scene.workspace, "suid")
    shutil.copy("/usr/bin/id", path)
    os.chmod(path, 0o4755)
    said = scene.run("cat /proc/self/uid_map; ./suid -u")
    return said.text.split()[-1] == "0"


@attack("files", "no_new_privs")
def set_uid_program_of_the_system(scene):
    """su waits for a password as root, where it gets what its bit promises."""
    said = scene.python("""
import subprocess, re, select
process = subprocess.Popen(["/usr/bin/su"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
select.select([process.stdout], [], [], 5)
print("euid", re.search(r"Uid:\\s+\\d+\\s+(\\d+)", open(f"/proc/{process.pid}/status").read())[1])
process.kill()
""")
    return "euid 0" in said


def outside_file(name, wall, code, **options):
    """What needs no open file: only its name, and to be its owner."""
    @attack("files", wall, name=name)
    def play(scene):
        os.chmod(scene.outside, 0o600)
        os.setxattr(scene.outside, "user.note", b"note")
        if ROOT:  # as whom commands act
            for path in (scene.tmp, os.path.dirname(scene.outside), scene.outside):
                os.chown(path, NOBODY, NOBODY)
        scene.serve(**options)
        return "done" in scene.python(f"""
import os
path = {scene.outside!r}
try:
    {code}
    print("done")
except OSError as error:
    print(error)
""")
    return play


outside_file("mode of a file outside", "view", "os.chmod(path, 0o777)")
outside_file("times of a file outside", "view", "os.utime(path, (1, 1))")
outside_file("attributes of a file outside", "view", "os.setxattr(path, 'user.evil', b'evil')")
outside_file("size of a file outside", "view", "os.stat(path)")
outside_file("attributes of a file outside, read", "view, filter", "os.getxattr(path, 'user.note') and os.listxattr(path)")
outside_file("attributes of a file outside, read with a network", "view, filter", "os.getxattr(path, 'user.note')",
             policy={"network": {"allowedDomains": ["example.org"]}})
outside_file("file emptied by its name", "view, landlock", "os.truncate(path, 0)")
outside_file("file emptied by who may only read", "view, landlock", "os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))")


# ---- devices and what the kernel offers as files ----

@attack("files", "view", root_only=True)
def devices(scene):
    names = ["mem", "port", "kmsg", "sda", "vda", "loop0", "loop-control", "fuse", "kvm", "net/tun", "input/event0", "dri/card0",
                              "tty0", "tty1", "console", "vcs", "nvram", "snapshot", "uinput", "hwrng", "rtc0", "userfaultfd", "vhost-net",
                              "vhost-vsock", "vsock", "btrfs-control", "mapper/control", "cpu_dma_latency", "autofs"]
    return "opened" in scene.python(f"""
import os
for name in {names}:
    for flags in (os.O_RDONLY, os.O_WRONLY):
        try:
            os.close(os.open("/dev/" + name, flags | os.O_NONBLOCK))
            print("opened", name)
        except OSError:
            pass
""")


@attack("files", "seccomp, nodev", root_only=True)
def device_of_ones_own(scene):
    return "opened" in scene.python("""
import os, stat
for kind, major, minor in ((stat.S_IFCHR, 1, 1), (stat.S_IFBLK, 7, 0), (stat.S_IFCHR, 1, 11)):
    try:
        name = f"device-{minor}"
        os.mknod(name, 0o666 | kind, os.makedev(major, minor))
        print("opened", os.path.exists(name))  # made is enough: somebody else may open it
    except OSError as error:
        print(error)
""")


def kernel_file(name, *paths):
    @attack("files", "identity, view", root_only=True, name=name)
    def play(scene):
        return "opened" in scene.python(f"""
import glob, os
for pattern in {paths}:
    for path in glob.glob(pattern):
        try:
            os.close(os.open(path, os.O_WRONLY))
            print("opened", path)
        except OSError:
            pass
""")
    return play


kernel_file("core_pattern", "/proc/sys/kernel/core_pattern")
kernel_file("program that loads modules", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug", "/proc/sys/kernel/poweroff_cmd")
kernel_file("binfmt_misc", "/proc/sys/fs/binfmt_misc/*", "/proc/sys/kernel/randomize_va_space")
kernel_file("sysrq and panic", "/proc/sysrq-trigger", "/proc/sys/kernel/sysrq", "/proc/sys/kernel/panic")
kernel_file("uevent helper", "/sys/kernel/uevent_helper", "/sys/kernel/*", "/sys/power/state")
kernel_file("release agent of a cgroup", "/sys/fs/cgroup/*/release_agent", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/*/cgroup.procs")
kernel_file("interrupts and buses", "/proc/irq/*/smp_affinity", "/proc/bus/pci/*/*", "/proc/sys/vm/drop_caches", "/proc/sys/net/*/*")


@attack("files", "view", root_only=True)
def memory_of_the_machine(scene):
    return "opened" in scene.python("""
import os
for path in ("/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/kpageflags", "/proc/kpagecount", "/proc/vmallocinfo"):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        if os.read(fd, 16):
            print("opened", path)
    except OSError:
        pass
""")


@attack("files", "view, landlock")
def own_programs_in_a_workspace(scene):
    """The next sandbox is built by what stands there."""
    for name in os.listdir(scene.programs):
        path = os.path.join(scene.programs, name)
        if name.startswith("sallyport") and os.path.isfile(path):
            shutil.copy(path, scene.directory("home/project/install"))
    scene.programs = os.path.join(scene.workspace, "install")
    keeper = os.path.join(scene.programs, "sallyport-keeper")
    os.chmod(keeper, 0o777)
    before = os.stat(keeper).st_size
    scene.run("cd install && { cp /bin/true x; mv -f x sallyport-keeper; cp /bin/true sallyport-keeper; cd ..; mv install old; }")
    return not os.path.exists(keeper) or os.stat(keeper).st_size != before


@attack("files", "policy compiled once")
def policy_by_a_link_in_the_workspace(scene):
    """A policy named through a link that a command may replace: the server must not start with it."""
    from attack import Served  # pylint: disable=import-outside-toplevel

    path = scene.file("outside/policy.json", "{}")
    link = os.path.join(scene.workspace, "policy.json")
    os.symlink(path, link)
    scene.run("echo '{\"network\": {\"allowedDomains\": [\"127.0.0.1\"]}}' > mine; ln -sfn mine policy.json")
    if scene.stage == "unconfined":
        return "127.0.0.1" in scene.text(link)
    os.unlink(link)
    os.symlink(path, link)
    done = subprocess.run([os.path.join(scene.programs, "sallyport"), "stdio", "--workspace", scene.workspace, "--policy", link],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, env=scene.environment)
    return done.returncode == 0


# ---- file systems that copy themselves ----

# struct btrfs_ioctl_vol_args: a descriptor, a name
SNAPSHOT = """
import fcntl, os, struct
here = os.open(".", os.O_RDONLY)
try: fcntl.ioctl(here, 0x50009401, bytearray(struct.pack("q4088s", here, b"copy")))
except OSError as error: print(error)
try: print(open("copy/hidden").read())
except OSError as error: print(error)
"""


@attack("files", "filter: leases")
def lease_on_the_persons_file(scene):
    """Whoever opens it to write waits until its holder gives way, or for 45 seconds."""
    scene.in_workspace("a.txt", "alpha\n")
    return "leased 0" in scene.python("import fcntl\nfile = open('a.txt')\n"
                                      "fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)\nprint('leased', fcntl.fcntl(file, fcntl.F_GETLEASE))")


class Btrfs:
    """One of its own, small, over the scene's home: the workspace is a subvolume in it."""

    def __init__(self, scene):
        self.place, image = scene.home, scene.file("image")
        os.truncate(image, 128 << 20)
        subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", image, self.place], check=True)
        subprocess.run(["btrfs", "-q", "subvolume", "create", scene.workspace], check=True, capture_output=True)
        scene.directory("home/project")

    def close(self):
        subprocess.run(["umount", "--lazy", self.place], check=True)


if ROOT and os.path.exists("/dev/loop-control") and shutil.which("mkfs.btrfs"):
    @attack("files", "filter: snapshots")
    def snapshot_of_what_is_hidden(scene):
        """An owner may copy a subvolume, without the mounts that hide and protect what is in it."""
        scene.hold(Btrfs(scene))
        hidden = scene.in_workspace("hidden", scene.secret)
        scene.serve(policy={"filesystem": {"denyRead": [hidden]}})
        return scene.secret in scene.python(SNAPSHOT)
