// What every page does: sends the form token with htmx, keeps "12 min ago" true, opens dialogs, says what happened.
// The scripts do not import one another, so that each can be cached by its version; they meet in DOM events:
//   hl:announce {text}   spoken politely      hl:toast {title, text, tone}   shown and spoken
//   hl:theme             colours changed      live:alert|task|refresh|change   from live.js, on body

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
const skewMs = meta("now") ? Date.parse(meta("now")) - Date.now() : 0; // the server's clock is the one that counts

// ---- remembered choices of this browser ----
function recall(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}
function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* storage may be barred; the choice lasts for this page */ }
}

// ---- times in words, as api/times.py says them ----
function ago(instantMs, nowMs) {
  const seconds = Math.abs(nowMs - instantMs) / 1000;
  if (seconds < 60) return "just now";
  const words =
    seconds < 3600 ? `${Math.floor(seconds / 60)} min`
    : seconds < 172800 ? `${Math.floor(seconds / 3600)} h`
    : `${Math.floor(seconds / 86400)} days`;
  return nowMs >= instantMs ? `${words} ago` : `in ${words}`;
}
function freshenTimes() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const words = ago(Date.parse(element.dateTime), Date.now() + skewMs);
    if (element.textContent !== words) element.textContent = words;
  }
}

// ---- saying things ----
function announce(text) {
  const region = document.getElementById("announce");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 50); // a change, also when the words are the same
}
function toast({ title = "", text = "", tone = "" }) {
  const last = document.getElementById("toasts")?.lastElementChild;
  if (last && last.dataset.title === title) return; // said, and still there
  const box = document.createElement("div");
  box.dataset.title = title;
  box.className = `hl-note ${tone ? `is-${tone}` : ""}`;
  const words = document.createElement("div");
  const strong = document.createElement("strong");
  strong.textContent = title;
  const line = document.createElement("p");
  line.textContent = text;
  words.append(strong, line);
  const close = document.createElement("button");
  close.className = "btn btn-sm btn-quiet";
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => box.remove());
  box.append(words, close);
  document.getElementById("toasts")?.append(box);
  announce([title, text].filter(Boolean).join(". "));
}
document.addEventListener("hl:announce", (event) => announce(event.detail.text));
document.addEventListener("hl:toast", (event) => toast(event.detail));

// ---- dialogs ----
function open(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
}
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    document.getElementById("nav")?.hidePopover?.();
    open(opener.dataset.opens);
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
});

// ---- colours and keys: chosen in the help dialog ----
function showTheme(choice) {
  if (choice === "auto") delete document.documentElement.dataset.bsTheme;
  else document.documentElement.dataset.bsTheme = choice;
  document.dispatchEvent(new CustomEvent("hl:theme"));
}
const theme = recall("hl-theme") ?? "auto";
for (const radio of document.querySelectorAll("[data-theme-choice] input")) {
  radio.checked = radio.value === theme;
  radio.addEventListener("change", () => { remember("hl-theme", radio.value); showTheme(radio.value); });
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("hl:theme"));
});
const keys = document.querySelector("[data-single-keys]");
if (keys) {
  keys.checked = recall("hl-keys") !== "off";
  document.documentElement.dataset.singleKeys = keys.checked ? "on" : "off";
  keys.addEventListener("change", () => {
    remember("hl-keys", keys.checked ? "on" : "off");
    document.documentElement.dataset.singleKeys = keys.checked ? "on" : "off";
  });
}
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
  if (event.key !== "?" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.documentElement.dataset.singleKeys !== "on") return;
  event.preventDefault();
  open("help");
});

// ---- forms: sent once, and with the token ----
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
const unlock = () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
addEventListener("pageshow", unlock);
document.addEventListener("htmx:afterRequest", unlock);
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = meta("csrf-token");
});
document.addEventListener("htmx:responseError", (event) => {
  const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const title = answer.querySelector("[data-notice] strong, h1")?.textContent ?? "That did not work";
  const text = answer.querySelector("[data-notice] p, h1 + p")?.textContent ?? "Try again.";
  toast({ title, text, tone: "warning" });
});
document.addEventListener("htmx:sendError", () => {
  toast({ title: "No connection", text: "Nothing was saved. Check the network and try again.", tone: "warning" });
});

// ---- start ----
document.querySelector("[data-focus], [data-flash]")?.focus();
freshenTimes();
setInterval(freshenTimes, 15_000);
document.addEventListener("htmx:afterSettle", freshenTimes);
document.addEventListener("live:settled", freshenTimes);
