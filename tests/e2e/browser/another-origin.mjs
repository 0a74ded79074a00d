// Somebody tries an operation from a portal that has an address of its own.
import { story } from '../../support/browser/story.mjs';
import { send, watched } from './steps.mjs';

await story(async ({ context, settings: { portal } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${portal}/docs/doc/default/cart/operations/show`);
  const to = await page.locator('#try-origin option').allInnerTexts();
  const chosen = await page.inputValue('#try-origin');
  const told = await send(page);
  return { to, chosen, told, violations: [], faults };
});
