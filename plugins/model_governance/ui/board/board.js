// Keys of the board; every page works without this file. "/" search, "o" outcome, "j" and "k" next and previous row.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const rows = [...document.querySelectorAll("[data-row] a[data-open]")];
  const at = rows.indexOf(document.activeElement);
  const target = {
    "/": () => document.getElementById("search"),
    o: () => document.getElementById("outcome"),
    j: () => rows[Math.min(at + 1, rows.length - 1)],
    k: () => rows[Math.max(at - 1, 0)],
  }[event.key]?.();
  if (target) { event.preventDefault(); target.focus(); }
});
document.querySelectorAll("form.filters select").forEach((select) =>
  select.addEventListener("change", () => select.form.requestSubmit()));
// A page that waits asks again in its place: a reload would take focus and reading position away.
const seconds = Number(document.body.dataset.again);
if (seconds) setInterval(async () => {
  const answer = document.hidden ? null : await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [shown, fresh] = [document, next].map((page) => page.querySelector("main"));
  if (!next.body.dataset.again) location.reload();
  else if (shown.innerHTML !== fresh.innerHTML) shown.replaceWith(document.adoptNode(fresh));
}, 1000 * seconds);
