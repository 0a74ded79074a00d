// Somebody whose system is dark, or has colours of its own, or wants nothing to move, reads and tries an API.
import { story } from '../../support/browser/story.mjs';
import { send, violations, watched } from './steps.mjs';

// How bright the page and its text are: 0 is black, 255 is white.
const brightness = (page) => page.evaluate(() => {
  const { backgroundColor, color } = getComputedStyle(document.body);
  const mean = (text) => text.match(/\d+/g).slice(0, 3).map(Number).reduce((sum, part) => sum + part, 0) / 3;
  return { page: Math.round(mean(backgroundColor)), text: Math.round(mean(color)) };
});

await story(async ({ context, settings: { origin, pictures } }) => {
  const { page, faults } = await watched(context);
  const seen = {};
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${origin}/docs/doc/default/catalog/operations/list`);
    const told = await send(page);
    seen[colorScheme] = { ...await brightness(page), status: told.status };
  }
  const found = await violations(page);
  await page.emulateMedia({ colorScheme: 'dark', forcedColors: 'active' });
  await page.screenshot({ path: `${pictures}/forced-colors.png` });
  const borders = await page.evaluate(() => getComputedStyle(document.querySelector('.badge, .facts li, .request')).borderStyle);
  await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'no-preference' });
  const scrolling = () => page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior);
  const moves = await scrolling();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  return { seen, borders, moves, still: await scrolling(), violations: found, faults };
});
