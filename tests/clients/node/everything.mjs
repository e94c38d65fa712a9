// The official TypeScript SDK uses `@modelcontextprotocol/server-everything` through the gateway, with a token that
// it was given. Prints one JSON report.
//
// Usage: node everything.mjs MCP_URL legacy|auto
// Environment: VESTIBULE_TEST_NODE_MODULES, VESTIBULE_TEST_TOKEN.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.VESTIBULE_TEST_NODE_MODULES}/`);
const { Client, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');

const [url, mode] = process.argv.slice(2);
const client = new Client({ name: 'everything', version: '1' }, { versionNegotiation: { mode } });
const headers = { authorization: `Bearer ${process.env.VESTIBULE_TEST_TOKEN}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));

async function call(name, args, options) {
  const result = await client.callTool({ name, arguments: args }, options);
  if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
  return result;
}

const { tools } = await client.listTools();
const { resources } = await client.listResources();
const { prompts } = await client.listPrompts();
const progress = [];
const long = await call(
  'trigger-long-running-operation',
  { duration: 1, steps: 4 },
  { onprogress: ({ progress: done }) => progress.push(done) },
);
let hidden;
try {
  hidden = (await client.callTool({ name: 'get-env', arguments: {} })).isError === true;
} catch (error) {
  hidden = error.code === -32602;
}
const report = {
  protocol_version: client.getNegotiatedProtocolVersion(),
  server: client.getServerVersion()?.name,
  tools: tools.map((tool) => tool.name),
  resources: resources.length,
  prompts: prompts.map((prompt) => prompt.name),
  resource: (await client.readResource({ uri: resources[0].uri })).contents.length,
  prompt: (await client.getPrompt({ name: prompts[0].name })).messages.length,
  echo: (await call('echo', { message: 'hi' })).content[0].text,
  structured: (await call('get-structured-content', { location: 'New York' })).structuredContent,
  image: (await call('get-tiny-image', {})).content.map((piece) => piece.type),
  long: long.content[0].text,
  progress,
  hidden,
};
await client.close();
console.log(JSON.stringify(report));
process.exit(0);
