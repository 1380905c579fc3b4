// A row of tabs that is wider than the window begins where the chosen one can be seen.
for (const bar of document.querySelectorAll(".pl-tabs-bar")) {
  const chosen = bar.querySelector("[aria-current]");
  if (!chosen) continue;
  const beyond = chosen.getBoundingClientRect().right - bar.getBoundingClientRect().right;
  if (beyond > 0) bar.scrollLeft += beyond + parseFloat(getComputedStyle(bar).paddingRight);
}
