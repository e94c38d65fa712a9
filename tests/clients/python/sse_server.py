"""A server on the official Python SDK that speaks HTTP with SSE and nothing else.

Usage: python sse_server.py PORT; its stream is at /sse.
"""

import sys

from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel

server = FastMCP("old", host="127.0.0.1", port=int(sys.argv[1]), log_level="ERROR")


class Answer(BaseModel):
    name: str


@server.tool()
def add(a: int, b: int) -> int:
    return a + b


@server.tool()
async def count(steps: int, context: Context) -> str:
    for step in range(1, steps + 1):
        await context.report_progress(step, steps)
    return "done"


@server.tool()
async def greet(context: Context) -> str:
    asked = await context.elicit("What is your name?", Answer)
    return f"Hello, {asked.data.name}" if asked.action == "accept" else "Hello"


server.run(transport="sse")
