// A real OAuth provider with accounts of its own: node's oidc-provider on loopback. Whoever signs in as NAME has the
// account NAME; its own pages ask for a name and then for leave.
//
// Usage: node oidc-provider.mjs OPTIONS, where OPTIONS is JSON:
// {"client_id", "client_secret", "redirect_uri", "access_token_seconds"}.
// Environment: VESTIBULE_TEST_NODE_MODULES.
// Prints its issuer on one line, then one line of JSON for every token request: the grant type, and the account and all
// tokens, or the error.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// What the library has to say about its settings is not for whoever reads what this prints.
console.info = console.error;
const require = createRequire(`${process.env.VESTIBULE_TEST_NODE_MODULES}/`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const options = JSON.parse(process.argv[2]);
const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: options.client_id,
      client_secret: options.client_secret,
      redirect_uris: [options.redirect_uri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
  ],
  scopes: ['openid', 'profile', 'repo', 'user'],
  claims: { openid: ['sub'], profile: ['preferred_username'] },
  pkce: { required: () => true },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: options.access_token_seconds, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
  cookies: { keys: ['a key of a test'] },
  findAccount: async (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, preferred_username: id }),
  }),
});
provider.on('grant.success', ({ oidc, body }) => {
  const tokens = [body.access_token, body.refresh_token, body.id_token].filter(Boolean);
  console.log(JSON.stringify({ grant: oidc.params.grant_type, account: oidc.account?.accountId ?? null, tokens }));
});
provider.on('grant.error', ({ oidc }, { error, error_detail: detail }) => {
  console.log(JSON.stringify({ grant: oidc?.params?.grant_type ?? null, error, detail, tokens: [] }));
});
server.on('request', provider.callback());
console.log(issuer);
