// Somebody follows a route through the console, tries another timeout, applies it, and sees it go live.
import { story } from '../../support/browser/story.mjs';
import { go, violations, watched } from './steps.mjs';

await story(async ({ context, settings: { origin, pictures } }) => {
  const { page, faults } = await watched(context);
  const found = [];
  const look = async (name) => {
    found.push(...await violations(page));
    await page.emulateMedia({ colorScheme: 'light' });
    await page.screenshot({ path: `${pictures}/console-${name}.png` });
  };

  await page.goto(`${origin}/console/`);
  // On a telephone the drawing takes less than half a screen, and a link before it leads to the table.
  const screen = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 800 });
  const boxOf = (part) => page.locator(part).first().boundingBox();
  const [link, drawing, table] = [await boxOf('.jump'), await boxOf('.drawing'), await boxOf('.scroll:has(table)')];
  const inOrder = link.y + link.height <= drawing.y && drawing.y + drawing.height <= table.y;
  await page.click('.jump a');
  await page.waitForFunction(() => {
    const box = document.querySelector(':target')?.getBoundingClientRect();
    return box && box.top > -2 && box.top < innerHeight;
  });
  const leadsTo = await page.locator(':target').textContent();
  const narrow = { inOrder, leadsTo, drawing: drawing.height <= 321 && drawing.width <= 360 };
  await page.setViewportSize(screen);
  await page.fill('input[name=text]', 'cart');
  await page.click('text=Show');
  await page.waitForURL('**/console/?*text=cart');
  // Copies of routes in previews are shown to whoever asks for them, and folded away again.
  const ofPreviews = page.locator('.drawing', { hasText: 'cart-v2-' });
  const folded = [await page.locator('.fold').innerText(), await ofPreviews.count()];
  await page.click('text=Show their routes here, too');
  await page.waitForURL('**/console/?*previews=true');
  folded.push(new URL(page.url()).search, await ofPreviews.count());
  await page.click('text=Fold the routes of previews away');
  await page.waitForURL('**/console/?text=cart');
  folded.push(new URL(page.url()).search, await ofPreviews.count());
  await look('topology');
  await page.click('.drawing a[href="/console/objects/Mapping/default/cart"]');
  await look('object');

  await page.click('text=Change it');
  await page.getByLabel('Timeout', { exact: true }).fill('900');
  await go(page, 'text=Try these fields');
  const radius = await page.locator('.note p').innerText();
  const inPreviews = await page.locator('.in-previews summary').innerText();
  const diff = await page.locator('.diff .removed, .diff .added').allInnerTexts();
  await look('edit');
  await page.click('button[value=apply]');
  await page.waitForURL(`${origin}/console/objects/Mapping/default/cart?applied=*`);
  // The file is read again in a moment: the page follows by itself.
  await page.getByText('live in the one Envoy').waitFor();
  await page.locator('main', { hasText: 'timeout 900 ms' }).waitFor();
  const live = await page.locator('.state').first().innerText();

  await page.goto(`${origin}/console/explain`);
  await page.getByLabel('URL').fill('http://shop.localhost:8080/api/carts/ann');
  await go(page, 'button:text-is("Explain")');
  const outcome = await page.locator('.note strong').innerText();
  await look('explain');
  for (const name of ['objects', 'problems', 'traffic', 'certificates', 'envoys']) {
    await page.goto(`${origin}/console/${name}`);
    await look(name);
  }
  return { narrow, folded, radius, inPreviews, diff, live, outcome, violations: found, faults };
});
