# SPDX-License-Identifier: Apache-2.0
"""What makes a web of the test's own: an authority and what it certifies, https servers that choose by the name they are asked for,
nginx for HTTP/2, content encodings written by hand, and answers of a name server. It is used where test_names.furnish() has been."""

import contextlib
import os
import select
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import types
import unittest
import warnings

from harness import SLOWNESS, Server, http, main, path_of
from namespace import enter
from test_commands import Commands
from test_confined import Host
from test_names import PUBLIC, Names, add_address, bind_mount, furnish

PLACES = [f"93.184.216.{n}" for n in range(101, 109)]  # more public addresses, for servers on ports that the default policy names
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HASTE = 1 if SLOWNESS == 1 else 4  # seconds to answer within, where the answer is to be that it still loads: enough to say so

# ---- certificates ----

CA = """[ca]
default_ca = here
[here]
database = {0}/index
new_certs_dir = {0}
certificate = {0}/ca.pem
private_key = {0}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
copy_extensions = copy
policy = any
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
ALWAYS, PAST, FUTURE = ("20200101000000Z", "21000101000000Z"), ("20200101000000Z", "20200201000000Z"), ("21000101000000Z", "21000201000000Z")


class Authority:
    """Certificates; its own is self.certificate."""

    def __init__(self, folder, name="a test's authority"):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.certificate = os.path.join(self.folder, "ca.pem")
        for file, content in (("index", ""), ("conf", CA.format(self.folder))):
            with open(os.path.join(self.folder, file), "w", encoding="ascii") as out:
                out.write(content)
        self.openssl("req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", f"/CN={name}")

    def openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

    def issue(self, *names, when=ALWAYS):
        """A PEM file of certificate and key."""
        pem = os.path.join(self.folder, names[0] + ".pem")
        self.openssl("req", "-new", *KEY, "-keyout", "key", "-out", "csr", "-subj", f"/CN={names[0]}", "-addext",
                     "subjectAltName=" + ",".join("DNS:" + name for name in names))
        self.openssl("ca", "-config", "conf", "-batch", "-notext", "-in", "csr", "-out", "crt", "-startdate", when[0], "-enddate", when[1])
        join(pem, os.path.join(self.folder, "crt"), os.path.join(self.folder, "key"))
        return pem

    def self_signed(self, name):
        pem = os.path.join(self.folder, name + ".pem")
        self.openssl("req", "-x509", *KEY, "-keyout", "key", "-out", "crt", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        join(pem, os.path.join(self.folder, "crt"), os.path.join(self.folder, "key"))
        return pem


def join(path, *parts):
    with open(path, "wb") as out:
        for part in parts:
            with open(part, "rb") as file:
                out.write(file.read())
    os.chmod(path, 0o644)


def trust(folder, authority):
    """Beside all others in the system's bundle, as whoever runs here sees it."""
    bundle = os.path.join(folder, "bundle")
    join(bundle, BUNDLE, authority.certificate)
    bind_mount(bundle, BUNDLE)


@contextlib.contextmanager
def furnished():
    """A folder in a furnished namespace whose test authority is trusted: (folder, authority)."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        furnish(folder)
        for address in PLACES:
            add_address(address)
        authority = Authority(folder)
        trust(folder, authority)
        yield folder, authority


# ---- servers ----

def tls(pem, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # also what nobody should speak any more
    context.load_cert_chain(pem)
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version, context.maximum_version = least, most
    return context


class Secure(Server):
    """https: by each name its own context. `asked`: the names that handshakes were begun with, None for none; `failed`: what the
    handshakes ended with that did not come to an end."""

    def __init__(self, contexts, serve, address=PUBLIC, port=443):
        self.asked, self.failed, self.contexts, self.first = [], [], contexts, next(iter(contexts.values()))
        self.first.sni_callback = self.choose
        super().__init__(serve, address, port=port)

    def choose(self, connection, name, _):
        self.asked.append(name)
        connection.context = self.contexts.get(name, self.first)

    def handle(self, connection):
        try:
            secure = self.first.wrap_socket(connection, server_side=True)
        except OSError as error:
            self.failed.append(str(error))
            connection.close()
            return
        self.connections.append(secure)
        super().handle(secure)


class Site:
    """What a server does, by paths: bytes, or a function of (connection, request). There is no robots.txt unless it is given."""

    def __init__(self, pages=()):
        self.pages = dict(pages)

    def __call__(self, connection, request):
        page = self.pages.get(path_of(request).split("?")[0], http("not here", status="404 Not Found"))
        if callable(page):
            page(connection, request)
        else:
            connection.sendall(page)


NGINX = """daemon off; master_process off; user root; pid {place}/pid; error_log {place}/log;
events {{ }}
http {{
    access_log off; default_type text/plain;
    client_body_temp_path {place}/1; proxy_temp_path {place}/2; fastcgi_temp_path {place}/3; uwsgi_temp_path {place}/4; scgi_temp_path {place}/5;
    gzip on; gzip_types *; gzip_min_length 1; gzip_http_version 1.0;
    server {{
        listen {address}:{port} ssl http2; ssl_certificate {pem}; ssl_certificate_key {pem}; ssl_protocols TLSv1.2 TLSv1.3; root {place}/www;
        location = /spoken {{ return 200 "$server_protocol $ssl_protocol $ssl_server_name $http_accept_encoding"; }}
        location = /away {{ return 302 /spoken; }}
        location = /alternative {{ add_header Alt-Svc 'h2="127.0.0.1:80"; ma=86400'; return 200 "spoken here"; }}
    }}
}}
"""


class Nginx:
    """HTTP/2 of a real server. Files beneath self.folder."""

    def __init__(self, place, pem, address=PUBLIC, port=443):
        self.folder = os.path.join(place, "www")
        os.mkdir(self.folder)
        conf = os.path.join(place, "nginx.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(NGINX.format(place=place, pem=pem, address=address, port=port))
        self.process = subprocess.Popen(["nginx", "-e", f"{place}/log", "-c", conf], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while True:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                socket.create_connection((address, port)).close()
                return
            except ConnectionRefusedError:
                os.sched_yield()

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


# ---- encodings, where no module may be there for them ----

def zstd(byte, count):
    """`count` times the same byte, as RFC 8878 has it: blocks of run lengths, each of 128 KB at most."""
    frame, block = struct.pack("<IBB", 0xfd2fb528, 0, 0x38), 128 << 10  # a window of 128 KB
    while count > 0:
        size, count = min(block, count), count - block
        frame += struct.pack("<I", size << 3 | 1 << 1 | (count <= 0))[:3] + byte
    return frame


def zstd_plain(text):
    """A frame with one raw block."""
    return struct.pack("<IBB", 0xfd2fb528, 0, 0x38) + struct.pack("<I", len(text) << 3 | 1)[:3] + text


# made by the reference encoder: "plain words, " 20 times, and 64 MB of the letter a
BROTLI_WORDS = bytes.fromhex("1b0301f8a540586a90c9b28120b0b1aab100")
BROTLI_BOMB = bytes.fromhex("cbffff3f0024c2e2b14072effff8ffff078004401c1680eefd1fffffff00900088c302d0bdffe3ffff1f001200715800baf77ffcffff034002200e0b40f7fe8fffff"
                            "7f004800c46101e8defff1ffff0f000980382c00ddfbbffcffff032001108705a07bff07")


# ---- names ----

def wire_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def chain(*names, address=PUBLIC):
    """For Names.zone: each name is another one's, and the last has the address. Who asks for another kind than A gets the aliases."""
    def answer(query):
        end = query.index(b"\0", 12) + 5
        kind, = struct.unpack_from(">H", query, end - 4)
        records = [wire_name(one) + struct.pack(">HHIH", 5, 1, 1, len(wire_name(other))) + wire_name(other) for one, other in zip(names, names[1:])]
        if kind == 1:
            records.append(wire_name(names[-1]) + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address))
        return query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0) + query[12:end] + b"".join(records)
    return answer


# ---- who asks ----

class Client(Host):
    """The default policy but for what is given, robots.txt obeyed."""

    prefix = Commands.prefix

    def __init__(self, network=None, *options, within=60, beside=None):
        super().__init__({"robots": True, **(network or {})}, "--answer-within", str(within), *options, beside=beside)

    def call(self, name, **arguments):
        return self.send("tools/call", {"name": name, "arguments": arguments})

    def says(self, url, **arguments):
        """The text of the answer."""
        return self.fetch(url, **arguments)[0]

    def until(self, condition):
        """Waits for what a server does, by calls, so that everything goes on meanwhile."""
        end = time.monotonic() + 60 * SLOWNESS
        while not condition():
            assert time.monotonic() < end, "it never happened"
            self.wait(self.call("list_directory"))


def closed(connection):
    """Waits until the other side has gone."""
    with contextlib.suppress(OSError):
        while select.select([connection], [], [], 60 * SLOWNESS)[0] and connection.recv(65536):
            pass


def memory(pid, key="VmHWM"):
    """In KB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key + ":"))


# ---- tests ----

AT = types.SimpleNamespace(folder=None, authority=None, names=None)  # where run() is


class Web(unittest.TestCase):
    """Names, and one client under the default policy."""

    @classmethod
    def setUpClass(cls):
        cls.ending = cls.enterClassContext(contextlib.ExitStack())
        cls.names = AT.names
        cls.names.zone, cls.names.turn, cls.names.asked = {"site.example": [PUBLIC]}, {}, []
        cls.client = cls.ending.enter_context(Client())

    def check(self, url, *words, failed=True, client=None):
        text, result = (client or self.client).fetch(url)
        self.assertEqual(bool(result.get("isError")), failed, text)
        for word in words:
            self.assertIn(word, text)
        return text


def run(file):
    """The tests of a program, in namespaces of their own."""
    def inside():
        with furnished() as (AT.folder, AT.authority):
            AT.names = Names()
            main(["sallyport"])
    enter(file, inside)
