"""What both lines of the official Python SDK do alike: the way through the front door and the room.

The SDKs differ in how a session is opened and in what a callback handler returns; those parts are in
`sdk_1.py` and `sdk_2.py`.
"""

import asyncio
import json
import os
import webbrowser
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

CALLBACK_DEADLINE_S = 120
REVOCATION_DEADLINE_S = 20

CallTool = Callable[[str, dict[str, Any]], Awaitable[Any]]


class LoopbackCallback:
    """The loopback listener of RFC 8252 section 7.3; keeps the parameters of the first callback."""

    def __init__(self) -> None:
        self._parameters: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self.url = ""

    async def listen(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def parameters(self) -> dict[str, str]:
        return await asyncio.wait_for(self._parameters, CALLBACK_DEADLINE_S)

    def expect_another(self) -> None:
        self._parameters = asyncio.get_running_loop().create_future()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = urlsplit((await reader.readline()).split()[1].decode())
        while (await reader.readline()).strip():
            pass
        body = b"You can close this page."
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()
        if target.path == "/callback" and not self._parameters.done():
            self._parameters.set_result({name: values[0] for name, values in parse_qs(target.query).items()})


class Browser:
    """Opens authorization URLs with the command in `BROWSER`, until the person has left."""

    def __init__(self) -> None:
        self.left = False
        self.asked_again = asyncio.Event()

    async def open(self, url: str) -> None:
        if self.left:
            self.asked_again.set()
            await asyncio.get_running_loop().create_future()  # nobody will ever answer
        await asyncio.to_thread(webbrowser.open, url)


class Storage:
    """The SDK's `TokenStorage`, in memory."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client_info: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client_info

    async def set_client_info(self, client_info: Any) -> None:
        self.client_info = client_info


class Room:
    """The demo server's tools, called through an open session."""

    def __init__(self, call_tool: CallTool) -> None:
        self._call_tool = call_tool

    async def call(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        result = await self._call_tool(name, arguments or {})
        text = result.content[0].text
        if getattr(result, "isError", False) or getattr(result, "is_error", False):
            raise RuntimeError(f"{name}: {text}")
        return json.loads(text)

    async def change_an_item(self) -> dict[str, Any]:
        created = await self.call("create_data", {"name": "from the Python SDK", "value": 1})
        updated = await self.call("update_data", {"item_id": created["id"], "name": "changed", "value": 2})
        deleted = await self.call("delete_data", {"item_id": created["id"]})
        return {"created": created, "updated": updated, "deleted": deleted}

    async def refresh(self, provider: Any, storage: Storage) -> dict[str, bool]:
        """Lets the stored access token expire, so that the SDK refreshes before its next request."""
        before = storage.tokens
        provider.context.token_expiry_time = 1.0
        await self.call("get_user_profile")
        return {
            "access_token_changed": storage.tokens.access_token != before.access_token,
            "refresh_token_changed": storage.tokens.refresh_token != before.refresh_token,
        }

    async def is_shut_out(self, browser: Browser) -> bool:
        """Calls until the SDK asks for a new sign-in, which it does on a 401."""
        browser.left = True
        calls = asyncio.create_task(self._call_on_and_on())
        try:
            await asyncio.wait_for(browser.asked_again.wait(), REVOCATION_DEADLINE_S)
        except asyncio.TimeoutError:
            return False
        finally:
            calls.cancel()
        return True

    async def _call_on_and_on(self) -> None:
        while True:
            await self.call("get_user_profile")


async def revoke(http_client: Any, provider: Any, storage: Storage) -> int:
    """RFC 7009: the client gives its refresh token back. Answers the HTTP status."""
    response = await http_client.post(
        str(provider.context.oauth_metadata.revocation_endpoint),
        data={
            "token": storage.tokens.refresh_token,
            "token_type_hint": "refresh_token",
            "client_id": storage.client_info.client_id,
        },
    )
    return response.status_code


def finish(report: dict[str, Any]) -> None:
    """Prints the report and ends the process: a session that waits for a sign-in cannot be closed."""
    print(json.dumps(report), flush=True)
    os._exit(0)
