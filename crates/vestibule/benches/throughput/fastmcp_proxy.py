"""FastMCP's proxy with its JWT verifier, before the same tiny server: a peer of the gateway.

Arguments: the URL of the server, of the key set, the issuer, the audience. It says where it listens.
"""

import asyncio
import socket
import sys

from fastmcp import Client
from fastmcp.server import create_proxy
from fastmcp.server.auth.providers.jwt import JWTVerifier


async def main(url: str, keys: str, issuer: str, audience: str) -> None:
    verifier = JWTVerifier(jwks_uri=keys, issuer=issuer, audience=audience, algorithm="ES256")
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    # One client that is kept open, which is the fastest way it has.
    async with Client(url) as client:
        proxy = create_proxy(client, name="proxy", auth=verifier)
        print(f"{host}:{port}", flush=True)
        await proxy.run_http_async(
            show_banner=False, host=host, port=port, path="/mcp", log_level="error", stateless_http=True,
            json_response=True, sockets=[listener],
        )


asyncio.run(main(*sys.argv[1:]))
