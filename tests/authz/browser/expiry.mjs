// A session ends while its page is open: scripts are told so, and the next page needs no password while the provider knows
// its user.
import { story } from '../../support/browser/story.mjs';
import { fetched, loggedIn, shown } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const page = await loggedIn(context, origin);
  while ((await fetched(page, '/orders')) === 200) await page.waitForTimeout(50);
  const sent = await fetched(page, '/orders', 'POST');
  await page.goto(`${origin}/next`);
  return { sent, next: await shown(page) };
});
