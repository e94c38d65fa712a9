// Takes the pictures of the console's pages from `cargo run -p vestibule-console --example console_pages -- DIRECTORY`, in
// light and dark, and those that are looked at and not kept: narrow, in Chinese, with their script.
//
// Usage: node docs/pictures/take-console.mjs DIRECTORY [WHERE THE OTHERS GO]
// Environment: VESTIBULE_TEST_NODE_MODULES and VESTIBULE_TEST_CHROMIUM (`cargo xtask setup` writes both to
// target/test-clients).
import { createServer } from 'node:http';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const environment = process.env;
const require = createRequire(`${environment.VESTIBULE_TEST_NODE_MODULES}/`);
const { chromium } = require('playwright-core');

const [, , source, elsewhere] = process.argv;
const kept = ['connect', 'connected', 'account-changed', 'connections', 'wrong-user'];
const directory = dirname(fileURLToPath(import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'";

const server = createServer(async (request, response) => {
  try {
    const path = join(source, new URL(request.url, 'http://x').pathname);
    const headers = { 'content-type': types[extname(path)], 'content-security-policy': policy };
    response.writeHead(200, headers).end(await readFile(path));
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const origin = `http://127.0.0.1:${server.address().port}`;

async function take(browser, name, path, { width = 560, colorScheme = 'light', javaScriptEnabled = false } = {}) {
  const viewport = { width, height: 420 };
  const context = await browser.newContext({ colorScheme, viewport, deviceScaleFactor: width < 400 ? 1 : 2, javaScriptEnabled });
  const page = await context.newPage();
  page.on('console', (message) => console.log(`${name}: ${message.text()}`));
  await page.goto(`${origin}/${name}.html`);
  if (javaScriptEnabled) await page.waitForTimeout(1200);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (overflow > 0) console.log(`${name} at ${width}: ${overflow}px too wide`);
  await page.screenshot({ path, fullPage: true });
  await context.close();
}

const browser = await chromium.launch({
  executablePath: environment.VESTIBULE_TEST_CHROMIUM,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (const name of kept) {
    for (const colorScheme of ['light', 'dark']) {
      const javaScriptEnabled = name === 'connected';
      await take(browser, `${name}.en`, join(directory, `${name}-${colorScheme}.png`), { colorScheme, javaScriptEnabled });
    }
  }
  if (elsewhere) {
    const names = (await readdir(source)).filter((name) => name.endsWith('.html')).map((name) => name.slice(0, -5));
    for (const name of names) {
      await take(browser, name, join(elsewhere, `${name}.png`));
      await take(browser, name, join(elsewhere, `${name}-narrow.png`), { width: name.includes('zh') ? 320 : 360 });
    }
  }
} finally {
  await browser.close();
  server.close();
}
