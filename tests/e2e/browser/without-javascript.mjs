// Somebody finds and reads an API in a browser that runs no scripts.
import { story } from '../../support/browser/story.mjs';
import { go, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const plain = await context.browser().newContext({ javaScriptEnabled: false });
  const { page, faults } = await watched(plain);
  await page.goto(`${origin}/docs/`);
  await page.fill('input[name=term]', 'price_cents');
  await page.press('input[name=term]', 'Enter');
  await go(page, 'a[href*="/catalog/operations/list"]');
  const read = await page.innerText('main');
  const isStill = await page.locator('#try button').isDisabled();
  // What looks for violations is a script; other stories have it on the same pages.
  return { read, isStill, violations: [], faults };
});
