// The official TypeScript SDK (`@modelcontextprotocol/client`) goes all the way through: discovery,
// registration, sign-in, tools, refresh, revocation. Prints one JSON report.
//
// Usage: node typescript-sdk.mjs MCP_URL [sse], the second word for the older transport.
// Environment: VESTIBULE_TEST_NODE_MODULES, BROWSER (the command that opens a URL).
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.VESTIBULE_TEST_NODE_MODULES}/`);
const { Client, SSEClientTransport, StreamableHTTPClientTransport, UnauthorizedError } = require('@modelcontextprotocol/client');

const Transport = process.argv[3] === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;

const REVOCATION_DEADLINE_MS = 20_000;
const CALLBACK_DEADLINE_MS = 120_000;

// The loopback listener of RFC 8252 section 7.3: resolves with the parameters of the first callback.
async function listenForCallback() {
  let arrived;
  const parameters = new Promise((resolve) => (arrived = resolve));
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    response.writeHead(url.pathname === '/callback' ? 200 : 404, { 'content-type': 'text/plain' });
    response.end('You can close this page.');
    if (url.pathname === '/callback') arrived(url.searchParams);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  setTimeout(() => server.emit('error', new Error('no callback arrived')), CALLBACK_DEADLINE_MS).unref();
  return { url: `http://127.0.0.1:${server.address().port}/callback`, parameters, close: () => server.close() };
}

class Provider {
  constructor(redirectUrl) {
    this.redirectUrl = redirectUrl;
    this.signIns = 0;
    this.mayOpenBrowser = true;
  }
  get clientMetadata() {
    return {
      client_name: 'TypeScript SDK',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state() {
    this.sentState ??= randomBytes(32).toString('base64url');
    return this.sentState;
  }
  clientInformation() {
    return this.information;
  }
  saveClientInformation(information) {
    this.information = information;
  }
  tokens() {
    return this.savedTokens;
  }
  saveTokens(tokens) {
    this.savedTokens = tokens;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  codeVerifier() {
    return this.verifier;
  }
  discoveryState() {
    return this.discovered;
  }
  saveDiscoveryState(discovered) {
    this.discovered = discovered;
  }
  invalidateCredentials(what) {
    if (what === 'all' || what === 'tokens') this.savedTokens = undefined;
    if (what === 'all' || what === 'client') this.information = undefined;
  }
  redirectToAuthorization(url) {
    this.signIns += 1;
    if (this.mayOpenBrowser) spawn(process.env.BROWSER, [url.href], { stdio: 'ignore' });
  }
}

function connection(mcpUrl, provider) {
  const client = new Client({ name: 'typescript-sdk', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  return { client, transport: new Transport(mcpUrl, { authProvider: provider }) };
}

async function connectWithSignIn(mcpUrl, provider, callback) {
  const first = connection(mcpUrl, provider);
  try {
    await first.client.connect(first.transport);
    throw new Error('the server let in a client without a token');
  } catch (error) {
    if (provider.signIns !== 1) throw error;
  }
  const parameters = await callback.parameters;
  if (parameters.get('state') !== provider.sentState) throw new Error('the callback carries another state');
  await first.transport.finishAuth(parameters);
  const second = connection(mcpUrl, provider);
  await second.client.connect(second.transport);
  return second.client;
}

async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
  return JSON.parse(result.content[0].text);
}

async function changeAnItem(client) {
  const created = await call(client, 'create_data', { name: 'from the TypeScript SDK', value: 1 });
  const updated = await call(client, 'update_data', { item_id: created.id, name: 'changed', value: 2 });
  const deleted = await call(client, 'delete_data', { item_id: created.id });
  return { created, updated, deleted };
}

// What the SDK does when a token has expired: the server answers 401, the SDK refreshes and repeats.
async function refresh(client, provider) {
  const before = provider.savedTokens;
  provider.savedTokens = { ...before, access_token: 'expired' };
  await call(client, 'get_user_profile');
  return {
    access_token_changed: provider.savedTokens.access_token !== before.access_token,
    refresh_token_changed: provider.savedTokens.refresh_token !== before.refresh_token,
  };
}

async function revoke(provider) {
  const metadata = provider.discovered.authorizationServerMetadata;
  const response = await fetch(metadata.revocation_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      token: provider.savedTokens.refresh_token,
      token_type_hint: 'refresh_token',
      client_id: provider.information.client_id,
    }),
  });
  return response.status;
}

// Calls until the SDK asks for a new sign-in, which it does on a 401 that no refresh heals.
async function isShutOut(client, provider) {
  provider.mayOpenBrowser = false;
  const deadline = Date.now() + REVOCATION_DEADLINE_MS;
  while (Date.now() < deadline) {
    try {
      await call(client, 'get_user_profile');
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      return provider.signIns === 2;
    }
  }
  return false;
}

const mcpUrl = new URL(process.argv[2]);
const callback = await listenForCallback();
const provider = new Provider(callback.url);
const client = await connectWithSignIn(mcpUrl, provider, callback);
const { tools } = await client.listTools();
const report = {
  protocol_version: client.getNegotiatedProtocolVersion(),
  tools: tools.map((tool) => tool.name),
  item: await changeAnItem(client),
  refresh: await refresh(client, provider),
  revocation_status: await revoke(provider),
  shut_out: await isShutOut(client, provider),
};
callback.close();
console.log(JSON.stringify(report));
process.exit(0);
