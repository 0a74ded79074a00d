// Who made a preview that is for links opens it from its page, in a browser that runs no scripts.
import { story } from '../../support/browser/story.mjs';
import { go, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, token } }) => {
  const extraHTTPHeaders = { authorization: token };
  const plain = await context.browser().newContext({ javaScriptEnabled: false, extraHTTPHeaders });
  const still = await plain.newPage();
  await still.goto(`${origin}/docs/previews/default/tax`);
  const offered = await still.innerText('main');
  const leads = await still.locator('main a[href*="preview.example"]').count();
  await go(still, 'text="Make a link for an hour"');
  const made = await still.innerText('main');
  await still.click('text="Open it"');
  await still.waitForURL(/preview\.example/);
  const opened = new URL(still.url());
  const there = await still.goto(`${opened.origin}/cart/`);

  await context.setExtraHTTPHeaders(extraHTTPHeaders);
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/previews/default/tax`);
  const found = await violations(page);
  return {
    offered, leads, made, search: opened.search, by: (await there.json()).backend,
    violations: found, faults,
  };
});
