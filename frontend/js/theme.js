// Runs before the first paint (blocking="render"), so it stays tiny and imports nothing.
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function apply() {
  const choice = localStorage.getItem("theme") ?? "system";
  const dark = choice === "dark" || (choice === "system" && systemIsDark.matches);
  document.documentElement.classList.toggle("dark", dark);
}

apply();
systemIsDark.addEventListener("change", apply);
document.addEventListener("theme:change", apply);

// The server writes all times, in the zone that this cookie names.
const YEAR_SECONDS = 365 * 24 * 3600;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
document.cookie = `zone=${zone};path=/;max-age=${YEAR_SECONDS};samesite=lax`;
