# SPDX-License-Identifier: Apache-2.0
"""TLS: what is agreed, what is refused at the start, how clients leave, and certificates that are replaced while we serve."""

import json
import os
import socket
import ssl
import subprocess
import sys

import pytest
from calls import calls
from client import MODERN, PATIENCE, Watch, compact, meta, name_of
from conftest import clean_environment
from http_client import CUT, Answer, Session, certify

DISCOVER = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}}
BOTH_VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


@pytest.fixture
def server(serve_http):
    return serve_http(tls=True)


def commands(server):
    return [pid for pid in server.tree() if not name_of(pid).startswith("sallyport")]


def whole(server, message, **headers):
    body = compact(message)
    return server.head(**{"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"], **headers}) + body


class ByHand:
    """A TLS client whose bytes go out when the test says so."""

    def __init__(self, server):
        self.socket, self.incoming, self.outgoing = server.connect_plain(), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.tls.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def handshake(self, at_a_time=None):
        """Until it is done here; the last that the server needs of it may wait to be sent."""
        while True:
            try:
                self.tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                self.flush(at_a_time)
                self.hear()

    def flush(self, at_a_time=None):
        data = self.outgoing.read()
        for start in range(0, len(data), at_a_time or len(data) or 1):
            self.socket.sendall(data[start:start + (at_a_time or len(data))])

    def hear(self):
        data = self.socket.recv(65536)
        self.incoming.write(data) if data else self.incoming.write_eof()
        return data

    def read(self, until):
        said = b""
        while until not in said:
            try:
                data = self.tls.read(65536)
                assert data, said
                said += data
            except ssl.SSLWantReadError:
                assert self.hear(), said
        return said


# ---- what is agreed ----

@pytest.mark.parametrize("oldest,newest,ciphers,agreed", [
    (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, None, "TLSv1.3"),
    (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, None, "TLSv1.2"),
    (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "AES128-SHA:AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", None),
    (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, None, None),
], ids=["1.3", "1.2", "1.2-weak", "1.1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_versions_and_algorithms(serve_http, tmp_path, oldest, newest, ciphers, agreed):
    certify(tmp_path, algorithm=("rsa:2048",))
    server = serve_http(tls=True)
    server.tls.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    server.tls.minimum_version, server.tls.maximum_version = oldest, newest
    if agreed:
        with server.connect() as connection:
            assert connection.version() == agreed
        assert server.request("server/discover").status == 200
        return
    with pytest.raises((ssl.SSLError, ConnectionError)) as refused:
        server.connect()
    assert not isinstance(refused.value, ssl.SSLCertVerificationError)


def test_in_clear_there_is_nothing(server):
    with server.connect_plain() as connection:
        connection.sendall(whole(server, DISCOVER))
        try:
            while data := connection.recv(65536):
                assert b"HTTP/" not in data
        except ConnectionResetError:
            pass
    assert server.request("server/discover").status == 200


def test_half_a_handshake_and_what_is_none(server):
    """Others do not notice, however many there are and wherever they stop."""
    hello = ByHand(server)
    with pytest.raises(ssl.SSLWantReadError):
        hello.tls.do_handshake()
    whole_hello, held = hello.outgoing.read(), []
    for raw in (*(whole_hello[:end] for end in range(0, len(whole_hello), 20)), whole_hello, whole_hello * 2, b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x00\x13" + b"x" * 19, b"\0" * 5000, whole_hello[:60] + b"\xff" * 400):
        held.append(server.connect_plain())
        try:
            held[-1].sendall(raw)
        except CUT:
            pass
    assert server.request("server/discover").status == 200
    for connection in held:
        connection.close()
    assert server.request("server/discover").status == 200


@BOTH_VERSIONS
@pytest.mark.parametrize("at_a_time", [None, 1])
def test_handshake_and_request_in_one_segment_or_in_bytes(server, version, at_a_time):
    server.tls.minimum_version = server.tls.maximum_version = version
    client = ByHand(server)
    client.handshake(at_a_time)
    client.tls.write(whole(server, DISCOVER))
    client.flush(at_a_time)
    assert client.read(b"}}").startswith(b"HTTP/1.1 200 OK")
    client.tls.write(whole(server, DISCOVER) * 3)  # several requests in one record
    client.flush(at_a_time)
    said = client.read(b"}}")
    while said.count(b"HTTP/1.1 200 OK") < 3:
        said += client.read(b"}}")
    client.socket.close()


def test_long_messages(server, workspace):
    """Longer than any record, in both directions."""
    text = "".join(f"line {number}\n" for number in range(200000))
    assert not server.call("write_file", {"path": "long.txt", "content": text}).get("isError")
    assert (workspace / "long.txt").read_text() == text
    assert text.startswith(server.call("read_file", {"path": "long.txt"})["content"][0]["text"][:10000])


def test_official_client(serve_http, workspace, policy, site):
    (workspace / "a.txt").write_text("alpha\n")
    server = serve_http("--policy", policy({"network": {"allowedDomains": [site.address]}}), tls=True)
    words = {name: arguments for name, (arguments, _) in calls(site).items()}
    done = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "client_sdk.py"), "auto", json.dumps(words), server.url, server.tokens["alice"]],
                          capture_output=True, text=True, timeout=6 * PATIENCE, check=False, stdin=subprocess.DEVNULL,
                          env=clean_environment(SSL_CERT_FILE=str(server.place / "cert.pem")))
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["version"] == MODERN and found["many"] == 100
    assert not any(result["error"] for result in found["results"].values())


# ---- how clients leave ----

@BOTH_VERSIONS
@pytest.mark.parametrize("progress", [None, 1], ids=["waiting", "streaming"])
def test_goodbye_cancels(server, workspace, version, progress):
    """close_notify, and the connection stays open: nothing more is asked, and nobody hears an answer."""
    server.tls.minimum_version = server.tls.maximum_version = version
    os.mkfifo(workspace / "up")
    client = server.connect()
    extra = {} if progress is None else {"progressToken": progress}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "run_command", "arguments": {"command": "echo begun; echo up > up; sleep 300"}, "_meta": meta(**extra)}}
    client.sendall(whole(server, message, **{"Mcp-Name": "run_command"}))
    assert (workspace / "up").read_text() == "up\n"  # so it runs
    said = b""
    while progress and b"notifications/progress" not in said:
        said += client.recv(65536)
    watch = Watch(commands(server))
    try:
        client.unwrap()  # says it, and waits for the server to say it
    except (*CUT, ssl.SSLError):
        pass  # an answer had begun
    watch.wait_ended(PATIENCE)
    watch.close()
    client.close()
    assert server.call("list_commands")["structuredContent"]["commands"] == []


@BOTH_VERSIONS
@pytest.mark.parametrize("length", [0, 100000])
def test_goodbye_with_the_request(server, version, length):
    """All at once: the goodbye was there, and had been told of, before the request was read."""
    server.tls.minimum_version = server.tls.maximum_version = version
    client = ByHand(server)
    client.handshake()
    client.flush()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "run_command", "arguments": {"command": "sleep 300", "stdin": "x" * length}, "_meta": meta()}}
    client.tls.write(whole(server, message, **{"Mcp-Name": "run_command"}))
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.flush()
    try:
        while client.hear():  # until the server has closed: it does not wait for the command
            pass
    except ConnectionResetError:
        pass
    assert server.call("list_commands")["structuredContent"]["commands"] == []


def test_who_leaves_without_a_word(server):
    answer = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; sleep 300"}}, progress=1)
    assert answer.next_message()["method"] == "notifications/progress"
    watch = Watch(commands(server))
    answer.connection.shutdown(socket.SHUT_WR)
    watch.wait_ended(PATIENCE)
    watch.close()
    answer.close()


# ---- the beginning ----

def start(server_arguments, place):
    command = [os.path.join(os.environ["SALLYPORT_BUILD"], "sallyport"), "http", "--workspace", str(place / "workspace"), "--listen", "127.0.0.1:0", *server_arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, env=clean_environment())


def test_what_is_wrong_is_told_at_the_start(tmp_path, workspace):
    certify(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    certify(other)
    encrypted, garbage = tmp_path / "encrypted.pem", tmp_path / "garbage.pem"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", tmp_path / "key.pem", "-out", encrypted, "-passout", "pass:x"], check=True, timeout=PATIENCE)
    garbage.write_text("no PEM\n")
    for file in (encrypted, garbage):
        file.chmod(0o600)
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    for arguments, status, words in (
            (["--tls-cert", cert], 2, ["--tls-cert and --tls-key"]),
            (["--tls-cert", cert, "--tls-key", str(other / "key.pem")], 1, ["not the key", str(other / "key.pem"), cert]),
            (["--tls-cert", cert, "--tls-key", str(encrypted)], 1, [str(encrypted), "encrypted"]),
            (["--tls-cert", cert, "--tls-key", str(garbage)], 1, [str(garbage), "private key in PEM"]),
            (["--tls-cert", cert, "--tls-key", cert], 1, [cert, "cannot read"]),
            (["--tls-cert", str(garbage), "--tls-key", key], 1, [str(garbage), "certificates in PEM"]),
            (["--tls-cert", key, "--tls-key", key], 1, [key, "there is none in it"]),
            (["--tls-cert", str(tmp_path / "missing"), "--tls-key", key], 1, [str(tmp_path / "missing"), "No such file"]),
            (["--tls-cert", cert, "--tls-key", str(tmp_path)], 1, [str(tmp_path), "must be in a file"]),
    ):
        done = start(arguments, tmp_path)
        assert done.returncode == status and all(word in done.stderr for word in words), (arguments, done)
        assert "listening" not in done.stderr
    os.chmod(key, 0o644)
    done = start(["--tls-cert", cert, "--tls-key", key], tmp_path)
    assert done.returncode == 1 and key in done.stderr and "chmod 600" in done.stderr


def test_expired_is_a_warning(serve_http, tmp_path):
    """Those who check will refuse it, and the person is told why; those who do not are served."""
    certify(tmp_path)
    config = tmp_path / "ca.conf"
    config.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={tmp_path}/index\nnew_certs_dir={tmp_path}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    (tmp_path / "index").write_text("")
    subprocess.run(["openssl", "req", "-new", "-key", tmp_path / "key.pem", "-subj", "/CN=old", "-out", tmp_path / "csr"], check=True, timeout=PATIENCE)
    subprocess.run(["openssl", "ca", "-batch", "-config", config, "-selfsign", "-keyfile", tmp_path / "key.pem", "-in", tmp_path / "csr", "-notext", "-out",
                    tmp_path / "cert.pem", "-startdate", "20200101000000Z", "-enddate", "20200102000000Z"], check=True, capture_output=True, timeout=PATIENCE)
    server = serve_http(tls=True)
    assert f"{tmp_path}/cert.pem: certificate 1 of it has expired" in server.log.decode()
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect()
    server.tls.check_hostname, server.tls.verify_mode = False, ssl.CERT_NONE
    assert server.request("server/discover").status == 200


def test_tokens_in_clear_over_a_network(serve_http):
    server = serve_http(listen="0.0.0.0:0")
    assert "in clear" in server.log.decode()
    for quiet in (serve_http(listen="0.0.0.0:0", tls=True), serve_http()):
        assert "in clear" not in quiet.log.decode()


# ---- replaced while we serve ----

def shown(server):
    with server.connect() as connection:
        return connection.getpeercert(binary_form=True)


def pem(path):
    return ssl.PEM_cert_to_DER_cert((path / "cert.pem").read_text())


def test_a_certificate_is_replaced(server, tmp_path):
    """New handshakes show the new one; connections and sessions that are open, and handshakes under way, go on."""
    session, kept, under_way = Session(server), server.connect(), ByHand(server)
    assert shown(server) == pem(tmp_path)
    with pytest.raises(ssl.SSLWantReadError):
        under_way.tls.do_handshake()
    under_way.flush()
    under_way.hear()  # it has been shown the first certificate
    first = tmp_path / "first.pem"
    first.write_text((tmp_path / "cert.pem").read_text())
    for number in range(3):
        certify(tmp_path, algorithm=("rsa:2048",) if number == 1 else ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
        server.tls.load_verify_locations(tmp_path / "cert.pem")
        server.reload("reloaded: tokens certificate")
        assert shown(server) == pem(tmp_path) != ssl.PEM_cert_to_DER_cert(first.read_text())
    under_way.handshake()
    assert under_way.tls.getpeercert(binary_form=True) == ssl.PEM_cert_to_DER_cert(first.read_text())
    under_way.tls.write(whole(server, DISCOVER))
    under_way.flush()
    assert under_way.read(b"}}").startswith(b"HTTP/1.1 200 OK")
    kept.sendall(whole(server, DISCOVER))
    assert Answer(kept).status == 200
    assert session.request("ping").status == 200
    kept.close()
    under_way.socket.close()


def test_what_is_wrong_leaves_all_as_it_was(server, tmp_path):
    before, tokens = pem(tmp_path), dict(server.tokens)
    key = (tmp_path / "key.pem").read_text()
    server.tokens["carol"] = "carol-0123456789abcdef"
    server.write_tokens()
    for change, words in ((lambda: certify(tmp_path), None), (lambda: (tmp_path / "key.pem").write_text(key), "not the key"),
                          (lambda: (tmp_path / "cert.pem").unlink(), "No such file"), (lambda: certify(tmp_path), None)):
        change()
        if words:
            server.reload(f"nothing was reloaded: {tmp_path}/")
            server.wait_said(words)
            assert shown(server) == before
            assert server.request("server/discover", token="carol").status == 401
    server.reload("reloaded: tokens certificate")
    server.tls.load_verify_locations(tmp_path / "cert.pem")
    assert shown(server) == pem(tmp_path) != before
    assert all(server.request("server/discover", token=name).status == 200 for name in (*tokens, "carol"))
