// Live lists: what changed elsewhere comes in without moving what somebody reads.
//
// One event stream serves all tabs of a browser (HTTP/1.1 allows six connections): the tab that holds the lock opens
// it and tells the others. A notice carries a kind and a key; each list asks for its rows again, with its own rights,
// and says which versions it has: of these the answer names only the place (data-same). The longer an answer took, the
// longer a list waits before it asks again, so that many open pages slow down together instead of one another.
//
//   <ol class="hl-list" id="queue" data-live-list data-live-url="/queue/rows?tab=medical" data-live-on="alert task">
//     <li data-key="…" data-version="…" data-announce="Act now, Rosa Example">
//
// A row whose version changed is replaced in its place at once. Rows that come, go or change places wait behind the
// button of the list's live bar while the list has the focus, was pointed at or typed beside in the last 4 s, or the
// page is not at its top.

const CALM_MS = 4000;
const GATHER_MS = 15; // what changes together is told in several notices, and asked for once
const REST = 1; // times the duration of the last answer
const LONGEST_REST_MS = 1000;
const RETRY_MS = [1000, 2000, 5000, 10_000];
const KINDS = ["alert", "task", "refresh"];
const clinic = document.querySelector('meta[name="clinic"]')?.content ?? "";
const lists = [...document.querySelectorAll("[data-live-list]")].map((element) => makeList(element));

const say = (text) => document.dispatchEvent(new CustomEvent("hl:announce", { detail: { text } }));

// ---- the stream, once per browser ----
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`hl-events:${clinic}`) : null;
let failures = 0;

function heard(message, own = false) {
  if (own) channel?.postMessage(message);
  if (message.state) showState(message.state);
  if (message.state === "live" && message.again) changed({ kind: "refresh", id: "" });
  if (message.kind) changed(message);
}
function connect() {
  const source = new EventSource("/events");
  source.addEventListener("open", () => {
    heard({ state: "live", again: failures > 0 }, true);
    failures = 0;
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => heard({ kind, id: JSON.parse(event.data || "{}").id ?? "" }, true));
  }
  source.addEventListener("error", () => {
    heard({ state: "waiting" }, true);
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
    failures += 1;
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, wait); // a refusal ends it; a lost line does not
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}
channel?.addEventListener("message", (event) => {
  if (event.data.asks) {
    if (leading) channel.postMessage({ state: failures ? "waiting" : "live" });
  } else heard(event.data);
});
let leading = false;
function lead() {
  leading = true;
  connect();
  return new Promise(() => {}); // held until the tab is gone
}
if (navigator.locks && channel) {
  navigator.locks.request(`hl-events:${clinic}`, lead);
  channel.postMessage({ asks: "state" });
} else lead();
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// ---- what a notice starts ----
function changed({ kind, id }) {
  for (const name of [kind, "change"]) {
    document.body.dispatchEvent(new CustomEvent(`live:${name}`, { detail: { kind, id } }));
  }
  for (const list of lists) if (kind === "refresh" || list.kinds.includes(kind)) list.soon();
}
let lostAt = null;
function showState(state) {
  lostAt = state === "live" ? null : lostAt ?? new Date();
  const at = lostAt?.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  for (const mark of document.querySelectorAll("[data-live-state]")) {
    if (mark.dataset.state !== "idle" && mark.dataset.state !== state) {
      say(state === "live" ? "Live again." : "Connection lost. Trying again.");
    }
    mark.hidden = false;
    mark.dataset.state = state;
    mark.textContent = state === "live" ? "Live" : `Reconnecting. This is how things stood at ${at}.`;
  }
}

// ---- when somebody is at work here ----
let lastTyped = -Infinity;
addEventListener("keydown", () => { lastTyped = performance.now(); }, { capture: true, passive: true });
function busy(list) {
  const now = performance.now();
  const focus = document.activeElement;
  return (
    list.element.contains(focus) ||
    focus?.matches?.("input, textarea, select") ||
    document.querySelector("dialog:modal") !== null ||
    now - list.pointedAt < CALM_MS ||
    now - lastTyped < CALM_MS ||
    window.scrollY > 8 ||
    !(getSelection()?.isCollapsed ?? true)
  );
}

// ---- one list ----
function makeList(element) {
  const bar = document.querySelector(`[data-live-bar="${element.id}"]`);
  const list = {
    element,
    bar,
    more: bar?.querySelector("[data-live-more]"),
    kinds: (element.dataset.liveOn ?? "alert task").split(" "),
    pointedAt: -Infinity,
    fresh: null,
    asking: false,
    askAgain: false,
    restsUntil: 0,
    told: new Set(),
    timer: null,
    ask: () => ask(list),
    soon: () => {
      const wait = Math.max(GATHER_MS, list.restsUntil - performance.now());
      list.timer ??= setTimeout(() => { list.timer = null; list.ask(); }, wait);
    },
  };
  for (const name of ["pointermove", "pointerdown", "wheel"]) {
    element.addEventListener(name, () => { list.pointedAt = performance.now(); }, { passive: true });
  }
  list.more?.addEventListener("click", () => {
    settle(list);
    element.querySelector(".hl-row-open")?.focus();
  });
  setInterval(() => { if (list.fresh && !busy(list)) settle(list); }, 1000);
  return list;
}
async function ask(list, whole = false) {
  if (list.asking) { list.askAgain = true; return; }
  list.asking = true;
  const begun = performance.now();
  let complete = true;
  try {
    const answer = await fetch(address(list, whole), { headers: { "HX-Request": "true" } });
    if (answer.status === 401) return signedOut(list);
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    complete = take(list, await answer.text());
  } catch {
    setTimeout(list.ask, 5000);
  } finally {
    list.asking = false;
    const now = performance.now();
    list.restsUntil = now + Math.min(REST * (now - begun), LONGEST_REST_MS);
    if (!complete) ask(list, true);
    else if (list.askAgain) { list.askAgain = false; list.soon(); }
  }
}
function address(list, whole) {
  const url = new URL(list.element.dataset.liveUrl, location.href);
  const known = [...rowsOf(list.element), ...(list.fresh ?? [])].map((row) => row.dataset.version);
  if (!whole && known.length) url.searchParams.set("has", [...new Set(known)].join("."));
  return url;
}
function signedOut(list) {
  const mark = list.bar?.querySelector("[data-live-state]");
  if (!mark) return;
  mark.dataset.state = "waiting";
  mark.textContent = "You were signed out. Open this page again to sign in.";
}
const rowsOf = (root) => [...root.querySelectorAll("[data-key]")];
const keysOf = (rows) => rows.map((row) => row.dataset.key);

/** False: the answer names a row that is not here any more, so all of them are needed. */
function take(list, html) {
  const told = rowsOf(new DOMParser().parseFromString(html, "text/html"));
  const shown = new Map(rowsOf(list.element).map((row) => [row.dataset.key, row]));
  const fresh = told.map((row) => ("same" in row.dataset ? held(list, shown, row) : row));
  if (fresh.includes(undefined)) return false;
  for (const row of fresh) {
    const old = shown.get(row.dataset.key);
    if (old === row) row.classList.remove("is-gone");
    else if (old && (old.dataset.version !== row.dataset.version || old.classList.contains("is-gone"))) {
      shown.set(row.dataset.key, replace(list, old, row));
    }
  }
  const wanted = keysOf(fresh);
  const news = fresh.filter((row) => !shown.has(row.dataset.key));
  const same = wanted.length === shown.size && wanted.every((key, index) => [...shown.keys()][index] === key);
  list.fresh = same ? null : fresh;
  tell(list, news);
  if (list.fresh && !busy(list)) settle(list);
  else offer(list, news.length, [...shown].filter(([key]) => !wanted.includes(key)).map(([, row]) => row));
  return true;
}
function held(list, shown, { dataset: { key, version } }) {
  return [shown.get(key), ...(list.fresh ?? [])].find((row) => row?.dataset.key === key && row.dataset.version === version);
}
function tell(list, news) {
  const unheard = news.filter((row) => !list.told.has(row.dataset.key));
  unheard.forEach((row) => list.told.add(row.dataset.key));
  if (unheard.length === 1) say(`1 new: ${unheard[0].dataset.announce ?? ""}`);
  else if (unheard.length) say(`${unheard.length} new`);
}
function offer(list, count, gone) {
  for (const row of gone) row.classList.add("is-gone");
  if (!list.more) return;
  list.more.hidden = !list.fresh;
  list.more.querySelector("[data-live-count]").textContent = count ? `${count} new` : "Update the list";
}

// ---- changing rows without moving the reader ----
function focusIn(row) {
  const focus = document.activeElement;
  if (!row.contains(focus)) return null;
  return focus.dataset.act ? `[data-act="${focus.dataset.act}"]` : focus.matches("time") ? "time" : ".hl-row-open";
}
function replace(list, old, row) {
  const within = focusIn(old);
  const made = document.importNode(row, true);
  old.replaceWith(made);
  ready(made);
  if (within) (made.querySelector(within) ?? made.querySelector(".hl-row-open"))?.focus({ preventScroll: true });
  return made;
}
function ready(row) {
  globalThis.htmx?.process(row);
}
function settle(list) {
  const { element } = list;
  const shown = new Map(rowsOf(element).map((row) => [row.dataset.key, row]));
  const focused = [...shown.values()].find((row) => row.contains(document.activeElement));
  const anchor = focused ?? [...shown.values()].find((row) => row.getBoundingClientRect().bottom > 0);
  const within = focused && focusIn(focused);
  const before = anchor?.getBoundingClientRect().top;
  const wanted = list.fresh.map((row) => shown.get(row.dataset.key) ?? arrived(row));
  for (const row of shown.values()) if (!wanted.includes(row)) row.remove();
  wanted.forEach((row, index) => {
    if (element.children[index] !== row) element.insertBefore(row, element.children[index] ?? null);
  });
  if (focused?.isConnected) focused.querySelector(within)?.focus({ preventScroll: true });
  if (anchor?.isConnected && window.scrollY > 8) window.scrollBy(0, anchor.getBoundingClientRect().top - before);
  list.fresh = null;
  if (list.more) list.more.hidden = true;
  document.dispatchEvent(new CustomEvent("live:settled"));
}
function arrived(row) {
  const made = document.importNode(row, true);
  made.classList.add("is-new");
  ready(made);
  return made;
}
if (lists.length) document.documentElement.style.overflowAnchor = "none"; // settle() keeps the place itself
