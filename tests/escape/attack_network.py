# SPDX-License-Identifier: Apache-2.0
"""The network: everything that listens around the sandbox."""

import os
import select
import socket

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
    if scene.stage == "unconfined" or profile(scene) == "full":  # under the others commands reach nothing
        assert reached(listener), "not even what the policy names was reached"
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
    said = scene.python("import os\nfor p in [d for d in os.listdir('/proc') if d.isdigit()]:\n  try:\n    for f in os.listdir('/proc/' + p + '/fd'):\n"
                        "      if os.readlink('/proc/' + p + '/fd/' + f).startswith('socket:'): print('held by', p)\n  except OSError: pass\n"
                        + REACH.strip() + f"\nreach('127.0.0.1', {port})")
    accept(scene, listener)
    return "held by" in said
