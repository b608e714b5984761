"use strict";
// Index: words and states choose the cases that are shown.
const filter = document.querySelector(".filter");
if (filter) {
  filter.hidden = false;
  const words = document.getElementById("words"), shown = document.getElementById("shown");
  const chips = [...filter.querySelectorAll("button")], rows = [...document.querySelectorAll(".cases tbody tr")];
  const choose = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.status);
    let count = 0;
    for (const row of rows) {
      row.hidden = (states.length > 0 && !states.includes(row.dataset.status)) || !wanted.every((word) => row.dataset.words.includes(word));
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = count === rows.length ? "" : `${count} of ${rows.length} cases`;
  };
  words.addEventListener("input", choose);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") === "true" ? "false" : "true");
      choose();
    });
  }
  choose();
}

// Case: the pointer or the arrow keys read a chart run by run; the values are those that its paths are drawn from.
for (const reader of document.querySelectorAll(".reader")) {
  const chart = reader.querySelector(".chart"), plot = chart.querySelector(".plot");
  const output = reader.parentElement.querySelector("output");
  const [, , width, grid] = plot.getAttribute("viewBox").split(" ").map(Number);
  const low = Number(chart.dataset.low), high = Number(chart.dataset.high);
  const value = (y) => (high - (y / grid) * (high - low)).toPrecision(4);
  // By run, the two ends of what is drawn there and the path that draws it: dots and bars are told from mark to mark.
  const marks = (name) => {
    const found = new Map();
    for (const path of plot.querySelectorAll(name)) {
      let x = 0, y = 0;
      for (const [, kind, right, down, drawn] of path.getAttribute("d").matchAll(/([Mm])(\d+) ?(-?\d+)(?:h0|v(\d+))/g)) {
        x = Number(right) + (kind === "m" ? x : 0);
        y = Number(down) + (kind === "m" ? y : 0);
        const top = y;
        y += Number(drawn ?? 0);
        found.set((x - 1) / 2, [top, y, path]);
      }
    }
    return found;
  };
  // The same of lines and areas that many runs share.
  const shared = (name) => {
    const found = new Map();
    for (const path of plot.querySelectorAll(name)) {
      for (const [, left, top, right, bottom] of path.getAttribute("d").matchAll(/M(\d+) (\d+)H(\d+)(?:V(\d+))?/g)) {
        for (let run = left / 2; run < right / 2; run += 1) found.set(run, [Number(top), Number(bottom ?? top), path]);
      }
    }
    return found;
  };
  const none = marks(".failed, .absent");
  const values = new Map([...marks(".dots:not(.failed):not(.absent)"), ...shared(".held")]);
  const intervals = new Map([...marks(".bars"), ...shared(".band")]);
  const runs = [...new Set([...values.keys(), ...none.keys()])].sort((a, b) => a - b);
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
  cursor.setAttribute("class", "cursor");
  plot.append(cursor);
  const newest = output.textContent;
  let at = runs.length;
  const show = () => {
    const run = runs[at], [date, commit, environment] = RUNS[run];
    cursor.setAttribute("d", `M${2 * run + 1} 0V${grid}`);
    const found = values.get(run), interval = intervals.get(run);
    let text = `${date}, ${commit}, environment ${environment}: `;
    if (found) {
      text += value(found[0]) + (interval ? ` [${value(interval[1])}, ${value(interval[0])}]` : "");
      text += found[2].classList.contains("noisy") ? ", disturbed" : "";
    } else {
      text += none.get(run)[2].classList.contains("failed") ? "failed" : "not measured";
    }
    output.textContent = text;
  };
  const leave = () => {
    at = runs.length;
    cursor.removeAttribute("d");
    output.textContent = newest;
  };
  reader.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const run = ((event.clientX - box.left) / box.width) * (width / 2) - 0.5;
    at = runs.reduce((best, other, i) => (Math.abs(other - run) < Math.abs(runs[best] - run) ? i : best), 0);
    show();
  });
  reader.addEventListener("pointerleave", leave);
  reader.addEventListener("blur", leave);
  reader.addEventListener("keydown", (event) => {
    const last = runs.length - 1;
    const target = { ArrowLeft: Math.min(at, last + 1) - 1, ArrowRight: at > last ? last : at + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") leave();
    if (target === undefined) return;
    event.preventDefault();
    at = Math.max(0, Math.min(target, last));
    show();
  });
}
