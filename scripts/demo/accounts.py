"""The shop's identity provider: its clients, their passwords, and tokens for programs."""
from __future__ import annotations

import base64
import http.client
import json
import secrets
from pathlib import Path
from urllib.parse import urlencode

from program import DemoError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / ".tools/oidc-provider/node_modules/oidc-provider/lib/index.js"
PROGRAM = ROOT / "examples/shop/accounts/accounts.mjs"
ENDPOINTS = "/.ambassador/oauth2/"
# Clients of programs that have no user: a customer's, and that of the shop's developers.
ROBOT, DEVELOPER = PROGRAMS = ("robot", "developer")


class Accounts:
    """The provider, with a password for each client that only this run knows."""

    def __init__(self, port: int, shop: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self.shop = shop
        self.given: set[str] = set()
        self.passwords = {name: secrets.token_urlsafe(24) for name in ("shop", *PROGRAMS)}

    def command(self, work: Path) -> list[str]:
        """Its command line; `work` gets its settings, and what curl is to know of each program: nobody else may read them."""
        if not PACKAGE.exists():
            raise DemoError(f"{PACKAGE} is missing: bash scripts/setup.sh oidc")
        settings = work / "accounts.json"
        write_for_us(settings, json.dumps({"address": self.address, "clients": self.clients()}))
        for name in PROGRAMS:
            write_for_us(curl_file(work, name), f'user = "{name}:{self.passwords[name]}"\n')
        return ["node", "--no-warnings", str(PROGRAM), str(PACKAGE), str(settings)]

    def token_command(self, work: Path, name: str) -> str:
        """What a shell gets a program's token by, without a password on the command line."""
        return (f"curl -sS -K {curl_file(work, name)} -d grant_type=client_credentials http://{self.address}/token"
                " | grep -o 'ey[^\"]*'")

    def clients(self) -> list[dict[str, object]]:
        endpoint = lambda name: f"{self.shop}{ENDPOINTS}{name}"
        return [
            {"client_id": "shop", "client_secret": self.passwords["shop"], "grant_types": ["authorization_code"],
             "redirect_uris": [endpoint("redirection-endpoint")],
             "post_logout_redirect_uris": [endpoint("post-logout-redirect")]},
            *({"client_id": name, "client_secret": self.passwords[name], "grant_types": ["client_credentials"],
               "redirect_uris": [], "response_types": []} for name in PROGRAMS),
        ]

    def secret(self) -> str:
        """The Secret that login.yaml names."""
        password = base64.b64encode(self.passwords["shop"].encode()).decode()
        return ("apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-client\ndata:\n"
                f"  oauth2-client-secret: {password}\n")

    def token(self, name: str = ROBOT) -> str:
        """An access token for a program."""
        words = base64.b64encode(f"{name}:{self.passwords[name]}".encode()).decode()
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            connection.request("POST", "/token", urlencode({"grant_type": "client_credentials"}), {
                "authorization": f"Basic {words}", "content-type": "application/x-www-form-urlencoded"})
            reply = connection.getresponse()
            body = reply.read()
        finally:
            connection.close()
        if reply.status != 200:
            raise DemoError(f"expected a token, came {reply.status} {body!r}")
        token = json.loads(body)["access_token"]
        self.given.add(token)
        return token


def curl_file(work: Path, name: str) -> Path:
    return work / f"{name}.curl"


def write_for_us(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
