// What stands around the rows: caption, toolbar, status line and pages.

function assemble(grid, host, newNonce) {
  const caption = grid.model.get("caption");
  const name = make("div", { id: `df-${newNonce()}`, css: caption ? "df-caption" : "df-spoken" });
  name.setAttribute("role", "heading");
  name.setAttribute("aria-level", "3");
  fill(name, caption || "Rows");
  grid.message = make("div", { css: "df-message", role: "alert" });
  grid.hasFiles = Boolean(grid.model.get("can_open"));
  grid.root = make("div", { css: "docframes-grid" });
  grid.root.append(
    make("style", { text: STYLES }),
    name,
    toolbar(grid),
    grid.message,
    tableFrame(grid, name),
    footer(grid),
    detailsPanel(grid, newNonce),
  );
  host.append(grid.root);
}

function toolbar(grid) {
  const label = "Search all rows";
  grid.search = make("input", { type: "search", css: "df-search", placeholder: label, label, autocomplete: "off" });
  grid.choosing = makeButton("Columns", () => openChooser(grid, grid.choosing));
  grid.choosing.setAttribute("aria-haspopup", "dialog");
  grid.choosing.setAttribute("aria-expanded", "false");
  grid.copying = makeButton("Copy cell", () => grid.copyCell());
  grid.opening = makeButton("Details", () => openDetails(grid, Math.max(0, grid.at.row)));
  grid.told = make("div", { css: "df-told" });
  grid.told.setAttribute("aria-live", "polite");
  return make("div", { css: "df-bar" }, grid.search, grid.choosing, grid.copying, grid.opening, grid.told);
}

function tableFrame(grid, name) {
  grid.colgroup = make("colgroup");
  grid.head = make("tr", { role: "row" });
  grid.head.setAttribute("aria-rowindex", 1);
  grid.body = make("tbody", { role: "rowgroup" });
  const top = make("thead", { role: "rowgroup" }, grid.head);
  grid.table = make("table", { role: "grid" }, grid.colgroup, top, grid.body);
  grid.table.setAttribute("aria-labelledby", name.id);
  grid.table.setAttribute("aria-multiselectable", "true");
  grid.scroll = make("div", { css: "df-scroll" }, grid.table);
  grid.scroll.style.maxHeight = `${Number(grid.model.get("height")) || 460}px`;
  return grid.scroll;
}

function footer(grid) {
  grid.count = make("span", { css: "df-rows" });
  grid.filtered = make("span", { css: "df-filtered", hidden: true });
  grid.chosenCount = make("span", { css: "df-quiet" });
  const status = make("div", { role: "status", css: "df-status" }, grid.count, grid.filtered, grid.chosenCount);
  grid.clearing = makeButton("Clear filters", () => grid.clear(), { hidden: true });
  return make("div", { css: "df-bar df-foot" }, status, grid.clearing, pager(grid));
}

function pager(grid) {
  const button = (text, label, start) => makeButton(text, () => grid.turnTo(start()), { label, css: "df-page" });
  grid.first = button("«", "First page", () => 0);
  grid.previous = button("‹", "Previous page", () => grid.state.start - grid.size());
  grid.next = button("›", "Next page", () => grid.state.start + grid.size());
  grid.last = button("»", "Last page", () => grid.lastStart());
  grid.number = make("input", { type: "number", min: 1, value: 1, label: "Page number", css: "df-pageno" });
  grid.pages = make("span");
  const here = [make("span", { text: "Page" }), grid.number, grid.pages];
  const buttons = [grid.first, grid.previous, ...here, grid.next, grid.last];
  return make("div", { css: "df-pager", role: "group", label: "Pages" }, ...buttons);
}

// --- what it says ---------------------------------------------------------------------------------------------------

function showStatus(grid) {
  const { state } = grid;
  const size = grid.size();
  const pages = Math.max(1, Math.ceil(state.matched / size));
  grid.count.textContent = `${commas(state.matched)} of ${commas(state.total)} rows`;
  showFiltered(grid);
  grid.number.value = Math.floor(state.start / size) + 1;
  grid.number.max = pages;
  grid.pages.textContent = `of ${commas(pages)}`;
  grid.first.disabled = grid.previous.disabled = state.start <= 0;
  grid.last.disabled = grid.next.disabled = state.start + size >= state.matched;
  grid.opening.disabled = grid.copying.disabled = !state.rows.length;
}

function showFiltered(grid) {
  const by = [...grid.state.filters.keys()].map((column) => grid.columns[column].name);
  if (grid.state.search.trim()) by.unshift("search");
  grid.filtered.hidden = grid.clearing.hidden = !by.length;
  fill(grid.filtered, `filtered by ${by.join(", ")}`);
}

function showChosen(grid) {
  const { size } = grid.state.selected;
  grid.chosenCount.textContent = size ? `${commas(size)} selected` : "";
}
