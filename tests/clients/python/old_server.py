"""The official Python SDK, 1.x line, uses `sse_server.py` through the gateway. Prints one JSON report.

Usage: python old_server.py MCP_URL [sse], the second word for the older transport; the token in VESTIBULE_TEST_TOKEN.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import ElicitRequestParams, ElicitResult


@asynccontextmanager
async def connection(mcp_url: str, transport: str) -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {os.environ['VESTIBULE_TEST_TOKEN']}"}
    if transport == "sse":
        async with sse_client(mcp_url, headers=headers) as (read, write):
            yield read, write
    else:
        async with (
            create_mcp_http_client(headers=headers) as http_client,
            streamable_http_client(mcp_url, http_client=http_client) as (read, write, _),
        ):
            yield read, write


async def main(mcp_url: str, transport: str = "") -> None:
    progress: list[float] = []

    async def elicited(_context: Any, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    async def progressed(done: float, _total: float | None, _message: str | None) -> None:
        progress.append(done)

    async with (
        connection(mcp_url, transport) as (read, write),
        ClientSession(read, write, elicitation_callback=elicited) as session,
    ):
        initialized = await session.initialize()
        added, counted, greeted = await asyncio.gather(
            session.call_tool("add", {"a": 2, "b": 40}),
            session.call_tool("count", {"steps": 3}, progress_callback=progressed),
            session.call_tool("greet", {}),
        )
        report = {
            "protocol_version": initialized.protocolVersion,
            "server": initialized.serverInfo.name,
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "added": added.content[0].text,
            "counted": counted.content[0].text,
            "progress": progress,
            "greeted": greeted.content[0].text,
        }
    print(json.dumps(report))


asyncio.run(main(*sys.argv[1:]))
