// The grid: asks Python for one page at a time, and puts what comes into the page as text.

const PATIENCE = 4000; // milliseconds without an answer, after which the reader is told why nothing comes
const WAITING = "Waiting for the kernel. It may be busy; an exported page has none, so run the notebook to browse.";

function buildGrid(model, host) {
  const base = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let asked = 0;
  const newNonce = () => `${base}-${(asked += 1)}`;
  const grid = { model, columns: model.get("columns"), hidden: new Set(), ownWidths: new Map(), fixedWidth: 0 };
  grid.at = { row: 0, place: 0 };
  grid.state = { start: 0, matched: 0, total: undefined, rows: [], positions: [], selected: new Set() };
  Object.assign(grid.state, { search: "", filters: new Map(), sort: [] });
  grid.size = () => Math.max(1, model.get("page_size"));
  grid.ask = (message) =>
    new Promise((resolve, reject) => {
      const nonce = newNonce();
      waiting.set(nonce, { resolve, reject });
      model.send({ ...message, nonce });
    });
  const receive = (message, buffers) => {
    if (message.type === "notice") grid.fail(message.text);
    // Answers to other views of the same grid come here too.
    if (!String(message.nonce ?? "").startsWith(`${base}-`)) return;
    const asker = waiting.get(message.nonce);
    waiting.delete(message.nonce);
    if (!asker) grid.panel?.receive(message, buffers);
    else if (message.type === "error") asker.reject(new Error(message.text));
    else asker.resolve(message);
  };
  assemble(grid, host, newNonce);
  behave(grid);
  model.on("msg:custom", receive);
  measure(grid, []);
  grid.showColumns();
  grid.load();
  const resized = new ResizeObserver(() => grid.scroll.clientWidth && layOut(grid));
  resized.observe(grid.scroll);
  grid.leave = () => {
    model.off("msg:custom", receive);
    resized.disconnect();
    grid.root.closePopover?.();
    grid.panel?.dispose();
    [grid.searching, grid.following, grid.patience, grid.telling].forEach(clearTimeout);
    grid.root.remove();
  };
  return grid;
}

// --- what it can do -------------------------------------------------------------------------------------------------

function behave(grid) {
  const { state } = grid;
  grid.lastStart = () => Math.floor(Math.max(0, state.matched - 1) / grid.size()) * grid.size();
  grid.load = () => load(grid);
  grid.renew = () => {
    state.start = 0;
    return grid.load();
  };
  grid.showColumns = () => {
    grid.shown = grid.columns.map((_, column) => column).filter((column) => !grid.hidden.has(column));
    drawHeader(grid);
    drawBody(grid);
  };
  grid.turnTo = async (start) => {
    const before = state.start;
    state.start = Math.max(0, Math.min(start, grid.lastStart()));
    if (state.start !== before) await grid.load();
  };
  grid.clear = () => {
    clearTimeout(grid.searching);
    grid.search.value = state.search = "";
    state.filters.clear();
    grid.renew();
  };
  grid.chosen = () => {
    markChosen(grid);
    showChosen(grid);
    grid.model.send({ type: "select", positions: [...state.selected] });
  };
  grid.copy = async (text) => grid.tell((await copyText(text)) ? "Copied." : "The browser did not let it be copied.");
  grid.copyCell = async () => grid.copy(await wholeCell(grid));
  grid.tell = (text) => {
    grid.told.textContent = text;
    clearTimeout(grid.telling);
    grid.telling = setTimeout(() => (grid.told.textContent = ""), 2000);
  };
  grid.fail = (text) => fill(grid.message, text);
  listen(grid);
  listenAround(grid);
}

function listenAround(grid) {
  grid.root.addEventListener("keydown", (event) => rootKey(grid, event));
  grid.search.addEventListener("input", () => {
    clearTimeout(grid.searching);
    grid.searching = setTimeout(() => search(grid), 250);
  });
  grid.search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") search(grid);
    if (event.key === "ArrowDown") focusCell(grid, 0);
  });
  grid.number.addEventListener("change", async () => {
    const page = Math.max(1, Math.floor(Number(grid.number.value)) || 1);
    await grid.turnTo((page - 1) * grid.size());
    showStatus(grid);
  });
}

function search(grid) {
  clearTimeout(grid.searching);
  if (grid.search.value === grid.state.search) return;
  grid.state.search = grid.search.value;
  grid.renew();
}

// The text of the cell with the focus; one that was cut for the page is asked for whole.
async function wholeCell(grid) {
  const { row, place } = grid.at;
  const column = grid.shown[place];
  if (column === undefined) return "";
  if (row < 0) return grid.columns[column].name;
  const text = grid.state.rows[row]?.[column] ?? "";
  if (!text.endsWith("…")) return text;
  try {
    const { fields } = await grid.ask({ type: "record", position: grid.state.positions[row] });
    return fields[column].text ?? "";
  } catch (error) {
    grid.fail(error.message);
    return text;
  }
}

// --- asking and drawing ---------------------------------------------------------------------------------------------

async function load(grid) {
  const { state } = grid;
  const turn = (grid.turn = (grid.turn || 0) + 1);
  grid.root.setAttribute("aria-busy", "true");
  clearTimeout(grid.patience);
  grid.patience = setTimeout(() => grid.fail(WAITING), PATIENCE);
  const { search, sort, start } = state;
  const question = { type: "query", start, count: grid.size(), search, filters: filtersFor(state.filters), sort };
  try {
    const answer = await grid.ask(question);
    if (turn !== grid.turn) return;
    grid.fail("");
    draw(grid, answer);
  } catch (error) {
    if (turn !== grid.turn) return;
    grid.fail(error.message);
  }
  clearTimeout(grid.patience);
  grid.root.setAttribute("aria-busy", "false");
}

function draw(grid, { start, positions, rows, matched, total, files }) {
  const held = grid.table.contains(grid.root.getRootNode().activeElement);
  Object.assign(grid.state, { start, positions, rows, matched, total, files });
  if (!grid.measured && rows.length) {
    measure(grid, rows);
    grid.measured = true;
  }
  drawBody(grid);
  markHeader(grid);
  showStatus(grid);
  showChosen(grid);
  if (held) focusCell(grid);
}

// --- keys of the whole ----------------------------------------------------------------------------------------------

// Plain keys must not reach the notebook, where 'dd' deletes the cell; Ctrl+S and its like must.
function rootKey(grid, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  event.stopPropagation();
  const typing = event.target.closest("input, select, textarea");
  // The browser itself empties a search box on escape.
  if (event.key === "Escape" && !(event.target === grid.search && grid.search.value)) escape(grid);
  if (event.key === "/" && !typing) {
    event.preventDefault();
    grid.search.focus();
    grid.search.select();
  }
}

function escape(grid) {
  if (grid.root.closePopover) grid.root.closePopover(true);
  else if (grid.openPosition !== undefined) {
    closeDetails(grid);
    focusCell(grid);
  } else if (grid.state.selected.size) {
    grid.state.selected.clear();
    grid.chosen();
  }
}

function render({ model, el }) {
  let grid = buildGrid(model, el);
  // Python may put other rows in the place of these.
  const changed = (message) => {
    if (message.type !== "changed") return;
    grid.leave();
    grid = buildGrid(model, el);
  };
  model.on("msg:custom", changed);
  return () => {
    model.off("msg:custom", changed);
    grid.leave();
  };
}

export default { render };
