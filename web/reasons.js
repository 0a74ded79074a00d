// Why a request was answered as it was, where the gateway answered it.

// Why the gateway answers so, as it says itself. It is told which credentials there are, and not what they are.
async function explained({ method, shown: { url, headers }, credential: by }) {
  const told = by ? [...headers, [by.name, by.shown]] : headers;
  const asked = { method, url, headers: told.map(([name, value]) => ({ name, value })) };
  const reply = await fetch(form.dataset.explain, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked),
  });
  return reply.ok ? reply.json() : null;
}

// Why, in the words of the one who refused: the message of the answer, or what it says of the token that was shown.
function wordsOf(response, body) {
  const told = /error_description="([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '');
  if (told) return told[1];
  try {
    return String(JSON.parse(body).message ?? '');
  } catch {
    return '';
  }
}

// `rule, which asks one, then another`.
function askedOf(rule, filters) {
  return text('asks', { rule, filters: filters.join(`, ${text('then')} `) });
}

// What may be behind a 503 or 504: what has happened, or all that may have where nobody counts it.
function failuresOf(status, failures = []) {
  const such = failures.filter((failure) => failure.status === status);
  const counted = such.filter(({ count }) => count);
  const all = counted.length ? counted : such.filter(({ count }) => count === null);
  return all.map(({ why, count }) => element('li', {}, count ? text('failed_so', { why, count }) : text('may_fail_so', { why })));
}

// Answers that no rule has anything to do with.
const UNDECIDED = new Set([400, 404, 503, 504]);

// `13 min 33 s`, of seconds.
function timeOf(seconds) {
  const parts = [[Math.floor(seconds / 3600), 'h'], [Math.floor(seconds / 60) % 60, 'min'], [seconds % 60, 's']];
  return parts.filter(([number]) => number).map(([number, unit]) => `${number} ${unit}`).join(' ') || '0 s';
}

// When the one who refused takes the request again, as he says.
function later(wait) {
  return /^[0-9]+$/.test(wait ?? '') ? [element('p', {}, text('later', { time: timeOf(Number(wait)) }))] : [];
}

// What the gateway asks of a request first, and what becomes of it then, as it says that in a sentence.
const ASKED = /^(?:needs (?<needs>.*?); without one .*?; with one|if (?<checks>.*?)(?: \(if not, .*?\))?): (?<then>.*)$/;

// What becomes of a request that all who are asked let through.
function letThrough(outcome) {
  const { then } = ASKED.exec(outcome)?.groups ?? {};
  return then === undefined ? outcome : letThrough(then);
}

// Whether the request shows who sends it, valid or not: a login as far as the page knows of one.
function shows() {
  switch (valueOf('try-as')) {
    case 'session': return 'known' in form.dataset;
    case 'bearer': return valueOf('try-token') !== '';
    case 'key': return valueOf('try-key') !== '';
    default: return false;
  }
}

// What the gateway asks for and a request that it answers so has not shown. By a 403 it refuses who shows what does not do, and who
// shows nothing as well where no login is begun (`insteadOfRedirect`).
function lackedBy(status, outcome) {
  const { needs } = ASKED.exec(outcome)?.groups ?? {};
  return status === 401 || (status === 403 && !shows()) ? needs : undefined;
}

// The same for who has had an answer already: what else would become of the request does not matter to him.
function because({ status }, { outcome, protection, limits }) {
  if (status === 429) return limits.some(({ limit }) => limit) ? text('limited') : `${outcome}.`;
  if (UNDECIDED.has(status)) return `${letThrough(outcome)}.`;
  const lacked = lackedBy(status, outcome);
  if (lacked) return text('needs', { what: lacked });
  const { needs, checks } = ASKED.exec(outcome)?.groups ?? {};
  if (checks) return text('checks', { what: checks });
  if (protection.length) return text('decided');
  // Asked why, the gateway is not told of logins: it says what is needed to who has shown it, too.
  return needs ? text('not_allowed') : `${outcome}.`;
}

// What says why.
function whyNote(why, ...more) {
  return element('div', { className: 'note why' }, element('p', {}, element('strong', {}, text('why')), ` ${why}`), ...more);
}

function reasons(response, told, explanation) {
  const { status, headers } = response;
  const { protection, limits, failures, outcome } = explanation;
  const rules = protection.map(({ by, filters, outcome: what }) =>
    element('li', {}, ...(by ? [element('code', {}, by), ': '] : []), filters.length ? askedOf(what, filters) : what));
  const held = limits.map(({ labels, limit, outcome: what }) =>
    element('li', {}, ...(limit ? [element('strong', {}, limit), ' '] : []), labels ? text('limit_for', { labels, outcome: what }) : what));
  return whyNote(
    `${told ? `${told}; ` : ''}${because(response, explanation)}`,
    ...later(headers.get('retry-after')),
    element('ul', {}, ...failuresOf(status, failures), ...rules, ...held),
    ...waysIn(status, lackedBy(status, outcome)));
}

// What the gateway says of itself that is wrong (RFC 9457): there is nothing to ask then. By other answers services say that, also
// where pages are not shown the headers that tell these apart.
function detailOf(response, body) {
  const isProblem = SAID.has(response.status) && /^application\/problem\+json\b/i.test(response.headers.get('content-type') ?? '');
  const { detail } = (isProblem && parsed(body)) || {};
  return typeof detail === 'string' ? detail : '';
}

// Why the gateway has answered, if it says so or can be asked.
async function reasonOf(response, body, asked) {
  const detail = detailOf(response, body);
  if (detail) return whyNote(detail, ...later(response.headers.get('retry-after')), ...waysIn(response.status));
  const told = REFUSALS.has(response.status) ? await explained(asked).catch(() => null) : null;
  return told && reasons(response, wordsOf(response, body), told);
}

// What becomes of a slash in a parameter of a path: the gateway has no `%2F` in paths, unless it is told otherwise.
function slashReason({ type, status }, { slashed: name }) {
  const become = { opaqueredirect: 'slash_unescaped' }[type] ?? (status === 400 ? 'slash_refused' : null);
  if (!name || !become) return [];
  return [whyNote(text(become, { name }))];
}

// What may do for who was not let through, perhaps for what he lacks.
function waysIn(status, lacked) {
  return [...(status === 401 || lacked ? wayIn() : []), ...([401, 403].includes(status) ? ownKeys() : [])];
}

// Where the reader makes keys that are taken here.
function ownKeys() {
  const { keys } = form.dataset;
  return keys ? [element('p', {}, element('a', { href: keys }, text('own_keys')), ` ${text('with_key')}`)] : [];
}

// Where a login begins that leads back to this page.
function wayIn() {
  const { login } = form.dataset;
  return login && ['session', 'nobody'].includes(valueOf('try-as')) ? [element('p', {}, element('a', { href: login }, text('log_in')), ` ${text('again')}`)] : [];
}

// By a 403, too, those are refused whose login has ended, where no other is begun (`insteadOfRedirect`).
function mayBeLoggedOut({ status }) {
  return valueOf('try-as') === 'session' && (status === 401 || (status === 403 && 'known' in form.dataset));
}
