// A question that a script asks: a <dialog> of the page, with its answers in a form of its own.

/** Whether the answer was yes; `why` takes the place of its explanation. */
export function ask(id, why = "") {
  const dialog = document.querySelector(`#${id}`);
  if (why) dialog.querySelector("[data-why]").textContent = why;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
