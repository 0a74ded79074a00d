// Somebody sends forms of a document of 2.0, and requests whose methods only documents of 3.2 have.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  const operation = (api, name) => page.goto(`${origin}/docs/doc/default/${api}/operations/${name}`);
  await operation('pets-2-0', 'addPet');
  const found = await violations(page);
  const filled = await page.inputValue('#try-body');
  await page.fill('#try-body', 'name=Rex%20%26%20co&tags=calm,small');
  const formSample = await page.innerText('#sample');
  const form = await send(page);

  await operation('pets-2-0', 'uploadPhoto');
  const picture = { name: 'bell.png', mimeType: 'image/png', buffer: Buffer.from('not much of a picture') };
  await page.fill('[data-name=petId]', '7');
  await page.setInputFiles('[data-part=photo]', picture);
  await page.fill('[data-part=caption]', 'A bell');
  const upload = await send(page);

  await operation('pets-3-2', 'queryPets');
  found.push(...await violations(page));
  const querySample = await page.innerText('#sample');
  const query = await send(page);

  await operation('pets-3-2', 'copyPet');
  await page.fill('[data-name=petId]', '7');
  const copy = await send(page);
  return { filled, form, formSample, upload, query, querySample, copy, violations: found, faults };
});
