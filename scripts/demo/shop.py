"""Requests to the shop, through the gateway."""
from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field

from program import DemoError
from stage import HOST, Stage


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def served_by(self) -> str | None:
        return self.headers.get("x-served-by")


def expect(holds: object, what: str) -> None:
    if not holds:
        raise DemoError(f"expected {what}")


def send(connection: http.client.HTTPConnection, method: str, path: str, port: int, body: object = None,
         headers: dict[str, str] | None = None) -> Reply:
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body),
                           headers={"host": f"{HOST}:{port}", "content-type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        return Reply(reply.status, reply.headers, reply.read())
    finally:
        connection.close()


def request(stage: Stage, path: str, method: str = "GET", body: object = None,
            headers: dict[str, str] | None = None) -> Reply:
    """One request on a connection of its own."""
    port = stage.ports["http"]
    return send(http.client.HTTPConnection("127.0.0.1", port, timeout=5), method, path, port, body, headers)


def serves(stage: Stage) -> bool:
    try:
        return request(stage, "/api/products").status == 200
    except (OSError, http.client.HTTPException):
        return False


@dataclass
class Traffic:
    """Requests one after the other, until stopped; what was not answered with 200 is kept."""

    stage: Stage
    path: str
    sent: int = 0
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> Traffic:
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()

    def run(self) -> None:
        while not self.stopping.is_set():
            self.sent += 1
            try:
                reply = request(self.stage, self.path)
                if reply.status != 200:
                    self.failures.append(str(reply.status))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))

    def expect_all_answered(self) -> None:
        expect(self.sent > 0, "requests to have been sent")
        expect(not self.failures, f"no failed request, but {len(self.failures)} of {self.sent} failed: "
                                  f"{self.failures[:3]}")
