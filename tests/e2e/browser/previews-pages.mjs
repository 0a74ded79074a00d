// Every page about previews of the portal to which somebody may come beside the first.
import { story } from '../../support/browser/story.mjs';
import { looker } from './look.mjs';
import { watched } from './steps.mjs';

await story(async ({ context, settings: { origin, token, stranger, pictures } }) => {
  await context.setExtraHTTPHeaders({ authorization: token });
  const { page, faults } = await watched(context);
  const { look, found, seen } = looker(page, pictures);
  const to = async (path) => page.goto(origin + path);
  const sent = async (button, part) => {
    await page.click(button);
    await page.waitForSelector(part);
  };
  const tax = '/docs/previews/default/tax';
  await to(tax);
  await look('one');
  await to(`${tax}/changes`);
  await look('changes', 'main');
  await to(`${tax}/share`);
  await look('asking');
  await sent('main form[action$="/share"] button', 'main [role=status]');
  await look('shared', 'main [role=status] strong');
  await to(`${tax}/share`);
  await page.click('main summary');
  await sent('main form[action$="/withdraw"] button', 'main [role=status]');
  await look('withdrawn', 'main [role=status]');
  await to(`${tax}/doctor`);
  await look('doctor');
  await page.fill('main input[name=path]', '/cart/');
  await sent('main form button', 'main table');
  await look('followed', 'main table');
  await to('/docs/previews/default/desk');
  await look('tunnel', 'main');
  await page.setExtraHTTPHeaders({ authorization: stranger });
  await to('/docs/previews/new');
  await look('stranger', 'main [role=status]');
  await to('/console/');
  await look('console');
  return { seen, violations: found, faults };
});
