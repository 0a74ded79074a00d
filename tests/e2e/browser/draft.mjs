// Somebody who is logged out fills in a request, is refused, logs in, and finds what he typed: once, and without what is secret.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

// What the tab keeps when the link is followed, which leads nowhere this time.
const kept = (link) => link.evaluate((one) => {
  addEventListener('click', (event) => event.preventDefault(), { once: true });
  one.click();
  return JSON.stringify(Object.entries(sessionStorage));
});

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  const path = '/docs/doc/default/orders/operations/create';
  await page.goto(origin + path);
  const example = await page.inputValue('#try-body');
  const order = JSON.stringify(JSON.parse(example));
  await page.fill('#try-body', order);
  await page.click('summary:has-text("More headers")');
  await page.fill('#try-headers', 'X-Note: kept\nX-Secret-Note: typed-secret\nAuthorization: typed-secret');
  await page.selectOption('#try-as', 'key');
  await page.fill('#try-key', 'typed-secret');
  await page.selectOption('#try-as', 'session');
  const refused = await send(page);
  const link = page.locator('#answer a:has-text("Log in")');
  const inTab = await kept(link);
  await link.click();
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(origin + path);
  await page.waitForSelector('#try-body:enabled');
  const filledIn = async () => ({
    body: await page.inputValue('#try-body'), headers: await page.inputValue('#try-headers'), key: await page.inputValue('#try-key'),
  });
  const [found, said] = [await filledIn(), await page.innerText('#try-status')];
  const left = await page.evaluate(() => sessionStorage.length);
  // What is filled in again makes room for itself.
  const wrong = (await violations(page)).filter((what) => !what.startsWith('moved at'));
  const bought = await send(page);
  // Nothing is left of it for who comes again.
  await page.goto(`${origin}/docs/`);
  await page.goto(origin + path);
  await page.waitForSelector('#try-body:enabled');
  const again = await filledIn();
  return { example, order, refused, inTab, found, said, left, bought, again, violations: wrong, faults };
});
