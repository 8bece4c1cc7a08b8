# SPDX-License-Identifier: Apache-2.0
"""Runs inside a sandbox: thousands of generated system calls on names, and what each answered (test_supervised.py compares).

usage: alike.py SEED CALLS      in an empty directory
"""

import ctypes
import errno
import fcntl
import os
import random
import stat
import struct
import sys
import platform

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_REMOVEDIR = -100, 0x400, 0x1000, 0x200
O_TMPFILE = os.O_TMPFILE
NUMBERS = {  # by name; both architectures that we have, and what the newer one dropped
    "x86_64": dict(open=2, creat=85, mkdir=83, rmdir=84, unlink=87, rename=82, link=86, symlink=88, mknod=133, truncate=76, umask=95,
                   chmod=90, fchmod=91, chown=92, fchown=93, lchown=94, utime=132, setxattr=188, lsetxattr=189, fsetxattr=190, removexattr=197,
                   lremovexattr=198, fremovexattr=199, utimes=235, fchownat=260, futimesat=261, fchmodat=268, utimensat=280,
                   openat=257, mkdirat=258, mknodat=259, unlinkat=263, renameat=264, linkat=265, symlinkat=266, renameat2=316),
    "aarch64": dict(openat=56, mkdirat=34, mknodat=33, unlinkat=35, renameat=38, linkat=37, symlinkat=36, renameat2=276, truncate=45, umask=166,
                    setxattr=5, lsetxattr=6, fsetxattr=7, removexattr=14, lremovexattr=15, fremovexattr=16, fchmod=52, fchmodat=53, fchownat=54,
                    fchown=55, utimensat=88),
}[platform.machine()]
ATTRIBUTES = ("chmod", "fchmod", "chown", "fchown", "lchown", "fchownat", "fchmodat", "utime", "utimes", "futimesat", "utimensat", "setxattr",
              "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr")
AT_SYMLINK_NOFOLLOW = 0x100
# Where eBPF is among the security modules, kernels before 6.10 forget to ask for a capability before "security.*" is set. We never do.
KERNEL = tuple(int(number) for number in os.uname().release.split("-")[0].split(".")[:2])
FORGETFUL = KERNEL < (6, 10)
# Of a link, which has no access list, and a list that is none, kernels before 6.2 say another first by descriptor than by name.
LISTS_BY_NAME = KERNEL < (6, 2)
NAMES = ["a", "b", "c", "d", "e", "dir", "link", "far", "x" * 255, "x" * 256]
LONG = "/".join(["dir/.."] * 800) + "/a"


def call(name, *arguments):
    converted = [argument if isinstance(argument, (bytes, ctypes.c_void_p)) else ctypes.c_long(argument) for argument in arguments]
    result = LIBC.syscall(ctypes.c_long(NUMBERS[name]), *converted)
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.here = os.getcwd()
        self.pipe = os.pipe()
        self.files = []
        for name, flags in ((b"a", os.O_RDONLY | os.O_CREAT), (b"b", os.O_RDWR | os.O_CREAT), (b"c", os.O_PATH), (b"link", os.O_PATH | os.O_NOFOLLOW)):
            if name == b"link":
                os.symlink("a", name)
            elif name == b"c":
                os.mkdir("c")
            self.files.append(os.open(name, flags, 0o644))
        self.directories = [os.open(".", os.O_RDONLY), os.open("/tmp", os.O_PATH), os.open("/etc/passwd", os.O_RDONLY)]

    def pick(self, *choices):
        return self.random.choice(choices)

    def path(self):
        parts = [self.random.choice(NAMES[:8]) for _ in range(self.pick(1, 1, 1, 1, 2, 2, 3))]
        path = "/".join(parts)
        odd = self.random.random()
        if odd < 0.05:
            path += self.pick("/", "//", "/.", "/..")
        elif odd < 0.08:
            path = self.pick("", ".", "..", "/", "//", "./" + path, "../" + path, "dir//../" + path)
        elif odd < 0.18:
            path = self.here + "/" + path
        elif odd < 0.21:
            path = self.pick("/proc/self/cwd/", "/proc/thread-self/cwd/", f"/proc/{os.getpid()}/cwd/", "/proc/self/root" + self.here + "/",
                             "/dev/fd/3/") + path
        elif odd < 0.24:
            path = self.pick("/dev/null", "/dev/stdin", "/proc/self/fd/3", "/proc/self/fd/99", "/proc/1/fd/3", "/proc/self/comm", "/dev/tty",
                             "/proc/self", "/proc/self/exe", "/etc/passwd", "/usr/new", "/proc/self/fd", "/proc/self/oom_score_adj", "/dev/full")
        elif odd < 0.25:
            path = self.pick(LONG, "a" * 4095, "a" * 4096, "a" * 9000, NAMES[8], NAMES[9])
        return path.encode()

    def pointer(self):
        if self.random.random() < 0.01:
            return ctypes.c_void_p(self.pick(0, 1, 0xffffffffffff0000))
        return self.path()

    def directory(self):
        return self.pick(AT_FDCWD, AT_FDCWD, AT_FDCWD, self.directories[0], self.directories[0], self.directories[1], self.directories[2], -1, 999)

    def mode(self):
        return self.pick(0o644, 0o600, 0o777, 0o700, 0o755, 0, 0o666)

    def flags(self):
        flags = self.pick(os.O_RDONLY, os.O_WRONLY, os.O_RDWR, 3)
        for flag, often in ((os.O_CREAT, 0.6), (os.O_EXCL, 0.2), (os.O_TRUNC, 0.2), (os.O_APPEND, 0.1), (os.O_CLOEXEC, 0.3),
                            (os.O_NOFOLLOW, 0.15), (os.O_DIRECTORY, 0.05), (os.O_NONBLOCK, 0.1), (os.O_SYNC, 0.05), (os.O_NOATIME, 0.05),
                            (os.O_NOCTTY, 0.05), (O_TMPFILE, 0.04), (os.O_DIRECT, 0.02), (os.O_PATH, 0.02), (1 << 30, 0.01)):
            if self.random.random() < often:
                flags |= flag
        return flags

    def opened(self, fd):
        """What a descriptor is, and then it is closed."""
        if not isinstance(fd, int):
            return fd
        status = os.fstat(fd)
        told = [fd, oct(fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_NOFOLLOW), fcntl.fcntl(fd, fcntl.F_GETFD), oct(status.st_mode), status.st_nlink, status.st_uid]
        if stat.S_ISREG(status.st_mode):
            told.append(status.st_size)
            try:
                told.append(os.write(fd, b"12345"))
            except OSError as error:
                told.append(error.errno)
        if self.random.random() < 0.05 and len(self.directories) < 20 and stat.S_ISDIR(status.st_mode):
            self.directories[self.pick(0, 1)] = fd
        else:
            os.close(fd)
        return told

    def descriptor(self):
        """Of a file, a directory, a place, a pipe, nothing."""
        return self.pick(*self.files, *self.files, *self.directories[:2], self.pipe[0], -1, AT_FDCWD, 999)

    def owner(self):
        return self.pick(-1, os.getuid(), os.getuid(), 12345, 0)

    def times(self, kind):
        """struct utimbuf, timeval[2] or timespec[2]; long ago, so that the picture may show them."""
        numbers = [self.pick(0, 1, 100000, 123456), self.pick(0, 7, 999999, 1000000, -1, (1 << 30) - 1, (1 << 30) - 2)] * 2
        if self.random.random() < 0.2:
            return ctypes.c_void_p(self.pick(0, 0, 0, 1, 0xffffffffffff0000))
        return struct.pack("2q", numbers[0], numbers[2]) if kind == "utime" else struct.pack("4q", *numbers)

    def to_open(self, name, value, flags):
        """The arguments of fsetxattr. Of a descriptor that cannot be used and a flag that is none each kernel says another first."""
        descriptor = max(self.descriptor(), -1)
        try:
            usable = not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_PATH
        except (OSError, ValueError):
            usable = False
        return descriptor, name, value, len(value), flags if usable else flags & 3

    def attribute(self):
        """The arguments of one of ATTRIBUTES."""
        name = self.pick(b"user.a", b"user.b", b"user.c", b"trusted.a", b"user.d" if FORGETFUL else b"security.a", b"system.a",
                         b"user.e" if LISTS_BY_NAME else b"system.posix_acl_access", b"a")
        value = self.pick(b"", b"value", b"x" * 300)
        empty = self.random.random() < 0.15
        # of an address that is none and a path that is none each kernel says another first
        path = b"" if empty else self.path()
        # a process may write its own directory in /proc, and the keeper is another; what comes of it is a refusal all the same
        odd = path.startswith(b"/proc/self")
        named, itself = b"/proc/self/fd/3" if odd else path, b"link" if odd else path
        flags = self.pick(0, 0, AT_SYMLINK_NOFOLLOW, 2) | (AT_EMPTY_PATH if empty else self.pick(0, 0, 0, AT_EMPTY_PATH))
        place = self.descriptor() if empty else self.directory()
        times = None if self.random.random() < 0.3 else path
        return {
            "chmod": lambda: (self.pointer(), self.mode()), "fchmodat": lambda: (self.directory(), self.pointer(), self.mode()),
            "fchmod": lambda: (self.descriptor(), self.mode()), "fchown": lambda: (self.descriptor(), self.owner(), self.owner()),
            "chown": lambda: (self.pointer(), self.owner(), self.owner()), "lchown": lambda: (self.pointer(), self.owner(), self.owner()),
            "fchownat": lambda: (place, path, self.owner(), self.owner(), flags),
            "utime": lambda: (path, self.times("utime")), "utimes": lambda: (path, self.times("utimes")),
            "futimesat": lambda: (self.descriptor(), ctypes.c_void_p(0), self.times("utimes")) if times is None else (place, path, self.times("utimes")),
            "utimensat": lambda: (self.descriptor(), ctypes.c_void_p(0), self.times("utimensat"), 0) if times is None
                         else (place, path, self.times("utimensat"), flags),
            "setxattr": lambda: (named, name, value, len(value), self.pick(0, 0, 1, 2)),
            "lsetxattr": lambda: (itself, name, value, len(value), self.pick(0, 0, 1, 2)),
            "fsetxattr": lambda: self.to_open(name, value, self.pick(0, 0, 1, 2, 4)),
            "removexattr": lambda: (named, name), "lremovexattr": lambda: (itself, name), "fremovexattr": lambda: (max(self.descriptor(), -1), name),
        }

    def one(self):
        what = self.random.choice(sorted(NUMBERS))
        if what in ATTRIBUTES:
            arguments = self.attribute()[what]()
            answer = call(what, *arguments)
            if answer == 0:  # a place that is closed answers all that follows alike
                os.chmod(os.path.dirname(self.here), 0o755)
                os.chmod(self.here, 0o755)
            return (what, *arguments), answer
        if what in ("open", "openat"):
            flags, mode = self.flags(), self.mode()
            path = self.pointer()
            if path == b"/dev/tty":
                flags &= ~os.O_NOATIME  # permitted to an owner, who is another outside
            arguments = (path, flags, mode) if what == "open" else (self.directory(), path, flags, mode)
            return (what, *arguments), self.opened(call(what, *arguments))
        if what == "creat":
            arguments = (self.pointer(), self.mode())
            return (what, *arguments), self.opened(call(what, *arguments))
        kind = self.pick(0, stat.S_IFREG, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFDIR)
        arguments = {
            "mkdir": lambda: (self.pointer(), self.mode()), "mkdirat": lambda: (self.directory(), self.pointer(), self.mode()),
            "rmdir": lambda: (self.pointer(),), "unlink": lambda: (self.pointer(),),
            "unlinkat": lambda: (self.directory(), self.pointer(), self.pick(0, 0, AT_REMOVEDIR, 1)),
            "rename": lambda: (self.pointer(), self.pointer()),
            "renameat": lambda: (self.directory(), self.pointer(), self.directory(), self.pointer()),
            "renameat2": lambda: (self.directory(), self.pointer(), self.directory(), self.pointer(), self.pick(0, 0, 1, 2, 3, 4, 8)),
            "link": lambda: (self.pointer(), self.pointer()),
            "linkat": lambda: (self.directory(), self.pointer(), self.directory(), self.pointer(), self.pick(0, 0, AT_SYMLINK_FOLLOW, 1)),
            "symlink": lambda: (self.pointer(), self.pointer()), "symlinkat": lambda: (self.pointer(), self.directory(), self.pointer()),
            "mknod": lambda: (self.pointer(), kind | self.mode(), 0), "mknodat": lambda: (self.directory(), self.pointer(), kind | self.mode(), 0),
            "truncate": lambda: (self.pointer(), self.pick(0, 3, 100, -1)), "umask": lambda: (self.pick(0, 0o22, 0o77, 0o22, 0o777),),
        }[what]()
        answer = call(what, *arguments)
        if answer == 0 and what.startswith("mknod") and kind == stat.S_IFIFO:  # or the next who opens it would wait
            path = arguments[what == "mknodat"]
            call("openat", arguments[0] if what == "mknodat" else AT_FDCWD, path, os.O_RDWR | os.O_NONBLOCK, 0)
        return (what, *arguments), answer


def picture(top):
    """Every name below, with what it is."""
    for folder, directories, files in os.walk(top):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            more = os.readlink(path) if stat.S_ISLNK(status.st_mode) else status.st_size if stat.S_ISREG(status.st_mode) else ""
            times = [int(one) if one < 1e9 else "now" for one in (status.st_mtime, status.st_atime)]
            attributes = sorted(one for one in os.listxattr(path, follow_symlinks=False) if one.startswith("user."))
            yield f"{os.path.relpath(path, top)} {oct(status.st_mode)} {status.st_nlink} {status.st_uid == os.getuid()} {more} {times} {attributes}"


def plain(value, here):
    return ["pointer"] if isinstance(value, ctypes.c_void_p) else value.decode("latin1").replace(here, "HERE").replace(str(os.getpid()), "PID")[:60] if isinstance(value, bytes) else value


def main():
    generator = Generator(int(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        asked, answer = generator.one()
        print(number, [plain(part, generator.here) for part in asked], answer)
        if number % 40 == 39:
            for folder, directories, _ in os.walk(generator.here):
                for name in directories:
                    if not os.path.islink(os.path.join(folder, name)):
                        os.chmod(os.path.join(folder, name), 0o755)
        if number % 200 == 199:
            os.umask(0o22)
            print(*picture(generator.here), sep="\n")
            if number % 1000 == 999:
                os.chdir(generator.here)
                for entry in os.scandir("."):
                    LIBC.system(b"rm -rf " + entry.name.encode())


main()
