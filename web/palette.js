// Finds anything from any page: what documents say, pages, and in the console routes and objects.
// What is found is a stranger's text: it is set as text here, and never as markup. Nothing is kept of what was looked for.

// Milliseconds without a letter after which it is looked.
const PAUSE = 120;

const dialog = document.getElementById('palette');
const input = document.getElementById('palette-term');
const list = document.getElementById('palette-list');
const number = document.getElementById('palette-number');
const words = dialog.dataset;
// The pages of the site, which are there before anything is looked for.
const places = [...list.children];

let waiting = 0;
let asking = new AbortController();

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Something that was found. Links of the portal's own lead to a path of this address.
function option({ kind, title, detail, why = '', link }) {
  const { pathname, search, hash } = new URL(link, location.origin);
  return element('a', { href: pathname + search + hash, tabIndex: -1, role: 'option', ariaSelected: 'false' },
    element('span', { className: 'sort' }, kind), element('strong', {}, title), element('code', {}, detail),
    element('small', {}, why));
}

// What the search says, in the words of this page.
const ofSearch = ({ kind, title, api, operation, link, reasons }) => ({
  kind: words[kind],
  title,
  detail: operation || (api === title ? '' : api),
  why: reasons.map(({ part, text }) => `${words[part]} ${text}`).join(' · '),
  link,
});

async function ask(path, term) {
  const reply = await fetch(`${path}?term=${encodeURIComponent(term)}`, { signal: asking.signal });
  if (!reply.ok) throw new Error(reply.statusText);
  return reply.json();
}

// Everything that is found by words: pages at once, the rest when it is known. One that cannot be asked hides no other.
async function find(term) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const sought = term.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = places.filter(({ textContent }) => sought.every((word) => textContent.toLowerCase().includes(word)));
  if (!sought.length) return show(fitting);
  const asked = [ask(words.search, term).then((found) => found.map(ofSearch))];
  // Who is in the console looks for something of it.
  if (words.console) asked[location.pathname.startsWith('/console/') ? 'unshift' : 'push'](ask(words.console, term));
  const answers = await Promise.allSettled(asked);
  if (signal.aborted) return undefined;
  const found = answers.flatMap(({ value = [] }) => value.map(option));
  return show([...fitting, ...found], answers.every(({ status }) => status === 'rejected'));
}

// Shows what was found, with the first of it chosen, and says how many there are.
async function show(found, hasFailed = false) {
  found.forEach((one, index) => { one.id = `palette-${index}`; });
  list.replaceChildren(...found);
  list.ariaBusy = 'false';
  list.scrollTop = 0;
  choose(found[0]);
  const told = found.length === 1 ? words.one : words.some.replace('{number}', found.length);
  number.textContent = hasFailed ? words.failed : found.length ? told : words.none;
  if (hasFailed && await isLoggedOut()) number.replaceChildren(...loggedOut().childNodes);
}

const chosen = () => list.querySelector('[aria-selected=true]');

function choose(one) {
  for (const other of list.children) other.ariaSelected = String(other === one);
  if (one) input.setAttribute('aria-activedescendant', one.id);
  else input.removeAttribute('aria-activedescendant');
  one?.scrollIntoView({ block: 'nearest' });
}

// The next one in a direction; behind the last one is the first.
function step(by) {
  const all = [...list.children];
  const at = all.indexOf(chosen());
  choose(all[(at + by + all.length) % all.length]);
}

function press(event) {
  const does = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Enter: () => chosen()?.click() }[event.key];
  // Letters may be put together by the same keys. Where nothing is chosen yet, the form leads to the page of the search.
  if (!does || event.isComposing || (event.key === 'Enter' && !chosen())) return;
  event.preventDefault();
  does();
}

function open() {
  input.value = '';
  find('');
  dialog.showModal();
}

function toggle(event) {
  const isShortcut = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k';
  if (!isShortcut) return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else open();
}

document.addEventListener('keydown', toggle);
document.getElementById('palette-open').addEventListener('click', (event) => {
  // A new tab is for the page of the search.
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open();
});
input.addEventListener('keydown', press);
input.addEventListener('input', () => {
  clearTimeout(waiting);
  // What is asked already is of other words: its answer must not pass for that of these.
  asking.abort();
  waiting = setTimeout(() => find(input.value), PAUSE);
  list.ariaBusy = 'true';
  // What is chosen belongs to other words.
  choose();
});
list.addEventListener('pointermove', ({ target }) => {
  const under = target.closest('[role=option]');
  if (under && under !== chosen()) choose(under);
});
// What was chosen may be a place on this page; and who comes back finds the page as it was.
list.addEventListener('click', () => dialog.close());
dialog.addEventListener('click', ({ target }) => { if (target === dialog) dialog.close(); });
dialog.addEventListener('close', () => {
  // Browsers tell of it a while later: who has opened it again by then looks for something else.
  if (dialog.open) return;
  clearTimeout(waiting);
  asking.abort();
});
