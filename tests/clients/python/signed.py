"""`mcp-proxy-for-aws` as an MCP client starts it: signs every request with the access key in its environment.

Usage: python signed.py MCP_URL SERVICE REGION, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Prints one JSON report.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(mcp_url: str, service: str, region: str) -> None:
    proxy = StdioServerParameters(
        # What the command `mcp-proxy-for-aws` runs.
        command=sys.executable,
        args=["-m", "mcp_proxy_for_aws.server", mcp_url, "--service", service, "--region", region],
        env={**os.environ, "AWS_REGION": region},
    )
    async with stdio_client(proxy) as (read, write), ClientSession(read, write) as session:
        initialized = await session.initialize()
        tools = await session.list_tools()
        # The same call twice within a second: only what is the same to the byte is a replay.
        created = [await session.call_tool("create_data", {"name": "signed", "value": 7}) for _ in range(2)]
        profile = await session.call_tool("get_user_profile", {})
        report = {
            "server": initialized.serverInfo.name,
            "tools": sorted(tool.name for tool in tools.tools),
            "created": [json.loads(call.content[0].text) for call in created],
            "profile": json.loads(profile.content[0].text),
        }
        print(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
