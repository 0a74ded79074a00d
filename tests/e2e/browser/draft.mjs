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
  const refusal = async () => {
    await page.fill('#try-body', order);
    await page.click('summary:has-text("More headers")');
    await page.fill('#try-headers', 'X-Note: kept\nX-Secret-Note: typed-secret\nX-Password: typed-secret\nX-Pass: typed-secret\nAuthorization: typed-secret');
    await page.selectOption('#try-as', 'key');
    await page.fill('#try-key', 'typed-secret');
    await page.selectOption('#try-as', 'session');
    return send(page);
  };
  const refused = await refusal();
  const sample = await page.innerText('#sample');
  const link = page.locator('#answer a:has-text("Log in")');
  const withSecrets = [];
  for (const body of ['{"of": [{"password": "typed-secret"}]}', 'client_secret=typed-secret', '{"pin": "typed-secret"', 'otp=typed-secret', '{"card": {"cvv": "typed-secret"}}']) {
    await page.fill('#try-body', body);
    withSecrets.push(await kept(link));
  }
  // Who has not logged in finds nothing, and nor does who comes after him.
  await page.reload();
  await page.waitForSelector('#try-body:enabled');
  const abandoned = { said: await page.innerText('#try-status'), left: await page.evaluate(() => sessionStorage.length) };
  await refusal();
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
  // Nor of a draft that is older than a login takes, or that cannot be read, whatever page comes next.
  await page.evaluate(() => {
    const draft = (minutes) => JSON.stringify({ at: Date.now() - minutes * 60_000, typed: [['try-body', 'old']] });
    sessionStorage.setItem(`nuncio-draft ${location.pathname}`, draft(16));
    sessionStorage.setItem('nuncio-draft /docs/unreadable', '{');
    sessionStorage.setItem('nuncio-draft /docs/elsewhere', draft(1));
    sessionStorage.setItem('of a service', 'its own');
  });
  await page.goto(`${origin}/docs/`);
  const swept = await page.evaluate(() => Object.keys(sessionStorage).sort());
  await page.evaluate(() => sessionStorage.removeItem('of a service'));
  await page.goto(origin + path);
  await page.waitForSelector('#try-body:enabled');
  const late = await filledIn();
  await page.goto(`${origin}/docs/logout`);
  const beforeLogout = await page.evaluate(() => Object.keys(sessionStorage));
  await page.click('button:has-text("End the login")');
  await page.click('button[name=logout]');
  await page.waitForURL(`${origin}/`);
  const loggedOut = await page.evaluate(() => sessionStorage.length);
  return { example, order, refused, sample, withSecrets, abandoned, swept, late, beforeLogout, loggedOut, inTab, found, said, left, bought, again, violations: wrong, faults };
});
