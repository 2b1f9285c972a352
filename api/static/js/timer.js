// A running timer: shows the seconds, and proves to the server that somebody works.
//
// While there was input in the last 3 minutes, in any tab, it beats every 20 s; the server extends the lease. Without
// input it stops beating and asks; the server then ends the time at the last beat. What the server answers is shown:
//   POST data-beat-url -> {running, seconds, ended_reason}
// Leaving a page sends nothing: whether work goes on is known by the next beat or by its absence.

const BEAT_MS = 20_000;
const IDLE_MS = 180_000;
const ENDED = {
  paused: "Paused: you went on with another task.",
  abandoned: "Ended at your last activity. Confirm it when you come back to the task.",
  resolved: "Saved with the resolved task.",
  released: "Ended: the task is not yours any more.",
};
const clocks = [...document.querySelectorAll("[data-timer]")];
const beating = clocks.find((clock) => clock.dataset.beatUrl && "running" in clock.dataset);
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("hl-timer") : null;
const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
const idle = document.getElementById("idle");
const say = (text) => document.dispatchEvent(new CustomEvent("hl:announce", { detail: { text } }));

let base = { seconds: Number(beating?.dataset.seconds ?? 0), at: performance.now() };
let lastInput = Date.now(); // opening the page was one
let lastBeat = Date.now();
let lastShared = 0;
let failedAt = null;
let sending = false;

function words(total) {
  const whole = Math.max(0, Math.floor(total));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}
const ours = () => clocks.filter((clock) => clock.dataset.entry === beating.dataset.entry);
const running = () => beating && "running" in beating.dataset;

function show() {
  if (!running()) return;
  const text = words(base.seconds + (performance.now() - base.at) / 1000);
  for (const clock of ours()) clock.querySelector("[data-timer-clock]").textContent = text;
}
function state(text) {
  for (const clock of ours()) clock.querySelector("[data-timer-state]").textContent = text;
}
function take({ running: goesOn, seconds, ended_reason: reason }) {
  base = { seconds, at: performance.now() };
  if (goesOn) {
    state("");
    show();
    return;
  }
  const text = ENDED[reason] ?? "The timer is not running any more.";
  for (const clock of ours()) {
    clock.querySelector("[data-timer-clock]").textContent = words(seconds);
    delete clock.dataset.running;
  }
  state(text);
  say(text);
  for (const part of document.querySelectorAll("[data-while-running], [data-once-ended]")) {
    part.hidden = "whileRunning" in part.dataset; // "Pause" makes room for "Go on"
  }
  if (idle?.open) idle.close();
  document.dispatchEvent(new CustomEvent("hl:timer-ended", { detail: { entry: beating.dataset.entry, reason } }));
}

// ---- proof of work ----
async function beat() {
  if (!running() || sending) return;
  sending = true;
  lastBeat = Date.now();
  try {
    const answer = await fetch(beating.dataset.beatUrl, {
      method: "POST",
      headers: { "X-CSRF-Token": token, Accept: "application/json" },
    });
    if (answer.status === 401) throw new Error("signed out");
    if (answer.status === 404 || answer.status === 409) take({ running: false, seconds: base.seconds, ended_reason: "" });
    else if (answer.ok) answered(await answer.json());
    else throw new Error(`answered ${answer.status}`);
  } catch (problem) {
    failed(problem.message === "signed out");
  } finally {
    sending = false;
  }
}
function answered(found) {
  failedAt = null;
  take(found);
  channel?.postMessage({ entry: beating.dataset.entry, found });
}
function failed(signedOut) {
  failedAt ??= new Date();
  const at = failedAt.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  state(signedOut ? "You were signed out: time is not counted. Sign in again." : `No connection since ${at}; trying again.`);
}

// ---- somebody is there, in this tab or another ----
function input() {
  const now = Date.now();
  const wasIdle = now - lastInput > IDLE_MS;
  lastInput = now;
  if (now - lastShared > 5000) {
    lastShared = now;
    channel?.postMessage({ input: now });
  }
  if (running() && !idle?.open && (wasIdle || now - lastBeat > BEAT_MS)) beat();
}
function tick() {
  show();
  if (!running()) return;
  const now = Date.now();
  if (now - lastInput > IDLE_MS) ask();
  else if (now - lastBeat >= BEAT_MS) beat();
}
function ask() {
  state("No activity: time waits.");
  if (idle && !idle.open && document.visibilityState === "visible") idle.showModal();
}
function resume() {
  lastInput = Date.now();
  channel?.postMessage({ input: lastInput });
  beat();
}

if (beating) {
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(name, () => { if (!idle?.open) input(); }, { passive: true, capture: true });
  }
  idle?.addEventListener("close", () => { if (running()) resume(); }); // by its button or by Escape: somebody is there
  idle?.querySelector("[data-idle-resume]")?.addEventListener("click", () => idle.close());
  channel?.addEventListener("message", ({ data }) => {
    if (data.input) {
      lastInput = Math.max(lastInput, data.input);
      if (idle?.open) idle.close();
    }
    if (data.entry === beating.dataset.entry && running()) {
      lastBeat = Date.now();
      take(data.found);
    }
  });
  addEventListener("pageshow", (event) => { if (event.persisted) beat(); });
  setInterval(tick, 1000);
  show();
}
