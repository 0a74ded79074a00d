"""The things of the tours, done and asserted without anybody watching."""
from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import socket
import ssl
import statistics
import subprocess
import time

from kube import SHOP, ClusterStage
from login_checks import (a_key_of_ones_own_does_too, a_logout_ends_it_in_every_tab, a_token_does_too, no_log_holds_a_secret,
                          orders_need_a_login, the_portal_knows_who_is_logged_in, the_portal_shows_the_preview, with_token)
from preview_checks import (a_preview_has_a_url_of_its_own, a_preview_may_be_for_who_has_logged_in,
                            a_preview_shows_three_services_deep, a_process_of_ones_own_stands_in, orders_need_a_login_in_a_preview)
from program import DemoError, wait_until
from shop import Reply, Traffic, expect, request, send, serves
from stage import HOST, DirectoryStage, Stage

CHANGES = 20
# What limits.yaml allows a user.
LIMIT = 5
CANARY_REQUESTS = 1000
# 10 % of 1000 has a standard deviation of 0.95 points: four of them either way.
CANARY_SHARE = (0.06, 0.14)
# How long the API server is away: seconds.
OUTAGE = 5
# A service that cannot be one.
BROKEN = '{"spec": {"service": "http://a b"}}'


def the_shop_is_served(stage: Stage) -> str:
    page = request(stage, "/?user=ann")
    expect(page.status == 200 and len(json.loads(page.body)["products"]) == 4, "the front page with four products")

    port, context = stage.ports["https"], ssl.create_default_context(cafile=str(stage.work / "shop.crt"))
    raw = socket.create_connection(("127.0.0.1", port), timeout=5)
    secure = http.client.HTTPSConnection("127.0.0.1", port, timeout=5)
    secure.sock = context.wrap_socket(raw, server_hostname=HOST)
    expect(send(secure, "GET", "/", port).status == 200, "the front page over TLS, with the shop's certificate")

    port = stage.ports["tcp"]
    plain = send(http.client.HTTPConnection("127.0.0.1", port, timeout=5), "GET", "/", port)
    expect(plain.served_by == "web/v1", "the front page by the TCPMapping")

    moved = request(stage, "/index.html")
    expect((moved.status, moved.headers.get("location")) == (308, f"http://{HOST}:{stage.ports['http']}/"),
           f"a redirect to the front page, came {moved.status} {moved.headers.get('location')}")

    expect(request(stage, "/api/carts/ann/lines/bell", "PUT", {"quantity": 2}).status == 200, "a bell in the cart")
    order = with_token(stage, "/api/orders", "POST", {"user": "ann"})
    expect(order.status == 201 and json.loads(order.body)["total_cents"] == 2500, "an order for two bells")
    return "front page over HTTP, TLS and TCP, a redirect, an order"


def requests_are_written_apart(stage: Stage) -> str:
    asked = '"GET /api/products '
    written = lambda: stage.requests.exists() and asked in stage.requests.read_text(errors="replace")
    wait_until(lambda: serves(stage) and written(), f"a request in {stage.requests.name}", stage.gateway)
    said = (stage.work / "nuncio.log").read_text(errors="replace")
    expect(asked not in said, "none of them in the terminal, where they would bury the tour")
    return f"each is a line of {stage.requests.name}, and none of the terminal's"


def a_change_loses_nothing(stage: Stage) -> str:
    took, note = [], "open"
    with Traffic(stage, "/api/products") as traffic:
        for number in range(CHANGES):
            before, note = note, f"change-{number}"
            stage.change("catalog.yaml", f"value: {before}", f"value: {note}")
            took.append(wait_until(lambda: request(stage, "/api/products").headers.get("x-shop-note") == note,
                                   f"x-shop-note: {note}", stage.gateway))
    traffic.expect_all_answered()
    return (f"{CHANGES} changes, {traffic.sent} requests beside them, none failed; "
            f"seen after {1000 * statistics.median(took):.0f} ms (median, by polling every 20 ms)")


def share_of_v2(stage: Stage, requests: int) -> float:
    served = [request(stage, "/api/carts/ann").served_by for _ in range(requests)]
    expect(set(served) <= {"cart/v1", "cart/v2"}, f"only carts to answer, came {set(served)}")
    return served.count("cart/v2") / requests


def the_canary_gets_its_share(stage: Stage) -> str:
    low, high = CANARY_SHARE
    share = share_of_v2(stage, CANARY_REQUESTS)
    expect(low <= share <= high, f"a share from {low:.0%} to {high:.0%} for the canary, came {share:.1%}")

    by_header = request(stage, "/api/carts/ann", headers={"x-cart-version": "v2"})
    expect(by_header.served_by == "cart/v2", f"x-cart-version: v2 to choose the canary, came {by_header.served_by}")

    stage.change("cart.yaml", "weight: 10", "weight: 100")
    wait_until(lambda: share_of_v2(stage, 20) == 1, "the canary to take everything", stage.gateway)
    return f"{share:.1%} of {CANARY_REQUESTS} requests; all of them after its weight became 100"


def nuncio(stage: Stage, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(stage.nuncio), *arguments], capture_output=True, text=True, timeout=30)


def a_broken_file_hurts_nobody(stage: DirectoryStage) -> str:
    file = stage.manifests / "catalog.yaml"
    whole = file.read_text()
    before = nuncio(stage, "check", str(stage.manifests))
    expect(before.returncode == 0, f"`nuncio check` to find nothing yet:\n{before.stdout}{before.stderr}")

    with Traffic(stage, "/api/products") as traffic:
        # As `echo >>` does: in place.
        file.write_text(whole + "  prefix: [\n")
        found = nuncio(stage, "check", str(stage.manifests))
        expect(found.returncode == 1, f"`nuncio check` to exit with 1, came {found.returncode}")
        place = re.search(r"catalog\.yaml:\d+", found.stdout + found.stderr)
        expect(place, f"`nuncio check` to name catalog.yaml and a line:\n{found.stdout}{found.stderr}")
        wait_until(lambda: b"catalog.yaml" in problems(stage), "the problem among the gateway's", stage.gateway)
        expect(serves(stage), "the catalog to be served as the file last said")
        file.write_text(whole)
        wait_until(lambda: b"catalog.yaml" not in problems(stage), "the problem to go", stage.gateway)
    traffic.expect_all_answered()
    return f"shown at {place[0]}; the catalog and the rest went on ({traffic.sent} requests)"


def problems(stage: Stage) -> bytes:
    admin = http.client.HTTPConnection(stage.admin, timeout=5)
    # Diagnostics are not served under the shop's name.
    reply = send(admin, "GET", "/api/v1/problems", stage.ports["admin"], headers={"host": stage.admin})
    expect(reply.status == 200, f"a list of problems, came {reply.status} {reply.body!r}")
    return reply.body


def states_are_shown(stage: ClusterStage) -> str:
    listed = lambda: stage.cluster.kubectl("get", "mappings", "--all-namespaces")
    wait_until(lambda: all("Running" in line for line in listed().splitlines()[1:]), "every Mapping to run", stage.gateway)
    rows = listed().splitlines()
    expect("STATE" in rows[0] and any("cart-canary" in row for row in rows), f"a column STATE:\n{rows[0]}")
    return f"{len(rows) - 1} Mappings, each Running"


def a_broken_object_says_what_to_change(stage: ClusterStage) -> str:
    described = lambda: stage.cluster.kubectl("describe", "mapping", "catalog", "--namespace", SHOP)
    with Traffic(stage, "/api/products") as traffic:
        stage.cluster.kubectl("patch", "mapping", "catalog", "--namespace", SHOP, "--type=merge", "-p", BROKEN)
        wait_until(lambda: "Inactive" in described() and "Warning" in described(), "the catalog to say that it is broken",
                   stage.gateway)
        told = described()
        expect("spec.service" in told and "http://a b" in told, f"`kubectl describe` to name the field and the value:\n{told}")
        expect(serves(stage), "the catalog to be served as it last was")
        stage.apply("catalog.yaml")
        wait_until(lambda: "Running" in described(), "the catalog to be mended", stage.gateway)
    traffic.expect_all_answered()
    reason = re.search(r"Message: +(spec\.service.*)", told)
    return f"{reason[1] if reason else 'it names spec.service'}; the rest went on ({traffic.sent} requests)"


def an_api_server_that_is_gone_costs_nothing(stage: ClusterStage) -> str:
    with Traffic(stage, "/api/products") as traffic:
        stage.kill_api_server()
        time.sleep(OUTAGE)
        expect(serves(stage), "the shop to be served without an API server")
        stage.restart_api_server()
        stage.change("catalog.yaml", f"value: change-{CHANGES - 1}", "value: back")
        wait_until(lambda: request(stage, "/api/products").headers.get("x-shop-note") == "back",
                   "the change after it", stage.gateway)
    traffic.expect_all_answered()
    return f"away for {OUTAGE} s, {traffic.sent} requests beside that, none failed; the next change was seen"


def explain_names_the_route(stage: Stage) -> str:
    url = f"http://{HOST}:{stage.ports['http']}/api/carts/ann"
    for where in (["--admin", stage.admin], stage.origin()):
        told = nuncio(stage, "explain", url, "-H", "x-cart-version: v2", *where)
        expect(told.returncode == 0 and "cart-by-header" in told.stdout,
               f"`nuncio explain` to name cart-by-header:\n{told.stdout}{told.stderr}")
        listed = nuncio(stage, "routes", *where)
        expect(listed.returncode == 0 and "/api/products" in listed.stdout,
               f"`nuncio routes` to list /api/products:\n{listed.stdout}{listed.stderr}")
    return "explain and routes, from the running gateway and from the manifests"


def the_portal_shows_every_service(stage: Stage) -> str:
    def shown() -> dict[str, dict]:
        reply = request(stage, "/docs/api/v1/apis")
        return {api["name"]: api for api in json.loads(reply.body)["apis"]} if reply.status == 200 else {}

    for typed, led in (("/docs", "/docs/"), ("/docs/changes/?by=path", "/docs/changes?by=path")):
        reply = request(stage, typed)
        expect((reply.status, reply.headers.get("location")) == (308, led), f"{typed} to lead to {led}, came {reply.status}")
    names = {"cart", "catalog", "orders", "web"}
    wait_until(lambda: {name for name, api in shown().items() if api["state"] == "current"} >= names,
               "the portal to have the documents of all four services", stage.gateway)
    apis = shown()
    page = request(stage, apis["cart"]["page"])
    expect(page.status == 200 and b"/api/carts/{user}" in page.body.replace(b"<wbr>", b""), f"the cart's page with its paths, came {page.status}")
    document = json.loads(request(stage, apis["cart"]["document"]).body)
    servers = [server["url"] for server in document["servers"]]
    expect(f"http://{HOST}:{stage.ports['http']}" in servers and "/api/carts/{user}" in document["paths"],
           f"the cart's document as clients meet it, came {servers} {list(document['paths'])}")
    return f"{len(names)} services with {sum(apis[name]['operations'] for name in names)} operations"


def a_limit_holds_one_user_up(stage: Stage) -> str:
    def ask(user: str) -> Reply:
        return request(stage, "/api/products", headers={"x-user": user})

    passed = [ask("ann").status for _ in range(LIMIT)]
    expect(passed == [200] * LIMIT, f"{LIMIT} answers for ann, came {passed}")
    refused = ask("ann")
    wait = refused.headers.get("retry-after", "")
    expect(refused.status == 429 and wait.isdigit(), f"429 with Retry-After, came {refused.status} {wait!r}")
    expect(ask("bob").status == 200, "bob to be served")

    url = f"http://{HOST}:{stage.ports['http']}/api/products"
    told = nuncio(stage, "explain", url, "-H", "x-user: ann", "--admin", stage.admin)
    expect(re.search("RateLimit [a-z-]+/products", told.stdout), f"`nuncio explain` to name the rule:\n{told.stdout}{told.stderr}")

    # Every try with a user of its own: requests that are refused may count too.
    users = (f"user-{number}" for number in itertools.count())

    def held_up_after(allowed: int) -> bool:
        user = next(users)
        return [ask(user).status for _ in range(allowed + 1)] == [200] * allowed + [429]

    expect(held_up_after(LIMIT), f"a 429 after {LIMIT} answers")
    raised, envoys = LIMIT + 3, stage.envoys()
    stage.change("limits.yaml", f"rate: {LIMIT}", f"rate: {raised}")
    # It fails where the gateway has ended.
    wait_until(lambda: held_up_after(raised), f"a 429 after {raised} answers", stage.gateway)
    expect(stage.envoys() == envoys, f"Envoy to be the same process, came {stage.envoys()} for {envoys}")
    return (f"429 for ann with Retry-After: {wait}, 200 for bob; explain names the rule; "
            f"429 after {raised} once the limit was raised, by the same process {stage.gateway.process.pid}")


def envoy_comes_back(stage: Stage) -> str:
    before = stage.envoys()
    expect(len(before) == 1, f"one Envoy, came {before}")
    os.kill(before[0], signal.SIGKILL)
    start = time.monotonic()
    wait_until(lambda: stage.envoys() not in ([], before), "another Envoy", stage.gateway)
    wait_until(lambda: serves(stage), "the shop to be served again", stage.gateway)
    return f"served again {time.monotonic() - start:.1f} s after Envoy was killed"


def nothing_is_left(stage: Stage) -> str:
    sessions = [program.process.pid for program in stage.programs]
    left = stage.close()
    expect(not left, f"every process to end when asked; {left} of sessions {sessions} had to be killed")
    expect(not serves(stage), "the port to be closed")
    return "everything ended when asked"


DIRECTORY = [the_shop_is_served, requests_are_written_apart, a_preview_has_a_url_of_its_own, a_preview_shows_three_services_deep,
             a_process_of_ones_own_stands_in, a_change_loses_nothing, the_canary_gets_its_share,
             a_broken_file_hurts_nobody, explain_names_the_route, the_portal_shows_every_service, a_limit_holds_one_user_up, orders_need_a_login,
             the_portal_knows_who_is_logged_in, the_portal_shows_the_preview,
             orders_need_a_login_in_a_preview, a_preview_may_be_for_who_has_logged_in, a_token_does_too, a_key_of_ones_own_does_too,
             a_logout_ends_it_in_every_tab, envoy_comes_back,
             no_log_holds_a_secret, nothing_is_left]
CLUSTER = [the_shop_is_served, requests_are_written_apart, a_preview_has_a_url_of_its_own, a_preview_shows_three_services_deep,
           a_process_of_ones_own_stands_in, states_are_shown, a_change_loses_nothing,
           the_canary_gets_its_share, a_broken_object_says_what_to_change, an_api_server_that_is_gone_costs_nothing, explain_names_the_route,
           the_portal_shows_every_service, a_limit_holds_one_user_up, orders_need_a_login,
           the_portal_knows_who_is_logged_in, the_portal_shows_the_preview,
             orders_need_a_login_in_a_preview, a_preview_may_be_for_who_has_logged_in, a_token_does_too, a_key_of_ones_own_does_too,
             a_logout_ends_it_in_every_tab, envoy_comes_back,
           no_log_holds_a_secret, nothing_is_left]


def run(stage: Stage) -> bool:
    """Every check in turn; the first that fails ends it, since the next build on it."""
    for check in CLUSTER if isinstance(stage, ClusterStage) else DIRECTORY:
        name = check.__name__.replace("_", " ")
        try:
            print(f"PASS {name}: {check(stage)}", flush=True)
        except (DemoError, OSError, http.client.HTTPException, subprocess.TimeoutExpired, ValueError) as error:
            print(f"FAIL {name}: {error}", flush=True)
            for program in stage.programs:
                print(f"{program.name} said{program.last_words() or ' nothing'}")
            return False
    return True
