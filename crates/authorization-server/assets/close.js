// Closes a window whose work is done, after a countdown that can be seen. Without this script the page says that it can
// be closed, and nothing else is missing.
'use strict';
{
  const countdown = document.getElementById('countdown');
  const seconds = document.getElementById('seconds');
  const close = document.getElementById('close');
  let left = Number(seconds.textContent);
  const tick = () => {
    left -= 1;
    seconds.textContent = String(left);
    if (left > 0) return;
    clearInterval(timer);
    countdown.hidden = true;
    window.close();
  };
  const timer = setInterval(tick, 1000);
  close.addEventListener('click', () => {
    clearInterval(timer);
    countdown.hidden = true;
    window.close();
  });
  countdown.hidden = false;
  close.hidden = false;
}
