// Somebody finds things from every page by the keyboard alone, and leaves nothing behind that says for what he looked.
import { story } from '../../support/browser/story.mjs';
import { violations, watched } from './steps.mjs';

const PAGES = ['/docs/', '/docs/search?term=cart', '/docs/doc/default/cart', '/docs/doc/default/cart/operations/show',
  '/docs/doc/default/cart/schemas/Cart', '/docs/changes', '/docs/previews', '/docs/there/is/nothing', '/console/', '/console/objects',
  '/console/objects/Mapping/default/cart', '/console/objects/Mapping/default/cart/edit', '/console/problems', '/console/explain',
  '/console/traffic', '/console/certificates', '/console/envoys'];

await story(async ({ context, settings: { portal, origin, pictures } }) => {
  const { page, faults } = await watched(context);
  const isOpen = () => page.locator('#palette').evaluate((dialog) => dialog.open);
  // Where the reader is, as a screen reader says it.
  const told = () => page.evaluate(() => {
    const { activeElement: input } = document;
    const chosen = document.getElementById(input.getAttribute('aria-activedescendant'));
    const options = [...document.querySelectorAll('#palette-list [role=option]')];
    return { role: input.role, at: options.indexOf(chosen), of: options.length, text: chosen?.innerText, link: chosen?.href,
      number: document.getElementById('palette-number').innerText };
  });
  // Looks for words, until it is told what was found.
  async function look(words) {
    await page.keyboard.type(words);
    await page.waitForFunction(() => document.getElementById('palette-list').ariaBusy === 'false');
    return told();
  }

  const everywhere = [];
  for (const [index, path] of PAGES.entries()) {
    await page.goto(portal + path);
    await page.focus('.brand');
    await page.keyboard.press(index % 2 ? 'Meta+k' : 'Control+k');
    const { role, of } = await told();
    const wasOpen = await isOpen();
    await page.keyboard.press('Escape');
    const back = await page.evaluate(() => document.activeElement.matches('.brand'));
    everywhere.push([path, wasOpen, role, of > 8, await isOpen(), back]);
  }
  const wrong = everywhere.filter(([, ...seen]) => JSON.stringify(seen) !== '[true,"combobox",true,false,true]');

  await page.goto(`${portal}/docs/`);
  await page.click('#palette-open');
  const first = await look('price_cents');
  const found = await violations(page);
  await page.screenshot({ path: `${pictures}/palette-dark.png` });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.screenshot({ path: `${pictures}/palette.png` });
  await page.keyboard.press('ArrowDown');
  const second = await told();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  const last = await told();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(first.link);

  await page.keyboard.press('Control+k');
  const nothing = await look('nothing is called so');
  await page.keyboard.press('Control+k');
  const isClosed = !(await isOpen());
  await page.keyboard.press('Control+k');
  const object = await look('mapping cart-by');
  await page.keyboard.press('Enter');
  await page.waitForURL(object.link);
  await page.keyboard.press('Control+k');
  const route = await look('route api/orders');
  await page.keyboard.press('Enter');
  await page.waitForURL(route.link);
  const drawn = await page.innerText('main');
  // Both know of carts: what is of the console comes first here, and last in the portal.
  const sorts = async (path) => {
    await page.goto(portal + path);
    await page.keyboard.press('Control+k');
    await look('cart');
    const all = await page.locator('#palette-list .sort').allTextContents();
    const { api, operation, schema, page: own } = await page.locator('#palette').evaluate(({ dataset }) => ({ ...dataset }));
    await page.keyboard.press('Escape');
    return [all.at(0), all.at(-1)].map((sort) => [api, operation, schema, own].includes(sort) ? 'portal' : 'console');
  };
  const firsts = { console: await sorts('/console/objects'), portal: await sorts('/docs/') };
  await page.keyboard.press('Control+k');
  const place = await look('certificates');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/console/certificates');
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);

  // Through the gateway there is no console for everybody: nothing of it is found, or asked for.
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`${origin}/docs/`);
  await page.keyboard.press('Control+k');
  await look('orders');
  const outside = await page.locator('#palette-list .sort').allInnerTexts();

  await page.goto(`${origin}/docs/doc/default/cart/operations/show`);
  const weight = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ initiatorType }) => initiatorType === 'script')
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0));

  const plain = await (await context.browser().newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${portal}/docs/`);
  await plain.click('#palette-open');
  const without = new URL(plain.url()).pathname;
  return { wrong, firsts, first, second, last, nothing, isClosed, object, route, drawn, place, kept, outside, weight, without,
    asked: asked.filter((path) => path.startsWith('/console')), violations: found, faults };
});
