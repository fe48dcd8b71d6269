// The header: names, sorting, filter buttons, widths, and which columns are shown.

const NARROWEST = 48,
  WIDEST = 300,
  FILES_WIDTH = 164;

function drawHeader(grid) {
  const cells = grid.shown.map((column, place) => headerCell(grid, column, place));
  if (grid.hasFiles) {
    cells.push(make("th", { role: "columnheader", css: "df-files", tabIndex: -1, text: "File", scope: "col" }));
    cells.at(-1).setAttribute("aria-colindex", grid.columns.length + 1);
  }
  grid.cols = cells.map(() => make("col"));
  grid.colgroup.replaceChildren(...grid.cols);
  grid.head.replaceChildren(...cells);
  grid.table.setAttribute("aria-colcount", grid.columns.length + (grid.hasFiles ? 1 : 0));
  markHeader(grid);
}

function headerCell(grid, column, place) {
  const { name, kind, unit } = grid.columns[column];
  const title = fill(make("span", { css: "df-name" }), name);
  const sort = makeButton("", (event) => turn(grid, column, event.shiftKey), { css: "df-sort", tabIndex: -1 });
  sort.append(title, make("span", { css: "df-order" }));
  if (unit) title.append(fill(make("span", { css: "df-unit" }), ` ${unit}`));
  const filter = makeButton("", () => openFilter(grid, column, filter), { css: "df-filter", tabIndex: -1 });
  filter.append(spoken("Filter "), fill(spoken(""), name));
  filter.setAttribute("aria-haspopup", "dialog");
  filter.setAttribute("aria-expanded", "false");
  const edge = make("span", { css: "df-edge", on: { pointerdown: (event) => drag(grid, column, event) } });
  const cell = make("th", { role: "columnheader", scope: "col", tabIndex: -1, css: `df-${kind}` });
  cell.append(make("div", {}, sort, filter), edge);
  cell.setAttribute("aria-colindex", column + 1);
  cell.addEventListener("keydown", (event) => headerKey(grid, column, place, event));
  return cell;
}

function headerKey(grid, column, place, event) {
  const wider = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
  if (event.altKey && wider) setWidth(grid, column, grid.widths[place] + wider);
  else if (event.target.tagName !== "TH") return;
  else if (event.key === "Enter" || event.key === " ") turn(grid, column, event.shiftKey);
  else if (event.altKey && event.key === "ArrowDown") grid.head.cells[place].querySelector(".df-filter").click();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// Ascending, descending, none; with shift the column is added to those that sort already.
function turn(grid, column, add) {
  const now = grid.state.sort.find(([sorted]) => sorted === column);
  const next = now ? (now[1] ? [] : [[column, true]]) : [[column, false]];
  const others = add ? grid.state.sort.filter(([sorted]) => sorted !== column) : [];
  const place = add ? grid.state.sort.indexOf(now) : -1;
  grid.state.sort = place < 0 ? [...others, ...next] : [...others.slice(0, place), ...next, ...others.slice(place)];
  grid.renew();
}

function markHeader(grid) {
  const { sort, filters } = grid.state;
  grid.shown.forEach((column, place) => {
    const cell = grid.head.cells[place];
    const rank = sort.findIndex(([sorted]) => sorted === column);
    const down = rank >= 0 && sort[rank][1];
    // Only one header may carry aria-sort; the others say it in words.
    cell.setAttribute("aria-sort", rank === 0 ? (down ? "descending" : "ascending") : "none");
    const order = cell.querySelector(".df-order");
    order.textContent = rank < 0 ? "" : `${down ? "▼" : "▲"}${sort.length > 1 ? rank + 1 : ""}`;
    if (rank > 0) order.append(spoken(` sorted ${down ? "descending" : "ascending"}`));
    cell.querySelector(".df-filter").classList.toggle("df-on", filters.has(column));
    cell.classList.toggle("df-sorted", rank >= 0);
  });
}

// --- widths ---------------------------------------------------------------------------------------------------------

function drag(grid, column, event) {
  event.preventDefault();
  const from = event.clientX;
  const width = grid.widths[grid.shown.indexOf(column)];
  const move = (moved) => setWidth(grid, column, width + moved.clientX - from);
  const edge = event.target;
  const end = () => edge.removeEventListener("pointermove", move);
  edge.setPointerCapture(event.pointerId);
  edge.addEventListener("pointermove", move);
  edge.addEventListener("lostpointercapture", end, { once: true });
}

function setWidth(grid, column, width) {
  grid.ownWidths.set(column, Math.round(Math.max(NARROWEST, Math.min(width, 1200))));
  layOut(grid);
}

// Widths that suit the names and the first page seen; later pages do not move the columns.
function measure(grid, rows) {
  const pen = document.createElement("canvas").getContext("2d");
  const font = getComputedStyle(grid.table);
  // A view that is not in the page yet has no font.
  pen.font = font.fontSize ? `${font.fontSize} ${font.fontFamily}` : "13px sans-serif";
  const wide = (text) => pen.measureText(text.slice(0, 80)).width;
  grid.suited = grid.columns.map(({ name, unit }, column) => {
    const longest = rows.reduce((most, row) => Math.max(most, wide(row[column] ?? "")), 0);
    const head = wide(unit ? `${name} ${unit}` : name) * 1.08;
    return Math.ceil(Math.max(NARROWEST, Math.min(WIDEST, Math.max(head + 62, longest + 26))));
  });
}

function layOut(grid) {
  const room = grid.scroll.clientWidth;
  const widths = grid.shown.map((column) => grid.ownWidths.get(column) ?? grid.suited[column]);
  const taken = widths.reduce((sum, width) => sum + width, grid.hasFiles ? FILES_WIDTH : 0);
  const free = grid.shown.map((column) => !grid.ownWidths.has(column));
  const texts = grid.shown.map((column, place) => free[place] && grid.columns[column].kind === "text");
  const growing = texts.some(Boolean) ? texts : free;
  const basis = widths.reduce((sum, width, place) => sum + (growing[place] ? width : 0), 0);
  // What is left over goes to the columns of text, so that the table fills its frame.
  const spare = basis ? Math.max(0, room - taken) : 0;
  grid.widths = widths.map((width, place) => (growing[place] ? width + (spare * width) / basis : width));
  const all = grid.hasFiles ? [...grid.widths, FILES_WIDTH] : grid.widths;
  all.forEach((width, place) => (grid.cols[place].style.width = `${width}px`));
  grid.table.style.width = `${all.reduce((sum, width) => sum + width, 0)}px`;
  fix(grid, room);
}

// Key columns stay in sight, as long as they leave more than half of the room to the others.
function fix(grid, room) {
  const lefts = [];
  let left = 0;
  for (const [place, column] of grid.shown.entries()) {
    if (column >= grid.model.get("fixed") || left + grid.widths[place] > room * 0.45) break;
    lefts.push(left);
    left += grid.widths[place];
  }
  for (const row of [grid.head, ...grid.body.rows]) {
    for (const [place, cell] of [...row.cells].entries()) {
      const fixed = place < lefts.length;
      cell.classList.toggle("df-fixed", fixed);
      cell.classList.toggle("df-last-fixed", fixed && place === lefts.length - 1);
      cell.style.left = fixed ? `${lefts[place]}px` : "";
    }
  }
  grid.fixedWidth = left;
}

// --- which columns --------------------------------------------------------------------------------------------------

function openChooser(grid, anchor) {
  openPopover(grid.root, anchor, "Columns", (box, close) => {
    const shown = grid.columns.map((_, column) => !grid.hidden.has(column));
    const boxes = shown.map((checked) => make("input", { type: "checkbox", checked }));
    const change = () => {
      grid.hidden = new Set(boxes.flatMap((check, column) => (check.checked ? [] : [column])));
      const left = boxes.filter((check) => check.checked);
      boxes.forEach((check) => (check.disabled = left.length === 1 && check.checked));
      grid.showColumns();
    };
    const all = (checked, from) => () => {
      boxes.forEach((check, column) => (check.checked = checked || column < from));
      change();
    };
    const keep = Math.max(1, grid.model.get("fixed"));
    const name = (column) => fill(make("span", { css: "df-value" }), grid.columns[column].name);
    const lines = boxes.map((check, column) => make("label", {}, check, name(column)));
    boxes.forEach((check) => check.addEventListener("change", change));
    const actions = [
      makeButton("Show all", all(true, 0)),
      makeButton(keep > 1 ? "Keys only" : "First only", all(false, keep)),
      makeButton("Done", () => close(true), { css: "df-main" }),
    ];
    box.append(make("div", { css: "df-list df-tall" }, ...lines), make("div", { css: "df-actions" }, ...actions));
  });
}
