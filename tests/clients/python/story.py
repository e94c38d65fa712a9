"""The official Python SDK, either line, signs in and calls tools that need an account of the user's elsewhere.

When the gateway asks for the account, the user's browser opens the link, and the agent goes on as its revision says: it
is called back (2026-07-28), gets error -32042 (2025-11-25), or reads the link in the answer of the tool. Prints one JSON
report.

Usage: python story.py MCP_URL HOW TOOL…, with the command that opens a URL in BROWSER. HOW is "elicits" for a client
that shows links, "reads" for one that knows no elicitation, "stops" for the same when it ends with the link.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from journey import Browser, LoopbackCallback, Storage, finish
from mcp import types
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata

IS_LINE_1 = version("mcp").startswith("1.")
URL_ELICITATION_REQUIRED = -32042
LINK = re.compile(r"https?://\S+/connect\?e=[\w-]+")
CONNECTED_WITHIN_S = 90
# The account's access token lives for a few seconds: calls go on for longer.
CALLS_FOR_S = 8.0
PAUSE_S = 0.5

Elicited = Callable[[Any, Any], Awaitable[types.ElicitResult]]


class Account:
    """The link to the account, which the user's browser opens once; without a browser nobody does."""

    def __init__(self, browser: Browser | None) -> None:
        self._browser = browser
        self.link: str | None = None
        self.told_by: list[str] = []

    async def open(self, link: str, told_by: str) -> None:
        self.told_by.append(told_by)
        if self.link is None:
            self.link = link
            if self._browser is not None:
                await self._browser.open(link)
        elif link != self.link:
            raise RuntimeError(f"another link: {link} after {self.link}")

    async def elicited(self, _: Any, params: Any) -> types.ElicitResult:
        await self.open(params.url, "elicitation")
        return types.ElicitResult(action="accept")


@asynccontextmanager
async def session(url: str, provider: Any, elicited: Elicited | None) -> AsyncIterator[tuple[Any, str]]:
    async with create_mcp_http_client(auth=provider) as http_client:
        transport = streamable_http_client(url, http_client=http_client)
        if IS_LINE_1:
            from mcp import ClientSession

            async with (
                transport as (read, write, _),
                ClientSession(read, write, elicitation_callback=elicited) as opened,
            ):
                yield opened, str((await opened.initialize()).protocolVersion)
        else:
            from mcp import Client

            async with Client(transport, elicitation_callback=elicited) as client:
                yield client, client.protocol_version


def authorization(url: str, browser: Browser, callback: LoopbackCallback) -> OAuthClientProvider:
    async def parameters() -> Any:
        arrived = await callback.parameters()
        if IS_LINE_1:
            return arrived["code"], arrived.get("state")
        from mcp.shared.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(**arrived)

    return OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="The agent", redirect_uris=[callback.url], token_endpoint_auth_method="none"
        ),
        storage=Storage(),
        redirect_handler=browser.open,
        callback_handler=parameters,
    )


async def call(opened: Any, tool: str, account: Account) -> str | None:
    """What the tool says; nothing when the account has to be connected first."""
    try:
        result = await opened.call_tool(tool, {})
    except Exception as error:
        failure = getattr(error, "error", error)
        if getattr(failure, "code", None) != URL_ELICITATION_REQUIRED:
            raise
        await account.open(failure.data["elicitations"][0]["url"], "-32042")
        return None
    text = "\n".join(piece.text for piece in result.content)
    if link := LINK.search(text):
        await account.open(link.group(), "text")
        return None
    if getattr(result, "isError", False) or getattr(result, "is_error", False):
        raise RuntimeError(f"{tool}: {text}")
    return text


async def answered(opened: Any, tool: str, account: Account) -> str:
    """The tool's answer, once the account is connected."""
    clock = asyncio.get_running_loop().time
    until = clock() + CONNECTED_WITHIN_S
    while clock() < until:
        if (answer := await call(opened, tool, account)) is not None:
            return answer
        await asyncio.sleep(PAUSE_S)
    raise TimeoutError(f"{tool}: the account was not connected")


async def main(url: str, how: str, *tools: str) -> None:
    browser, callback = Browser(), LoopbackCallback()
    await callback.listen()
    account = Account(None if how == "stops" else browser)
    elicited = account.elicited if how == "elicits" else None
    async with session(url, authorization(url, browser, callback), elicited) as (opened, protocol_version):
        report = {"protocol_version": protocol_version, "answers": {}}
        report["tools"] = [tool.name for tool in (await opened.list_tools()).tools]
        if how == "stops":
            await call(opened, tools[0], account)
        else:
            for tool in tools:
                report["answers"][tool] = await answered(opened, tool, account)
            clock = asyncio.get_running_loop().time
            until = clock() + CALLS_FOR_S
            while clock() < until:
                if await call(opened, tools[0], account) != report["answers"][tools[0]]:
                    raise RuntimeError("the answer is another one")
                await asyncio.sleep(PAUSE_S)
        finish(report | {"link": account.link, "told_by": account.told_by})


asyncio.run(main(*sys.argv[1:]))
