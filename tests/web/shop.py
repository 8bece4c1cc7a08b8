# SPDX-License-Identifier: Apache-2.0
"""A small internet of the test's own: one https server that is a git host, a Python index, an npm registry and a cargo registry by
the name that it is asked for, with a certificate of an authority made for it. Everything it hands out is made here too.
"""

import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import tarfile
import threading
import zipfile

HOSTS = ("git", "pypi", "npm", "crates", "www")
DOMAIN = "shop.example"
BIG = 8 << 20  # bytes of www's /big


# ---- what is sold ----

def archive(files):
    """A .tar.gz of {name: text}."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return gzip.compress(raw.getvalue())


def wheel():
    raw, about = io.BytesIO(), "shopwheel-1.0.dist-info"
    files = {"shopwheel.py": "SAYS = 'wheel'\n", f"{about}/METADATA": "Metadata-Version: 2.1\nName: shopwheel\nVersion: 1.0\n",
             f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    with zipfile.ZipFile(raw, "w") as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
        bundle.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"]))
    return raw.getvalue()


def goods():
    """{(host, path): (bytes, type)}"""
    package = archive({"package/package.json": '{"name": "shop-leaf", "version": "1.0.0", "main": "index.js"}',
                       "package/index.js": "module.exports = 'leaf'\n"})
    crate = archive({"shopcrate-1.0.0/Cargo.toml": '[package]\nname = "shopcrate"\nversion = "1.0.0"\nedition = "2021"\n',
                     "shopcrate-1.0.0/src/lib.rs": "pub fn says() -> &'static str { \"crate\" }\n"})
    line = {"name": "shopcrate", "vers": "1.0.0", "deps": [], "cksum": hashlib.sha256(crate).hexdigest(), "features": {}, "yanked": False}
    about = {"name": "shop-leaf", "version": "1.0.0", "dist": {
        "tarball": f"https://npm.{DOMAIN}/shop-leaf-1.0.0.tgz", "integrity": "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()}}
    name = "shopwheel-1.0-py3-none-any.whl"
    return {
        ("www", "/"): (b"front page", "text/plain"),
        ("www", "/big"): (b"0123456789abcdef" * (BIG // 16), "application/octet-stream"),
        ("pypi", "/simple/shopwheel/"): (f'<!DOCTYPE html><a href="/files/{name}">{name}</a>'.encode(), "text/html"),
        ("pypi", f"/files/{name}"): (wheel(), "application/octet-stream"),
        ("npm", "/shop-leaf"): (json.dumps({"name": "shop-leaf", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": about}}).encode(),
                                "application/json"),
        ("npm", "/shop-leaf-1.0.0.tgz"): (package, "application/octet-stream"),
        ("crates", "/index/config.json"): (json.dumps({"dl": f"https://crates.{DOMAIN}/files"}).encode(), "application/json"),
        ("crates", "/index/sh/op/shopcrate"): (json.dumps(line).encode() + b"\n", "text/plain"),
        ("crates", "/files/shopcrate/1.0.0/download"): (crate, "application/gzip"),
    }


def make_repository(folder):
    """A bare repository beneath `folder` with one commit, which may be pushed to."""
    bare, work = os.path.join(folder, "project.git"), os.path.join(folder, "work")

    def git(*words, cwd=folder):
        subprocess.run(["git", "-c", "user.name=shop", "-c", "user.email=shop@localhost", "-c", "safe.directory=*", *words], check=True, capture_output=True,
                       cwd=cwd, env={**os.environ, "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"})
    git("init", "-q", "--bare", "-b", "main", bare)
    git("config", "http.receivepack", "true", cwd=bare)
    git("init", "-q", "-b", "main", work)
    for number in range(50):
        with open(os.path.join(work, f"file{number}"), "w", encoding="ascii") as file:
            file.write(f"{number}\n" * 1000)
    git("add", ".", cwd=work)
    git("commit", "-q", "-m", "first", cwd=work)
    git("push", "-q", bare, "main", cwd=work)
    return bare


# ---- the counter ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="text/plain", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def git(self, path, query):
        """git-http-backend(1) as a CGI program."""
        given = self.body()
        environment = {"PATH": os.environ["PATH"], "HOME": self.server.folder, "GIT_PROJECT_ROOT": self.server.folder, "GIT_HTTP_EXPORT_ALL": "1",
                       "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
                       "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "CONTENT_LENGTH": str(len(given)),
                       "CONTENT_TYPE": self.headers.get("Content-Type", ""), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                       "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": "127.0.0.1", "SERVER_PROTOCOL": "HTTP/1.1"}
        said = subprocess.run(["git", "http-backend"], input=given, capture_output=True, env=environment, check=False).stdout
        head, body = said.split(b"\r\n\r\n", 1)
        headers = [tuple(line.decode().split(": ", 1)) for line in head.split(b"\r\n")]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        kind = next((value for name, value in headers if name == "Content-Type"), "text/plain")
        self.answer(status, body, kind, [(name, value) for name, value in headers if name not in ("Status", "Content-Type", "Content-Length")])

    def serve(self):
        host = self.headers.get("Host", "").split(":")[0].removesuffix("." + DOMAIN)
        path, _, query = self.path.partition("?")
        self.server.sold.append((host, path))
        if host == "git":
            self.git(path, query)
        elif (host, path) in self.server.goods:
            self.answer(200, *self.server.goods[host, path])
        else:
            self.body()
            self.answer(404, b"not here\n")

    do_GET = do_HEAD = do_POST = serve


class Shop(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, folder, pem):
        super().__init__((address, 443), Handler)
        self.folder, self.goods, self.sold = folder, goods(), []
        make_repository(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        """In the connection's own thread: a handshake keeps nobody else waiting."""
        with self.context.wrap_socket(request, server_side=True) as secure:
            self.RequestHandlerClass(secure, client_address, self)

    def handle_error(self, request, client_address):
        pass  # clients that go away are part of it
