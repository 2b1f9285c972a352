// Finding somebody in the list that is already here: what is typed goes nowhere, not even into the address.
// Enter still posts the form, which also finds those beyond the rows shown.

const box = document.querySelector("[data-filter]");
const rows = [...document.querySelectorAll("[data-find]")];
const none = document.querySelector("[data-filter-none]");

function filter() {
  const wanted = box.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const fits = wanted.every((word) => row.dataset.find.includes(word));
    row.hidden = !fits;
    if (fits) shown += 1;
  }
  none.hidden = shown > 0;
  return shown;
}

if (box && none) {
  let waiting = 0;
  box.addEventListener("input", () => {
    const shown = filter();
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const text = shown === 1 ? "1 patient" : `${shown} patients`;
      document.dispatchEvent(new CustomEvent("hl:announce", { detail: { text } }));
    }, 600);
  });
}
