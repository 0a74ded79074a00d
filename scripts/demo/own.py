"""A process of one's own inside the shop: the commands that the tour shows. The checks run them as they stand there."""
from __future__ import annotations

from accounts import DEVELOPER
from stage import ROOT, Stage

NAME = "my-cart"
FILES = ROOT / "examples/shop/my-cart"
# What the process says of ann's cart, and no version of the cart of the shop.
TOTAL = 4242

COMMANDS = """\
export NUNCIO_TOKEN=$({token})
{nuncio} preview create {files}/preview.yaml --namespace {namespace} --server {server}
{nuncio} preview list --server {server}
python3 -m http.server {port} --bind 127.0.0.1 --directory {files} &
{nuncio} preview serve {namespace}/{name} --service cart --port {port} --server {server} &
url=$({nuncio} preview url {namespace}/{name} --server {server})
curl -sSf --retry 30 --retry-delay 1 "$url"api/carts/ann
curl -sSf -w '\\n' "$url?user=ann"
kill '%?http.server' '%?preview serve'
{nuncio} preview delete {namespace}/{name} --server {server}
"""


def commands(stage: Stage) -> str:
    """From a token to the process, by way of the preview, and back. Until it is connected the preview answers 503, so curl asks
    again."""
    return COMMANDS.format(token=stage.accounts.token_command(stage.work, DEVELOPER), nuncio=stage.nuncio, files=FILES,
                           namespace=stage.namespace, name=NAME, server=stage.url, port=stage.ports["own"])
