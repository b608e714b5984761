// One budget greys out what does not fit, in every table and figure. The same bounds as `choose`: a cost surely fits
// where all of its interval keeps the limit, and may fit where a part of it does.
const form = document.querySelector(".budget");
if (form) {
  const models = JSON.parse(form.dataset.models), said = form.querySelector("output");
  const limits = [...form.querySelectorAll("[data-unit]")];
  const short = (value) => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
  // Of each of several queries that share a video, of which a part is done once; null where that part is not known.
  const each = ([value, low, high, once, exact], queries) => {
    const top = high ?? Infinity;
    if (once === null) return [value, low / queries, top];
    const saved = Math.min(once, value) * (1 - 1 / queries);
    return exact ? [value - saved, low - saved, top - saved] : [value - saved, Math.max(0, low - saved), top];
  };
  const cost = (model, kind, queries) => {
    const found = model[kind].map((one) => each(one, queries)).sort((a, b) => a[0] - b[0]);
    if (!found.length) return null;
    const middle = found.length / 2;
    const value = (found[Math.ceil(middle) - 1][0] + found[Math.floor(middle)][0]) / 2;
    return [value, Math.min(...found.map((one) => one[1])), Math.max(...found.map((one) => one[2]))];
  };
  const words = ["", "may fit", "not known", "does not fit"];
  const judge = (model, queries) => {
    let worst = 0, why = [];
    for (const input of limits) {
      const most = input.valueAsNumber * Number(input.dataset.unit);
      if (!(most > 0)) continue;
      const found = cost(model, input.name, queries);
      const fit = !found ? 2 : found[2] <= most ? 0 : found[1] > most ? 3 : 1;
      if (fit > worst) [worst, why] = [fit, []];
      if (fit && fit === worst) why.push(found ? `${input.name} ${short(found[0] / Number(input.dataset.unit))} ${input.dataset.name}` : input.name);
    }
    return [worst, why.length ? `${words[worst]}: ${why.join(", ")}` : ""];
  };
  const tell = (fits) => {
    const places = new Map();
    for (const [name, model] of Object.entries(models)) {
      const place = places.get(model.place) ?? { all: 0, fit: 0, may: 0, best: null };
      place.all += 1;
      place.fit += fits[name] === 0 ? 1 : 0;
      place.may += fits[name] === 1 ? 1 : 0;
      if (fits[name] < 2 && model.accuracy !== null && !(place.best?.accuracy >= model.accuracy)) place.best = model;
      places.set(model.place, place);
    }
    return [...places].map(([name, { all, fit, may, best }]) => {
      const first = best ? `, most accurate ${best.name} (${form.dataset.metric} ${best.accuracy.toFixed(1)} %)` : "";
      return `${name}: ${fit} of ${all} fit${may ? `, ${may} may` : ""}${first}`;
    }).join(" · ");
  };
  const apply = () => {
    const queries = Math.max(1, form.elements.queries.valueAsNumber || 1), fits = {}, reasons = {};
    for (const [name, model] of Object.entries(models)) [fits[name], reasons[name]] = judge(model, queries);
    for (const mark of document.querySelectorAll("[data-subject]")) {
      mark.classList.toggle("out", fits[mark.dataset.subject] > 1);
      const fit = mark.querySelector(".fit");
      if (fit) {
        fit.textContent = reasons[mark.dataset.subject];
        fit.hidden = !fit.textContent;
      }
    }
    said.textContent = tell(fits);
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
}
