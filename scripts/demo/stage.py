"""What the demonstration runs on: a copy of the manifests, free ports, the shop, and the gateway."""
from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "examples/shop/manifests"
ENVOY = ROOT / ".tools/bin/envoy"
HOST = "shop.localhost"
# What the manifests and the programs use unless something else has the port already.
PORTS = {"http": 8080, "https": 8443, "tcp": 8090, "admin": 8877, "shop": 9101}
SHOP_PORTS = 5
READY_SECONDS = 30
STOP_SECONDS = 20


class DemoError(Exception):
    """The demonstration cannot go on; the message is for the user."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
            return True
        except OSError:
            return False


def choose_ports() -> dict[str, int]:
    """The usual ports, or for each that is taken the next free one from 20000 up."""
    spare = 20000
    chosen = {}
    for name, usual in PORTS.items():
        width = SHOP_PORTS if name == "shop" else 1
        port = usual
        while not all(is_free(p) for p in range(port, port + width)):
            port, spare = spare, spare + SHOP_PORTS
        chosen[name] = port
    return chosen


def session_members(session: int) -> list[int]:
    """Live processes of a session; unlike process groups, no program leaves it without meaning to."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # After the name, which may hold spaces: state, parent, group, session.
                state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(of) == session and state != "Z":
                members.append(int(entry.name))
    return members


class Program:
    """A program in a session of its own, so that Ctrl-C in the terminal reaches only the demonstration."""

    def __init__(self, name: str, command: list[str], log: Path | None) -> None:
        self.name, self.log = name, log
        output = open(log, "wb") if log else None
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                        stderr=subprocess.STDOUT if output else None, start_new_session=True)

    def check(self) -> None:
        if self.process.poll() is not None:
            raise DemoError(f"{self.name} ended with status {self.process.returncode}{self.last_words()}")

    def wait(self, seconds: float) -> None:
        """Until the program ends, or so long."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def last_words(self) -> str:
        if not self.log or not (text := self.log.read_text(errors="replace").strip()):
            return ""
        return ":\n  " + "\n  ".join(text.splitlines()[-15:])

    def members(self) -> list[int]:
        return session_members(self.process.pid)

    def stop(self) -> list[int]:
        """Asks the program to go, and returns what it left behind (which is then killed)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.wait(STOP_SECONDS)
        left = self.members()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        return left


class Stage:
    """The shop and the gateway, running; to be used as a context."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.nuncio = Path(os.environ.get("NUNCIO", ROOT / "target/debug/nuncio"))
        self.ports = choose_ports()
        self.work = Path(tempfile.mkdtemp(prefix="nuncio-demo-"))
        self.manifests = self.work / "manifests"
        self.admin = f"127.0.0.1:{self.ports['admin']}"
        self.programs: list[Program] = []

    def __enter__(self) -> Stage:
        try:
            self.copy_manifests()
            self.make_certificate()
            self.start_shop()
            self.gateway = self.start_gateway()
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

    # Setting up

    def copy_manifests(self) -> None:
        moved = {str(PORTS[name]): str(port) for name, port in self.ports.items() if name != "shop"}
        moved |= {str(PORTS["shop"] + i): str(self.ports["shop"] + i) for i in range(SHOP_PORTS)}
        self.manifests.mkdir()
        for file in MANIFESTS.glob("*.yaml"):
            text = re.sub(r"\b\d{4}\b", lambda found: moved.get(found[0], found[0]), file.read_text())
            (self.manifests / file.name).write_text(text)

    def make_certificate(self) -> None:
        key, certificate = self.work / "shop.key", self.work / "shop.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
                        "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        (self.manifests / "secret.yaml").write_text(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-tls\ntype: kubernetes.io/tls\ndata:\n"
            f"  tls.crt: {base64.b64encode(certificate.read_bytes()).decode()}\n"
            f"  tls.key: {base64.b64encode(key.read_bytes()).decode()}\n")

    def start(self, name: str, command: list[str], show: bool) -> Program:
        if not Path(command[0]).exists():
            raise DemoError(f"{command[0]} is missing: cargo build --workspace")
        program = Program(name, command, None if show else self.work / f"{name}.log")
        self.programs.append(program)
        return program

    def start_shop(self) -> None:
        base = self.ports["shop"]
        shop = self.start("shop", [str(self.nuncio.parent / "nuncio-shop"), "all", "--base-port", str(base)], False)
        wait_until(lambda: all(answers(f"http://127.0.0.1:{base + i}/healthz") for i in range(SHOP_PORTS)),
                   "the shop to start", shop)

    def start_gateway(self) -> Program:
        command = [str(self.nuncio), "up", str(self.manifests), "--admin", self.admin, "--envoy", str(ENVOY)]
        gateway = self.start("nuncio", command, not self.quiet)
        wait_until(lambda: answers(f"http://{self.admin}/ambassador/v0/check_ready"), "the gateway to be ready", gateway)
        return gateway

    # While it runs

    def envoys(self) -> list[int]:
        """The gateway's Envoy processes."""
        return [pid for pid in self.gateway.members() if executable(pid) == ENVOY.resolve()]


def executable(pid: int) -> Path | None:
    try:
        return Path(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


def wait_until(holds, what: str, program: Program, seconds: float = READY_SECONDS) -> float:
    """Waits until something holds and returns how many seconds that took; fails when the program ends meanwhile."""
    start = time.monotonic()
    while not holds():
        program.check()
        if time.monotonic() - start > seconds:
            raise DemoError(f"waited {seconds:g} s for {what}{program.last_words()}")
        time.sleep(0.02)
    return time.monotonic() - start
