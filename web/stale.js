// Says in a tab that was left for a while, and is looked at again, that its login has ended meanwhile.
{
  // Milliseconds in which that is asked once.
  const SELDOM = 10_000;
  let asked = -Infinity;

  document.addEventListener('visibilitychange', async () => {
    const now = performance.now();
    if (document.hidden || now - asked < SELDOM || document.getElementById('logged-out')) return;
    asked = now;
    if (await isLoggedOut()) document.querySelector('main')?.prepend(loggedOut());
  });
}
