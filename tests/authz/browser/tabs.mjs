// Two tabs ask for a login at once: each comes to its own page.
import { story } from '../../support/browser/story.mjs';
import { logIn, shown } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const tabs = await Promise.all(['/one', '/two'].map(async (path) => {
    const page = await context.newPage();
    await page.goto(`${origin}${path}`);
    return { page, path };
  }));
  const asked = await Promise.all(tabs.map(({ page }) => shown(page)));
  for (const { page, path } of tabs) await logIn(page, 'ann', `${origin}${path}`);
  const landed = await Promise.all(tabs.map(({ page }) => shown(page)));
  return { asked, landed, cookies: (await context.cookies(origin)).map(({ name }) => name) };
});
