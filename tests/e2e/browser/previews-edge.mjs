// What the edge itself shows to visitors of previews: that there is none to see, or whether they want to.
import { story } from '../../support/browser/story.mjs';
import { looker } from './look.mjs';
import { watched } from './steps.mjs';

await story(async ({ context, settings: { edge, chosen, pictures } }) => {
  const { page, faults } = await watched(context);
  const { look, found, seen } = looker(page, pictures);
  for (const [name, url] of Object.entries(edge)) {
    await page.goto(url);
    await look(name);
  }
  // A browser may still have been sent to one that is no more.
  await context.addCookies([{ name: 'nuncio_preview', value: 'nothing', url: chosen }]);
  await page.goto(chosen);
  await look('chosen', 'main');
  return { seen, violations: found, faults };
});
