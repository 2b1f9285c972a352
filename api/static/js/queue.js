// The queue by keyboard: j k move, Enter opens, c claims, r resolves, s snoozes. Works on any list of [data-row]
// whose main link is .hl-row-open and whose acts are [data-act]; on a page without rows, on the page's own acts.

const ACTS = { c: "claim", r: "resolve", s: "snooze" };
const say = (text) => document.dispatchEvent(new CustomEvent("hl:announce", { detail: { text } }));
const rows = () => [...document.querySelectorAll("[data-row]")];
let last = null; // the key of the row that had the focus last

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (row) last = row.dataset.key;
});

function current() {
  return document.activeElement?.closest("[data-row]") ?? rows().find((row) => row.dataset.key === last) ?? null;
}
function move(by) {
  const all = rows();
  if (!all.length) return;
  const from = all.indexOf(current());
  const to = from < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(from + by, 0), all.length - 1);
  const link = all[to].querySelector(".hl-row-open");
  link.focus({ preventScroll: true });
  all[to].scrollIntoView({ block: "nearest" });
}
function act(name) {
  const row = current();
  const place = rows().length ? row : document.querySelector("main");
  const control = place?.querySelector(`[data-act="${name}"]`);
  if (control) control.click();
  else say(row || !rows().length ? `There is nothing to ${name} here.` : "Choose a row first, with j or k.");
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key in ACTS) return;
  if (document.documentElement.dataset.singleKeys !== "on") return;
  if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key in ACTS) act(ACTS[event.key]);
  else return;
  event.preventDefault();
});
