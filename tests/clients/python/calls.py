"""The official Python SDK, either line, lists the tools of a server and calls some, with a token that it was given.

Whatever the server asks a person is answered with `Ada`. Prints one JSON report.

Usage: python calls.py MCP_URL CALLS, where CALLS is JSON: [[tool, arguments], …].
Environment: VESTIBULE_TEST_TOKEN.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from mcp import types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

HEADERS = {"Authorization": f"Bearer {os.environ['VESTIBULE_TEST_TOKEN']}"}


async def answer(_: Any, params: Any) -> types.ElicitResult:
    schema = getattr(params, "requestedSchema", None) or params.requested_schema
    return types.ElicitResult(action="accept", content=dict.fromkeys(schema["properties"], "Ada"))


@asynccontextmanager
async def line_1(url: str) -> AsyncIterator[tuple[Any, str, str]]:
    from mcp import ClientSession

    async with (
        create_mcp_http_client(headers=HEADERS) as http_client,
        streamable_http_client(url, http_client=http_client) as (read, write, _),
        ClientSession(read, write, elicitation_callback=answer) as session,
    ):
        initialized = await session.initialize()
        yield session, str(initialized.protocolVersion), initialized.serverInfo.name


@asynccontextmanager
async def line_2(url: str) -> AsyncIterator[tuple[Any, str, str]]:
    from mcp import Client

    async with (
        create_mcp_http_client(headers=HEADERS) as http_client,
        Client(streamable_http_client(url, http_client=http_client), elicitation_callback=answer) as client,
    ):
        yield client, client.protocol_version, client.server_info.name


def told(result: Any) -> dict[str, Any]:
    plain = result.model_dump(mode="json", by_alias=True)
    text = "\n".join(piece.get("text", piece["type"]) for piece in plain["content"])
    return {"text": text, "structured": plain.get("structuredContent"), "failed": plain.get("isError") is True}


async def main(url: str, calls: str) -> None:
    line = line_1 if version("mcp").startswith("1.") else line_2
    async with line(url) as (session, protocol_version, server):
        report = {
            "protocol_version": protocol_version,
            "server": server,
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "results": [told(await session.call_tool(name, arguments)) for name, arguments in json.loads(calls)],
        }
    print(json.dumps(report))


asyncio.run(main(*sys.argv[1:]))
