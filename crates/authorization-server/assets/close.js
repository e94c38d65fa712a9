// Closes a window whose work is done, after a countdown that can be seen. Without this script the page says that it can
// be closed, and nothing else is missing.
'use strict';
{
  const countdown = document.getElementById('countdown');
  const seconds = document.getElementById('seconds');
  const close = document.getElementById('close');
  let left = Number(seconds.textContent);
  // A browser closes only windows that were opened by another one. Where it does not, the page says the rest.
  const end = () => {
    clearInterval(timer);
    countdown.hidden = true;
    close.hidden = true;
    window.close();
  };
  const timer = setInterval(() => {
    left -= 1;
    seconds.textContent = String(left);
    if (left <= 0) end();
  }, 1000);
  close.addEventListener('click', end);
  countdown.hidden = false;
  close.hidden = false;
}
