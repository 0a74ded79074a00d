// A login leads back to the page first asked for; what the browser then has, and sends from where.
import { story } from '../../support/browser/story.mjs';
import { fetched, loggedIn, shown } from './steps.mjs';

await story(async ({ context, settings: { origin, elsewhere } }) => {
  const page = await loggedIn(context, origin, '/orders?page=2');
  const landed = await shown(page);
  // Without their values: what a story prints is searched for secrets.
  const cookies = (await context.cookies(origin)).map(({ value, ...attributes }) => attributes);
  const readable = await page.evaluate(() => document.cookie.replace(/=[^;]*/g, ''));
  const script = await fetched(page, '/orders');

  // A page of another site may lead here, but not send anything in the user's name.
  await page.goto(elsewhere);
  const posted = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.evaluate((origin) => {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: `${origin}/orders` });
    document.body.append(form);
    form.submit();
  }, origin);
  const forged = (await posted).status();
  await page.waitForURL(`${origin}/orders`);
  await page.goto(elsewhere);
  await page.evaluate((url) => { location.href = url; }, `${origin}/linked`);
  await page.waitForURL(`${origin}/linked`);
  return { landed, cookies, readable, script, forged, linked: await shown(page) };
});
