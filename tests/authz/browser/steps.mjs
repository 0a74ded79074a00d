// What the stories have in common.

// Logs in at the provider's form, which is on this page, and waits for `url`.
export async function logIn(page, name, url) {
  await page.fill('input[name=login]', name);
  await page.fill('input[name=password]', 'x');
  await page.click('button[type=submit]');
  await page.waitForURL(url);
}

// A page with somebody's login.
export async function loggedIn(context, origin, path = '/orders') {
  const page = await context.newPage();
  await page.goto(`${origin}${path}`);
  await logIn(page, 'ann', `${origin}${path}`);
  return page;
}

// What a page shows: the provider's form, what the upstream was sent, or the text.
export async function shown(page) {
  if (await page.locator('input[name=login]').count()) return 'login form';
  const text = await page.innerText('body');
  try {
    const { path, headers } = JSON.parse(text);
    return { path, user: headers['x-user'] };
  } catch {
    return text;
  }
}

// The status that a script of the page is answered with.
export function fetched(page, path, method = 'GET') {
  return page.evaluate(async ([path, method]) => (await fetch(path, { method })).status, [path, method]);
}

// What a page's button to log out does.
export async function logOut(page, realm) {
  await page.evaluate((realm) => {
    const xsrf = document.cookie.split('; ').find((pair) => pair.startsWith(`ambassador_xsrf.${realm}=`));
    const form = Object.assign(document.createElement('form'), {
      method: 'POST', action: `/.ambassador/oauth2/logout?realm=${realm}`,
    });
    form.append(Object.assign(document.createElement('input'), { name: '_xsrf', value: xsrf.split('=')[1] }));
    document.body.append(form);
    form.submit();
  }, realm);
  // The provider asks whether it is to end its own session, too.
  await page.click('button[name=logout]');
}
