// Somebody finds an operation, sends its request from its page, and is told why the gateway holds him up.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, pictures } }) => {
  const { page, faults } = await watched(context);
  await page.goto(`${origin}/docs/search?term=price_cents`);
  await page.click('a[href*="/catalog/operations/list"]');
  await page.waitForFunction(() => document.querySelector(':target')?.checkVisibility());
  const field = await page.innerText(':target code');
  const first = await send(page);
  await page.click('summary:has-text("More headers")');
  await page.fill('#try-headers', 'X-User: ann');
  const counted = await send(page);
  let held = counted;
  // A new hour may begin meanwhile.
  for (let count = 1; count <= 12 && held.status.startsWith('200'); count += 1) held = await send(page);
  const sample = await page.innerText('#sample');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  // It says so for a moment only.
  await Promise.all([
    page.waitForSelector('.sample[open] button:has-text("Copied")'),
    page.click('.sample[open] button:has-text("Copy")'),
  ]);
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const found = await violations(page);
  await page.screenshot({ path: `${pictures}/try-it-dark.png` });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.screenshot({ path: `${pictures}/try-it.png` });

  await page.fill('#try-headers', 'x-user: bob');
  const other = await send(page);
  await page.fill('#try-headers', 'no header: x');
  const wrong = await send(page);
  await page.fill('#try-headers', 'Cookie: a=b\nx-user bob\nx-user: bob');
  const dropped = await send(page);
  const unexpected = [...faults];
  // Browsers would ask for another path.
  await page.goto(`${origin}/docs/doc/default/cart/operations/show`);
  await page.fill('[data-place=path]', '..');
  const dots = await send(page);
  const elsewhere = await page.evaluate(() => fetch('http://127.0.0.1:1/').then(() => 'sent', () => 'refused'));
  return { field, first, counted, held, other, wrong, dropped, dots, sample, copied, elsewhere, violations: found, faults: unexpected };
});
