// What a person does in a real Chromium. A story is a script of its own:
//
//     import { story } from '…/story.mjs';
//     await story(async ({ context, settings }) => ({ … what was seen … }));
//
// `settings.hosts` says at which addresses of this machine names are.
//
// usage: node STORY.mjs SETTINGS, in JSON; prints what was seen as JSON, and exits 1 when a step cannot be taken.
import { existsSync } from 'node:fs';

const DRIVER = new URL('../../../.tools/browser/node_modules/playwright-core/index.mjs', import.meta.url);
const CHROMIUM = '/usr/bin/chromium';

// How long a step may take: a machine under load must not fail a test.
const PATIENCE = 20_000;

export async function story(tell) {
  for (const path of [DRIVER, CHROMIUM]) {
    if (!existsSync(path)) throw new Error(`${path} is missing: scripts/setup.sh browser`);
  }
  const { chromium } = await import(DRIVER);
  const settings = JSON.parse(process.argv[2]);
  const hosts = Object.entries(settings.hosts ?? {}).map(([name, address]) => `MAP ${name} ${address}`);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    // Nothing outside this machine is looked up.
    args: [`--host-resolver-rules=${[...hosts, 'MAP * ~NOTFOUND', 'EXCLUDE 127.*'].join(', ')}`],
    // As people have it: going back may show a page as it was left.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    context.setDefaultTimeout(PATIENCE);
    console.log(JSON.stringify(await tell({ context, settings })));
  } finally {
    await browser.close();
  }
}
