"""A FastMCP server, as people write them. Over HTTP it says `listening on ADDRESS` once it can be reached.

Usage: python fastmcp_server.py stdio|http
"""

import asyncio
import socket
import sys
from dataclasses import dataclass

from fastmcp import Context, FastMCP

server: FastMCP = FastMCP("workshop")


@dataclass
class Sum:
    total: int


@server.tool
def add(a: int, b: int) -> Sum:
    """Adds two numbers."""
    return Sum(a + b)


@server.tool
async def count(to: int, context: Context) -> str:
    """Counts, and says how far it is."""
    for step in range(1, to + 1):
        await context.report_progress(step, to)
    return f"counted to {to}"


@server.tool
async def greet(context: Context) -> str:
    """Greets whoever is there, after asking who that is."""
    answer = await context.elicit("Who is there?", response_type=str)
    return f"Hello, {answer.data}!" if answer.action == "accept" else "Hello!"


@server.tool
def divide(a: float, b: float) -> float:
    """Divides two numbers."""
    return a / b


@server.resource("workshop://motto")
def motto() -> str:
    """What hangs above the door."""
    return "Measure twice, cut once."


def main(transport: str) -> None:
    if transport == "stdio":
        server.run("stdio", show_banner=False)
        return
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    print(f"listening on {host}:{port}", flush=True)
    asyncio.run(server.run_http_async(show_banner=False, log_level="warning", sockets=[listener]))


main(sys.argv[1])
