// A person with a browser: opens one authorization URL in a headless Chromium with scripts off, signs in,
// decides, and lets the redirect to the client's callback happen.
//
// Usage: node browser.mjs AUTHORIZATION_URL
// Environment: VESTIBULE_TEST_NODE_MODULES, VESTIBULE_TEST_CHROMIUM, VESTIBULE_TEST_USERNAME,
// VESTIBULE_TEST_PASSWORD, VESTIBULE_TEST_VISITS (a file that gets one line of JSON per visit).
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const environment = process.env;
const require = createRequire(`${environment.VESTIBULE_TEST_NODE_MODULES}/`);
const { chromium } = require('playwright-core');

const DEADLINE_MS = 60_000;
const MAX_PAGES = 5;

async function visit(authorizationUrl) {
  const browser = await chromium.launch({
    executablePath: environment.VESTIBULE_TEST_CHROMIUM,
    headless: true,
    timeout: DEADLINE_MS,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const seen = { authorization_url: authorizationUrl, pages: [], callback: null, problem: null };
  try {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    await walk(page, authorizationUrl, seen);
  } catch (error) {
    seen.problem = String(error);
  } finally {
    await browser.close();
  }
  return seen;
}

// Answers page after page until the browser leaves the authorization server for the callback.
async function walk(page, authorizationUrl, seen) {
  const issuer = new URL(authorizationUrl).origin;
  const isCallback = (request) => request.isNavigationRequest() && new URL(request.url()).origin !== issuer;
  page.on('request', (request) => {
    if (isCallback(request)) seen.callback = request.url();
  });
  await page.goto(authorizationUrl, { waitUntil: 'load' });
  while (seen.callback === null) {
    if (seen.pages.length === MAX_PAGES) throw new Error('the authorization server shows page after page');
    seen.pages.push(await describe(page));
    const loaded = page.waitForNavigation({ waitUntil: 'load', timeout: DEADLINE_MS });
    await Promise.all([loaded, answer(page)]).catch((error) => {
      // A client may close its callback listener before the page has arrived in full.
      if (seen.callback === null) throw error;
    });
  }
}

async function describe(page) {
  return { path: new URL(page.url()).pathname, title: await page.title(), text: await page.innerText('body') };
}

async function answer(page) {
  if ((await page.locator('input[name=password]').count()) > 0) {
    await page.fill('input[name=username]', environment.VESTIBULE_TEST_USERNAME);
    await page.fill('input[name=password]', environment.VESTIBULE_TEST_PASSWORD);
    await page.click('form:has(input[name=password]) button[type=submit]');
    return;
  }
  const allow = page.locator('button[name=decision][value=allow]');
  if ((await allow.count()) === 0) {
    throw new Error(`neither a sign-in nor a consent page: ${(await page.innerText('body')).slice(0, 500)}`);
  }
  await allow.click();
}

const seen = await visit(process.argv[2]);
appendFileSync(environment.VESTIBULE_TEST_VISITS, `${JSON.stringify(seen)}\n`);
process.exitCode = seen.problem === null ? 0 : 1;
