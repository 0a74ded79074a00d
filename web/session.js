// A tab outlives its login: a page that was made for somebody may be one that nobody is logged in at any more.

// Whether that is so. Who is logged in is led on at once from where logins begin; others are told that they are not.
async function isLoggedOut() {
  const { login } = document.body.dataset;
  if (!login) return false;
  const reply = await fetch(login, { headers: { accept: 'application/json' }, redirect: 'manual', cache: 'no-store' }).catch(() => null);
  return reply !== null && reply.type !== 'opaqueredirect';
}

// What says so, and leads by a new login back to this page.
function loggedOut() {
  const { login, loggedOut: said, logInAgain } = document.body.dataset;
  const link = Object.assign(document.createElement('a'), { href: login, textContent: logInAgain });
  const note = Object.assign(document.createElement('p'), { className: 'note warn', id: 'logged-out', role: 'alert' });
  note.append(`${said} `, link);
  return note;
}

// What begins the name of each draft that a tab keeps over a login (drafts.js).
const DRAFTS = 'nuncio-draft ';
// Milliseconds that a login takes at most: who comes later may be somebody else.
const LONGEST_KEPT = 15 * 60_000;

// Browsers may have no storage for this page, or no more of it.
function stored(act) {
  try {
    return act(sessionStorage);
  } catch {
    return null;
  }
}

function isFresh(draft) {
  try {
    return Date.now() - JSON.parse(draft).at < LONGEST_KEPT;
  } catch {
    return false;
  }
}

function forgetDrafts(isMeant) {
  stored((storage) => {
    for (const [name, draft] of Object.entries(storage)) if (name.startsWith(DRAFTS) && isMeant(draft)) storage.removeItem(name);
  });
}

// Whatever page is opened next: the one that a draft is of may never be. Scripts of services at this address can read what is left.
forgetDrafts((draft) => !isFresh(draft));
