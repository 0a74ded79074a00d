// The provider's pages.

const page = (title, body) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 20rem; margin: 4rem auto; padding: 0 1rem; }
  label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
  input, button { margin-bottom: 1rem; padding: .4rem; }
</style>
<main>
<h1>${title}</h1>
${body}
</main>
</html>
`;

const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

export const loginPage = (action, problem) => page('Log in to the shop', `
${problem ? `<p role="alert">${problem}</p>` : ''}
<form method="post" action="${escaped(action)}">
  <label for="name">Name</label>
  <input id="name" name="name" autocomplete="username" required autofocus>
  <label for="password">Password</label>
  <input id="password" name="password" type="password" autocomplete="current-password" required>
  <button>Log in</button>
</form>
<p>Here live <b>ann</b>, whose password is <b>bell</b>, and <b>bob</b>, whose password is <b>lamp</b>.</p>`);

// The form is the provider's; the buttons are ours.
export const logoutPage = (form) => page('Log out', `
<p>You have left the shop. Leave your account as well?</p>
${form}
<button form="op.logoutForm" name="logout" value="yes" autofocus>Log out</button>
<button form="op.logoutForm">Stay</button>`);
