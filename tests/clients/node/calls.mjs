// The official TypeScript SDK lists the tools of a server and calls some, with a token that it was given. Whatever the
// server asks a person is answered with `Ada`. Prints one JSON report.
//
// Usage: node calls.mjs MCP_URL legacy|auto CALLS, where CALLS is JSON: [[tool, arguments], …].
// Environment: VESTIBULE_TEST_NODE_MODULES, VESTIBULE_TEST_TOKEN.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.VESTIBULE_TEST_NODE_MODULES}/`);
const { Client, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');

const [url, mode, calls] = process.argv.slice(2);
const capabilities = { elicitation: {} };
const client = new Client({ name: 'calls', version: '1' }, { capabilities, versionNegotiation: { mode } });
client.setRequestHandler('elicitation/create', async ({ params }) => {
  const names = Object.keys(params.requestedSchema.properties);
  return { action: 'accept', content: Object.fromEntries(names.map((name) => [name, 'Ada'])) };
});
const headers = { authorization: `Bearer ${process.env.VESTIBULE_TEST_TOKEN}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));

const { tools } = await client.listTools();
const results = [];
for (const [name, args] of JSON.parse(calls)) {
  const result = await client.callTool({ name, arguments: args });
  const text = result.content.map((piece) => piece.text ?? piece.type).join('\n');
  results.push({ text, structured: result.structuredContent ?? null, failed: result.isError === true });
}
const report = {
  protocol_version: client.getNegotiatedProtocolVersion(),
  server: client.getServerVersion()?.name,
  tools: tools.map((tool) => tool.name),
  results,
};
await client.close();
console.log(JSON.stringify(report));
process.exit(0);
