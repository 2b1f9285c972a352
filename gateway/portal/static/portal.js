// Waits until the box has something new to show, puts it into the page and says it aloud.
// Without scripts nothing is missing: forms post, and a page that waits asks again by itself.
"use strict";

const main = () => document.querySelector("main[data-seen]");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function say(text) {
  document.getElementById("hl-aloud").textContent = text.replace(/\s+/g, " ").trim();
}

function refreshParts(now, next) {
  now.dataset.seen = next.dataset.seen;
  for (const part of now.querySelectorAll("[data-live]")) {
    const other = next.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!other || part.innerHTML === other.innerHTML) continue;
    if (part.contains(document.activeElement)) continue; // nothing moves under a finger
    part.innerHTML = other.innerHTML;
    if ("aloud" in part.dataset || part.dataset.live === "alarm") say(part.textContent);
  }
}

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const now = main();
  const next = page.querySelector("main[data-seen]");
  if (!next) return location.reload();
  if (now.dataset.step === next.dataset.step) return refreshParts(now, next);
  document.title = page.title;
  now.replaceWith(document.importNode(next, true));
  const heading = main().querySelector("h1");
  heading.tabIndex = -1;
  heading.focus();
  window.scrollTo(0, 0);
}

async function follow() {
  while (main()) {
    const lost = document.getElementById("hl-lost");
    try {
      const answer = await fetch(`/live?seen=${main().dataset.seen}`, { cache: "no-store" });
      lost.hidden = true;
      if (answer.status === 200) show(await answer.text());
      else if (answer.status === 401) return location.reload();
      else if (answer.status !== 204) await pause(5000);
    } catch {
      lost.hidden = false;
      await pause(3000);
    }
  }
}

// One press is one act, however often a finger lands.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 2000);
});

const summary = document.querySelector(".govuk-error-summary");
if (summary) {
  summary.tabIndex = -1;
  summary.focus();
}
follow();
