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
