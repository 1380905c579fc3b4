// ⌘K, or Ctrl-K: every screen and the usual deeds, found by a few letters.
//
// A combobox over a list of links (templates/_palette.html), which the server writes from the same
// table as the sidebar. The focus stays in the field; aria-activedescendant says what is chosen.
const palette = () => document.querySelector("#palette");
const field = () => palette().querySelector("input");
const options = () => [...palette().querySelectorAll("[role=option]")];
const shown = () => options().filter((option) => !option.hidden);

export function openPalette() {
  const dialog = palette();
  if (!dialog || document.querySelector("dialog:modal")) return false;
  field().value = "";
  narrow();
  dialog.showModal();
  return true;
}

function choose(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  if (option) {
    field().setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else field().removeAttribute("aria-activedescendant");
}

const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/** All words have to be somewhere in the option; what begins with the first comes first. */
function narrow() {
  const asked = plain(field().value).split(/\s+/).filter(Boolean);
  for (const option of options()) {
    const text = plain(`${option.textContent} ${option.dataset.words ?? ""}`);
    option.hidden = !asked.every((word) => text.includes(word));
  }
  const first = shown().find((option) => asked.length && plain(option.textContent.trim()).startsWith(asked[0]));
  choose(first ?? shown()[0]);
  // With an address or a subject in mind: the last entry looks for it among all emails.
  const look = palette().querySelector("[data-look]");
  look.hidden = !asked.length;
  look.querySelector("[data-asked]").textContent = field().value.trim();
  if (!shown().some((option) => option.getAttribute("aria-selected") === "true")) choose(shown()[0]);
  const count = shown().length;
  palette().querySelector("[role=status]").textContent = count === 1 ? "1 match" : `${count} matches`;
}

function follow(option) {
  if (!option) return;
  palette().close();
  const path = option.matches("[data-look]") ? `/emails?q=${encodeURIComponent(field().value.trim())}` : option.dataset.path;
  if (option.dataset.help !== undefined) document.querySelector("#help")?.showModal();
  else location.assign(path);
}

const current = () => options().find((option) => option.getAttribute("aria-selected") === "true");

document.addEventListener("input", (event) => event.target.closest("#palette") && narrow());

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !event.target.closest?.("#palette")) return;
  const among = shown();
  const at = among.indexOf(current());
  const to = {
    ArrowDown: (at + 1) % among.length,
    ArrowUp: (at - 1 + among.length) % among.length,
  }[event.key];
  if (to !== undefined && among.length) choose(among[to]);
  else if (event.key === "Enter") follow(current());
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-palette]")) openPalette();
  const option = event.target.closest("#palette [role=option]");
  if (option) follow(option);
});
