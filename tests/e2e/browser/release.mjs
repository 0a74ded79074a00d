// Somebody reads an API; a release of its service breaks clients, and the page, its changes and the list of all say so.
import { story } from '../../support/browser/story.mjs';
import { go, reloadUntil, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, service, release, pictures } }) => {
  const { page, faults } = await watched(context);
  const api = `${origin}/docs/doc/default/stock`;
  await page.goto(api);
  const before = await page.innerText('.heading');
  const found = await violations(page);

  await context.request.put(service, { data: release });
  await reloadUntil(page, '.heading', 'breaking');
  found.push(...await violations(page));
  await go(page, '.heading a:text-is("Changes")');
  const told = await page.innerText('main');
  found.push(...await violations(page));
  await page.emulateMedia({ colorScheme: 'light' });
  await page.screenshot({ path: `${pictures}/release.png` });
  await page.locator('.version').first().locator('a:has-text("GET /stock/items")').first().click();
  await page.waitForURL(`${api}/operations/items`);
  const read = await page.innerText('main');
  await go(page, '.top nav >> text=Changes');
  const all = await page.innerText('main');
  found.push(...await violations(page));
  return { before, told, read, all, violations: found, faults };
});
