"""What the demonstration runs on: a copy of the manifests, free ports, the shop, and the gateway.

`Stage` is all of it but where the gateway reads the manifests: from the directory (here) or from an API server (`kube.py`).
"""
from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from accounts import Accounts
from program import DemoError, Program, answer, answers, executable, is_free, listens, wait_until

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "examples/shop/manifests"
ENVOY = ROOT / ".tools/bin/envoy"
HOST = "shop.localhost"
# What the manifests and the programs use unless something else has the port already.
PORTS = {"http": 8080, "https": 8443, "internal": 8081, "tcp": 8090, "admin": 8877, "portal": 8088, "shop": 9101,
         "accounts": 9200, "own": 9300}
SHOP_PORTS = 5
# The Secret with the keys that developers make in the portal.
PORTAL_KEYS = "portal-keys"


def choose_ports(usual_ports: dict[str, int]) -> dict[str, int]:
    """The usual ports, or for each that is taken the next free one from 20000 up."""
    spare = 20000
    chosen = {}
    for name, usual in usual_ports.items():
        width = SHOP_PORTS if name == "shop" else 1
        port = usual
        while not all(is_free(p) for p in range(port, port + width)):
            port, spare = spare, spare + SHOP_PORTS
        chosen[name] = port
    return chosen


class Stage:
    """The shop and the gateway, running; to be used as a context."""

    # Where the shop listens, as the EndpointSlices of the manifests say.
    address = "127.0.0.1"
    # Where its objects are.
    namespace = "default"
    usual_ports = PORTS

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.nuncio = Path(os.environ.get("NUNCIO", ROOT / "target/debug/nuncio"))
        self.ports = choose_ports(self.usual_ports)
        self.work = Path(tempfile.mkdtemp(prefix="nuncio-demo-"))
        self.manifests = self.work / "manifests"
        # A line for each request: in the terminal they would bury what a person is shown.
        self.requests = self.work / "requests.log"
        self.admin = f"127.0.0.1:{self.ports['admin']}"
        self.url = f"http://{HOST}:{self.ports['http']}"
        self.accounts = Accounts(self.ports["accounts"], self.url)
        self.programs: list[Program] = []

    def __enter__(self) -> Stage:
        try:
            self.set_up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> list[int]:
        """Stops everything, in the order in which requests flow; returns processes that had to be killed."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        left = []
        while self.programs:
            left += self.programs.pop().stop()
        shutil.rmtree(self.work, ignore_errors=True)
        return left

    # What differs by where manifests are

    def origin(self) -> list[str]:
        """Arguments that tell `nuncio` where the manifests are."""
        raise NotImplementedError

    def keys(self) -> list[str]:
        """Arguments that say where the portal keeps the keys that developers make."""
        raise NotImplementedError

    def change(self, file: str, old: str, new: str) -> None:
        """Changes a text in a manifest, as a user would."""
        raise NotImplementedError

    # Setting up

    def set_up(self) -> None:
        self.copy_manifests()
        self.make_secrets()
        self.start_shop()
        self.gateway = self.start_gateway()

    def copy_manifests(self) -> None:
        moved = {str(PORTS[name]): str(self.ports[name]) for name in PORTS if name != "shop"}
        moved |= {str(PORTS["shop"] + i): str(self.ports["shop"] + i) for i in range(SHOP_PORTS)}
        self.manifests.mkdir()
        for file in MANIFESTS.glob("*.yaml"):
            text = re.sub(r"\b\d{4}\b", lambda found: moved.get(found[0], found[0]), file.read_text())
            (self.manifests / file.name).write_text(text.replace("- 127.0.0.1", f"- {self.address}"))
        (self.manifests / "module.yaml").write_text(
            "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata:\n  name: ambassador\n"
            f"spec:\n  config:\n    envoy_log_path: {self.requests}\n")

    def make_secrets(self) -> None:
        """The shop's certificate, and the password with which the gateway shows itself to the identity provider."""
        key, certificate = self.work / "shop.key", self.work / "shop.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
                        "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        (self.manifests / "secret.yaml").write_text(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-tls\ntype: kubernetes.io/tls\ndata:\n"
            f"  tls.crt: {base64.b64encode(certificate.read_bytes()).decode()}\n"
            f"  tls.key: {base64.b64encode(key.read_bytes()).decode()}\n---\n{self.accounts.secret()}")

    def start(self, name: str, command: list[str], show: bool = False) -> Program:
        if not shutil.which(command[0]):
            raise DemoError(f"{command[0]} is missing: make demo builds it, or says how to get it")
        program = Program(name, command, None if show else self.work / f"{name}.log")
        self.programs.append(program)
        return program

    def start_shop(self) -> None:
        """The services, and where their customers have accounts."""
        base = self.ports["shop"]
        accounts = self.start("accounts", self.accounts.command(self.work))
        shop = self.start("shop", [str(self.nuncio.parent / "nuncio-shop"), "all", "--address", self.address,
                                   "--base-port", str(base), "--gateway", f"127.0.0.1:{self.ports['internal']}"])
        wait_until(lambda: all(answers(f"http://{self.address}:{base + i}/healthz") for i in range(SHOP_PORTS)),
                   "the shop to start", shop)
        wait_until(lambda: answers(f"http://{self.accounts.address}/.well-known/openid-configuration"),
                   "the identity provider to start", accounts)

    def start_gateway(self) -> Program:
        command = [str(self.nuncio), "up", *self.origin(), "--admin", self.admin, "--envoy", str(ENVOY),
                   f"--portal=127.0.0.1:{self.ports['portal']}", "--allow-edits", "--allow-previews", "--route-stats",
                   *self.keys()]
        os.environ["LIMIT_RESPONSE_HEADERS_ENABLED"] = "true"  # answers say what is left of a limit
        gateway = self.start("nuncio", command, not self.quiet)
        wait_until(lambda: answers(f"http://{self.admin}/ambassador/v0/check_ready"), "the gateway to be ready", gateway)
        # Envoy says that it has a listener before it takes connections there.
        for name in ("http", "https", "internal", "tcp", "portal"):
            wait_until(lambda: listens(self.ports[name]), f"the gateway to listen at port {self.ports[name]} ({name})", gateway)
        wait_until(self.is_open, "the shop's front page, and that of its preview", gateway)
        return gateway

    def is_open(self) -> bool:
        """The front page is answered, and so is each preview's: they have no URL before it is known of what secret it is made."""
        previews = json.loads(answer(f"http://{self.admin}/api/v1/previews") or "{}").get("items", [])
        urls = [url["url"] for preview in previews for url in preview["urls"]]
        front = f"http://127.0.0.1:{self.ports['http']}/"
        return bool(urls) and all(answers(front, urlsplit(url).netloc) for url in (self.url, *urls))

    # While it runs

    def preview(self) -> str:
        """The URL of the preview of the cart."""
        asked = [str(self.nuncio), "preview", "url", "cart-v2", "--admin", self.admin]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    def follow_preview(self, path: str) -> dict:
        """What the doctor says of a request of the preview, all the way through the services, whether it is well or not."""
        asked = [str(self.nuncio), "preview", "doctor", "cart-v2", "--path", path, "--admin", self.admin, "-o", "json"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
        # 1 is also what it gives where it has told of something that is wrong.
        if done.returncode not in (0, 1) or not done.stdout:
            raise DemoError(f"nuncio preview doctor failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def envoys(self) -> list[int]:
        """The gateway's Envoy processes."""
        return [pid for pid in self.gateway.members() if executable(pid) == ENVOY.resolve()]


class DirectoryStage(Stage):
    """The gateway reads a directory."""

    def origin(self) -> list[str]:
        return [str(self.manifests)]

    def keys(self) -> list[str]:
        return ["--portal-keys", str(self.manifests / f"{PORTAL_KEYS}.yaml")]

    def change(self, file: str, old: str, new: str) -> None:
        replace(self.manifests / file, old, new)


def replace(file: Path, old: str, new: str) -> None:
    """As most editors save: a new file takes the place of the old one."""
    text = file.read_text()
    if old not in text:
        raise DemoError(f"expected {old!r} in {file.name}")
    spare = file.with_suffix(".new")
    spare.write_text(text.replace(old, new))
    spare.rename(file)
