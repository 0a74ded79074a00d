// What the stories have in common.
import { readFileSync } from 'node:fs';

const AXE = new URL('../../../.tools/browser/node_modules/axe-core/axe.min.js', import.meta.url);

// What a page may not do: a style or script that is missing, a request that was stopped, anything on the console. That a request
// was refused, or the gateway or a service is not there, is for the story to say, and Chromium writes it down as well.
const REFUSED = /^Failed to load resource: the server responded with a status of (4\d\d|502|503)/;
const PARTS = new Set(['stylesheet', 'script', 'image', 'font']);

// A page that notes what it was not allowed to do, and what went wrong in it.
export async function watched(context) {
  const page = await context.newPage();
  const faults = [];
  await page.addInitScript(noteShifts);
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    const isFault = ['error', 'warning'].includes(message.type()) && !REFUSED.test(message.text());
    if (isFault) faults.push(`${message.type()} at ${page.url()}: ${message.text()}`);
  });
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure();
    // Somebody went on to another page meanwhile.
    if (errorText !== 'net::ERR_ABORTED') faults.push(`${request.url()}: ${errorText}`);
  });
  page.on('response', (response) => {
    const isMissing = response.status() >= 400 && PARTS.has(response.request().resourceType());
    if (isMissing) faults.push(`${response.url()}: ${response.status()}`);
  });
  return { page, faults };
}

// Runs in each page: notes what moves before anybody has done anything there.
function noteShifts() {
  const all = [];
  const frame = () => new Promise((shown) => requestAnimationFrame(shown));
  const parsed = new Promise((done) => {
    if (document.readyState === 'loading') document.addEventListener('readystatechange', done, { once: true });
    else done();
  });
  // A page may be shown while it is still coming: what comes last moves what is there already until the first whole frame.
  // What moves from the second one on, moves for another reason.
  const whole = parsed.then(frame).then(frame).then(() => performance.now());
  window.shifts = async () => {
    const start = await whole;
    return all.filter(({ at }) => at > start).map(({ told }) => told);
  };
  const seen = ({ sources, value, startTime }) => ({
    at: startTime,
    told: `${value.toFixed(4)}: ${sources.map(({ node }) => node?.outerHTML?.slice(0, 80)).join(' ')}`,
  });
  const observer = new PerformanceObserver((list) => all.push(...list.getEntries().map(seen)));
  observer.observe({ type: 'layout-shift', buffered: true });
  for (const type of ['pointerdown', 'keydown']) window.addEventListener(type, () => observer.disconnect(), { capture: true });
}

// What axe finds against WCAG 2.2 AA and good practice, light and dark; what moved; and what is wider than the page.
export async function violations(page, colorSchemes = ['light', 'dark']) {
  // Who has just followed a link is at a page that is still coming.
  await page.waitForLoadState();
  const found = (await page.evaluate(() => window.shifts())).map((shift) => `moved at ${page.url()}: ${shift}`);
  for (const colorScheme of colorSchemes) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(readFileSync(AXE, 'utf8'));
    const { violations: all } = await page.evaluate(() => window.axe.run());
    found.push(...all.map(({ id, nodes }) => `${colorScheme}: ${id}: ${nodes.map(({ html }) => html).join(' ').slice(0, 300)}`));
  }
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (tooWide > 0) found.push(`${page.url()} is ${tooWide} px wider than the window`);
  found.push(...await page.evaluate(overweight, MOST));
  return found;
}

// The most that a page weighs, as it is sent, in bytes: all of its scripts, and itself.
const MOST = { script: 60 << 10, page: 300 << 10 };

// Runs in each page.
function overweight(most) {
  const of = (sort) => performance.getEntriesByType('resource').filter(({ initiatorType }) => initiatorType === sort);
  const weight = (all) => all.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  const weights = { script: weight(of('script')), page: weight(performance.getEntriesByType('navigation')) };
  const over = Object.keys(most).filter((sort) => weights[sort] > most[sort]);
  return over.map((sort) => `${location} has ${weights[sort]} bytes of ${sort}`);
}

// Follows a link, or sends a form, to a page that is read when it is all there.
export async function go(page, selector) {
  await page.click(selector);
  await page.waitForLoadState('domcontentloaded');
}

// Loads the page again until this part of it says so.
export async function reloadUntil(page, selector, wanted) {
  for (const end = Date.now() + 20_000; ;) {
    const said = await page.innerText(selector);
    if (said.includes(wanted)) return;
    if (Date.now() > end) throw new Error(`${page.url()} does not say ${wanted}, but ${said}`);
    await page.reload();
  }
}

// Moves the focus as the tabulator does, until it is there.
export async function tabTo(page, selector) {
  for (let steps = 0; steps < 200; steps += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${selector} at ${page.url()}`);
}

// Logs ann in, who comes to this page by that.
export async function logIn(page, origin, to) {
  await page.goto(`${origin}/docs/login?to=${to}`);
  await page.fill('input[name=name]', 'ann');
  await page.fill('input[name=password]', 'bell');
  await page.click('button:has-text("Log in")');
  await page.waitForURL(origin + to);
}

// Sends the form's request, and gives what is shown of the answer.
export async function send(page) {
  await page.click('#try button[type=submit]');
  return answered(page);
}

// What is shown of the answer to what was just sent.
export async function answered(page) {
  await page.waitForFunction(() => {
    const size = document.querySelector('#answer .quiet')?.textContent ?? '';
    return / B| KB/.test(size) || document.querySelector('#answer .note.warn');
  });
  return {
    status: await page.innerText('#try-status'),
    body: (await page.locator('#answer pre').allInnerTexts()).join(''),
    answer: await page.innerText('#answer'),
  };
}
