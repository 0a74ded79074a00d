"""Programs that the demonstration starts, and waiting for them."""
from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

# On a busy machine, too.
READY_SECONDS = 60
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


def executable(pid: int) -> Path | None:
    try:
        return Path(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    except OSError:
        return False


def answer(url: str, host: str | None = None) -> str | None:
    """What is answered with 200, to who asks for another host than the address."""
    request = urllib.request.Request(url, headers={"host": host} if host else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=2) as reply:
            return reply.read().decode() if reply.status == 200 else None
    except (OSError, urllib.error.URLError, http.client.HTTPException):
        return None


def answers(url: str, host: str | None = None) -> bool:
    return answer(url, host) is not None


def wait_until(holds, what: str, program: Program, seconds: float = READY_SECONDS) -> float:
    """Waits until something holds and returns how many seconds that took; fails when the program ends meanwhile."""
    start = time.monotonic()
    while not holds():
        program.check()
        if time.monotonic() - start > seconds:
            raise DemoError(f"waited {seconds:g} s for {what}{program.last_words()}")
        time.sleep(0.02)
    return time.monotonic() - start
