"""The official Python SDK, 1.x line, goes all the way through. Prints one JSON report.

Usage: python sdk_1.py MCP_URL [sse], with the command that opens a URL in BROWSER; the second word for the older
transport.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from journey import Browser, LoopbackCallback, Room, Storage, finish, revoke
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata


@asynccontextmanager
async def connection(mcp_url: str, transport: str, provider: OAuthClientProvider) -> AsyncIterator[Any]:
    if transport == "sse":
        async with sse_client(mcp_url, auth=provider) as (read, write):
            yield read, write
    else:
        async with (
            create_mcp_http_client(auth=provider) as http_client,
            streamable_http_client(mcp_url, http_client=http_client) as (read, write, _),
        ):
            yield read, write


async def main(mcp_url: str, transport: str = "") -> None:
    callback, browser, storage = LoopbackCallback(), Browser(), Storage()
    await callback.listen()

    async def parameters() -> tuple[str, str | None]:
        arrived = await callback.parameters()
        return arrived["code"], arrived.get("state")

    provider = OAuthClientProvider(
        server_url=mcp_url,
        client_metadata=OAuthClientMetadata(
            client_name="Python SDK 1.x",
            redirect_uris=[callback.url],
            token_endpoint_auth_method="none",
        ),
        storage=storage,
        redirect_handler=browser.open,
        callback_handler=parameters,
    )
    async with (
        connection(mcp_url, transport, provider) as (read, write),
        ClientSession(read, write) as session,
    ):
        initialized = await session.initialize()
        room = Room(session.call_tool)
        report = {
            "protocol_version": initialized.protocolVersion,
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "item": await room.change_an_item(),
            "refresh": await room.refresh(provider, storage),
        }
        async with httpx.AsyncClient() as plain:
            report["revocation_status"] = await revoke(plain, provider, storage)
        report["shut_out"] = await room.is_shut_out(browser)
        finish(report)


asyncio.run(main(*sys.argv[1:]))
