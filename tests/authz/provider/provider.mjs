// usage: node provider.mjs PACKAGE SETTINGS
// An identity provider with its test pages for logins: any name and any password will do, and consent is given by itself.
// Prints what it grants.
import { createServer } from 'node:http';

const [, , path, settings] = process.argv;
const { Provider, errors } = await import(path);
const { address, issuer, clients, ttl, features, jwt } = JSON.parse(settings);
const [host, port] = address.split(':');
const SHOP = 'urn:shop';

const provider = new Provider(issuer, {
  clients,
  ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 600, ...ttl },
  scopes: ['openid', 'offline_access', 'email', 'orders'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, email: `${id}@corp.test`, email_verified: true }),
  }),
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  // Without its guard against special addresses: everything here is at one.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  async loadExistingGrant(ctx) {
    const grant = new provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid offline_access email orders');
    grant.addResourceScope(SHOP, 'orders');
    await grant.save();
    return grant;
  },
  features: {
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    // Tokens for a resource are JWTs.
    resourceIndicators: {
      enabled: jwt,
      defaultResource: () => SHOP,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'orders', audience: 'shop', accessTokenFormat: 'jwt' }),
    },
    ...features,
  },
});

// The provider has no passwords of its own: this is the grant of RFC 6749, section 4.3, for whoever says `pw`.
provider.registerGrantType('password', async (ctx) => {
  const { params: { username, password, scope }, client } = ctx.oidc;
  if (password !== 'pw') throw new errors.InvalidGrant('no such user');
  const grant = new provider.Grant({ clientId: client.clientId, accountId: username });
  grant.addOIDCScope(scope);
  const token = new provider.AccessToken({ accountId: username, client, grantId: await grant.save(), gty: 'password', scope });
  ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: 'Bearer', scope };
}, ['username', 'password', 'scope']);

provider.on('grant.success', (ctx) => {
  const { access_token, refresh_token, id_token } = ctx.body;
  for (const token of [access_token, refresh_token, id_token]) if (token) console.log(`given ${token}`);
  console.log(`grant ${ctx.oidc.params.grant_type}`);
});
provider.on('grant.error', (ctx, error) => console.log(`error ${ctx.oidc.params?.grant_type} ${error.message}`));
provider.on('access_token.destroyed', () => console.log('revoked'));
provider.on('refresh_token.destroyed', () => console.log('revoked'));
provider.on('server_error', (ctx, error) => console.log(`server ${error.stack}`));
provider.on('backchannel.success', () => console.log('backchannel'));
provider.on('backchannel.error', (ctx, error) => console.log(`backchannel-error ${error.message}`));
provider.on('pushed_authorization_request.success', () => console.log('pushed'));

createServer(provider.callback()).listen(Number(port), host);
