// Takes what is shown once out of a page that is left: browsers keep pages as they were, also those that no cache may, and their
// way back leads to it.
addEventListener('pagehide', () => {
  for (const once of document.querySelectorAll('[data-once]')) once.textContent = once.dataset.once;
});
