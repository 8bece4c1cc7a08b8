#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs as people use them, through the broker and without a setting for it: curl, git, pip, npm, cargo, a JVM, Go, getent, dig. What
they download comes from shop.py, in a network and a mount namespace of the test's own; its authority stands in the system's bundle.

usage: tools.py SALLYPORT    SALLYPORT_NODE in the environment: the directory of node and npm, if they are not in PATH
"""

import hashlib
import os
import unittest

import harness
import shop
from namespace import enter
from test_commands import Commands, targets
from test_confined import PROFILE
from test_names import PUBLIC, Names
from shop import DOMAIN
from world import BUNDLE, furnished

NODE = os.path.realpath(os.environ["SALLYPORT_NODE"]) if os.environ.get("SALLYPORT_NODE") else ""  # paths inside are canonical

JAVA = r"""
import java.net.*; import java.net.http.*; import java.nio.file.*; import java.security.*; import java.security.cert.*; import javax.net.ssl.*;
class Fetch {
    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        int number = 0;
        try (var file = Files.newInputStream(Path.of(arguments[0]))) {
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(file))
                store.setCertificateEntry("ca" + number++, certificate);
        }
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        var context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        var client = HttpClient.newBuilder().sslContext(context).build();
        for (int i = 1; i < arguments.length; i++)
            try {
                System.out.println(client.send(HttpRequest.newBuilder(URI.create(arguments[i])).build(), HttpResponse.BodyHandlers.ofString()).body());
            } catch (java.net.ConnectException error) {
                System.out.println("no connection");
            }
    }
}
"""

GO = r"""
package main

import ("fmt"; "io"; "net"; "net/http"; "os")

func main() {
	for _, url := range os.Args[1:] {
		answer, err := http.Get(url)
		if err != nil {
			var name *net.DNSError
			fmt.Println("no answer", asName(err, &name) && name.IsNotFound)
			continue
		}
		body, _ := io.ReadAll(answer.Body)
		fmt.Println(string(body))
	}
}

func asName(err error, name **net.DNSError) bool {
	for err != nil {
		if found, ok := err.(*net.DNSError); ok {
			*name = found
			return true
		}
		wrapped, ok := err.(interface{ Unwrap() error })
		if !ok {
			return false
		}
		err = wrapped.Unwrap()
	}
	return false
}
"""

CARGO = r"""
mkdir -p $TMPDIR/crate/src $TMPDIR/crate/.cargo && cd $TMPDIR/crate
printf '[package]\nname = "uses"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nshopcrate = { version = "1", registry = "shop" }\n' > Cargo.toml
printf '[registries.shop]\nindex = "sparse+https://crates.%s/index/"\n' "$1" > .cargo/config.toml
echo 'fn main() { println!("says {}", shopcrate::says()); }' > src/main.rs
# Debian 12's cargo knows sparse registries, but not yet without a flag
RUSTC_BOOTSTRAP=1 cargo -Z sparse-registry run --quiet
"""


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names()
        cls.names.zone = {f"{host}.{DOMAIN}": [PUBLIC] for host in shop.HOSTS}
        # what lies beside node's directory is not shown by itself
        node = ["--workspace", os.path.dirname(NODE) + ":ro"] if NODE else []
        cls.host = Commands([f"*.{DOMAIN}"], None, *node)

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def setUp(self):
        self.names.asked.clear()
        SHOP.sold.clear()

    def says(self, line, output, *, denied=(), errors=None, env=None):
        """What a shell line says, and what it was refused."""
        result = self.host.run(line, **({"env": env} if env else {}))
        self.assertEqual((result["stdout"].strip(), result.get("exit_code")), (output, 0), result)
        self.assertEqual([target for _, target in targets(result)], list(denied), result)
        if errors is not None:
            self.assertEqual(result["stderr"], errors)
        self.assertEqual({name for name in self.names.asked if not name.endswith(DOMAIN)}, set())
        return result

    def write(self, name, text):
        path = os.path.join(self.host.folder.name, "work", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)

    def test_curl(self):
        self.says(f"curl -sS https://www.{DOMAIN}/", "front page")
        self.says(f"curl -sS https://www.{DOMAIN}/big | sha256sum | cut -c1-8; curl -sS -Z -o $TMPDIR/a -o $TMPDIR/b -o $TMPDIR/c https://www.{DOMAIN}/big "
                  f"https://www.{DOMAIN}/big https://www.{DOMAIN}/; cmp $TMPDIR/a $TMPDIR/b; wc -c < $TMPDIR/a", f"{hashlib.sha256(b'0123456789abcdef' * (shop.BIG // 16)).hexdigest()[:8]}\n{shop.BIG}")
        self.says("curl -sS https://evil.example/ || echo $?", "6", denied=["evil.example"])

    def test_git(self):
        self.says(f"cd $TMPDIR && git clone -q https://git.{DOMAIN}/project.git clone && cd clone && git log --format=%s && wc -l < file7", "first\n1000")
        self.says("cd $TMPDIR/clone && echo more > more && git add more && git -c user.name=x -c user.email=x@x commit -q -m second "
                  "&& git push -q && git fetch -q && git log origin/main --format=%s", "second\nfirst")
        self.says("git clone -q https://git.evil.example/project.git $TMPDIR/no || echo $?", "128", denied=["git.evil.example"])

    def test_pip(self):
        pip = "/usr/bin/python3 -m pip {} -q --disable-pip-version-check --retries 0 --index-url https://pypi.{}/simple/ {} shopwheel"
        self.says(pip.format("install", DOMAIN, "--target $TMPDIR/wheels") + " && PYTHONPATH=$TMPDIR/wheels python3 -c 'import shopwheel; print(shopwheel.SAYS)'",
                  "wheel")
        self.says(pip.format("download", "evil.example", "") + " || echo $?", "1", denied=["pypi.evil.example"])

    def test_npm(self):
        options = "--no-audit --no-fund --no-update-notifier --fetch-retries 0 --silent"
        npm = f"node {os.path.dirname(NODE)}/lib/node_modules/npm/bin/npm-cli.js" if NODE else "npm"
        node = {"NODE_EXTRA_CA_CERTS": BUNDLE}  # Node brings its own authorities
        self.says(f"mkdir -p $TMPDIR/js && cd $TMPDIR/js && {npm} install {options} --registry https://npm.{DOMAIN}/ shop-leaf "
                  "&& node -p 'require(\"shop-leaf\")'", "leaf", env=node)
        self.says(f"cd $TMPDIR/js && {npm} install {options} --registry https://npm.evil.example/ other || echo refused", "refused",
                  denied=["npm.evil.example"], env=node)

    def test_cargo(self):
        self.write("build.sh", CARGO)
        self.says(f"bash build.sh {DOMAIN}", "says crate")
        self.assertIn(("crates", "/files/shopcrate/1.0.0/download"), SHOP.sold)

    def test_java(self):
        self.write("Fetch.java", JAVA)
        self.says(f"java Fetch.java {BUNDLE} https://www.{DOMAIN}/ https://evil.example/", "front page\nno connection", denied=["evil.example"])

    def test_go(self):
        """With its own resolver and with the C library's."""
        self.write("fetch.go", GO)
        self.says("go build -o $TMPDIR/fetch fetch.go", "", env={"GO111MODULE": "off"})
        for resolver in ("go", "cgo"):
            self.says(f"$TMPDIR/fetch https://www.{DOMAIN}/ https://evil.example/", "front page\nno answer true", denied=["evil.example"],
                      env={"GODEBUG": f"netdns={resolver}"})

    def test_getent(self):
        address = self.host.run(f"getent hosts www.{DOMAIN}")["stdout"].split()[0]
        self.assertRegex(address, r"^198\.1[89]\.\d+\.\d+$")
        self.says(f"getent ahosts WWW.{DOMAIN} | cut -d' ' -f1 | uniq; getent ahostsv6 www.{DOMAIN} | grep -v {address}; getent hosts evil.example || echo $?",
                  f"{address}\n2", denied=["evil.example"])
        self.assertEqual(self.names.asked, [])

    def test_dig(self):
        # what a command takes for UDP in a container is no socket that dig understands
        for way in ("+tcp", "+tcp +cookie", "+tcp +noedns", "+tcp +keepopen", *(["", "+cookie", "+noedns"] if PROFILE == "full" else [])):
            address = self.host.run(f"dig +short {way} www.{DOMAIN}")["stdout"].strip()
            self.assertRegex(address, r"^198\.1[89]\.\d+\.\d+$", way)
            self.says(f"dig +short {way} www.{DOMAIN} AAAA; dig +short {way} www.{DOMAIN} MX", "")
            result = self.host.run(f"dig {way} evil.example")
            self.assertIn("status: NXDOMAIN", result["stdout"])
            self.assertEqual(targets(result), [("resolve", "evil.example")])
        self.assertIn("EDE: 15 (Blocked): (evil.example is not among the allowed)", self.host.run("dig +tcp evil.example")["stdout"])
        if PROFILE != "full":
            return
        # past the broker: to a name server of the person's choice
        result = self.host.run(f"dig +time=1 +tries=1 @{PUBLIC} www.{DOMAIN}")
        self.assertIn("network unreachable", result["stdout"])
        self.assertEqual(self.names.asked, [])


def inside():
    global SHOP
    with furnished() as (furniture, authority):
        repositories = os.path.join(furniture, "git")
        os.mkdir(repositories)
        SHOP = shop.Shop(PUBLIC, repositories, authority.issue(*(f"{host}.{DOMAIN}" for host in shop.HOSTS)))
        os.environ["PATH"] = ":".join(([NODE] if NODE else []) + ["/usr/local/bin", "/usr/bin", "/bin"])
        harness.main(["sallyport"])


if __name__ == "__main__":
    enter(__file__, inside)
