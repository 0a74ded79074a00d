// Who logs out leaves nothing in the tab of what he typed: who uses it next may be somebody else.
addEventListener('submit', ({ target }) => {
  if (!target.getAttribute('action')?.includes('/oauth2/logout')) return;
  stored((storage) => {
    for (const name of Object.keys(storage)) if (name.startsWith(DRAFTS)) storage.removeItem(name);
  });
});
