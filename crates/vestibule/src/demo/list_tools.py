import asyncio
import webbrowser
from urllib.parse import parse_qsl, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

MCP_URL = "{mcp_url}"

class Memory:
    tokens = client_info = None
    async def get_tokens(self): return self.tokens
    async def set_tokens(self, tokens): self.tokens = tokens
    async def get_client_info(self): return self.client_info
    async def set_client_info(self, client_info): self.client_info = client_info

async def main():
    arrived = asyncio.get_running_loop().create_future()

    async def answer(reader, writer):
        target = urlsplit((await reader.readline()).split()[1].decode())
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nYou can close this page.")
        await writer.drain()
        writer.close()
        if target.path == "/callback" and not arrived.done():
            arrived.set_result(dict(parse_qsl(target.query)))

    async def open_browser(url): webbrowser.open(url)
    async def callback(): return AuthorizationCodeResult(**await arrived)

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    redirect_uri = "http://127.0.0.1:%d/callback" % listener.sockets[0].getsockname()[1]
    metadata = OAuthClientMetadata(
        client_name="Python", redirect_uris=[redirect_uri], token_endpoint_auth_method="none")
    login = OAuthClientProvider(MCP_URL, metadata, Memory(), open_browser, callback)
    async with httpx2.AsyncClient(auth=login) as http:
        async with Client(streamable_http_client(MCP_URL, http_client=http)) as client:
            for tool in (await client.list_tools()).tools:
                print(tool.name)

asyncio.run(main())
