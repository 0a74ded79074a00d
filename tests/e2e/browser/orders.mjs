// The shop as its customers have it: orders need a login, each tab comes to the page that it asked for, and the way out of one
// tab is the way out of both.
import { story } from '../../support/browser/story.mjs';
import { violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin } }) => {
  const { page, faults } = await watched(context);
  const first = `${origin}/api/orders?page=1`;
  const isForm = async (tab) => (await tab.locator('input[name=password]').count()) === 1;
  await page.goto(first);
  const asked = { at: new URL(page.url()).host, form: await isForm(page), title: await page.title() };
  const found = await violations(page);
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'horn');
  await page.click('button:has-text("Log in")');
  const wrong = await page.innerText('[role=alert]');
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(first);
  const landed = JSON.parse(await page.innerText('body'));

  const account = await context.newPage();
  await account.goto(`${origin}/account`);
  await account.waitForFunction(() => document.querySelector('#who').textContent !== '…');
  const who = await account.innerText('#who');
  const own = (await context.cookies(origin)).map(({ name, httpOnly }) => ({ name, httpOnly }));
  await account.click('button:has-text("Log out")');
  await account.click('button:has-text("Log out")');
  await account.waitForURL(`${origin}/`);

  const left = (await context.cookies(origin)).map(({ name }) => name);
  const script = await page.evaluate(async () => (await fetch('/api/orders')).status);
  await page.reload();
  const tabs = [await isForm(page)];
  await account.goto(`${origin}/account`);
  tabs.push(await isForm(account));
  return { asked, wrong, landed, who, own, left, script, tabs, violations: found, faults };
});
