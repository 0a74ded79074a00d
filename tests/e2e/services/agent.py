"""Asks a server of the Model Context Protocol by the protocol's own client, and says as JSON what it was told.

usage: python agent.py URL MODE [TOOL ARGUMENTS-AS-JSON]...
MODE is `legacy` for the handshake of before 2026, `auto` for what is negotiated by each request. What is asked at
*.localhost goes to the address of the variable ADDRESS, under its name.
"""

import asyncio
import json
import os
import socket
import sys

from mcp import Client


def stay_here() -> None:
    """Looks no name up: all are at one address."""
    address, usual = os.environ["ADDRESS"], socket.getaddrinfo

    def found(host, port, *rest, **more):
        return usual(address, port, *rest, **more)

    socket.getaddrinfo = found


async def ask(url: str, mode: str, calls: list[tuple[str, dict]]) -> dict:
    async with Client(url, mode=mode) as client:
        listed = await client.list_tools()
        told = {"server": client.server_info.name, "version": client.protocol_version, "tools": {}, "calls": []}
        for tool in listed.tools:
            told["tools"][tool.name] = tool.annotations.read_only_hint
        for name, arguments in calls:
            result = await client.call_tool(name, arguments)
            text = "".join(part.text for part in result.content)
            told["calls"].append({"text": text, "failed": result.is_error})
        return told


if __name__ == "__main__":
    stay_here()
    url, mode, *rest = sys.argv[1:]
    calls = [(name, json.loads(arguments)) for name, arguments in zip(rest[::2], rest[1::2])]
    print(json.dumps(asyncio.run(ask(url, mode, calls))))
