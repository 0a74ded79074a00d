// Somebody comes back to tabs whose login has ended meanwhile, and by a new one to the page where he was.
import { story } from '../../support/browser/story.mjs';
import { logIn, send, violations, watched } from './steps.mjs';

// Has a tab be looked at again.
const look = (page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  const path = '/docs/doc/default/orders/operations/list';
  await logIn(page, origin, path);
  const other = await context.newPage();
  await other.goto(`${origin}/docs/changes`);
  const asked = other.waitForResponse('**/docs/login?*');
  await look(other);
  await asked;
  const isQuiet = (await other.locator('#logged-out').count()) === 0;
  await other.reload();

  await context.clearCookies();
  await look(other);
  const looked = await other.innerText('#logged-out');
  const refused = await send(page);
  await page.waitForSelector('#answer #logged-out');
  refused.answer = await page.innerText('#answer');
  const found = await violations(page);
  await page.click('#logged-out a');
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(origin + path);
  const again = await send(page);
  return { isQuiet, looked, refused, again, violations: found, faults };
});
