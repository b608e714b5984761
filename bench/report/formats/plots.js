// The pointer or the arrow keys read a figure mark by mark; what is about the same model is lit in all of its panels.
for (const plot of document.querySelectorAll(".plot")) {
  const said = plot.parentElement.querySelector("output"), hint = said.textContent;
  const marks = [...plot.querySelectorAll("[data-told]")], all = plot.querySelectorAll("[data-subject]");
  let at = -1;
  const show = (found) => {
    marks[at]?.classList.remove("lit");
    at = found;
    const mark = marks[at], subject = mark?.dataset.subject;
    mark?.classList.add("lit");
    plot.classList.toggle("reading", Boolean(subject));
    for (const other of all) other.classList.toggle("kin", Boolean(subject) && other.dataset.subject === subject);
    said.textContent = mark ? mark.dataset.told : hint;
  };
  // A mark is where its dot is; a bar is all of its area. What fills an area is behind the marks that stand in it.
  const far = (mark, x, y) => {
    const box = mark.querySelector(".dot, rect").getBoundingClientRect(), behind = mark.classList.contains("tile") ? 8 : 0;
    return behind + Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
  };
  plot.addEventListener("pointermove", (event) => {
    const panel = event.target.closest(".panel");
    let best = -1, least = 40;
    marks.forEach((mark, i) => {
      const distance = panel?.contains(mark) ? far(mark, event.clientX, event.clientY) : Infinity;
      if (distance < least) [best, least] = [i, distance];
    });
    if (best !== at) show(best);
  });
  plot.addEventListener("pointerleave", () => show(-1));
  plot.addEventListener("blur", () => show(-1));
  plot.addEventListener("keydown", (event) => {
    const last = marks.length - 1;
    const next = { ArrowRight: Math.min(at + 1, last), ArrowLeft: at < 0 ? last : Math.max(at - 1, 0), Home: 0, End: last, Escape: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
  });
}
