// Somebody who uses the keyboard alone finds an operation by a field, reads it, and sends its request.
import { story } from '../../support/browser/story.mjs';
import { answered, tabTo, violations, watched } from './steps.mjs';

// Whether a person sees where the focus is.
const isSeen = (page) => page.evaluate(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
});

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/`);
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.innerText);
  await page.keyboard.press('Enter');
  const skipped = new URL(page.url()).hash;

  await page.goto(`${origin}/docs/`);
  await tabTo(page, 'input[name=term]');
  const seen = [await isSeen(page)];
  await page.keyboard.type('price_cents');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/docs/search**');
  await tabTo(page, 'a[href*="/catalog/operations/list"]');
  seen.push(await isSeen(page));
  await page.keyboard.press('Enter');
  await page.waitForSelector('#try fieldset:enabled');
  const found = await violations(page);
  const read = await page.innerText('main');

  await tabTo(page, '#try button[type=submit]');
  seen.push(await isSeen(page));
  await page.keyboard.press('Enter');
  const told = await answered(page);
  await tabTo(page, '#answer pre');
  await tabTo(page, '#answer summary');
  await page.keyboard.press('Enter');
  const headers = await page.innerText('#answer details');
  return { first, skipped, seen, read, told, headers, violations: found, faults };
});
