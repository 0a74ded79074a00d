// What several stories look at each page for.
import { layout } from './layout.mjs';
import { violations } from './steps.mjs';

// Looks at what a page shows: in the light and in the dark, and as wide as screens are. What is wrong with it is kept, and what
// some part of it says.
export function looker(page, pictures) {
  const found = [];
  const seen = {};
  const look = async (name, part = 'h1') => {
    const wrong = [...await violations(page), ...await layout(page)];
    found.push(...wrong.map((what) => `${name}: ${what}`));
    await page.screenshot({ path: `${pictures}/looked-at-${name}.png`, fullPage: true });
    seen[name] = await page.innerText(part);
  };
  return { look, found, seen };
}
