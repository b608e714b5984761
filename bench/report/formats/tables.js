"use strict";
// A click on a heading sorts by that column; a second click turns the order around. Rows that a noisy machine timed
// stand last in every order of times.
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, row = head.parentElement, column = head.cellIndex;
    const body = row.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    const key = (tr) => tr.cells[column].dataset.sort ?? "";
    const last = (tr) => (key(tr) === "" ? 2 : head.dataset.timed && tr.classList.contains("noisy") ? 1 : 0);
    const order = (a, b) => {
      if (last(a) || last(b)) return last(a) - last(b);
      const difference = Number(key(a)) - Number(key(b));
      const ascending = Number.isNaN(difference) ? key(a).localeCompare(key(b)) : difference;
      return down ? -ascending : ascending;
    };
    for (const other of row.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(order));
  });
}

// Words choose the rows that are shown; a button takes the table along.
for (const tools of document.querySelectorAll(".tools")) {
  tools.hidden = false;
  const said = tools.querySelector("output"), rows = [...tools.parentElement.querySelector("tbody").rows];
  const words = tools.querySelector("input");
  words?.addEventListener("input", () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !wanted.every((word) => row.textContent.toLowerCase().includes(word));
    const count = rows.filter((row) => !row.hidden).length;
    said.textContent = count === rows.length ? "" : `${count} of ${rows.length} rows`;
  });
  for (const button of tools.querySelectorAll("button")) {
    const { text, file } = button.dataset;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = `${button.textContent} copied`;
      } catch {
        // Where the clipboard is closed to pages, the table becomes a file.
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
        link.download = file;
        link.click();
        said.textContent = `${file} saved`;
      }
    });
  }
}
