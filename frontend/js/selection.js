// Rows that are ticked, for the bar of actions below their list (templates/kit/list.html). Without
// this file the boxes and the buttons work; what is added is the count, a whole page, and "all".
const barOf = (box) => document.querySelector(`form[data-selection]#${box.getAttribute("form")}`);
const boxesOf = (bar) => [...document.querySelectorAll(`input[name=selected][form="${bar.id}"]`)];
const number = new Intl.NumberFormat("en");

function show(bar) {
  const boxes = boxesOf(bar);
  const ticked = boxes.filter((box) => box.checked).length;
  const everything = bar.elements.namedItem("everything");
  const total = "total" in bar.dataset ? Number(bar.dataset.total) : null; // null: nobody counted
  // "All that match" is on offer once the whole page is chosen and there is more than that.
  const offered = Boolean(everything) && ticked > 0 && ticked === boxes.length &&
    (total === null ? "more" in bar.dataset : total > ticked);
  if (everything) {
    if (!offered) everything.checked = false;
    everything.closest("[data-everything]").hidden = !offered;
  }
  const all = everything?.checked;
  const count = all ? total : ticked;
  const noun = count === 1 ? bar.dataset.noun : bar.dataset.plural;
  const words = all && total === null ? `All matching ${noun}` : `${number.format(count)} ${noun}`;
  for (const place of bar.querySelectorAll("[data-selected]")) place.textContent = `${words} selected`;
  for (const place of bar.querySelectorAll("[data-selected-count]")) place.textContent = words;
  for (const page of document.querySelectorAll(`[data-select-page][form="${bar.id}"]`)) {
    page.checked = ticked > 0 && ticked === boxes.length;
    page.indeterminate = ticked > 0 && ticked < boxes.length;
  }
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.name === "everything") return show(box.form);
  const bar = box.form?.matches("[data-selection]") && barOf(box);
  if (!bar) return;
  if (box.matches("[data-select-page]")) for (const each of boxesOf(bar)) each.checked = box.checked;
  show(bar);
});

// Enter on a box or in a field would press the first button of the bar, unasked.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input")) return;
  if (event.target.form?.matches("[data-selection]")) event.preventDefault();
});

document.addEventListener("reset", (event) => {
  if (event.target.matches("[data-selection]")) setTimeout(() => show(event.target));
});

// Rows come and go; a ticked one that went is not counted any more.
document.addEventListener("htmx:after:swap", () => {
  for (const bar of document.querySelectorAll("form[data-selection]")) show(bar);
});
