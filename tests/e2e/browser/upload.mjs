// Somebody sends a file with a form, and a file that is all there is to a body.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  const picture = { name: 'bell.png', mimeType: 'image/png', buffer: Buffer.from('not much of a picture') };
  await page.goto(`${origin}/docs/doc/default/stock/operations/picture`);
  const found = await violations(page);
  await page.fill('[data-part=album]', 'bells');
  await page.setInputFiles('[data-part=picture]', picture);
  const sample = await page.innerText('#sample');
  const form = await send(page);
  await page.goto(`${origin}/docs/doc/default/stock/operations/raw`);
  await page.setInputFiles('[data-part]', picture);
  const raw = await send(page);
  return { sample, form, raw, violations: found, faults };
});
