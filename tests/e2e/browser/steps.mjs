// What the stories have in common.
import { readFileSync } from 'node:fs';

const AXE = new URL('../../../.tools/browser/node_modules/axe-core/axe.min.js', import.meta.url);

// A page that notes what it was not allowed to do, and what went wrong in it.
export async function watched(context) {
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted ?Type|integrity/i.test(message.text())) faults.push(message.text());
  });
  return { page, faults };
}

// What axe finds against WCAG 2.2 AA and good practice, light and dark.
export async function violations(page) {
  const found = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(readFileSync(AXE, 'utf8'));
    const { violations: all } = await page.evaluate(() => window.axe.run());
    found.push(...all.map(({ id, nodes }) => `${colorScheme}: ${id}: ${nodes.map(({ html }) => html).join(' ').slice(0, 300)}`));
  }
  return found;
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
    body: await page.locator('#answer pre').innerText().catch(() => ''),
    answer: await page.innerText('#answer'),
  };
}
