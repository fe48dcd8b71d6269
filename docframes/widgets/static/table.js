// The rows of the page: cells, the one that has the focus, the rows that are chosen, and the keys.

function drawBody(grid) {
  const { rows, positions, start, matched, total, files } = grid.state;
  const drawn = rows.map((cells, row) => {
    const line = make("tr", { role: "row" }, ...grid.shown.map((column) => dataCell(grid, column, cells[column])));
    if (grid.hasFiles) line.append(fileCell(grid, row, files ? files[row] : 1));
    line.setAttribute("aria-rowindex", start + row + 2);
    line.setAttribute("aria-selected", grid.state.selected.has(positions[row]));
    return line;
  });
  grid.body.replaceChildren(...(drawn.length ? drawn : [emptyRow(grid, total)]));
  grid.table.setAttribute("aria-rowcount", matched + 1);
  layOut(grid);
  if (rows.length) grid.at.row = Math.min(grid.at.row, rows.length - 1);
  rove(grid);
}

function dataCell(grid, column, text) {
  const { kind } = grid.columns[column];
  const cell = make("td", { role: "gridcell", tabIndex: -1, css: `df-${kind}` });
  if (text === null || text === undefined) cell.classList.add("df-missing");
  else fill(cell, text);
  if (kind === "number" && /^[-−(]/.test(text ?? "")) cell.classList.add("df-negative");
  cell.setAttribute("aria-colindex", column + 1);
  return cell;
}

function fileCell(grid, row, count) {
  const cell = make("td", { role: "gridcell", tabIndex: -1, css: "df-files" });
  cell.setAttribute("aria-colindex", grid.columns.length + 1);
  if (!count) return cell;
  const options = { css: "df-small", tabIndex: -1 };
  const view = makeButton(count > 1 ? `View (${count})` : "View", () => openDetails(grid, row, true), options);
  const save = makeButton("Download", () => downloadOf(grid, row), options);
  [view, save].forEach((button) => button.append(spoken(` of row ${commas(grid.state.positions[row] + 1)}`)));
  cell.append(view, save);
  return cell;
}

function emptyRow(grid, total) {
  const text = total === undefined ? "Loading …" : total ? "No row matches." : "There are no rows.";
  const cell = make("td", { role: "gridcell", tabIndex: -1, css: "df-none", text, colSpan: grid.cols.length });
  return make("tr", { role: "row" }, cell);
}

// --- the cell with the focus ----------------------------------------------------------------------------------------

function cellAt(grid, { row, place }) {
  const line = row < 0 ? grid.head : grid.body.rows[row];
  return line?.cells[Math.max(0, Math.min(place, line.cells.length - 1))];
}

// One cell at a time takes part in the order of the tab key.
function rove(grid) {
  grid.roving?.setAttribute("tabindex", "-1");
  grid.roving = cellAt(grid, grid.at) || cellAt(grid, { row: -1, place: 0 });
  grid.roving?.setAttribute("tabindex", "0");
}

function focusCell(grid, row = grid.at.row, place = grid.at.place) {
  const last = grid.state.rows.length - 1;
  grid.at = { row: Math.max(-1, Math.min(row, last)), place: Math.max(0, Math.min(place, grid.cols.length - 1)) };
  rove(grid);
  grid.roving.focus({ preventScroll: true });
  bringIntoSight(grid, grid.roving);
  if (grid.openPosition !== undefined && grid.at.row >= 0 && grid.state.positions[grid.at.row] !== grid.openPosition) {
    clearTimeout(grid.following);
    grid.following = setTimeout(() => openDetails(grid, grid.at.row), 150);
  }
}

// Only the grid's own frame scrolls, and the fixed columns cover nothing.
function bringIntoSight(grid, cell) {
  const { scroll } = grid;
  const [frame, box, head] = [scroll, cell, grid.head].map((node) => node.getBoundingClientRect());
  const right = frame.left + scroll.clientWidth - (grid.hasFiles ? FILES_WIDTH : 0);
  const left = frame.left + grid.fixedWidth;
  if (!cell.matches(".df-fixed, .df-files")) {
    if (box.left < left || box.width > right - left) scroll.scrollLeft -= left - box.left;
    else if (box.right > right) scroll.scrollLeft += box.right - right;
  }
  if (cell.closest("thead")) return;
  const bottom = frame.top + scroll.clientHeight;
  if (box.top < frame.top + head.height) scroll.scrollTop -= frame.top + head.height - box.top;
  else if (box.bottom > bottom) scroll.scrollTop += box.bottom - bottom;
}

function placeOf(grid, target) {
  const cell = target.closest("td, th");
  if (!cell || !grid.table.contains(cell)) return undefined;
  const line = cell.parentElement;
  return { row: line === grid.head ? -1 : [...grid.body.rows].indexOf(line), place: cell.cellIndex };
}

// --- rows that are chosen -------------------------------------------------------------------------------------------

function choose(grid, row, { add = false, range = false } = {}) {
  const { positions, selected } = grid.state;
  const position = positions[row];
  if (position === undefined) return;
  const anchor = positions.indexOf(grid.anchor);
  if (range && anchor >= 0) {
    if (!add) selected.clear();
    positions.slice(Math.min(anchor, row), Math.max(anchor, row) + 1).forEach((one) => selected.add(one));
  } else if (add) {
    if (!selected.delete(position)) selected.add(position);
    grid.anchor = position;
  } else {
    selected.clear();
    selected.add(position);
    grid.anchor = position;
  }
  grid.chosen();
}

function markChosen(grid) {
  const { positions, selected } = grid.state;
  positions.forEach((position, row) => grid.body.rows[row]?.setAttribute("aria-selected", selected.has(position)));
}

// --- mouse and keys -------------------------------------------------------------------------------------------------

function listen(grid) {
  grid.table.addEventListener("click", (event) => {
    const at = placeOf(grid, event.target);
    if (!at || event.target.closest(".df-edge")) return;
    if (event.target.closest("button")) {
      grid.at = at;
      rove(grid);
      return;
    }
    focusCell(grid, at.row, at.place);
    if (at.row >= 0) choose(grid, at.row, { add: event.ctrlKey || event.metaKey, range: event.shiftKey });
  });
  // A click with shift would mark the text of every cell between.
  grid.table.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  grid.table.addEventListener("dblclick", (event) => {
    const at = placeOf(grid, event.target);
    if (at && at.row >= 0 && !event.target.closest("button")) openDetails(grid, at.row);
  });
  grid.table.addEventListener("focusin", (event) => {
    const at = placeOf(grid, event.target);
    if (at) grid.at = at;
    rove(grid);
  });
  grid.table.addEventListener("keydown", (event) => gridKey(grid, event));
}

function gridKey(grid, event) {
  // A button has its own use of these two.
  if (event.altKey || (event.target.closest("button") && [" ", "Enter"].includes(event.key))) return;
  const action = keyAction(grid, event);
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function keyAction(grid, { key, ctrlKey, metaKey, shiftKey }) {
  const { row, place } = grid.at;
  const held = ctrlKey || metaKey;
  const last = grid.cols.length - 1;
  if (held) {
    return {
      Home: () => turnAndFocus(grid, 0, 0, 0),
      End: () => turnAndFocus(grid, grid.lastStart(), Infinity, last),
      // A text that is marked with the mouse is copied by the browser.
      c: getSelection().isCollapsed ? grid.copyCell : undefined,
    }[key];
  }
  return {
    ArrowLeft: () => focusCell(grid, row, place - 1),
    ArrowRight: () => focusCell(grid, row, place + 1),
    ArrowUp: () => stepRow(grid, row - 1, shiftKey),
    ArrowDown: () => stepRow(grid, row + 1, shiftKey),
    Home: () => focusCell(grid, row, 0),
    End: () => focusCell(grid, row, last),
    PageUp: () => turnAndFocus(grid, grid.state.start - grid.size(), row, place),
    PageDown: () => turnAndFocus(grid, grid.state.start + grid.size(), row, place),
    Enter: row >= 0 ? () => openDetails(grid, row, grid.hasFiles && place === last) : undefined,
    " ": row >= 0 ? () => choose(grid, row, { add: !shiftKey, range: shiftKey }) : undefined,
  }[key];
}

async function turnAndFocus(grid, start, row, place) {
  await grid.turnTo(start);
  focusCell(grid, row, place);
}

function stepRow(grid, row, extend) {
  focusCell(grid, row);
  if (extend && grid.at.row >= 0) choose(grid, grid.at.row, { range: true });
}
