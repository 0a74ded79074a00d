// Somebody adds a limit in a browser that runs no scripts, is told what is wrong with it, mends it, and applies it.
import { story } from '../../support/browser/story.mjs';
import { go, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const object = `${origin}/console/objects/RateLimit/default/products`;
  const plain = await watched(await context.browser().newContext({ javaScriptEnabled: false }));
  const { page } = plain;
  // What a filter of a rule does not say is folded away, and the keyboard unfolds it.
  await page.goto(`${origin}/console/objects/FilterPolicy/default/customers/edit`);
  const filter = page.getByRole('group', { name: 'Rule 1, filter 3' });
  const required = filter.getByLabel('Required', { exact: true });
  const unfolded = [await required.isVisible()];
  await filter.locator('summary').press('Enter');
  unfolded.push(await required.isVisible());
  await page.goto(object);
  await page.click('text=Change it');
  await page.click('text=Add a limit');
  const limit = page.getByRole('group', { name: 'Limit 2' });
  await limit.getByLabel('Pattern').fill('bob');
  await limit.getByLabel('Unit').selectOption('hour');
  await limit.getByLabel('Rate', { exact: true }).fill('1');
  await go(page, 'text=Try these fields');
  const fault = await page.locator('.note.warn strong').nth(1).innerText();
  await limit.getByLabel('Pattern').fill('user: bob');
  await go(page, 'text=Try these fields');
  const radius = await page.locator('.note p').first().innerText();
  const diff = await page.locator('.diff .added, .diff .removed').allInnerTexts();

  // The same page where scripts run, for what looks for violations.
  const { page: again, faults } = await watched(context);
  await again.goto(page.url());
  const found = await violations(again);
  await again.goto(`${origin}/console/new?kind=RateLimit`);
  found.push(...await violations(again));
  await again.goto(`${object}/delete`);
  found.push(...await violations(again));

  await page.click('button[value=apply]');
  await page.waitForURL(`${object}?applied=*`);
  return { unfolded, fault, radius, diff, violations: found, faults: [...plain.faults, ...faults] };
});
