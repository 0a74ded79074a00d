// Copies what stands in a box of code. Where a page may not write to the clipboard, there is no button.
{
  // Milliseconds for which a button says that it has been done.
  const SAID = 2000;
  const { copy, copied } = document.body.dataset;

  const offer = (box) => {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: copy });
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(box.innerText);
      button.textContent = copied;
      setTimeout(() => { button.textContent = copy; }, SAID);
    });
    button.ariaLive = 'polite';
    const around = Object.assign(document.createElement('div'), { className: 'copyable' });
    box.replaceWith(around);
    around.append(box, button);
  };

  if (navigator.clipboard) document.querySelectorAll('main pre:not(.diff)').forEach(offer);
}
