// How pages fit into windows of several widths.

// A small telephone (and 400 % on a wide screen, WCAG 1.4.10), a tablet upright and on its side, a laptop.
export const WIDTHS = [320, 768, 1024, 1280];

// Runs in the page: what is wider than the window, cut off, or scrolled where nobody can tell or reach it.
function misfits() {
  const found = [];
  const name = (one) => one.outerHTML.replace(/\s+/g, ' ').slice(0, 120);
  const tell = (what, one) => found.push(`${what}: ${name(one)}`);
  const { documentElement: root } = document;
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} px wide`);
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.unseen, .skip, dialog');
  const scrolls = (one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
  const scroller = (one) => {
    let around = one.parentElement;
    while (around && !scrolls(around)) around = around.parentElement;
    return around;
  };
  for (const one of [...document.body.querySelectorAll('*')].filter(isSeen)) {
    const { overflowX, textOverflow, display } = getComputedStyle(one);
    const isWider = display !== 'inline' && one.scrollWidth > one.clientWidth + 1;
    const { right, left } = one.getBoundingClientRect();
    if (right > root.clientWidth + 1 && left < right && !scroller(one)) tell('it goes beyond the window', one);
    const isField = one.matches('input, textarea');
    if (isWider && ['hidden', 'clip'].includes(overflowX) && textOverflow !== 'ellipsis' && !isField) tell('it is cut off', one);
    if (!isWider || !scrolls(one)) continue;
    if (one.matches('.side, .top nav, .tabs')) tell('a list of links is scrolled sideways', one);
    if (one.matches('main pre:not(.diff, .answer pre, .prose pre)')) tell('code is scrolled sideways', one);
    const isTable = one.matches('.scroll') || one.querySelector(':scope > table');
    if (isTable && (one.getAttribute('role') !== 'region' || !one.getAttribute('aria-label'))) tell('it has no name', one);
    if (one.tabIndex < 0 && !one.querySelector('a, button, input')) tell('the keyboard does not reach it', one);
    // A drawing is as wide as it is, and so is what an operator writes.
    if (isTable && !one.matches('.drawing, .prose *') && one.querySelector('table')) {
      found.push(`a table of ${one.scrollWidth} px has ${one.clientWidth}: ${one.getAttribute('aria-label')}`);
    }
  }
  for (const button of document.querySelectorAll('.copyable > button')) {
    const box = button.previousElementSibling;
    const [over, { left, top }] = [button.getBoundingClientRect(), box.getBoundingClientRect()];
    const isBeside = over.left >= left + box.clientLeft + box.clientWidth - 1;
    const isAbove = over.bottom <= top + box.clientTop + parseFloat(getComputedStyle(box).paddingTop) + 1;
    if (isSeen(button) && !isBeside && !isAbove) tell('code runs below what copies it', box);
  }
  return [...new Set(found)].slice(0, 5);
}

// What of this page does not fit, on each of the screens.
export async function layout(page) {
  const before = page.viewportSize();
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    const here = await page.evaluate(misfits);
    found.push(...here.map((what) => `${width} px: ${page.url()}: ${what}`));
  }
  await page.setViewportSize(before);
  return found;
}
