// Who logs out leaves nothing in the tab of what he typed: who uses it next may be somebody else.
addEventListener('submit', ({ target }) => {
  if (target.getAttribute('action')?.includes('/oauth2/logout')) forgetDrafts(() => true);
});
