// Every page of the portal, or of the console, or of what is not as it should be: on a wide screen in the light or on a narrow
// one in the dark, and as wide as screens are.
import { story } from '../../support/browser/story.mjs';
import { layout } from './layout.mjs';
import { logIn, violations, watched } from './steps.mjs';

const SCREENS = { wide: [['light'], 1280, 900], narrow: [['dark'], 390, 844], both: [['light', 'dark'], 1280, 900] };
const CART = '/console/objects/Mapping/default/cart';

const PATHS = {
  origin: [
    '/docs/', '/docs/?q=nothing+is+called+so', '/docs/search', '/docs/search?term=cart', '/docs/search?term=price_cents',
    '/docs/search?term=nothing+is+called+so',
    '/docs/doc/default/cart', '/docs/doc/default/cart/operations/show', '/docs/doc/default/cart/operations/put_line',
    '/docs/doc/default/cart/schemas/Cart', '/docs/doc/default/stock', '/docs/doc/default/stock/changes', '/docs/changes', '/docs/keys',
    '/docs/previews', '/docs/logout', '/docs/there/is/nothing',
  ],
  portal: [
    '/console/', '/console/?text=nothing+is+called+so', '/console/objects', '/console/objects?kind=Mapping&name=nothing', CART,
    `${CART}/edit`, `${CART}/edit?spec.timeout_ms=900`, `${CART}/edit?spec.timeout_ms=soon`, '/console/problems', '/console/explain',
    '/console/explain?url=http://shop.localhost:8080/api/products&headers=x-user:+ann', '/console/traffic', '/console/certificates',
    '/console/envoys', '/console/objects/Mapping/default/nothing',
  ],
  // What operators write, what is refused, and APIs with which something is wrong.
  portalInTrouble: [
    '/docs/', '/docs/pages/', '/docs/pages/guide', '/docs/pages/short', '/docs/doc/default/gone',
    '/docs/doc/default/gone/operations/items', '/docs/doc/default/nowhere', '/docs/doc/default/pattern', '/docs/doc/default/untitled',
    '/docs/doc/default/untitled/operations/items', '/docs/doc/default/untitled/schemas/Thing', '/docs/search?term=giraffe',
    '/docs/keys', '/docs/login', '/console/',
  ],
  // A gateway that cannot be asked.
  portalAlone: ['/docs/', '/docs/previews', '/console/', '/console/problems', `${CART}/edit`],
};

// What the edge answers itself, and under which title: a login that nobody has begun, and an API that a key is needed for.
const BY_THE_EDGE = {
  '/.ambassador/oauth2/redirection-endpoint?code=x&state=y': 'Bad Request',
  '/stock/items': 'Unauthorized',
};

// A new key, as it is shown once, and what is asked before it is another or none.
async function keys(page, origin, look) {
  await page.goto(`${origin}/docs/keys`);
  await look('/docs/keys of nobody');
  await logIn(page, origin, '/docs/keys');
  await look('/docs/keys without a key');
  await page.fill('main input[name=name]', 'laptop');
  await page.click('button:has-text("Create")');
  await page.waitForSelector('#secret');
  await look('/docs/keys with a new key');
  for (const change of ['Rotate', 'Revoke']) {
    await page.click(`main table a:text-is("${change}")`);
    await page.waitForURL(`**/${change.toLowerCase()}`);
    await look(`/docs/keys, ${change}`);
    await page.click('main form a');
    await page.waitForURL(`${origin}/docs/keys`);
  }
}

// Applies what stands in the editor, and looks at the refusal.
async function refused(page, status, look) {
  await page.evaluate(() => { document.querySelector('button[value=apply]').formNoValidate = true; });
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.click('button[value=apply]');
  if ((await answer).status() !== status) throw new Error(`${page.url()} is answered ${(await answer).status()} and not ${status}`);
  await page.waitForLoadState();
  await look(`the editor, ${status}`);
}

// What the editor says where somebody was faster, and where a login would be asked for no longer.
async function refusals(page, portal, look) {
  const other = await page.context().newPage();
  for (const [tab, more] of [[page, 1], [other, 2]]) {
    await tab.goto(`${portal}${CART}/edit`);
    await tab.fill('[name="spec.timeout_ms"]', String(Number(await tab.inputValue('[name="spec.timeout_ms"]')) + more));
    await tab.click('button[value=fields] >> nth=0');
    await tab.waitForSelector('button[value=apply]');
  }
  await other.click('button[value=apply]');
  await other.waitForURL('**?applied=*');
  await other.close();
  await refused(page, 409, look);
  await page.goto(`${portal}${CART.replace('cart', 'orders')}/edit`);
  await page.fill('#text', (await page.inputValue('#text')).replace('prefix: /api/orders', 'prefix: /api/orderz'));
  await page.click('button[value=text]');
  await page.waitForSelector('button[value=apply]');
  await refused(page, 428, look);
}

await story(async ({ context, settings }) => {
  const { page, faults } = await watched(context);
  const { part, screen } = settings;
  const found = [];
  const [schemes, width, height] = SCREENS[screen];
  let count = 0;
  const look = async (path) => {
    found.push(...(await violations(page, schemes)).map((fault) => `${screen} ${path}: ${fault}`));
    const name = `${part}-${String(count).padStart(2, '0')}-${screen}`;
    count += 1;
    await page.screenshot({ path: `${settings.pictures}/${name}.png` });
    if (screen !== 'narrow') found.push(...await layout(page));
  };
  await page.setViewportSize({ width, height });
  // Pictures come when all else is there: nothing moves for them.
  await context.route('**/docs/files/**', async (route) => {
    await page.waitForLoadState('domcontentloaded');
    await page.evaluate(() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen))));
    await route.continue();
  });
  if (part === 'origin') await keys(page, settings.origin, look);
  if (part === 'portal') await refusals(page, settings.portal, look);
  for (const path of PATHS[part]) {
    await page.goto((part === 'origin' ? settings.origin : settings.portal) + path);
    await look(path);
  }
  for (const [path, title] of Object.entries(part === 'origin' ? BY_THE_EDGE : {})) {
    await page.goto(settings.origin + path);
    await look(path);
    const said = await page.innerText('h1');
    if (said !== title) found.push(`${path} is ${said}, and not ${title}`);
  }
  return { violations: found, faults };
});
