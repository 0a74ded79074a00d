// Somebody finds and reads an API in a browser that runs no scripts.
import { story } from '../../support/browser/story.mjs';

await story(async ({ context, settings: { origin } }) => {
  const plain = await context.browser().newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await page.goto(`${origin}/docs/`);
  await page.fill('input[name=term]', 'price_cents');
  await page.press('input[name=term]', 'Enter');
  await page.click('a[href$="/catalog/operations/list"]');
  const read = await page.innerText('main');
  const isStill = await page.locator('#try button').isDisabled();
  return { read, isStill, violations: [], faults: [] };
});
