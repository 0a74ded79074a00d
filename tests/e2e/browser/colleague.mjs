// Somebody gets the URL of a pull request's preview, logs in, and sees the branch inside the shop; the shop is as it was.
import { story } from '../../support/browser/story.mjs';
import { watched } from './steps.mjs';

await story(async ({ context, settings: { preview, origin } }) => {
  const { page, faults } = await watched(context);
  const first = `${preview}?user=ann`;
  await page.goto(first);
  const asked = new URL(page.url()).host;
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(first);
  const branch = JSON.parse(await page.innerText('body'));
  await page.goto(`${origin}/?user=ann`);
  const shop = JSON.parse(await page.innerText('body'));
  return { asked, branch, shop, violations: [], faults };
});
