"""What a person is shown, and things to try."""
from __future__ import annotations

import textwrap

import own
from accounts import ROBOT
from checks import BROKEN
from kube import SHOP, ClusterStage
from stage import HOST, Stage

DIRECTORY = """
The shop is open:
{places}

Its manifests, yours to edit until you stop:
  {manifests}

Nine things to try in another terminal, the eighth in a browser:

1. Change a route while requests flow. None fails:
     while curl -sS -o /dev/null -D - http://{host}:{http}/api/products | grep -i x-shop-note; do sleep 0.1; done
   and meanwhile:
     sed -i 's/value: open/value: closing soon/' {manifests}/catalog.yaml

2. See the canary take its 10 %, then give it more (weight in {manifests}/cart.yaml):
     for i in $(seq 200); do curl -sS -o /dev/null -D - http://{host}:{http}/api/carts/ann; done | grep -i x-served-by | sort | uniq -c

3. Break a file. Everything goes on, and the reason is shown:
     echo '  prefix: [' >> {manifests}/catalog.yaml
     curl -sS -i http://{host}:{http}/api/products
     {nuncio} check {manifests}

4. Ask where a request goes, and why:
     {nuncio} explain http://{host}:{http}/api/carts/ann -H 'x-cart-version: v2' --admin {admin}
     {nuncio} routes --admin {admin}

5. Kill Envoy (process {envoy}). It is back in a moment, with everything it knew:
     kill -9 {envoy}; sleep 1; curl -sS http://{host}:{http}/api/products

6. Be held up: a user has five requests an hour for products, and others are not held up by it. Edit the rate, and try again:
     for i in $(seq 7); do curl -sS -o /dev/null -w '%{{http_code}} ' -H 'x-user: ann' http://{host}:{http}/api/products; done
     curl -sS -i -H 'x-user: bob' http://{host}:{http}/api/products
     {nuncio} explain http://{host}:{http}/api/products -H 'x-user: ann' --admin {admin}
     $EDITOR {manifests}/limits.yaml

7. Log in: orders need it. In a browser, open http://{host}:{http}/api/orders. The provider's page says who has an account; then you are back.
   http://{host}:{http}/account in another tab has the way out of both. Programs are told 401, or bring a token of the provider:
     curl -sS -i -H 'accept: application/json' http://{host}:{http}/api/orders
     token=$({robot})
     curl -sS -i -H "authorization: Bearer $token" http://{host}:{http}/api/orders
     {nuncio} explain http://{host}:{http}/api/orders --admin {admin}

8. Do the same as a developer would: http://{host}:{http}/docs/ has the APIs. Choose Orders and its first operation, and Send: the gateway refuses, says why,
   and shows the way in. Log in there (ann, with the password bell), and Send again. For the command line make a key at http://{host}:{http}/docs/keys:
     curl -sS -i -H 'X-API-Key: PASTE-IT-HERE' http://{host}:{http}/api/orders
   Ctrl K finds anything from any page: a field of a schema, such as price_cents, or in the console an object.
   Then change the timeout of the cart, see what that affects, and apply it: http://127.0.0.1:{portal}/console/objects/Mapping/default/cart/edit

{own}
Requests are written to {requests}, and this text to {tour}.
Ctrl-C stops everything.
"""


CLUSTER = """
The shop is open, and its manifests are in a Kubernetes API server:
{places}

Nine things to try in another terminal. First let kubectl find the cluster:
     export KUBECONFIG={kubeconfig} PATH={tools}:$PATH

1. What became of each Mapping:
     kubectl get mappings --all-namespaces

2. Change a route while requests flow. None fails:
     while curl -sS -o /dev/null -D - http://{host}:{http}/api/products | grep -i x-shop-note; do sleep 0.1; done
   and meanwhile:
     kubectl -n {shop} patch mapping catalog --type=merge -p '{{"spec": {{"add_response_headers": {{"x-shop-note": {{"value": "closing soon"}}}}}}}}'

3. Give the canary more than its 10 %:
     kubectl -n {shop} patch mapping cart-canary --type=merge -p '{{"spec": {{"weight": 50}}}}'
     for i in $(seq 200); do curl -sS -o /dev/null -D - http://{host}:{http}/api/carts/ann; done | grep -i x-served-by | sort | uniq -c

4. Break a Mapping. It is served as before, and says what to change:
     kubectl -n {shop} patch mapping catalog --type=merge -p '{broken}'
     kubectl -n {shop} describe mapping catalog
     curl -sS -i http://{host}:{http}/api/products
     kubectl -n {shop} apply -f {manifests}/catalog.yaml      # mends it

5. Ask where a request goes, and why:
     {nuncio} explain http://{host}:{http}/api/carts/ann -H 'x-cart-version: v2' --admin {admin}

6. Stop the API server for a while (process {api_server}). Nothing is lost; a line says so:
     kill -STOP {api_server}; curl -sS http://{host}:{http}/api/products; sleep 20; kill -CONT {api_server}

7. Kill Envoy (process {envoy}). It is back in a moment, with everything it knew:
     kill -9 {envoy}; sleep 1; curl -sS http://{host}:{http}/api/products

8. Log in: orders need it. In a browser, open http://{host}:{http}/api/orders. The provider's page says who has an account; then you are back.
   http://{host}:{http}/account in another tab has the way out of both. Programs are told 401, or bring a token of the provider:
     curl -sS -i -H 'accept: application/json' http://{host}:{http}/api/orders
     token=$({robot})
     curl -sS -i -H "authorization: Bearer $token" http://{host}:{http}/api/orders
     {nuncio} explain http://{host}:{http}/api/orders --admin {admin}
   Or a key, which who has logged in makes at http://{host}:{http}/docs/keys:
     curl -sS -i -H 'X-API-Key: PASTE-IT-HERE' http://{host}:{http}/api/orders

{own}
Requests are written to {requests}, and this text to {tour}.
Ctrl-C stops everything.
"""


OWN = """\
9. See a branch inside the whole shop: {preview} has version 2 of the cart. Logins are the shop's own there: open {preview}api/orders,
   and log in as ann, with the password bell. Then order in it: at {shop}/docs/ choose Orders, the operation that buys, and the preview under where it goes.
   Now have a process of your own stand in for the cart, inside the rest of the shop, at a URL of its own. Here that is Python, which has one cart
   to show ({files}); the token is good for an hour. curl asks again while
   it is told 502 or 503: the process is not there yet, or not connected:
{commands}"""


def places(stage: Stage) -> list[tuple[str, str]]:
    http = stage.url
    return [
        (f"{http}/", "front page (web, which asks catalog and cart)"),
        (f"https://{HOST}:{stage.ports['https']}/", "the same over TLS (curl -k: it signed its certificate itself)"),
        (f"{http}/api/products", "catalog"),
        (f"{http}/api/carts/ann", "cart; /api/carts/ann/events streams its changes"),
        (f"{http}/api/orders", 'orders (POST {"user": "ann"}), for who has logged in'),
        (stage.preview(), "a preview: the same shop with version 2 of the cart, for who has this URL"),
        (f"{http}/docs/", "developer portal: read these APIs, log in, and try them from their pages"),
        (f"http://127.0.0.1:{stage.ports['portal']}/console/", "console: routes as a drawing, problems, traffic, certificates; and changing objects"),
        (f"http://{stage.accounts.address}/.well-known/openid-configuration", "the identity provider, where customers have their accounts"),
        (f"127.0.0.1:{stage.ports['tcp']}", "web again, as plain TCP"),
        (f"http://{stage.admin}/api/v1/routes", "what the gateway knows (also hosts, clusters, limits, envoys, problems)"),
    ]


def show(stage: Stage) -> None:
    lines = places(stage)
    width = max(len(where) for where, _ in lines)
    words = {"places": "\n".join(f"  {where:{width}}  {what}" for where, what in lines), "host": HOST,
             "http": stage.ports["http"], "portal": stage.ports["portal"], "admin": stage.admin, "manifests": stage.manifests, "nuncio": stage.nuncio,
             "envoy": " ".join(str(pid) for pid in stage.envoys()), "robot": stage.accounts.token_command(stage.work, ROBOT),
             "requests": stage.requests, "tour": stage.work / "tour.txt",
             "own": OWN.format(files=own.FILES, preview=stage.preview(), shop=stage.url, commands=textwrap.indent(own.commands(stage), 5 * " "))}
    if isinstance(stage, ClusterStage):
        words |= {"kubeconfig": stage.cluster.admin, "tools": stage.cluster.tools, "shop": SHOP, "broken": BROKEN,
                  "api_server": stage.api_server.process.pid}
    text = (CLUSTER if isinstance(stage, ClusterStage) else DIRECTORY).format(**words)
    words["tour"].write_text(text)
    print(text, flush=True)


def stay(stage: Stage) -> None:
    """Until Ctrl-C, or until something ends that should not."""
    while True:
        for program in stage.programs:
            program.check()
        stage.gateway.wait(1)
