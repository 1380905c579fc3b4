// Buttons that copy the text of another element: <button data-copy="its id" hidden>.
// Without the clipboard they stay hidden: the text can still be marked.
const SAID_FOR_MS = 2000;

function show() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

show();
document.addEventListener("htmx:after:swap", show);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  const label = button.querySelector("span");
  label.dataset.before ??= label.textContent;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    label.textContent = "Press Ctrl-C";
  }
  setTimeout(() => (label.textContent = label.dataset.before), SAID_FOR_MS);
});
