// Somebody tries an operation from a portal that has an address of its own.
import { story } from '../../support/browser/story.mjs';
import { send, watched } from './steps.mjs';

await story(async ({ context, settings: { portal } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${portal}/docs/doc/default/cart/operations/show`);
  await page.selectOption('#try-origin', { index: 1 });
  const told = await send(page);
  return { told, violations: [], faults };
});
