"""The official Python SDK, 2.x line, uses an rmcp server that our guard protects: it signs in, and signs in for more when
a tool needs more. Prints one JSON report.

Usage: python notes.py MCP_URL, with the command that opens a URL in BROWSER.
"""

import asyncio
import json
import sys

from journey import Browser, LoopbackCallback, Storage
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata


async def main(mcp_url: str) -> None:
    callback, browser, storage = LoopbackCallback(), Browser(), Storage()
    await callback.listen()

    async def parameters() -> AuthorizationCodeResult:
        result = AuthorizationCodeResult(**await callback.parameters())
        callback.expect_another()
        return result

    provider = OAuthClientProvider(
        server_url=mcp_url,
        client_metadata=OAuthClientMetadata(
            client_name="Python SDK 2.x",
            redirect_uris=[callback.url],
            token_endpoint_auth_method="none",
        ),
        storage=storage,
        redirect_handler=browser.open,
        callback_handler=parameters,
    )
    async with (
        create_mcp_http_client(auth=provider) as http_client,
        Client(streamable_http_client(mcp_url, http_client=http_client)) as client,
    ):
        tools = [tool.name for tool in (await client.list_tools()).tools]
        who = (await client.call_tool("who_am_i", {})).content[0].text
        before = storage.tokens.scope
        remembered = await client.call_tool("remember", {"text": "from the Python SDK"})
        print(
            json.dumps(
                {
                    "protocol_version": client.protocol_version,
                    "tools": tools,
                    "who": who,
                    "scope_before": before,
                    "scope_after": storage.tokens.scope,
                    "notes": remembered.structured_content["notes"],
                }
            )
        )


asyncio.run(main(sys.argv[1]))
