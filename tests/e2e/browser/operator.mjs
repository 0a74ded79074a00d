// The console behind the gateway's login: somebody else is turned away; an operator changes a timeout, by the keyboard alone.
import { story } from '../../support/browser/story.mjs';
import { tabTo, violations, watched } from './steps.mjs';

// Asks for the console, logs in where the gateway leads to, and gives what stands there then.
async function comeAs(page, origin, name, password) {
  await page.goto(`${origin}/console/`);
  await tabTo(page, 'input[name=name]');
  await page.keyboard.type(name);
  await tabTo(page, 'input[name=password]');
  await page.keyboard.type(password);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url() === `${origin}/console/` && response.status() !== 302),
    page.keyboard.press('Enter'),
  ]);
  return { status: answer.status(), text: await page.innerText('main') };
}

// Goes on by what has the focus then.
async function follow(page, selector, to) {
  await tabTo(page, selector);
  await Promise.all([page.waitForURL(to), page.keyboard.press('Enter')]);
}

await story(async ({ context, settings: { origin } }) => {
  const other = await watched(await context.browser().newContext());
  const stranger = await comeAs(other.page, origin, 'bob', 'lamp');
  const found = await violations(other.page);

  const { page, faults } = await watched(context);
  const operator = await comeAs(page, origin, 'ann', 'bell');
  const object = `${origin}/console/objects/Mapping/default/echo`;
  await page.goto(`${origin}/console/?text=echo`);
  await follow(page, `.drawing a[href="${new URL(object).pathname}"]`, object);
  await follow(page, `a[href="${new URL(object).pathname}/edit"]`, `${object}/edit`);
  await tabTo(page, '[name="spec.timeout_ms"]');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('900');
  await Promise.all([page.waitForURL(`${object}/edit?*`), page.keyboard.press('Enter')]);
  const diff = await page.locator('.diff .removed, .diff .added').allInnerTexts();
  await follow(page, 'button[value=apply]', `${object}?applied=*`);
  await page.getByText('live in the one Envoy').waitFor();
  found.push(...await violations(page));
  return { stranger, operator: operator.status, diff, violations: found, faults: [...other.faults, ...faults] };
});
