// Somebody sends the same request to what is served, and to a preview of it.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, name = 'default/cart-v2', isRefused } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/doc/default/cart/operations/show`);
  const found = await violations(page);
  const choices = await page.locator('#try-origin optgroup option').allInnerTexts();
  await page.selectOption('#try-origin', { label: choices.find((choice) => choice.startsWith(`${name}:`)) });
  const sample = await page.innerText('#sample');
  const preview = await send(page);
  return { choices, sample, preview, violations: found, faults: isRefused ? [] : faults };
});
