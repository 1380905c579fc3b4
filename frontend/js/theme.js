// Runs before the first paint (blocking="render"), so it stays tiny and imports nothing.
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

// Signed in, the server says what was chosen; before that, this browser remembers.
const saved = () => localStorage.getItem("theme") ?? "system";
if (root.dataset.theme) localStorage.setItem("theme", root.dataset.theme);

function apply() {
  const choice = root.dataset.theme ?? saved();
  const dark = choice === "dark" || (choice === "system" && systemIsDark.matches);
  root.classList.toggle("dark", dark);
}

apply();
systemIsDark.addEventListener("change", apply);
document.addEventListener("theme:change", apply);

// The server writes all times, in the zone that this cookie names unless another was chosen.
const YEAR_SECONDS = 365 * 24 * 3600;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
document.cookie = `zone=${zone};path=/;max-age=${YEAR_SECONDS};samesite=lax`;
