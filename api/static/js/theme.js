// Before the first paint: the colours this person chose in this browser. No choice follows the computer.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("hl-theme"); } catch { /* storage may be barred */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.bsTheme = chosen;
})();
