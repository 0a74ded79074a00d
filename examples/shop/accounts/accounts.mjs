// usage: node accounts.mjs PACKAGE SETTINGS
// The shop's identity provider: the npm package oidc-provider, with pages of its own to log in and out.
// PACKAGE is where that package is; SETTINGS a file of JSON: {address, clients}.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { loginPage, logoutPage } from './pages.mjs';

const [, , path, settings] = process.argv;
const { Provider } = await import(path);
const { address, clients } = JSON.parse(readFileSync(settings, 'utf8'));
const [host, port] = address.split(':');

// Whose cart is whose, and what they log in with.
const PASSWORDS = new Map([['ann', 'bell'], ['bob', 'lamp']]);
// Who belongs to the shop: people, and the client with whose tokens its developers make previews.
const GROUPS = new Map([['ann', ['staff']], ['developer', ['staff']]]);
// What access tokens are for: with a resource they are JWTs, which the gateway verifies by itself.
const SHOP = 'urn:shop';
const HOUR = 3600;

const provider = new Provider(`http://${address}`, {
  clients,
  cookies: { keys: [randomUUID()] },
  ttl: { AccessToken: HOUR, ClientCredentials: HOUR, IdToken: HOUR, Interaction: HOUR, Session: 24 * HOUR, Grant: 24 * HOUR },
  claims: { openid: ['sub', 'groups'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, groups: GROUPS.get(id) ?? [] }) }),
  extraTokenClaims: (ctx, token) => ({ groups: GROUPS.get(token.accountId ?? token.clientId) ?? [] }),
  // The clients are the shop's own: nobody has to agree that they learn who he is.
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
  interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { logoutSource: (ctx, form) => { ctx.body = logoutPage(form); } },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => SHOP,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: '', audience: 'shop', accessTokenFormat: 'jwt' }),
    },
  },
});

const MOST_BYTES = 4096;

async function form(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > MOST_BYTES) throw new Error('a form of that size is none of ours');
  }
  return new URLSearchParams(text);
}

async function login(request, response) {
  const show = (status, problem) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(loginPage(request.url, problem));
  };
  // Only the browser that the provider sent here has the cookie that this looks for.
  await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return show(200);
  const sent = await form(request);
  const name = sent.get('name');
  if (!PASSWORDS.has(name) || PASSWORDS.get(name) !== sent.get('password')) {
    return show(401, 'There is no such name with this password.');
  }
  await provider.interactionFinished(request, response, { login: { accountId: name } });
}

const everythingElse = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith('/login/')) return everythingElse(request, response);
  return login(request, response).catch((error) => {
    console.error(error.message);
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end('This login is over. Begin again at the shop.\n');
  });
}).listen(Number(port), host);
