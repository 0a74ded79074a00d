#!/usr/bin/env python3
"""Runs behaviour cases against a program that serves a directory of manifests.

    run.py --target 'nuncio up {dir}' cases/
    run.py --target 'nuncio up {dir} --admin-port {p1}' --ready-url http://127.0.0.1:{p1}/ready --only tls --jobs 4 cases/

See README.md for the format of a case.
"""
from __future__ import annotations

import argparse
import asyncio
import base64
import fnmatch
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import asdict
from pathlib import Path

import yaml

import client
import confidential
from check import check_many, check_one
from echo import EchoServer, LineServer, server_context

PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::([A-Za-z0-9_.*@-]+))?\}")
LISTEN = re.compile(r"(HTTPS?|TCP)\d*")
ECHO = re.compile(r"B\d+(TLS)?")
LINES = re.compile(r"T\d+")
PARALLEL = 8


class Certificates:
    """Made with openssl for this run. Names: `a.example` (by CA), `CA2@a.example` (by another CA).

    Threads may ask: the event loop, on which the backends answer, must not wait for openssl.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = threading.RLock()
        self.pairs: dict[str, tuple[str, str]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.directory)

    def path(self, name: str, kind: str) -> Path:
        return self.directory / (name.replace("*", "_") + kind)

    def authority(self, name: str) -> Path:
        with self.lock:
            if not self.path(name, ".crt").exists():
                self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                             "-subj", f"/CN=corpus {name}", "-addext", "basicConstraints=critical,CA:TRUE",
                             "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                             "-keyout", str(self.path(name, ".key")), "-out", str(self.path(name, ".crt")))
        return self.path(name, ".crt")

    def pair(self, name: str) -> tuple[str, str]:
        """The files of certificate and key; one that was made once is given without waiting for others that are being made."""
        if made := self.pairs.get(name):
            return made
        with self.lock:
            if name not in self.pairs:
                self.pairs[name] = self.make_pair(name)
            return self.pairs[name]

    def make_pair(self, name: str) -> tuple[str, str]:
        issuer, _, subject = name.rpartition("@")
        issuer = issuer or "CA"
        cert, key = self.path(name, ".crt"), self.path(name, ".key")
        self.authority(issuer)
        alternatives = f"DNS:{subject},DNS:localhost,IP:127.0.0.1"
        extensions = self.path(name, ".ext")
        extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n")
        request = self.path(name, ".csr")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/CN={subject}", "-keyout", str(key), "-out", str(request))
        self.openssl("x509", "-req", "-in", str(request), "-CA", str(self.path(issuer, ".crt")),
                     "-CAkey", str(self.path(issuer, ".key")), "-CAcreateserial", "-days", "30",
                     "-extfile", str(extensions), "-out", str(cert))
        return str(cert), str(key)

    def revocations(self, name: str) -> Path:
        """A CRL of CA in which the certificate `name` is revoked."""
        out = self.path(name, ".crl")
        with self.lock:
            if not out.exists():
                cert, _ = self.pair(name)
                (self.directory / "index.txt").write_text("")
                config = self.directory / "ca.cnf"
                config.write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n")
                common = ("ca", "-config", str(config), "-cert", str(self.authority("CA")),
                          "-keyfile", str(self.path("CA", ".key")))
                self.openssl(*common, "-revoke", cert)
                self.openssl(*common, "-gencrl", "-out", str(out))
        return out

    def value(self, kind: str, name: str) -> str | None:
        """What ${CA}, ${CA2}, ${CRT:name}, ${KEY:name}, ${CRL:name} stand for: base64 of the PEM."""
        if kind in ("CA", "CA2"):
            data = self.authority(kind).read_bytes()
        elif kind == "CRL":
            data = self.revocations(name).read_bytes()
        elif kind in ("CRT", "KEY"):
            data = Path(self.pair(name)[kind == "KEY"]).read_bytes()
        else:
            return None
        return base64.b64encode(data).decode()


class Ports:
    """Free ports below the range that the system hands out by itself, each given once, to whatever thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.next = random.randrange(12000, 30000)

    def take(self) -> int:
        with self.lock:
            while True:
                self.next = self.next + 1 if self.next < 31000 else 12000
                with socket.socket() as probe:
                    try:
                        probe.bind(("127.0.0.1", self.next))
                        return self.next
                    except OSError:
                        continue


class CaseRun:
    """One case: its ports, backends, target process and requests."""

    def __init__(self, case: dict, options: argparse.Namespace, certificates: Certificates, ports: Ports, work: Path) -> None:
        self.case, self.options, self.certificates, self.ports = case, options, certificates, ports
        self.work = work / case["name"]
        self.values: dict[str, str] = {}
        self.backends: dict[str, EchoServer | LineServer] = {}
        self.target: subprocess.Popen | None = None
        self.observed: list = []

    # Placeholders

    def value(self, kind: str, name: str | None) -> str | None:
        if made := self.certificates.value(kind, name or ""):
            return made
        if name is None and kind in self.values:
            return self.values[kind]
        if name is None and (LISTEN.fullmatch(kind) or ECHO.fullmatch(kind) or LINES.fullmatch(kind) or kind == "DEAD"):
            return self.values.setdefault(kind, str(self.ports.take()))
        return None

    def fill(self, thing):
        if isinstance(thing, str):
            return PLACEHOLDER.sub(lambda m: self.value(m[1], m[2]) or m[0], thing)
        if isinstance(thing, list):
            return [self.fill(one) for one in thing]
        if isinstance(thing, dict):
            return {key: self.fill(one) for key, one in thing.items()}
        return thing

    # Life of the backends and the target

    async def start_backends(self) -> None:
        for name, port in self.values.items():
            if ECHO.fullmatch(name):
                context = None
                if name.endswith("TLS"):
                    pair = await asyncio.to_thread(self.certificates.pair, "backend.example")
                    context = server_context(*pair, str(await asyncio.to_thread(self.certificates.authority, "CA")))
                self.backends[name] = EchoServer(name, context)
            elif LINES.fullmatch(name):
                self.backends[name] = LineServer(name)
            else:
                continue
            await self.backends[name].start("127.0.0.1", int(port))

    def start_target(self, manifests: str) -> None:
        directory = self.work / "manifests"
        directory.mkdir(parents=True)
        (directory / "case.yaml").write_text(manifests)
        spare = {f"p{i}": str(self.ports.take()) for i in range(1, 5)}
        self.command = [part.format(dir=directory, work=self.work, **spare) for part in shlex.split(self.options.target)]
        self.ready_url = (self.options.ready_url or "").format(**spare)
        environment = {**os.environ, **{k: str(v) for k, v in self.fill(self.case.get("env") or {}).items()}}
        self.log = open(self.work / "target.log", "wb")
        self.target = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       env=environment, start_new_session=True)

    def alive(self) -> None:
        if self.target.poll() is not None:
            raise RuntimeError(f"the target ended with {self.target.returncode}: {self.log_tail()}")

    def logged(self) -> str:
        return (self.work / "target.log").read_text(errors="replace")

    def log_tail(self) -> str:
        return self.logged()[-600:].strip()

    async def wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.options.ready_timeout
        while self.ready_url and not await asyncio.to_thread(answers, self.ready_url):
            self.alive()
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready after {self.options.ready_timeout} s: {self.log_tail()}")
            await asyncio.sleep(0.05)
        listening = [int(port) for name, port in self.values.items() if LISTEN.fullmatch(name)]
        if not self.case.get("serves", True):
            await asyncio.sleep(self.options.settle if self.ready_url else 3)
            return
        if self.ready_url:
            deadline = time.monotonic() + 20
        while not any([await accepts(port) for port in listening]):
            self.alive()
            if time.monotonic() > deadline and self.ready_url:
                break  # it says that it is ready: then refused connections are its answer
            if time.monotonic() > deadline:
                raise RuntimeError(f"no listener after {self.options.ready_timeout} s: {self.log_tail()}")
            await asyncio.sleep(0.05)
        await asyncio.sleep(self.options.settle)

    async def stop(self) -> None:
        if self.target and self.target.poll() is None:
            os.killpg(self.target.pid, signal.SIGTERM)
            try:
                await asyncio.to_thread(self.target.wait, 10)
            except subprocess.TimeoutExpired:
                os.killpg(self.target.pid, signal.SIGKILL)
                self.target.wait()
        for backend in self.backends.values():
            await backend.stop()

    # Requests

    async def run(self) -> list[str]:
        self.work.mkdir(parents=True)
        manifests = await asyncio.to_thread(self.fill, self.case["manifests"])
        requests = await asyncio.to_thread(self.fill, self.case["requests"])
        self.secrets = confidential.of_manifests(manifests) | confidential.of_requests(requests)
        try:
            await self.start_backends()
            await asyncio.to_thread(self.start_target, manifests)
            await self.wait_until_ready()
            problems: list[str] = []
            jars: dict[str, dict[str, str]] = {}
            for number, request in enumerate(requests, 1):
                for problem in await self.step(request, jars):
                    what = "counts" if "counts" in request else client.readable(request)
                    problems.append(f"[{number}] {what}: {problem}")
            return problems
        except RuntimeError as error:
            return [str(error)]
        finally:
            await self.stop()

    async def step(self, request: dict, jars: dict) -> list[str]:
        expect = request.get("expect") or {}
        if self.options.against == "original" and "original" in request:
            expect = request["original"]
        if wait := request.get("wait_ms"):
            await asyncio.sleep(wait / 1000)
        if "counts" in request:
            wanted = request["counts"]
            if self.options.against == "original" and "original" in request:
                wanted = request["original"]
            return await self.check_counts(wanted)
        count = request.get("count", 1)
        scheme = request.get("scheme", "http")
        default = {"https": "HTTPS", "tls": "TCP", "tcp": "TCP"}.get(scheme, "HTTP")
        name = request.get("port", default)
        port = int(self.values.get(name) or name)
        jar = jars.setdefault(request["session"], {}) if "session" in request else None
        limit = count if request.get("parallel") else PARALLEL if count >= 50 and jar is None else 1
        gate = asyncio.Semaphore(limit)
        if name := (request.get("tls") or {}).get("client_cert"):
            await asyncio.to_thread(self.certificates.pair, name)

        async def one() -> client.Observed:
            async with gate:
                return await client.send(request, port, self.certificates.pair, jar)

        replies = await asyncio.gather(*(one() for _ in range(count)))
        self.observed.append([asdict(r) for r in replies[:40]])
        return check_one(expect, replies[0]) if count == 1 else check_many(expect, replies)

    async def check_counts(self, wanted: dict) -> list[str]:
        """Requests that each backend has received since the start; mirrored ones may come late."""
        for _ in range(200):
            came = {name: self.backends[name].count for name in wanted}
            good = all(low <= came[name] <= high for name, (low, high) in (
                (n, w if isinstance(w, list) else (w, w)) for n, w in wanted.items()))
            if good:
                break
            await asyncio.sleep(0.1)
        self.observed.append(came)
        return [] if good else [f"expected {wanted}, came {came}"]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    except OSError:
        return False


def load(paths: list[str], only: list[str], skip: list[str]) -> list[dict]:
    files = [f for p in map(Path, paths) for f in (sorted(p.rglob("*.yaml")) if p.is_dir() else [p])]
    cases = [{**yaml.safe_load(f.read_text()), "file": str(f)} for f in files]
    names = [case["name"] for case in cases]
    if twice := {n for n in names if names.count(n) > 1}:
        sys.exit(f"names used twice: {', '.join(sorted(twice))}")

    def named(case: dict, patterns: list[str]) -> bool:
        return any(fnmatch.fnmatch(case["name"], p) or case["area"] == p for p in patterns)

    return [case for case in cases if (not only or named(case, only)) and not named(case, skip)]


async def run_all(cases: list[dict], options: argparse.Namespace, work: Path) -> int:
    certificates, ports = Certificates(work / "certificates"), Ports()
    for name in ("CA", "CA2"):
        certificates.authority(name)
    gate, failed = asyncio.Semaphore(options.jobs), []
    observations = open(options.observe, "w") if options.observe else None

    async def one(case: dict) -> None:
        async with gate:
            run = CaseRun(case, options, certificates, ports, work)
            try:
                problems = await run.run()
                problems += confidential.problems(run.logged(), run.secrets)
            except Exception as error:  # a broken case must not hide the others
                problems = [f"{type(error).__name__}: {error}"]
            print(f"{'FAIL' if problems else 'PASS'} {case['name']}" + (": " + "; ".join(problems) if problems else ""), flush=True)
            if problems:
                failed.append(case["name"])
            if observations:
                observations.write(json.dumps({"name": case["name"], "observed": run.observed}) + "\n")
                observations.flush()

    await asyncio.gather(*(one(case) for case in cases))
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="command that serves {dir}; {p1}…{p4} are free ports, {work} a scratch directory")
    parser.add_argument("--oracle", metavar="CMD", help="like --target, compared with `original` where a case has it")
    parser.add_argument("--against", choices=["expect", "original"], default="expect", help="which replies to compare with")
    parser.add_argument("--only", action="append", default=[], metavar="NAME|AREA", help="name (may hold *) or area; repeatable")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME|AREA", help="the same, to leave out; repeatable")
    parser.add_argument("--jobs", type=int, default=1, help="cases side by side")
    parser.add_argument("--ready-url", help="must answer 200 before requests are sent; may hold {p1}…{p4}")
    parser.add_argument("--ready-timeout", type=float, default=20)
    parser.add_argument("--settle", type=float, default=0.2, help="seconds to wait after the listener accepts")
    parser.add_argument("--observe", metavar="FILE", help="write what came, one JSON line a case")
    parser.add_argument("--keep", metavar="DIR", help="keep manifests and logs here")
    parser.add_argument("--list", action="store_true", help="only list the cases")
    parser.add_argument("cases", nargs="+", help="directories or files")
    options = parser.parse_args()
    if options.oracle:
        options.target, options.against = options.oracle, "original"
    cases = load(options.cases, options.only, options.skip)
    if options.list:
        for case in cases:
            print(f"{case['area']:14} {case['name']:44} {case['why']}")
        return 0
    if not options.target:
        parser.error("--target is needed")
    work = Path(options.keep or tempfile.mkdtemp(prefix="corpus-")).resolve()
    try:
        return asyncio.run(run_all(cases, options, work))
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
