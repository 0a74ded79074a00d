// Every page of the portal, or of the console, as it is on a wide screen in the light or on a narrow one in the dark.
import { story } from '../../support/browser/story.mjs';
import { logIn, violations, watched } from './steps.mjs';

const SCREENS = { wide: ['light', 1280, 900], narrow: ['dark', 390, 844] };
const CART = '/console/objects/Mapping/default/cart';

const PATHS = {
  origin: [
    '/docs/', '/docs/?q=nothing+is+called+so', '/docs/search', '/docs/search?term=cart', '/docs/search?term=nothing+is+called+so',
    '/docs/doc/default/cart', '/docs/doc/default/cart/operations/show', '/docs/doc/default/cart/operations/put_line',
    '/docs/doc/default/cart/schemas/Cart', '/docs/doc/default/stock', '/docs/doc/default/stock/changes', '/docs/changes', '/docs/keys',
    '/docs/logout', '/docs/there/is/nothing',
  ],
  portal: [
    '/console/', '/console/?text=nothing+is+called+so', '/console/objects', '/console/objects?kind=Mapping&name=nothing', CART,
    `${CART}/edit`, `${CART}/edit?spec.timeout_ms=900`, '/console/problems', '/console/explain',
    '/console/explain?url=http://shop.localhost:8080/api/products&headers=x-user:+ann', '/console/traffic', '/console/certificates',
    '/console/envoys', '/console/objects/Mapping/default/nothing',
  ],
};

await story(async ({ context, settings }) => {
  const { page, faults } = await watched(context);
  const { part, screen } = settings;
  if (part === 'origin') {
    await logIn(page, settings.origin, '/docs/keys');
    await page.fill('main input[name=name]', 'laptop');
    await page.click('button:has-text("Create")');
  }
  const found = [];
  const [colorScheme, width, height] = SCREENS[screen];
  await page.setViewportSize({ width, height });
  for (const [index, path] of PATHS[part].entries()) {
    await page.goto(settings[part] + path);
    found.push(...(await violations(page, [colorScheme])).map((fault) => `${screen} ${path}: ${fault}`));
    const name = `${part}-${String(index).padStart(2, '0')}-${screen}`;
    await page.screenshot({ path: `${settings.pictures}/${name}.png` });
  }
  return { violations: found, faults };
});
