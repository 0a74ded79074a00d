// Somebody makes a preview in a browser that runs no scripts, looks at it, and takes it away.
import { story } from '../../support/browser/story.mjs';
import { go, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, token, manifest, fields, choices, pictures } }) => {
  const headers = { authorization: token };
  const fill = async (page, fields) => {
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  };
  const plain = await context.browser().newContext({ javaScriptEnabled: false, extraHTTPHeaders: headers });
  const still = await plain.newPage();
  await still.goto(`${origin}/docs/`);
  await go(still, 'nav a[href="/docs/previews"]');
  const empty = await still.innerText('main');
  await still.click('main a[href="/docs/previews/new"]');
  await still.getByLabel('Manifest', { exact: true }).fill('metadata: {name: tax}');
  await go(still, 'text=Create or change');
  const refused = await still.innerText('[role=alert]');
  await still.getByLabel('Manifest', { exact: true }).fill(manifest);
  await still.click('text=Create or change');
  await still.waitForURL(`${origin}/docs/previews/default/tax`);
  const made = await still.innerText('main');
  const ends = () => still.getAttribute('.heading time', 'title');
  const madeUntil = await ends();
  await still.getByLabel('Show it from now on for').fill('5h');
  await go(still, 'text=Extend');
  const extendedUntil = await ends();

  await still.click('text="Follow a request"');
  await still.getByLabel('Path at the host of the first entrypoint').fill('/cart/');
  await go(still, 'text="Follow a request"');
  const doctor = await still.innerText('main');
  await still.goto(`${origin}/docs/previews/new`);
  await fill(still, fields);
  for (const [label, value] of Object.entries(choices)) await still.getByLabel(label, { exact: true }).selectOption(value);
  await fill(still, { 'For how long': '3 days' });
  await go(still, 'text="Create"');
  const lacking = await still.innerText('[role=alert]');
  const beside = await still.innerText('.field:has(input[name=ttl][aria-invalid])');
  const unneeded = await still.locator('input[name=groups], input[name=owner]').count();
  await fill(still, { 'For how long': '' });
  await go(still, 'text="Create"');
  const byFields = await still.innerText('main');
  await still.click('text="Change it"');
  const filled = await still.inputValue('input[name=backend]');
  await fill(still, { 'For how long': '2 days' });
  await go(still, 'text="Save"');
  const unchanged = await still.innerText('.field:has(input[name=ttl][aria-invalid])');
  await fill(still, { 'For how long': '5h' });
  await still.click('text="Save"');
  await still.waitForURL(`${origin}/docs/previews/default/fields`);
  const changedUntil = await ends();
  await still.click('summary:has-text("Delete this preview")');
  await still.click('text=Delete it now');
  await still.goto(`${origin}/docs/previews/default/tax`);

  await context.setExtraHTTPHeaders(headers);
  const { page, faults } = await watched(context);
  const found = [];
  const look = async (path, name) => {
    await page.goto(origin + path);
    found.push(...await violations(page));
    await page.emulateMedia({ colorScheme: 'light' });
    await page.screenshot({ path: `${pictures}/previews-${name}.png`, fullPage: true });
    return page.innerText('main');
  };
  const list = await look('/docs/previews?text=TAX', 'list');
  const none = await look('/docs/previews?text=other', 'none');
  const ended = await look('/docs/previews?state=ended', 'ended');
  const over = await look('/docs/previews/default/fields', 'over');
  await look('/docs/previews/default/tax', 'one');
  await look('/docs/previews/new', 'new');
  await look('/docs/previews/default/tax/change', 'change');

  await still.click('summary:has-text("Delete this preview")');
  await still.click('text=Delete it now');
  await still.waitForURL(`${origin}/docs/previews`);
  const gone = await still.innerText('main');
  return {
    empty, refused, made, madeUntil, extendedUntil, doctor, lacking, beside, unneeded, filled, unchanged, changedUntil, byFields,
    ended, over, list, none, gone, violations: found, faults,
  };
});
