"""Orders need a login: with a browser, with a token, and until the logout."""
from __future__ import annotations

import json
import re
from urllib.parse import urlencode, urlsplit

from accounts import ENDPOINTS
from browser import Browser, Page
from program import wait_until
from shop import Reply, expect, request
from stage import Stage

# One of those who have an account (examples/shop/accounts).
ANN = {"name": "ann", "password": "bell"}
ORDERS = "/api/orders"


def with_token(stage: Stage, path: str, method: str = "GET", body: object = None, token: str | None = None) -> Reply:
    return request(stage, path, method, body, {"authorization": f"Bearer {token or stage.accounts.token()}"})


def login_form(stage: Stage, browser: Browser, url: str) -> Page:
    """The provider's form, to which a page that needs a login sends the browser."""
    sent = browser.get(url)
    expect(sent.status == 302 and urlsplit(sent.location).netloc == stage.accounts.address,
           f"{url} to send a browser to the login, came {sent.status} {sent.location}")
    form = browser.visit(sent.location)
    expect(form.status == 200 and 'type="password"' in form.body, f"a form to log in, came {form.status} at {form.url}")
    return form


def orders_need_a_login(stage: Stage) -> str:
    asked, browser = f"{stage.url}{ORDERS}?page=1", Browser()
    refused = browser.get(asked, accept="application/json")
    expect((refused.status, len(browser.cookies)) == (401, 0), f"401 for a program, and no cookie; came {refused.status}")

    form = login_form(stage, browser, asked)
    wrong = browser.fill_in(form, **ANN | {"password": "horn"})
    expect(wrong.status == 401, f"a wrong password to be refused, came {wrong.status}")
    page = browser.fill_in(wrong, **ANN)
    expect((page.url, page.status) == (asked, 200), f"{asked} after the login, came {page.status} at {page.url}")
    expect({order["user"] for order in json.loads(page.body)} == {"ann"}, f"the orders of ann, came {page.body}")
    return f"401 for a program; for a browser the provider's form, and then {ORDERS}?page=1"


def the_portal_knows_who_is_logged_in(stage: Stage) -> str:
    """The first call of a newcomer: from the portal by way of the login back to it."""
    page, browser = "/docs/changes", Browser()
    public = browser.get(stage.url + page)
    expect(public.status == 200 and "/docs/login?to=" in public.body, f"a page with a way in, came {public.status}")
    form = login_form(stage, browser, f"{stage.url}/docs/login?{urlencode({'to': page})}")
    back = browser.fill_in(form, **ANN)
    expect((back.url, back.status) == (stage.url + page, 200) and ">ann</span>" in back.body,
           f"{page} for ann after the login, came {back.status} at {back.url}")
    tried = browser.get(f"{stage.url}{ORDERS}", accept="application/json")
    expect(tried.status == 200, f"the orders of ann for the page, came {tried.status}")
    return "from the portal to the login and back, and then its requests are answered"


def the_portal_shows_the_preview(stage: Stage) -> str:
    """To who works for the shop: which routes of the host lead elsewhere there."""
    page, browser = f"{stage.url}/docs/previews", Browser()
    back = browser.fill_in(login_form(stage, browser, f"{stage.url}/docs/login?{urlencode({'to': '/docs/previews'})}"), **ANN)
    expect((back.url, back.status) == (page, 200), f"the previews for ann, came {back.status} at {back.url}")
    found = re.search(r'href="(/docs/previews/[^"/]+/cart-v2)"', back.body)
    expect(found is not None, "the preview of the cart among them")
    shown = browser.get(stage.url + found[1]).body.replace("<wbr>", "")
    expect(stage.preview() in shown and "/api/carts/" in shown and "cart-v2" in shown, "its URL, and the routes that it changes")
    return "its URL and its map of routes, for ann"


def a_key_of_ones_own_does_too(stage: Stage) -> str:
    """From the login to curl: a key that ann makes in the portal, and uses without a browser."""
    page, browser = f"{stage.url}/docs/keys", Browser()
    back = browser.fill_in(login_form(stage, browser, f"{stage.url}/docs/login?{urlencode({'to': '/docs/keys'})}"), **ANN)
    expect((back.url, back.status) == (page, 200) and "Orders" in back.body, f"the keys of ann, and what takes them, came {back.status} at {back.url}")
    made = re.search(r'id="secret">([^<]+)<', browser.visit(page, {"name": "laptop"}).body)
    expect(made is not None, "a page that shows the new key")
    Browser.given.add(made[1])
    asked = lambda: request(stage, ORDERS, headers={"x-api-key": made[1]}).status
    wait_until(lambda: asked() == 200, "orders for who has the key", stage.gateway)
    expect(request(stage, ORDERS, headers={"x-api-key": made[1][::-1]}).status in (401, 403), "another key to be refused")
    return "a key made in the portal after the login, 200 with it and no browser"


def a_token_does_too(stage: Stage) -> str:
    expect(with_token(stage, f"{ORDERS}/1").status == 200, "an order for a program with a token")
    token = stage.accounts.token()
    signed, signature = token.rsplit(".", 1)
    forged = with_token(stage, f"{ORDERS}/1", token=f"{signed}.{signature[::-1]}")
    expect(forged.status == 401, f"401 for a token with another signature, came {forged.status}")
    spoofed = request(stage, ORDERS, headers={"x-customer": "ann", "accept": "application/json"})
    expect(spoofed.status == 401, f"401 for who only says that he is ann, came {spoofed.status}")
    listed = request(stage, ORDERS, headers={"x-customer": "ann", "authorization": f"Bearer {token}"})
    expect((listed.status, json.loads(listed.body)) == (200, []), f"no orders of ann for a robot, came {listed.body!r}")
    return "200 with a token, 401 with a forged one; the gateway alone says whose orders"


def a_logout_ends_it_in_every_tab(stage: Stage) -> str:
    first = Browser()
    orders, account = f"{stage.url}{ORDERS}", f"{stage.url}/account"
    expect(first.fill_in(login_form(stage, first, orders), **ANN).status == 200, "a login")
    second = first.another_tab()
    expect(second.get(account).status == 200, "the other tab to be logged in too")

    who = json.loads(second.get(f"{stage.url}/.nuncio/userinfo", accept="application/json").body)
    form = {"realm": who["realm"], "_xsrf": first.cookie(f"ambassador_xsrf.{who['realm']}")}
    forged = second.get(f"{stage.url}{ENDPOINTS}logout", form | {"_xsrf": "guessed"})
    expect(forged.status == 403 and first.get(orders).status == 200, "a logout that no page of the shop asked for to be refused")
    asked = first.visit(f"{stage.url}{ENDPOINTS}logout", form)
    out = first.fill_in(asked)
    expect((out.url, out.status) == (f"{stage.url}/", 200), f"the front page after the logout, came {out.status} at {out.url}")

    expect(second.get(orders, accept="application/json").status == 401, "a program in the other tab to be told 401")
    login_form(stage, second, orders)
    return "the other tab is asked for its password again"


# Shorter texts may stand in a log by chance.
SHORTEST_SECRET = 16


def no_log_holds_a_secret(stage: Stage) -> str:
    """Tokens, cookies, passwords and keys of all that was done before."""
    key = (stage.work / "shop.key").read_text().splitlines()[1:-1]
    known = {*stage.accounts.passwords.values(), *stage.accounts.given, *Browser.given, *key}
    known = {secret for secret in known if len(secret) >= SHORTEST_SECRET}
    logs = sorted({*stage.work.glob("*.log"), stage.requests})
    lines = [(log.name, line) for log in logs for line in log.read_text(errors="replace").splitlines()]
    found = [f"{name}: {line}" for name, line in lines if any(secret in line for secret in known)]
    silent = {"nuncio.log", stage.requests.name} - {name for name, _ in lines}
    expect(not silent, f"lines to look at in {sorted(silent)}")
    expect(not found and len(known) > len(key), f"none of {len(known)} secrets in any log, came {found[:3]}")
    return f"{len(lines)} lines of {len(logs)} logs, and in none of them one of {len(known)} secrets"
