// The account menu's themes: at once on this page, and kept for the next one by the server.
document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-set]")?.dataset.themeSet;
  if (!choice) return;
  document.documentElement.dataset.theme = choice;
  localStorage.setItem("theme", choice);
  document.dispatchEvent(new Event("theme:change"));
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  fetch("/settings/theme", {
    method: "POST",
    body: new URLSearchParams({ theme: choice, csrf }),
    keepalive: true,
  }).catch(() => {}); // this browser remembers it all the same
});
