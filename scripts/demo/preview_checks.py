"""The preview of the shop, and one that a developer makes for a process of his own."""
from __future__ import annotations

import json
import re

import own
from accounts import DEVELOPER
from browser import Browser
from login_checks import ANN, ORDERS, with_token
from program import Program, wait_until
from shop import Traffic, expect, request
from stage import Stage

# What the tour's commands take at most: seconds. The process and its connection are waited for among them.
PATIENCE = 60
# The other one who has an account.
BOB = {"name": "bob", "password": "lamp"}


def a_preview_has_a_url_of_its_own(stage: Stage) -> str:
    url = stage.preview()
    host = url.removeprefix("http://").rstrip("/")
    asked = lambda path, **more: request(stage, path, headers={"host": host}, **more)
    served = {asked("/api/carts/ann").served_by for _ in range(20)}
    expect(served == {"cart/v2"}, f"version 2 of the cart in every answer, came {served}")
    expect(asked("/api/carts/ann").headers.get("x-nuncio-served-by") == "preview", "answers to say that it is the preview")
    page = asked("/?user=ann")
    expect(page.status == 200 and page.headers.get("x-nuncio-served-by") == "baseline", "the shop's own front page around it")
    unknown = request(stage, "/", headers={"host": "web--nobody.preview.localhost"})
    expect(unknown.status == 404 and b"no such preview" in unknown.body, f"a page for what is no preview, came {unknown.status}")
    orders = asked("/api/orders")
    expect(orders.status in (302, 401), f"orders to need a login there too, and to lead to it, came {orders.status}")
    return f"version 2 of the cart inside the shop at {url}"


def a_preview_shows_three_services_deep(stage: Stage) -> str:
    host = stage.preview().removeprefix("http://").rstrip("/")
    filled = request(stage, "/api/carts/pat/lines/bell", "PUT", {"quantity": 2})
    expect(filled.status == 200, f"two bells in a cart, came {filled.status}")
    cart = lambda **more: json.loads(request(stage, "/?user=pat", **more).body)["cart"]
    with Traffic(stage, "/?user=pat") as traffic:
        total = cart(headers={"host": host}).get("total_cents")
        expect(total == 2500, f"the front page of the preview to have version 2's total, came {total}")
        expect("total_cents" not in cart(), "the shop's own front page to have none")
    traffic.expect_all_answered()
    outside = request(stage, "/carts/pat", headers={"host": "cart.internal"})
    expect(outside.status == 404, f"the services' own names to be nobody's at the customers' port, came {outside.status}")
    # The front page asks the cart by the gateway, and the cart the catalog, when something is put into it.
    told = stage.follow_preview("/?user=pat")
    calls = {call["host"]: call for call in told["calls"]}
    expect({"cart.internal", "catalog.internal"} <= set(calls) and all(call["carried"] for call in told["calls"]),
           f"the context to be carried to cart and catalog, came {told}")
    expect(calls["cart.internal"]["served_by"] == "preview", f"the preview's cart behind the front page, came {told}")
    stopped = [call["problem"] for call in stage.follow_preview("/api/orders")["calls"]]
    expect(stopped == ["a login stopped it"], f"the doctor to say that orders need a login, came {stopped}")
    return f"version 2's total on the front page; the doctor followed {len(told['calls'])} calls, none lost the context"


def orders_need_a_login_in_a_preview(stage: Stage) -> str:
    """The tour's first steps in it: the login is the shop's own, at the preview's address."""
    url, browser = stage.preview().rstrip("/"), Browser()
    refused = browser.get(url + ORDERS, accept="application/json")
    expect(refused.status == 401, f"401 for a program, came {refused.status} {refused.body!r}")
    page = browser.fill_in(browser.visit(url + ORDERS), **ANN)
    expect((page.url, page.status) == (url + ORDERS, 200), f"{url}{ORDERS} after the login, came {page.status} at {page.url}")
    expect({order["user"] for order in json.loads(page.body)} == {"ann"}, f"the orders of ann, came {page.body}")
    bought = browser.post(url + ORDERS, {"user": "ann", "lines": [{"sku": "bell", "quantity": 1}]})
    expect(bought.status == 201, f"an order, came {bought.status} {bought.body!r}")
    return f"ann logged in at {url}, and ordered"


def a_preview_may_be_for_who_has_logged_in(stage: Stage) -> str:
    """One for everybody who has an account, then for ann alone: bob is let in, and then he is not."""
    named, token = f"/api/v1/previews/{stage.namespace}/for-some", stage.accounts.token(DEVELOPER)
    shown = made(stage, named, token, {"mode": "Authenticated"})
    url = shown["url"]
    ann, bob = Browser(), Browser()
    for browser, who in ((ann, ANN), (bob, BOB)):
        wait_until(lambda: 'type="password"' in browser.visit(url).body, "the preview to ask for a login", stage.gateway)
        page = browser.fill_in(browser.visit(url), **who)
        expect(page.url.startswith(url) and page.status == 200, f"{url} after the login of {who['name']}, came {page.status} at {page.url}")
    expect(ann.get(f"{url.rstrip('/')}{ORDERS}").status == 200, "orders in it without a second login")
    # So the portal's pages try it.
    tried = ann.get(f"{stage.url}/api/carts/ann", headers={"x-nuncio-preview": shown["selector"]})
    expect((tried.status, tried.headers.get("x-served-by")) == (200, "cart/v2"), f"the preview at the shop's own host, came {tried.status} {tried.body!r}")
    expect(made(stage, named, token, {"mode": "Owner", "owner": "ann"}) == shown, "the preview to stay where it is")
    wait_until(lambda: bob.visit(url).status == 403, "bob to be refused what is for ann", stage.gateway)
    expect(ann.visit(url).status == 200, "ann to be let in still")
    gone = with_token(stage, named, "DELETE", token=token)
    expect(gone.status in (200, 204), f"the preview to be deleted, came {gone.status} {gone.body!r}")
    return "a preview for who has logged in, and then for ann alone"


def made(stage: Stage, named: str, token: str, access: dict[str, str]) -> dict:
    """Makes it be there for some, and gives where it can be seen."""
    manifest = {"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": named.rsplit("/", 1)[1]}, "spec": {
        "services": [{"baseline": "cart", "backend": "cart-v2"}], "entrypoints": [{"name": "web", "host": "shop.localhost"}],
        "access": access}}
    told = with_token(stage, named, "PUT", manifest, token)
    expect(told.status in (200, 201), f"a developer to be allowed a preview for some, came {told.status} {told.body!r}")
    return json.loads(told.body)["preview"]["urls"][0]


def a_process_of_ones_own_stands_in(stage: Stage) -> str:
    """By the tour's commands, as they stand there."""
    rights, named = "/api/v1/previews/rights", f"/api/v1/previews/{stage.namespace}/{own.NAME}"
    may = with_token(stage, rights, token=stage.accounts.token(DEVELOPER))
    expect(may.status == 200 and json.loads(may.body)["tunnels"], f"a developer to be allowed a tunnel, came {may.status} {may.body!r}")
    for status, refused in ((403, with_token(stage, named, "DELETE")), (401, request(stage, named, "DELETE"))):
        expect(refused.status == status, f"{status} for who is no developer, came {refused.status} {refused.body!r}")

    told = pasted(stage, own.commands(stage))
    url = re.search(rf"http://web--{own.NAME}\S+", told)
    expect(url is not None, f"the URL of the preview:\n{told}")
    expect(f'"total_cents": {own.TOTAL}' in told, f"the process to answer for the cart:\n{told}")
    page = re.search(r'^\{.*"products":.*\}$', told, re.MULTILINE)
    expect(page is not None and json.loads(page[0])["cart"].get("total_cents") == own.TOTAL and len(json.loads(page[0])["products"]) == 4,
           f"the shop's own front page around it, with its four products:\n{told}")
    expect(str(own.TOTAL).encode() not in request(stage, "/?user=ann").body, "the shop itself to know nothing of it")
    gone = request(stage, "/", headers={"host": url[0].removeprefix("http://").rstrip("/")})
    expect(gone.status == 410, f"410 once the preview is deleted, came {gone.status}")
    return "the tour's commands made a preview, had a local process answer inside the shop, and took both away"


def pasted(stage: Stage, commands: str) -> str:
    """What a shell says to these commands."""
    log = stage.work / "own.log"
    shell = Program("own", ["bash", "-euc", commands], log)
    try:
        shell.wait(PATIENCE)
        told = log.read_text(errors="replace")
        expect(shell.process.poll() == 0, f"every command of the tour to succeed:\n{told}")
        return told
    finally:
        shell.stop()
