// Somebody logs in, gives himself an API key, and calls with it, by the keyboard alone, until he takes it away again.
import { story } from '../../support/browser/story.mjs';
import { answered, tabTo, violations, watched } from './steps.mjs';

// Puts another text into a field, which the keyboard reaches backwards.
async function retype(page, selector, text) {
  for (let steps = 0; steps < 80 && !(await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)); steps += 1) {
    await page.keyboard.press('Shift+Tab');
  }
  await page.keyboard.press('Control+A');
  await page.keyboard.type(text);
}

// Sends with this key until the answer is this: a change needs a moment to reach the gateway.
async function sendUntil(page, status) {
  for (const end = Date.now() + 20_000; Date.now() < end;) {
    await tabTo(page, '#try button');
    await page.keyboard.press('Enter');
    const seen = await answered(page);
    if (seen.status.startsWith(status)) return seen;
  }
  throw new Error(`no answer is ${status}`);
}

await story(async ({ context, settings: { origin, pictures } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/keys`);
  await tabTo(page, 'main a[href^="/docs/login"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('input[name=password]');
  await tabTo(page, 'input[name=name]');
  await page.keyboard.type('ann');
  await tabTo(page, 'input[name=password]');
  await page.keyboard.type('bell');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${origin}/docs/keys`);
  const takers = await page.innerText('.heading');
  await tabTo(page, 'main input[name=name]');
  await page.keyboard.type('laptop');
  await page.keyboard.press('Enter');
  const secret = await page.innerText('#secret');
  const found = await violations(page);
  await page.screenshot({ path: `${pictures}/keys-dark.png` });
  // The browser's way back shows a page as it was left.
  await page.evaluate(() => addEventListener('pagehide', () => sessionStorage.setItem('left', document.querySelector('main').textContent)));
  await page.goto(`${origin}/docs/changes`);
  // A page that is kept as it was is not loaded anew.
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForSelector('main input[name=name]');
  const back = { left: await page.evaluate(() => sessionStorage.getItem('left')), said: await page.innerText('main') };
  await page.reload();
  const again = { secret: await page.locator('#secret').count(), keys: await page.locator('main tbody tr').count() };

  await page.goto(`${origin}/docs/doc/default/stock/operations/items`);
  const asSomebody = await page.innerText('#sample');
  await tabTo(page, '#try-as');
  // Letters would be those of another word after a second without one.
  for (const as of ['bearer', 'key']) {
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction((wanted) => document.getElementById('try-as').value === wanted, as);
  }
  await tabTo(page, '#try-key');
  await page.keyboard.type('no key of anybody');
  const refused = await sendUntil(page, '401');
  await retype(page, '#try-key', secret);
  const called = await sendUntil(page, '200');
  const sample = await page.innerText('#sample');
  found.push(...await violations(page));

  const keys = await context.newPage();
  await keys.goto(`${origin}/docs/keys`);
  const listed = await keys.innerText('main table');
  const shown = await keys.content();
  await tabTo(keys, 'a[aria-label="Revoke laptop"]');
  await keys.keyboard.press('Enter');
  await keys.waitForURL('**/revoke');
  const asked = await keys.innerText('main');
  await tabTo(keys, 'main button.danger');
  await keys.keyboard.press('Enter');
  await keys.waitForURL(`${origin}/docs/keys`);
  await keys.waitForSelector('main table', { state: 'detached' });
  const ended = await sendUntil(page, '401');
  return { takers, asSomebody, refused, called, ended, sample, listed, again, back, asked, isShownOnce: !shown.includes(secret), violations: found, faults };
});
