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


def reached(listener):
    return bool(select.select([listener], [], [], 0)[0])


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
    receiver = scene.hold(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    scene.run(f"echo secret > /dev/udp/127.0.0.1/{receiver.getsockname()[1]}")
    return reached(receiver)


@attack("network", "network namespace")
def question_to_a_name_server(scene):
    """Names that are asked for carry data out."""
    receiver = scene.hold(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.53", 0))
    scene.python(f"import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'\\0\\1\\1\\0\\0\\1' + bytes(6) + b'\\6secret\\0\\0\\1\\0\\1', "
                 f"('127.0.0.53', {receiver.getsockname()[1]}))")
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
    scene.python(f"import socket\nsocket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(('127.0.0.1', {port}))")
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
