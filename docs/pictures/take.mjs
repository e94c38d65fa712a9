// Takes the pictures of the sign-in and consent pages from a running demo, in light and dark.
//
// Usage: node docs/pictures/take.mjs URL
// Environment: VESTIBULE_DEMO_PASSWORD (what the demo was started with), VESTIBULE_TEST_NODE_MODULES and
// VESTIBULE_TEST_CHROMIUM (`cargo xtask setup` writes both to target/test-clients).
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const environment = process.env;
const require = createRequire(`${environment.VESTIBULE_TEST_NODE_MODULES}/`);
const { chromium } = require('playwright-core');

const issuer = new URL(process.argv[2]).origin;
const directory = dirname(fileURLToPath(import.meta.url));
const redirectUri = 'cursor://anysphere.cursor-mcp/oauth/callback';

async function register() {
  const metadata = {
    client_name: 'Cursor',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  };
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${issuer}/register`, { method: 'POST', headers, body: JSON.stringify(metadata) });
  return (await response.json()).client_id;
}

function authorizationUrl(clientId) {
  const verifier = randomBytes(32).toString('base64url');
  return `${issuer}/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: `${issuer}/mcp/demo`,
    scope: 'read write',
  })}`;
}

async function take(browser, colorScheme, url) {
  const viewport = { width: 560, height: 420 };
  const options = { colorScheme, viewport, deviceScaleFactor: 2, javaScriptEnabled: false, locale: 'en-GB' };
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(url);
  await page.screenshot({ path: join(directory, `login-${colorScheme}.png`), fullPage: true });
  await page.fill('input[name=username]', 'demo');
  await page.fill('input[name=password]', environment.VESTIBULE_DEMO_PASSWORD);
  await page.click('form:has(input[name=password]) button[type=submit]');
  await page.waitForSelector('button[name=decision]');
  await page.screenshot({ path: join(directory, `consent-${colorScheme}.png`), fullPage: true });
  await context.close();
}

const url = authorizationUrl(await register());
const browser = await chromium.launch({
  executablePath: environment.VESTIBULE_TEST_CHROMIUM,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (const colorScheme of ['light', 'dark']) await take(browser, colorScheme, url);
} finally {
  await browser.close();
}
