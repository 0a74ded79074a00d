// What the guide shows of the portal and the console, taken of the shop.
import { story } from '../../support/browser/story.mjs';
import { logIn, send, watched } from './steps.mjs';

const CART = '/console/objects/Mapping/default/cart';

// Name, which site, path, colours, and what is done before.
const PICTURES = [
  ['catalog', 'origin', '/docs/', 'light'],
  ['palette', 'origin', '/docs/', 'light', find],
  ['operation', 'origin', '/docs/doc/default/cart/operations/show', 'light', send],
  ['refused', 'origin', '/docs/doc/default/catalog/operations/list', 'dark', exhaust],
  ['changes', 'origin', '/docs/doc/default/stock/changes', 'light'],
  ['preview', 'origin', '/docs/previews/default/cart-v2', 'light'],
  ['keys', 'origin', '/docs/keys', 'light'],
  ['topology', 'portal', '/console/?host=shop.localhost&text=cart', 'light'],
  ['explain', 'portal', '/console/explain?url=http://shop.localhost:8080/api/orders', 'light'],
  ['traffic', 'portal', '/console/traffic', 'light', visit],
  ['edit', 'portal', `${CART}/edit?spec.timeout_ms=900`, 'dark'],
];

// Sends until the gateway has had enough.
async function exhaust(page) {
  await page.click('summary:has-text("More headers")');
  await page.fill('#try-headers', 'x-user: eve');
  for (let count = 1; count <= 8 && !(await send(page)).status.startsWith('429'); count += 1);
}

// Has something to be counted, and looks at what was.
async function visit(page, { origin }) {
  const visitor = await page.context().newPage();
  for (const path of ['/', '/api/products', '/api/products/1', '/api/carts/1', '/api/carts/2', '/docs/']) {
    for (let count = 1; count <= 4; count += 1) await visitor.goto(origin + path);
  }
  await visitor.close();
  await page.click('text=Look again');
}

// Looks for something from any page.
async function find(page) {
  await page.keyboard.press('Control+k');
  await page.keyboard.type('cart');
  await page.waitForFunction(() => document.getElementById('palette-list').ariaBusy === 'false');
}

// Addresses, moments and durations are others each time; pictures are not.
function steady([address, directory]) {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = [];
  while (texts.nextNode()) seen.push(texts.currentNode);
  const words = [[address, '127.0.0.1'], [address.replaceAll('.', '_'), '127_0_0_1'], [directory, ''], [/just now|\d+ (second|minute)s? ago/g, '2 minutes ago'],
    [/^\d+ ms/g, '4 ms'], [/^\d+ \w+ \d{4}, \d\d:\d\d UTC/g, '1 June 2026, 09:30 UTC'], [/retry-after: \d+/g, 'retry-after: 1800'],
    [/--cart-v2-[a-z0-9]+/g, '--cart-v2-7k2m9']];
  for (const node of seen) {
    const text = words.reduce((so, [old, other]) => so.replaceAll(old, other), node.data);
    if (text !== node.data) node.data = text;
  }
}

await story(async ({ context, settings }) => {
  const { page, faults } = await watched(context);
  await page.setViewportSize({ width: 1280, height: 800 });
  await logIn(page, settings.origin, '/docs/');
  for (const [name, site, path, colorScheme, act] of PICTURES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const reply = await page.goto(settings[site] + path);
    if (!reply.ok()) throw new Error(`${path}, of which the guide shows a picture, is ${reply.status()}`);
    await act?.(page, settings);
    await page.evaluate(() => { if (!document.querySelector('dialog[open]')) document.activeElement.blur(); window.scrollTo(0, 0); });
    await page.mouse.move(0, 799);
    await page.evaluate(steady, [settings.address, settings.directory]);
    await page.screenshot({ path: `${settings.guide}/${name}.png` });
  }
  return { pictures: PICTURES.map(([name]) => `${name}.png`).sort(), violations: [], faults };
});
