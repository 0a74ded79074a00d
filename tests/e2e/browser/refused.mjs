// Somebody sends requests from their pages that are refused, each for another reason, and is told why.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, token, address } }) => {
  const { page, faults } = await watched(context);
  const found = [];
  const open = (operation) => page.goto(`${origin}/docs/doc/default/${operation}`);
  const told = async () => {
    const seen = await send(page);
    found.push(...await violations(page));
    return seen;
  };
  const withToken = async (shown) => {
    // Somebody is at work: what moves from now on moves for that.
    await page.keyboard.press('Shift');
    await page.selectOption('#try-as', 'bearer');
    await page.fill('#try-token', shown);
    return told();
  };
  await open('orders/operations/list');
  const taken = await withToken(token);
  const wrong = await withToken('no token at all');
  await open('stock/operations/items');
  const forbidden = await withToken(token);
  await open('gone/operations/items');
  const dead = await told();
  await open('catalog/operations/list');
  await page.click('summary:has-text("More headers")');
  await page.fill('#try-headers', `X-Forwarded-For: ${address}`);
  const keptOut = await told();
  await page.fill('#try-headers', '');
  const letIn = await told();
  await open('inner/operations/items');
  const notBegun = await told();
  await open('closed/operations/items');
  const loggedOut = await told();
  const asked = page.url();
  await page.click('#answer a:has-text("Log in")');
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(asked);
  const loggedIn = await told();
  await open('inner/operations/items');
  await context.clearCookies();
  const ended = await told();
  return { taken, wrong, forbidden, notBegun, loggedOut, loggedIn, ended, dead, keptOut, letIn, violations: found, faults };
});
