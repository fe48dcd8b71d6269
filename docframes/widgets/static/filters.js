// Filters: what is asked of each column, and the small dialog that asks for it.

const PRESENCE = [
  ["", "Empty or not"],
  ["empty", "Is empty"],
  ["filled", "Is not empty"],
];
const RANGED = { number: "number", date: "date", moment: "moment" };

// What Python reads; *except* leaves one column out, whose own values are to be counted.
function filtersFor(wanted, except) {
  return [...wanted].flatMap(([column, filter]) => (column === except ? [] : parts(column, filter)));
}

function parts(column, { contains, low, high, presence, values }) {
  const found = [];
  if (contains) found.push({ column, kind: "contains", text: contains });
  if (low || high) found.push({ column, kind: "range", low, high });
  if (presence) found.push({ column, kind: presence });
  if (values?.length) found.push({ column, kind: "one_of", values });
  return found;
}

function openFilter(grid, column, anchor) {
  const { name, kind, meaning, unit } = grid.columns[column];
  const before = grid.state.filters.get(column) || {};
  const chosen = new Set(before.values || []);
  const contains = make("input", { type: "search", value: before.contains || "", autocomplete: "off" });
  const [low, high] = ["low", "high"].map((end) => rangeInput(kind, before[end] || ""));
  const presence = make("select", {}, ...PRESENCE.map(([value, text]) => make("option", { value, text })));
  presence.value = before.presence || "";
  openPopover(grid.root, anchor, name, (box, close, place) => {
    const apply = () => {
      const filter = { contains: contains.value, low: low.value.trim(), high: high.value.trim() };
      Object.assign(filter, { presence: presence.value, values: [...chosen] });
      close(true);
      if (parts(column, filter).length) grid.state.filters.set(column, filter);
      else grid.state.filters.delete(column);
      grid.renew();
    };
    const clear = () => {
      close(true);
      grid.state.filters.delete(column);
      grid.renew();
    };
    const told = [meaning, unit && `Unit: ${unit}`].filter(Boolean).join("  ");
    if (told) box.append(fill(make("p", { css: "df-meaning" }), told));
    box.append(labelled("Contains", contains));
    if (RANGED[kind]) box.append(make("div", { css: "df-pair" }, labelled("From", low), labelled("To", high)));
    box.append(labelled("Presence", presence));
    const values = make("fieldset", { css: "df-values" }, make("legend", { text: "Most frequent values" }));
    const actions = [makeButton("Clear", clear), makeButton("Apply", apply, { css: "df-main" })];
    box.append(values, make("div", { css: "df-actions" }, ...actions));
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.tagName === "BUTTON") return;
      event.preventDefault();
      apply();
    });
    showValues(grid, column, values, chosen).then(place);
  });
}

function rangeInput(kind, value) {
  if (kind === "date") return make("input", { type: "date", value, max: "9999-12-31" });
  const hint = kind === "moment" ? "2026-01-31 or 2026-01-31 14:30" : "";
  const inputMode = kind === "number" ? "decimal" : "text";
  return make("input", { type: "text", value, placeholder: hint, inputMode, autocomplete: "off" });
}

function labelled(text, control) {
  return make("label", { css: "df-field" }, make("span", { text }), control);
}

async function showValues(grid, column, fieldset, chosen) {
  const waiting = fieldset.appendChild(make("p", { css: "df-quiet", text: "Counting …" }));
  const { search, filters } = grid.state;
  let answer;
  try {
    answer = await grid.ask({ type: "values", column, search, filters: filtersFor(filters, column) });
  } catch (error) {
    waiting.textContent = error.message;
    return;
  }
  waiting.remove();
  const known = new Set(answer.values.map(([value]) => value));
  const gone = [...chosen].filter((value) => !known.has(value)).map((value) => [value, 0]);
  const lines = [...gone, ...answer.values].map(([value, count]) => valueLine(value, count, chosen));
  const say = (text) => fieldset.append(make("p", { css: "df-quiet", text }));
  if (lines.length) fieldset.append(make("div", { css: "df-list" }, ...lines));
  else say("No row is left by the other filters.");
  if (answer.more) say("There are more; “Contains” finds the others.");
}

function valueLine(value, count, chosen) {
  const box = make("input", { type: "checkbox", checked: chosen.has(value) });
  box.addEventListener("change", () => (box.checked ? chosen.add(value) : chosen.delete(value)));
  const blank = value === null ? "empty" : "text without characters";
  const shown = value ? fill(make("span", { css: "df-value" }), value) : make("i", { text: blank });
  return make("label", {}, box, shown, make("span", { css: "df-count", text: commas(count) }));
}
