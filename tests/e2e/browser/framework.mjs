// Somebody finds a service whose authors know nothing of the portal, sends it something, and reads it again.
import { story } from '../../support/browser/story.mjs';
import { go, send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, pictures } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/`);
  await go(page, 'a:has-text("Notes")');
  const title = await page.innerText('h1');
  const found = await violations(page);
  await page.screenshot({ path: `${pictures}/framework-dark.png` });
  await go(page, '.operations a:has-text("Write Note")');
  const example = await page.inputValue('#try-body');
  found.push(...await violations(page));
  await page.fill('#try-body', JSON.stringify({ text: 'Buy bells', colour: 'blue' }));
  const written = await send(page);
  await page.fill('#try-body', '{"text": ""}');
  const wrong = await send(page);

  await page.click('.crumbs a');
  await page.click('.operations a:has-text("Read Note")');
  await page.fill('[data-name=number]', '1');
  const read = await send(page);
  await page.screenshot({ path: `${pictures}/framework-answer-dark.png` });
  return { title, example, written, wrong, read, violations: found, faults };
});
