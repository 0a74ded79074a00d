// Somebody reads everything that a hostile author wrote, follows every link of it, searches, and sends a request. Of all that
// nothing may run in the browser, no element may come of it, and no other address may be asked.
import { story } from '../../support/browser/story.mjs';
import { send, watched } from './steps.mjs';

// The most pages: links of them lead to the others.
const MOST = 110;

// Runs in each page: elements and attributes that no page of ours has.
function strange() {
  const urls = ['href', 'src', 'action', 'formaction', 'xlink:href', 'poster', 'data', 'srcset'];
  const isOwnScript = ({ src }) => src.startsWith(`${location.origin}/docs/assets/`);
  const isStrange = (one) =>
    ['iframe', 'object', 'embed', 'base', 'frame', 'applet', 'animate', 'set', 'style'].includes(one.localName)
    || (one.localName === 'script' && !isOwnScript(one))
    || (one.localName === 'meta' && one.httpEquiv)
    || (one.localName === 'form' && !one.action.startsWith(location.origin))
    || [...one.attributes].some(({ name, value }) => /^on/i.test(name) || name === 'srcdoc' || name === 'style'
      || (urls.includes(name) && /^\s*(javascript|vbscript|data):/i.test(value)));
  return [...document.querySelectorAll('*')].filter(isStrange).map((one) => one.outerHTML.slice(0, 200));
}

// Runs in each page: the names of the fields whose text is shown, and where links lead.
function shown() {
  for (const details of document.querySelectorAll('details')) details.open = true;
  const values = [...document.querySelectorAll('input, textarea, option')].map(({ value }) => value);
  const texts = [document.documentElement.innerText, document.title, ...values].join('\n');
  return {
    fields: [...texts.matchAll(/⟦([\w.-]+)⟧/g)].map(([, field]) => field),
    links: [...document.querySelectorAll('a[href], link[href]')].map((link) => link.getAttribute('href') && new URL(link.getAttribute('href'), location.href).href),
  };
}

await story(async ({ context, settings }) => {
  const { portal, origin, term, object, preview, policy } = settings;
  const ran = [];
  await context.exposeBinding('ran', (_, what) => ran.push(what));
  const { page, faults } = await watched(context);
  page.on('dialog', (dialog) => { ran.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  context.on('page', () => ran.push('another window'));
  context.on('request', (request) => {
    if (![portal, origin].some((own) => request.url().startsWith(`${own}/`))) ran.push(`asked ${request.url().slice(0, 200)}`);
  });
  await page.addInitScript(() => addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) => {
    window.ran(`stopped ${violatedDirective} ${blockedURI}`);
  }));

  const [written, seen, visited] = [encodeURIComponent(term), new Set(), new Set()];
  const at = (kind, name) => `/console/objects/${kind}/default/${encodeURIComponent(name)}`;
  const waiting = [
    '/docs/', '/docs/doc/default/hostile', '/docs/doc/default/hostile/changes', '/docs/changes', '/docs/search?term=evilmark',
    `/docs/search?term=${written}`, `/docs/?q=${written}&tag=${written}`, `/docs/doc/${written}/${written}`, `/docs/${written}`,
    '/docs/pages/', '/docs/pages/page', '/docs/previews', `/docs/previews/default/${encodeURIComponent(preview)}`,
    '/docs/previews/new', '/console/', `/console/?text=${written}`, '/console/?text=named', '/console/objects', `/console/objects?kind=${written}`,
    at('Mapping', object), `${at('Mapping', object)}/edit`, `${at('Mapping', object)}/edit?spec.timeout_ms=${written}`,
    `${at('Mapping', 'hostile')}/edit`, `${at('Mapping', 'hostile')}/edit?spec.timeout_ms=900`, at('Mapping', 'broken'),
    at('FilterPolicy', policy), at('Mapping', term), '/console/problems', '/console/traffic', '/console/certificates', '/console/envoys',
    `/console/explain?url=${written}`, `/console/explain?url=http://shop.localhost:8080/named/&headers=x-evil:+${written}`,
    '/docs/index.md', '/docs/doc/default/hostile.md', '/docs/changes.md', '/docs/llms.txt', '/docs/changes/feed.atom', '/docs/changes/feed.json',
    '/docs/doc/default/hostile/changes/feed.atom', '/openapi/services/default/hostile/original', '/openapi/services/default/hostile/openapi.json',
    `/docs/api/search?term=${written}`, `/console/search?term=${written}`, '/docs/api/v1/apis',
  ].map((path) => portal + path);
  const violations = [];
  const look = async () => {
    violations.push(...(await page.evaluate(strange)).map((one) => `${page.url().slice(0, 200)}: ${one}`));
    const { fields, links } = await page.evaluate(shown);
    fields.forEach((field) => seen.add(field));
    return links;
  };
  while (waiting.length && visited.size < MOST) {
    const url = waiting.shift();
    if (visited.has(url)) continue;
    visited.add(url);
    // What is no page may be saved instead.
    const reply = await page.goto(url).catch((error) => {
      if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error;
    });
    const isPage = reply?.headers()['content-type']?.startsWith('text/html');
    if (!isPage) continue;
    const links = await look();
    const isOfHim = (link) => ['hostile', 'lost'].some((api) => link.startsWith(`${portal}/docs/doc/default/${api}`)) || link.startsWith(`${portal}/docs/pages`);
    waiting.push(...links.map((link) => link.split('#')[0]).filter((link) => isOfHim(link) && !visited.has(link)));
  }

  // A picture that is a program is stopped by the policy alone: that it was is no fault.
  const [known, before] = [ran.length, faults.length];
  await page.goto(`${portal}/docs/files/evil.svg`);
  ran.push(...ran.splice(known).filter((what) => !what.startsWith('stopped')));
  faults.length = before;

  // Elements of feeds are those of the feed.
  for (const path of ['/docs/changes/feed.atom', '/docs/doc/default/hostile/changes/feed.atom']) {
    const feed = await (await page.request.get(portal + path)).text();
    await page.goto('about:blank');
    const names = await page.evaluate((text) => {
      const parse = (part, media) => [...new DOMParser().parseFromString(part, media).querySelectorAll('*')];
      const parts = parse(text, 'application/xml');
      const entries = parts.filter(({ localName }) => localName === 'content').flatMap(({ textContent }) => parse(textContent, 'text/html'));
      const links = parts.map((one) => one.getAttribute('href') ?? '').filter((link) => /javascript/i.test(link));
      return [...parts, ...entries].map(({ localName }) => localName).concat(links);
    }, feed);
    const ours = ['feed', 'id', 'title', 'updated', 'link', 'author', 'name', 'entry', 'content', 'category',
      'html', 'head', 'body', 'p', 'ul', 'li', 'strong'];
    if (!names.includes('strong')) violations.push(`${path} tells of no change`);
    violations.push(...names.filter((name) => !ours.includes(name)).map((name) => `${path} has ${name}`));
  }

  // What finds anything shows it as well, with all of the console.
  await page.goto(`${portal}/console/`);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('evilmark');
  await page.waitForFunction(() => {
    const list = document.getElementById('palette-list');
    return list.ariaBusy === 'false' && list.querySelectorAll('[role=option]').length > 5;
  });
  await look();
  await page.keyboard.press('Escape');

  // An operation that no request gets to is read like others, and nothing is sent from its page.
  const unrouted = await page.goto(`${portal}/docs/doc/default/lost`).then(look);
  await page.goto(unrouted.find((link) => link.includes('/operations/')));
  await look();
  const lost = { told: await page.locator('main article .note.warn').first().innerText(), forms: await page.locator('#try').count() };

  // And his operation answers with his text.
  const links = await page.goto(`${portal}/docs/doc/default/hostile`).then(look);
  await page.goto(links.find((link) => link.includes('/operations/')));
  // At the gateway's own address requests may be sent.
  await page.goto(page.url().replace(portal, origin));
  for (const field of await page.locator('#try input[required]').all()) await field.fill(term);
  await page.fill('#try-body', term);
  const tried = (await send(page)).status;
  await look();
  return { ran, seen: [...seen].sort(), visited: [...visited].map((url) => url.slice(0, 120)), tried, lost, violations, faults };
});
