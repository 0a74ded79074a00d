"""A browser of few words: it keeps cookies, shows where it is sent, and fills in forms."""
from __future__ import annotations

import http.client
import json
import socket
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin

from program import DemoError

MOST_REDIRECTS = 10


class Local(http.client.HTTPConnection):
    """Every name is one of this machine: not every resolver knows what is below `localhost`."""

    def connect(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port), self.timeout)


class LocalHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(Local, request)


class AsItCame(urllib.request.HTTPErrorProcessor):
    """No answer is an error, and no redirect is followed unasked."""

    def http_response(self, request: object, response: http.client.HTTPResponse) -> http.client.HTTPResponse:
        return response


class Form(HTMLParser):
    """The first form of a page, with its fields and the first of its buttons."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action, self.fields, self.pressed = None, {}, False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = values.get("action")
        elif tag == "input" or (tag == "button" and not self.pressed):
            self.pressed = self.pressed or tag == "button"
            if name := values.get("name"):
                self.fields[name] = values.get("value") or ""


@dataclass
class Page:
    url: str
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def location(self) -> str | None:
        """Where it sends the browser."""
        to = self.headers.get("location")
        return to and urljoin(self.url, to)


class Browser:
    # Whatever any browser was given to be known by.
    given: set[str] = set()

    def __init__(self, cookies: CookieJar | None = None) -> None:
        self.cookies = CookieJar() if cookies is None else cookies
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies), LocalHandler, AsItCame)

    def another_tab(self) -> Browser:
        """Tabs have the same cookies."""
        return Browser(self.cookies)

    def cookie(self, name: str) -> str:
        for cookie in self.cookies:
            if cookie.name == name:
                return cookie.value or ""
        raise DemoError(f"expected a cookie {name}, there are {[cookie.name for cookie in self.cookies]}")

    def get(self, url: str, form: dict[str, str] | None = None, accept: str = "text/html",
            headers: dict[str, str] | None = None) -> Page:
        """One request: a POST where there is a form."""
        return self.ask(url, None if form is None else urlencode(form).encode(), {"accept": accept, **(headers or {})})

    def post(self, url: str, document: object) -> Page:
        """What a page's script sends."""
        return self.ask(url, json.dumps(document).encode(), {"accept": "application/json", "content-type": "application/json"})

    def ask(self, url: str, body: bytes | None, headers: dict[str, str]) -> Page:
        request = urllib.request.Request(url, body, headers)
        with self.opener.open(request, timeout=10) as reply:
            page = Page(url, reply.status, reply.headers, reply.read().decode(errors="replace"))
        Browser.given |= {cookie.value for cookie in self.cookies if cookie.value}
        return page

    def visit(self, url: str, form: dict[str, str] | None = None) -> Page:
        """A page, and those that it leads to."""
        page = self.get(url, form)
        for _ in range(MOST_REDIRECTS):
            if not page.location:
                return page
            page = self.get(page.location)
        raise DemoError(f"expected a page, is sent on and on: {page.location}")

    def fill_in(self, page: Page, **fields: str) -> Page:
        """Fills in a page's form, presses its first button, and goes where that leads."""
        form = Form(page.body)
        if form.action is None:
            raise DemoError(f"expected a form at {page.url}, came {page.status} {page.body[:200]!r}")
        return self.visit(urljoin(page.url, form.action), form.fields | fields)
