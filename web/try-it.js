// Sends the request of an operation's page from this browser through the gateway, and shows what came back and why.
// What documents, services and the gateway say is a stranger's text: it is set as text here, and never as markup.

// Bytes that are read of an answer, and milliseconds that it may take: a stream has no end.
const LONGEST = 1 << 20;
const PATIENCE = 30_000;
// Answers that the gateway may have given itself.
const REFUSALS = new Set([400, 401, 403, 404, 429, 503, 504]);
// Those in which it may say itself what is wrong.
const SAID = new Set([...REFUSALS, 410, 502]);

const form = document.getElementById('try');
// What is said, in the language of the page.
const words = JSON.parse(form?.dataset.words ?? '{}');
const text = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (whole, value) => values[value] ?? whole);
const answer = document.getElementById('answer');
const sample = document.getElementById('sample');
const find = (id) => document.getElementById(id);
const valueOf = (id) => find(id)?.value ?? '';

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// What is sent in the name of somebody: the header, and what stands for its value where people see it.
function credential() {
  switch (valueOf('try-as')) {
    case 'bearer': return { name: 'authorization', value: `Bearer ${valueOf('try-token')}`, shown: 'Bearer $TOKEN' };
    case 'key': return { name: valueOf('try-key-header'), value: valueOf('try-key'), shown: '$API_KEY' };
    default: return null;
  }
}

// What a value is that nobody else is to see: in samples, and where it is asked why the gateway refused.
const HIDDEN = '$VALUE';
// Older browsers know no lookbehind, and would run nothing of this.
const SECRETS = /authorization|cookie|key(?!word)|token|secret|pass(?:w|code|phrase)|pwd|credential|signature|assertion|(?:^|[^a-z])(?:pass|pin|otp|cvv)(?![a-z])/i;
const isSecret = (name) => SECRETS.test(name);
const hidden = ([name, value]) => [name, isSecret(name) ? HIDDEN : value];

// Headers that no parameter of the document is, and the lines that are none.
function moreHeaders() {
  const lines = valueOf('try-headers').split('\n').map((line) => line.trim()).filter(Boolean);
  const is = (line) => line.includes(':');
  const parts = (line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()];
  return { headers: lines.filter(is).map(parts), odd: lines.filter((line) => !is(line)) };
}

// Why a header is none that this page can send; nothing of one that it can. Browsers keep some for themselves, and drop those of pages.
function headerFault(name) {
  try {
    return new Request(location.href, { headers: [[name, '-']] }).headers.has(name) ? null : text('header_kept', { name });
  } catch {
    return text('header_no_name', { name });
  }
}

// A body of files and texts: each part with its name and what was given for it.
function uploaded() {
  const fields = find('try-upload');
  if (!fields) return null;
  const given = ({ files, value }) => (files ? [...files] : [value].filter((written) => written !== ''));
  const parts = [...fields.querySelectorAll('[data-part]')].flatMap((field) => given(field).map((what) => [field.dataset.part, what]));
  const { media } = fields.dataset;
  return { media, parts, isForm: media.startsWith('multipart/') };
}

// The same as it is sent. The browser says itself how parts of a form are told apart.
function bodyOf({ body, upload }) {
  if (!upload?.parts.length) return body;
  if (!upload.isForm) return upload.parts[0][1];
  const data = new FormData();
  upload.parts.forEach(([name, what]) => data.append(name, what));
  return data;
}

// Where the request goes. At this address a header chooses a preview of it, where the gateway takes one: so nobody has to let
// pages of another address ask.
function destination() {
  const to = find('try-origin');
  const { selector, baseline } = to.selectedOptions[0]?.dataset ?? {};
  const isHere = selector && baseline === location.hostname && [...to.options].some(({ value }) => value === location.origin);
  return isHere ? { origin: location.origin, chosen: [['x-nuncio-preview', selector]] } : { origin: to.value, chosen: [] };
}

// The request as the form has it.
function filledIn() {
  let path = form.dataset.path;
  const query = [];
  const { origin, chosen } = destination();
  const { headers, odd } = moreHeaders();
  headers.unshift(...chosen);
  let slashed;
  for (const field of form.querySelectorAll('[data-place]')) {
    const { place, name } = field.dataset;
    const value = field.value === '' ? undefined : valueIn(field);
    // What is still to be filled in stands in the sample as it does in the document.
    if (value === undefined) continue;
    const part = written(field.dataset, value);
    if (place === 'path') path = path.split(`{${name}}`).join(part);
    if (place === 'path' && /%(2f|5c)/i.test(part)) slashed = name;
    if (place === 'header') headers.push([name, part]);
    if (place === 'query') query.push(...part);
  }
  const { method } = form.dataset;
  const body = find('try-body');
  const upload = uploaded();
  const hasBody = body && body.value !== '' && !['GET', 'HEAD'].includes(method);
  if (hasBody) headers.push(['content-type', body.dataset.media]);
  if (upload && !upload.isForm) headers.push(['content-type', upload.media]);
  const urlWith = (pairs) =>
    origin + path + (pairs.length ? `?${pairs.map(([name, value]) => `${escaped(name)}=${value}`).join('&')}` : '');
  return {
    method,
    // The parameter of the path that has a slash in it.
    slashed,
    url: urlWith(query),
    shown: { url: urlWith(query.map(hidden)), headers: headers.map(hidden) },
    headers,
    odd,
    body: hasBody ? body.value : undefined,
    upload,
    credential: credential(),
  };
}

function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KB`;
}

function headerTable(headers) {
  const rows = headers.map(([name, value]) =>
    element('tr', {}, element('th', { scope: 'row' }, element('code', {}, name)), element('td', {}, value)));
  return element('details', {}, element('summary', {}, text('headers', { number: headers.length })), element('table', {}, element('tbody', {}, ...rows)));
}

// What an answer says of limits: `RateLimit-Remaining: 3`.
function limitsIn(headers) {
  const told = headers.filter(([name]) => /ratelimit|^retry-after$/.test(name));
  return told.map(([name, value]) => element('li', {}, `${name.replace(/^x-/, '')}: ${value}`));
}

const pretty = (body) => {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
};

// Reads an answer into `into` as it comes; gives its text, and its size in words.
async function read(response, into) {
  const decoder = new TextDecoder();
  let [bytes, body, isWhole] = [0, '', true];
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length;
      body += decoder.decode(part, { stream: true });
      into.textContent = body;
      if (bytes > LONGEST) break;
    }
    isWhole = bytes <= LONGEST;
  } catch {
    isWhole = false;
  }
  into.textContent = pretty(body);
  return { body, length: isWhole ? size(bytes) : text('cut', { size: size(bytes) }) };
}

// What became of the request, in a few words that are also read out.
function say(...what) {
  find('try-status').replaceChildren(...what);
}

function show(response, asked, milliseconds) {
  const headers = [...response.headers];
  // Envoy adds it to what a service said, and to nothing that it says itself.
  const byService = response.headers.has('x-envoy-upstream-service-time');
  const time = `${milliseconds} ms`;
  const facts = element('p', { className: 'quiet' }, byService ? text('by_service', { time }) : time);
  const body = element('code', {});
  const status = response.type === 'opaqueredirect' ? text('redirected') : `${response.status} ${response.statusText}`.trim();
  say(element('span', { className: `status ${response.ok ? 'good' : 'bad'}` }, status));
  answer.replaceChildren(
    facts,
    ...(byService ? [] : slashReason(response, asked)),
    element('ul', { className: 'facts' }, ...limitsIn(headers)),
    element('pre', { tabIndex: 0, ariaLabel: text('body') }, body),
    headerTable(headers),
  );
  return { facts, body, byService };
}

class NotSendable extends Error {}

// What browsers would take for a way to another place than the one that the page is about.
function isElsewhere(url) {
  const { origin } = new URL(url);
  const [path] = url.slice(origin.length).split(/[?#]/);
  return path.split(/[/\\]/).some((part) => /^(\.|%2e){1,2}$/i.test(part));
}

// Not every text is a header, and not every header is a page's to send. What would be left out is said: it was meant to be sent.
function headersOf({ headers: written, odd, credential: by }) {
  const all = by ? [...written, [by.name]] : written;
  const faults = [...odd.map((line) => text('header_no_colon', { line })), ...all.map(([name]) => headerFault(name)).filter(Boolean)];
  if (faults.length) throw new NotSendable(faults.join('; '));
  try {
    const headers = new Headers(written);
    if (by) headers.set(by.name, by.value);
    return headers;
  } catch (error) {
    throw new NotSendable(error.message);
  }
}

async function send(event) {
  event.preventDefault();
  const asked = filledIn();
  say(text('sending'));
  answer.replaceChildren();
  const began = performance.now();
  try {
    if (isElsewhere(asked.url)) throw new NotSendable(text('elsewhere'));
    const headers = headersOf(asked);
    const response = await fetch(asked.url, {
      method: asked.method, headers, body: bodyOf(asked), cache: 'no-store', signal: AbortSignal.timeout(PATIENCE),
      // Where the gateway unescapes a slash it sends on to what may be another operation.
      redirect: asked.slashed ? 'manual' : 'follow',
      credentials: valueOf('try-as') === 'session' ? 'include' : 'omit',
    });
    const { facts, body, byService } = show(response, asked, Math.round(performance.now() - began));
    const { body: told, length } = await read(response, body);
    // Of a slash it is said already.
    const isOpen = !byService && slashReason(response, asked).length === 0;
    const reason = isOpen ? await reasonOf(response, told, asked) : null;
    if (reason) facts.after(reason);
    if (mayBeLoggedOut(response) && await isLoggedOut()) facts.after(loggedOut());
    facts.append(`, ${length}`);
  } catch (error) {
    const why = await failure(error, asked.url);
    say(element('span', { className: 'status bad' }, text('no_answer')));
    answer.replaceChildren(element('p', { className: 'note warn' }, why));
  }
}

// Whether there is somebody at an address, who may not let this page see what he answers.
function isThere(origin) {
  const asked = { method: 'HEAD', mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) };
  return fetch(`${origin}/`, asked).then(() => true, () => false);
}

// Browsers tell pages nothing of why there is no answer.
async function failure(error, url) {
  if (error instanceof NotSendable) return text('unsendable', { reason: error.message });
  if (error.name === 'TimeoutError') return text('late', { number: PATIENCE / 1000 });
  const [{ origin }, reason, here] = [new URL(url), error.message, location.origin];
  if (!(await isThere(origin))) return text('unreachable', { reason, origin });
  return text(origin === here ? 'failed' : 'no_cors', { reason, origin, here });
}

// Only what is needed for the credential that was chosen is shown, and the sample is what will be sent.
function follow() {
  for (const label of form.querySelectorAll('[data-as]')) label.hidden = label.dataset.as !== valueOf('try-as');
  for (const field of form.querySelectorAll('[data-kind=object]')) {
    field.setCustomValidity(field.value !== '' && valueIn(field) === undefined ? text('no_object') : '');
  }
  sample.textContent = curl(filledIn());
}

function chooseMedia({ target }) {
  const [chosen] = target.selectedOptions;
  const body = find('try-body');
  body.dataset.media = chosen.value;
  body.value = chosen.dataset.example;
  body.parentElement.querySelector('code').textContent = chosen.value;
}

function start() {
  const origin = find('try-origin');
  // This address, where it is one of them; over TLS others are not to be asked in clear text.
  const usable = [...origin.options].filter(({ value }) => location.protocol === 'http:' || value.startsWith('https:'));
  const own = usable.find(({ value }) => value === location.origin);
  const chosen = own ?? usable.find(({ value }) => value.startsWith(location.protocol)) ?? usable[0];
  if (chosen) chosen.selected = true;
  // Logins are of an address: elsewhere there is none to be sent, unless the portal itself knows of one.
  if (!own && !('known' in form.dataset)) find('try-as').value = 'nobody';
  find('try-media')?.addEventListener('change', chooseMedia);
  form.addEventListener('input', follow);
  form.addEventListener('change', follow);
  form.addEventListener('submit', send);
  keepOverLogins();
  form.querySelector('fieldset').disabled = false;
  follow();
}

if (form) start();
