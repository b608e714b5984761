// A click on a heading sorts by that column; a second click turns the order around.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, row = head.parentElement, column = head.cellIndex;
    const body = row.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    const key = (tr) => tr.cells[column].dataset.sort ?? "";
    const order = (a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
      const difference = Number(key(a)) - Number(key(b));
      const ascending = Number.isNaN(difference) ? key(a).localeCompare(key(b)) : difference;
      return down ? -ascending : ascending;
    };
    for (const other of row.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(order));
  });
}
