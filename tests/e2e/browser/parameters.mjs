// Somebody fills in parameters of every kind, one with a slash in it, and one that is encoded already.
import { story } from '../../support/browser/story.mjs';
import { go, send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/doc/default/stock/operations/say`);
  await page.click('summary:has-text("heard")');
  const found = await violations(page);
  const shown = await page.innerText('#sample');
  const field = (name) => `[data-name="${name}"]`;
  await page.fill(field('id'), "it's & ü");
  await page.fill(field('undeclared'), 'b');
  await page.fill(field('tag'), 'x y,z');
  await page.fill(field('pipes'), '["a|b", "c,d"]');
  await page.fill(field('filter'), 'no object');
  const invalid = await page.$eval(field('filter'), ({ validationMessage }) => validationMessage);
  await page.fill(field('filter'), '{"user": {"name": "ann"}}');
  await page.fill(field('at'), '/a?b&c');
  const sent = await send(page);
  const sample = await page.innerText('#sample');
  await page.fill(field('id'), 'a/b');
  const slashed = await send(page);
  await page.fill(field('id'), '%2e%2e');
  const twice = await send(page);
  await page.waitForSelector('#answer .why');
  const why = await page.innerText('#answer .why');
  await page.click('.side-title a');
  await go(page, 'a[href$="/webhooks/news-post"]');
  const webhook = await page.innerText('h1');
  found.push(...await violations(page));
  return { shown, webhook, invalid, sample, sent, slashed, twice, why, violations: found, faults };
});
