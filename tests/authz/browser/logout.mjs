// A logout in one tab: what the other one may then do, and what going back shows.
import { story } from '../../support/browser/story.mjs';
import { fetched, loggedIn, logOut, shown } from './steps.mjs';

await story(async ({ context, settings: { origin, realm } }) => {
  const first = await loggedIn(context, origin);
  const second = await context.newPage();
  await second.goto(`${origin}/other`);
  const before = await shown(second);

  await logOut(first, realm);
  await first.waitForURL(`${origin}/open/bye`);
  const cookies = (await context.cookies(origin)).map(({ name }) => name);
  const script = await fetched(second, '/other');
  await second.reload();

  const back = [];
  while (await first.goBack()) back.push(await shown(first));
  return { before, cookies, script, second: await shown(second), back };
});
