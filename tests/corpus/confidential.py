"""What must stand in no log: what Secrets of a case hold, and what clients send to prove who they are."""
from __future__ import annotations

import base64
import binascii

import yaml

# Shorter texts may stand in a log by chance.
SHORTEST = 16
PROOFS = ("authorization", "cookie", "x-api-key")
# Of a Secret: certificates are nobody's secret.
PUBLIC = (".crt", ".pem")


def of_manifests(text: str) -> set[str]:
    """Every line of every value of the Secrets; nothing of a file that cannot be read."""
    try:
        documents = [one for one in yaml.safe_load_all(text) if isinstance(one, dict) and one.get("kind") == "Secret"]
    except yaml.YAMLError:
        return set()
    found: set[str] = set()
    for document in documents:
        for name, value in {**(document.get("data") or {}), **(document.get("stringData") or {})}.items():
            if isinstance(value, str) and not name.endswith(PUBLIC):
                found |= {value, *decoded(value).splitlines()}
    return {line for line in found if len(line) >= SHORTEST and not line.startswith("-----")}


def decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode(errors="replace")
    except binascii.Error:
        return value


def of_requests(requests: list[dict]) -> set[str]:
    found: set[str] = set()
    for request in requests:
        for name, value in (request.get("headers") or {}).items():
            if name.lower() in PROOFS:
                values = value if isinstance(value, list) else [value]
                found |= {part for one in values for part in str(one).replace(";", " ").replace("=", " ").split()}
    return {part for part in found if len(part) >= SHORTEST}


def problems(log: str, secrets: set[str]) -> list[str]:
    return [f"the log holds a secret, {secret[:8]}…: {line[:200]}"
            for line in log.splitlines() for secret in secrets if secret in line]
