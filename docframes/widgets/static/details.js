// One row whole: every field, long text unbroken, JSON indented, and the files behind it.

async function openDetails(grid, row, viewing = false) {
  const position = grid.state.positions[row];
  if (position === undefined) return;
  const turn = (grid.detailTurn = (grid.detailTurn || 0) + 1);
  let answer;
  try {
    answer = await grid.ask({ type: "record", position });
  } catch (error) {
    grid.fail(error.message);
    return;
  }
  if (turn !== grid.detailTurn) return;
  grid.root.classList.add("df-open");
  grid.openPosition = position;
  grid.detailsTitle.textContent = `Row ${commas(position + 1)} of ${commas(grid.state.total)}`;
  grid.fields.replaceChildren(...answer.fields.map((field) => fieldLine(grid, field)));
  grid.fields.parentElement.scrollTop = 0;
  showFiles(grid, answer.files || [], position, viewing);
}

// The files are named; nothing of them is fetched before a click.
function showFiles(grid, files, position, viewing) {
  grid.panel?.close();
  grid.side.hidden = !files.length;
  grid.fileList.replaceChildren(...files.map((file, number) => fileLine(grid, files, position, number)));
  if (viewing && files.length) grid.panel?.show(files, position, 0);
}

function fileLine(grid, files, position, number) {
  const { label, kind } = files[number];
  const view = makeButton("View", () => grid.panel?.show(files, position, number), { css: "df-small" });
  const save = makeButton("Download", () => grid.panel?.download(position, number), { css: "df-small" });
  [view, save].forEach((button) => button.append(fill(spoken(""), ` ${label}`)));
  const words = [fill(make("span", { css: "df-value" }), label), fill(make("span", { css: "df-quiet" }), kind)];
  return make("div", { css: "df-file" }, ...words, view, save);
}

async function downloadOf(grid, row) {
  const position = grid.state.positions[row];
  // The panel of the row says how it goes.
  await openDetails(grid, row);
  grid.panel?.download(position, 0);
}

function fieldLine(grid, { name, text, kind, json }) {
  const whole = json ? indented(text) : text;
  const missing = text === null;
  const value = missing ? make("i", { css: "df-quiet", text: "empty" }) : fill(make(json ? "pre" : "span"), whole);
  const copy = makeButton("Copy", () => grid.copy(text ?? ""), { css: "df-small" });
  copy.append(fill(spoken(""), ` ${name}`));
  return make("div", { css: `df-line df-${kind}` }, fill(make("dt"), name), make("dd", {}, value, copy));
}

function closeDetails(grid) {
  grid.detailTurn = (grid.detailTurn || 0) + 1;
  grid.openPosition = undefined;
  grid.root.classList.remove("df-open");
  grid.panel?.close();
}

function detailsPanel(grid, newNonce) {
  grid.detailsTitle = make("h3");
  grid.fields = make("dl");
  grid.fileList = make("div", { css: "df-filelist" });
  const place = make("div");
  grid.side = make("div", { css: "df-side", hidden: true }, grid.fileList, place);
  // preview.js is there only where the rows have files.
  if (typeof filePanel === "function") grid.panel = filePanel(place, (message) => grid.model.send(message), newNonce);
  const close = makeButton("Close", () => {
    closeDetails(grid);
    focusCell(grid);
  });
  const fields = make("div", { css: "df-fields", role: "group", label: "Fields", tabIndex: 0 }, grid.fields);
  return make(
    "section",
    { css: "df-details", label: "Details of the row" },
    make("div", { css: "df-detailshead" }, grid.detailsTitle, close),
    make("div", { css: "df-sides" }, fields, grid.side),
  );
}
