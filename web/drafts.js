// Keeps what was typed into the form while somebody logs in, who would come back to the example otherwise: in this tab alone, by the
// path of the page, until that has it again. What shows who he is does not go with it, and files cannot.

const DRAFT = `${DRAFTS}${location.pathname}`;
// Characters that are kept; of more nothing is.
const MOST_KEPT = 1 << 20;
const FIELDS = '#try-origin, #try-media, #try-body, #try-headers, [data-place], [data-part]:not([type=file])';

// Whether a text has the name of a secret in it: a member of JSON, however deep; of what is no JSON any word of it.
function namesSecret(written) {
  let found = false;
  try {
    JSON.parse(written, (name, value) => {
      found ||= isSecret(name);
      return value;
    });
  } catch {
    found = isSecret(written);
  }
  return found;
}

const holdsMembers = ({ id, dataset: { kind } }) => id === 'try-body' || kind === 'object';

// The fields of the form, by what they are found again.
function fields() {
  const all = [...form.querySelectorAll(FIELDS)].filter(({ dataset: { name, part } }) => !isSecret(name ?? part ?? ''));
  return new Map(all.map((field) => [field.id || `${field.dataset.place ?? 'part'} ${field.dataset.name ?? field.dataset.part}`, field]));
}

// Lines of headers that hold no secret.
const plain = (lines) => lines.split('\n').filter((line) => !isSecret(line.split(':')[0])).join('\n');

function values() {
  const kept = [...fields()].filter(([, field]) => !holdsMembers(field) || !namesSecret(field.value));
  return kept.map(([name, { id, value }]) => [name, id === 'try-headers' ? plain(value) : value]);
}

// What the page came with: browsers fill in again what was typed before it was loaded anew. The address is chosen by the page.
function givenOf({ id, options, value, defaultValue }) {
  if (id === 'try-origin') return value;
  return options ? ([...options].find((option) => option.defaultSelected) ?? options[0])?.value : defaultValue;
}

// Keeps what is another than what the page came with, and nothing of what was kept before.
function keep(given) {
  forget();
  const typed = values().filter(([name, value]) => value !== given.get(name));
  const draft = JSON.stringify({ at: Date.now(), typed });
  if (typed.length && draft.length <= MOST_KEPT) stored((storage) => storage.setItem(DRAFT, draft));
}

const forget = () => stored((storage) => storage.removeItem(DRAFT));

// What was kept not too long ago (session.js) for who has logged in since, whoever he is; it is gone then. Others are not shown it.
function taken() {
  const { typed = [] } = stored((storage) => JSON.parse(storage.getItem(DRAFT))) ?? {};
  forget();
  return 'known' in form.dataset ? typed : [];
}

// Fills in again what was kept; says whether there was anything.
function restored() {
  const kept = taken();
  const found = fields();
  for (const [name, value] of kept) {
    const field = found.get(name);
    // The document may have changed meanwhile, and so may the addresses.
    if (!field || (field.options && ![...field.options].some((option) => option.value === value))) continue;
    field.value = value;
    const around = field.closest('details');
    if (around) around.open = true;
    // The example of another body is put into the field of the body, which comes after it.
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
  return kept.length > 0;
}

// Whatever leads to a login on this page: beside an answer, at its top, or in what says that a login has ended.
function keepOverLogins() {
  const given = new Map([...fields()].map(([name, field]) => [name, givenOf(field)]));
  if (restored()) say(text('restored'));
  document.addEventListener('click', ({ target }) => {
    if (target.closest('a[href*="/docs/login?"]')) keep(given);
  });
  // Who goes back without a login finds the page as he left it.
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) forget();
  });
}
