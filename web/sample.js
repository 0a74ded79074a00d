// The request that will be sent, for a shell.

const quoted = (word) => `'${word.replaceAll("'", String.raw`'\''`)}'`;

// Credentials are variables: what is shown may be copied anywhere.
// Nobody has the cookies of a login there: what the gateway takes in their place stands for them.
function curl({ method, shown: { url, headers }, body, upload, credential: by }) {
  const instead = valueOf('try-as') === 'session' ? JSON.parse(form.dataset.shows) : [];
  const verb = method === 'HEAD' ? '--head' : `-X ${/^[A-Za-z]+$/.test(method) ? method : quoted(method)}`;
  const at = quoted(url).replaceAll(HIDDEN, `'"${HIDDEN}"'`);
  const parts = [method === 'GET' ? `curl ${at}` : `curl ${verb} ${at}`];
  const variable = (name, value) => `-H "${name.replace(/[^\w-]/g, '')}: ${value}"`;
  // An empty one is left out where it is written with a colon.
  const header = (name, value) => `-H ${quoted(value === '' ? `${name};` : `${name}: ${value}`)}`;
  for (const [name, value] of headers) parts.push(value === HIDDEN ? variable(name, value) : header(name, value));
  for (const { name, shown } of by ? [by] : instead) parts.push(variable(name, shown));
  if (body !== undefined) parts.push(`--data-raw ${quoted(body)}`);
  for (const [name, what] of upload?.parts ?? []) {
    const named = what instanceof File ? `@${what.name}` : what;
    const option = what instanceof File ? '-F' : '--form-string';
    parts.push(upload.isForm ? `${option} ${quoted(`${name}=${named}`)}` : `--data-binary ${quoted(named)}`);
  }
  return parts.join(' \\\n  ');
}
