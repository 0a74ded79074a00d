// Somebody fills in values that nobody else is to see, and takes the request as a sample to his colleagues.
import { story } from '../../support/browser/story.mjs';
import { send, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/doc/default/stock/operations/echo`);
  const empty = await page.innerText('#sample');
  await page.fill('[data-name=id]', "it's 7");
  await page.fill('[data-name=api_token]', 'a token of mine');
  await page.fill('[data-name=sort]', 'up & down');
  await page.fill('[data-name=x-secret]', 'a secret of mine');
  await page.selectOption('#try-as', 'bearer');
  await page.fill('#try-token', 'a bearer token of mine');
  const sample = await page.innerText('#sample');
  const told = await send(page);
  return { empty, sample, told, violations: [], faults };
});
