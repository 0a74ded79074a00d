// Somebody is refused, logs in from the page that told him so, is answered there, and goes out again.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, pictures } }) => {
  const { page, faults } = await watched(context);
  const status = async (path) => (await page.goto(`${origin}${path}`)).status();
  const before = await status('/docs/doc/default/web');
  const orders = `${origin}/docs/doc/default/orders/operations/list`;
  await page.goto(orders);
  const refused = await send(page);
  const found = await violations(page);
  await page.screenshot({ path: `${pictures}/refused-dark.png` });
  await page.click('#answer a:has-text("Log in")');
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(orders);
  const answered = await send(page);
  const who = await page.innerText('.account .who');
  const [sample, said] = [await page.innerText('#sample'), await page.innerText('main')];
  found.push(...await violations(page));

  await page.goto(`${origin}/docs/doc/default/orders/operations/create`);
  const bought = await send(page);

  const inside = await status('/docs/doc/default/web');
  await page.click('a[href="/docs/logout"]');
  found.push(...await violations(page));
  await page.screenshot({ path: `${pictures}/logout-dark.png` });
  await page.click('button:has-text("End the login")');
  await page.click('button[name=logout]');
  await page.waitForURL(`${origin}/`);
  const after = await status('/docs/doc/default/web');
  return { refused, answered, who, sample, page: said, bought, web: { before, inside, after }, violations: found, faults };
});
