// Looks again at a page that follows a change, until the page does not ask for that any more.

// Milliseconds between looks.
const PAUSE = 1000;

// A page that nobody sees waits until it is seen.
function look() {
  if (document.visibilityState === 'visible') location.reload();
  else document.addEventListener('visibilitychange', look, { once: true });
}

setTimeout(look, PAUSE);
