// A person with a browser: opens one URL in a headless Chromium with scripts off, signs in and decides. An
// authorization URL leads to the client's callback; a link to connect an account leads to its provider, where the
// person signs in too, and back.
//
// Usage: node browser.mjs URL
// Environment: VESTIBULE_TEST_NODE_MODULES, VESTIBULE_TEST_CHROMIUM, VESTIBULE_TEST_USERNAME,
// VESTIBULE_TEST_PASSWORD, VESTIBULE_TEST_ACCOUNT (who the person is at the provider), VESTIBULE_TEST_VISITS (a file
// that gets one line of JSON per visit), VESTIBULE_TEST_INJECTED (where a form leads that somebody has managed to put
// in the place of the one that asks for consent; empty when nobody has).
import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';

const environment = process.env;
const require = createRequire(`${environment.VESTIBULE_TEST_NODE_MODULES}/`);
const { chromium } = require('playwright-core');

const DEADLINE_MS = 60_000;
const LANDS_WITHIN_MS = 5_000;
const MAX_PAGES = 8;

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
  const seen = { authorization_url: authorizationUrl, pages: [], callback: null, landed: null, problem: null };
  try {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    const follow = new URL(authorizationUrl).pathname === '/connect' ? connect : walk;
    await follow(page, authorizationUrl, seen);
  } catch (error) {
    seen.problem = String(error);
  } finally {
    await browser.close();
  }
  return seen;
}

// Answers page after page until the browser leaves the authorization server for the callback, and says where it lands
// when the client leads it on.
async function walk(page, authorizationUrl, seen) {
  const issuer = new URL(authorizationUrl).origin;
  const isCallback = (request) => request.isNavigationRequest() && new URL(request.url()).origin !== issuer;
  const called = new Promise((resolve) => {
    page.on('request', (request) => {
      if (seen.callback !== null || !isCallback(request)) return;
      seen.callback = request.url();
      resolve();
    });
  });
  const left = new Promise((resolve) => {
    page.on('framenavigated', (frame) => {
      if (new URL(frame.url()).origin !== issuer) resolve();
    });
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
    if (seen.callback === null && (await leadsOn(page))) await within(DEADLINE_MS, called);
  }
  // It may have closed it here too.
  await within(LANDS_WITHIN_MS, left);
  await page.waitForLoadState('load', { timeout: LANDS_WITHIN_MS }).catch(() => {});
  seen.landed = page.url();
}

// Waits for it, and no longer than so.
async function within(milliseconds, promise) {
  await Promise.race([promise, setTimeout(milliseconds, null, { ref: false })]);
}

// Whether this page goes on by itself. One that cannot be asked has gone already.
async function leadsOn(page) {
  return page.locator('meta[http-equiv=refresh]').count().then((count) => count > 0, () => true);
}

// Answers page after page until there is nothing to answer, which is where the person is told what happened.
async function connect(page, link, seen) {
  await page.goto(link, { waitUntil: 'load' });
  while (seen.pages.length < MAX_PAGES) {
    seen.pages.push(await describe(page));
    const answered = await answerIfAsked(page);
    if (!answered) return;
  }
  throw new Error('page follows after page');
}

async function answerIfAsked(page) {
  const button = await (async () => {
    if ((await page.locator('input[name=login]').count()) > 0) {
      await page.fill('input[name=login]', environment.VESTIBULE_TEST_ACCOUNT);
      await page.fill('input[name=password]', 'any will do');
      return 'button[type=submit]';
    }
    if ((await page.locator('input[name=password]').count()) > 0) {
      await page.fill('input[name=username]', environment.VESTIBULE_TEST_USERNAME);
      await page.fill('input[name=password]', environment.VESTIBULE_TEST_PASSWORD);
      return 'form:has(input[name=password]) button[type=submit]';
    }
    // Ours, then the provider's.
    const decisions = ['button[name=decision][value=allow]', 'form:has(input[name=prompt]) button[type=submit]'];
    for (const decision of decisions) if ((await page.locator(decision).count()) > 0) return decision;
    return null;
  })();
  if (button === null) return false;
  const loaded = page.waitForNavigation({ waitUntil: 'load', timeout: DEADLINE_MS });
  await Promise.all([loaded, page.click(button)]);
  return true;
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
  if (environment.VESTIBULE_TEST_INJECTED !== '') {
    await refusedTo(page, allow, environment.VESTIBULE_TEST_INJECTED);
  }
  await allow.click();
}

// Sends the form to where an attacker would have it, which ends the visit.
async function refusedTo(page, allow, elsewhere) {
  const refused = page.waitForEvent('console', (message) => message.text().includes('form-action'));
  await allow.evaluate((button, action) => button.form.setAttribute('action', action), elsewhere);
  await allow.click({ noWaitAfter: true });
  throw new Error(`refused: ${(await refused).text()}`);
}

const seen = await visit(process.argv[2]);
appendFileSync(environment.VESTIBULE_TEST_VISITS, `${JSON.stringify(seen)}\n`);
process.exitCode = seen.problem === null ? 0 : 1;
