// The panel that shows the file behind a row. Everything goes in by textContent; bytes go in by blobs of four types.
// filePanel(el, send, newNonce) -> { show, open, download, receive, close, dispose }
//   el        an empty element of the caller's, which the panel fills
//   send      hands a message to Python
//   newNonce  gives a text that no other message of the page has

const FILE_IMAGES = ["image/png", "image/jpeg", "image/webp"];
const FILE_VIEWABLE = ["application/pdf", ...FILE_IMAGES];
const FILE_LINK_SECONDS = 60; // a link that nobody followed is taken away, and so is a blob that a tab was given

// attributes: of the panel's own words only; what comes from a file is text
function fileElement(tag, className = "", text = "", attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

function fileButton(text, act) {
  const made = fileElement("button", "dff-button", text, { type: "button" });
  made.addEventListener("click", act);
  return made;
}

// The address, where it may be opened: https, or http of this machine.
function fileAddress(text) {
  try {
    const url = new URL(text);
    const here = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
    return url.protocol === "https:" || (url.protocol === "http:" && here) ? url.href : null;
  } catch {
    return null;
  }
}

// A name that leads to no folder and hides nothing, whoever sent it.
function fileDownloadName(name) {
  const clean = String(name ?? "").replace(/[\u0000-\u001f\u007f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]+/g, "_");
  return clean.replace(/^[ .]+|[ .]+$/g, "").slice(0, 200) || "file";
}

function fileBlob(buffer, mime) {
  const type = FILE_VIEWABLE.includes(mime) ? mime : "application/octet-stream";
  return URL.createObjectURL(new Blob([buffer], { type }));
}

// A tab that is opened while the click still counts, and that gets its address when Python has answered.
function fileTab() {
  try {
    const tab = window.open("about:blank", "_blank");
    if (!tab) return null;
    tab.opener = null;
    tab.document.title = "Opening the file";
    tab.document.body.textContent = "Opening the file …";
    return tab;
  } catch {
    return null;
  }
}

// Goes there from inside the tab, by a link that sends no Referer; false where there is no such tab.
function fileGoTo(tab, address) {
  try {
    if (!tab || tab.closed) return false;
    const link = tab.document.createElement("a");
    Object.assign(link, { rel: "noreferrer", referrerPolicy: "no-referrer", href: address });
    tab.document.body.append(link);
    link.click();
    return true;
  } catch {
    return false;
  }
}

function filePanel(el, send, newNonce) {
  const asked = new Map(); // nonce -> what was asked
  const timers = new Map(); // timer -> what it will do
  const blobs = new Set(); // of the preview that is shown
  let files = [];
  let position = -1;
  let number = 0;
  let current = null; // nonce of the preview that is awaited
  let before = null; // where the focus was

  // --- what is on the page ---

  const notice = fileElement("div", "dff-notice");
  const alert = fileElement("p", "dff-alert", "", { role: "alert" });
  const status = fileElement("p", "dff-status", "", { role: "status" });
  const links = fileElement("p", "dff-links");
  notice.append(alert, status, links);

  const panel = fileElement("section", "dff-panel", "", { "aria-label": "File of the row", hidden: "" });
  const title = fileElement("h3", "dff-name", "", { tabindex: -1, dir: "auto" });
  const choice = fileElement("select", "dff-choice", "", { "aria-label": "File of the row to show" });
  const facts = fileElement("p", "dff-facts");
  const note = fileElement("p", "dff-note");
  const content = fileElement("div", "dff-content");
  const view = fileButton("View in new tab", () => open(position, number));
  const save = fileButton("Download", () => download(position, number));
  const shut = fileButton("Close", close);
  const buttons = fileElement("div", "dff-buttons");
  buttons.append(choice, view, save, shut);
  panel.append(title, buttons, facts, note, content);
  el.classList.add("dff");
  el.append(notice, panel);

  // --- what the caller does ---

  function show(ofRow, at, chosen = 0) {
    files = ofRow;
    position = at;
    number = chosen;
    const wasHidden = panel.hidden;
    if (wasHidden) before = el.getRootNode().activeElement;
    panel.hidden = false;
    choice.replaceChildren(...files.map((file, place) => fileElement("option", "", file.label, { value: place })));
    choice.value = String(number);
    choice.hidden = files.length < 2;
    load();
    if (wasHidden) title.focus({ preventScroll: true });
  }

  function open(at, chosen = 0) {
    say("");
    // A browser lets a click open a tab for a few seconds only, and Python may take longer.
    ask("open", at, chosen, { tab: fileTab() });
  }

  function download(at, chosen = 0) {
    say("", "Fetching the file …");
    ask("download", at, chosen);
  }

  // True where the message answers a question of this panel.
  function receive(message, buffers) {
    const what = asked.get(message.nonce);
    if (what === undefined) return false;
    asked.delete(message.nonce);
    if (message.type === "error") failed(what, message);
    else if (message.type === "preview") previewed(message, buffers);
    else if (message.type === "link") linked(what, message.url);
    else if (message.type === "file") handed(what, message, buffers[0]);
    return true;
  }

  function close() {
    const focused = panel.contains(el.getRootNode().activeElement);
    empty();
    current = null;
    say("");
    links.replaceChildren();
    panel.hidden = true;
    if (focused && before && before.isConnected) before.focus();
    before = null;
  }

  // For a widget that goes away.
  function dispose() {
    close();
    for (const what of asked.values()) what.tab?.close();
    asked.clear();
    timers.forEach((act, timer) => {
      clearTimeout(timer);
      act();
    });
    timers.clear();
    el.replaceChildren();
  }

  // --- questions and answers ---

  function ask(type, at, chosen, more = {}) {
    const nonce = newNonce();
    asked.set(nonce, { type, ...more });
    const pages = type === "preview" && navigator.pdfViewerEnabled === false;
    send({ type, nonce, position: at, file: chosen, ...(pages ? { pages } : {}) });
    return nonce;
  }

  function load() {
    empty();
    const file = files[number];
    title.textContent = file ? file.label : "No file";
    facts.textContent = "";
    note.textContent = "";
    view.disabled = save.disabled = !file;
    say("", file ? "Loading the preview …" : "This row has no file.");
    content.setAttribute("aria-busy", String(Boolean(file)));
    current = file ? ask("preview", position, number) : null;
  }

  function failed(what, message) {
    what.tab?.close();
    if (what.type === "preview" && message.nonce !== current) return;
    content.setAttribute("aria-busy", "false");
    say(message.text);
  }

  function previewed(message, buffers) {
    if (message.nonce !== current) return; // of a file that is no longer shown
    content.setAttribute("aria-busy", "false");
    say("", "");
    title.textContent = message.name;
    tellFacts(message);
    note.textContent = message.note;
    const made = { pdf: showPdf, image: showImage, text: showText, table: showTable }[message.kind];
    if (made) content.replaceChildren(...made(message, buffers));
  }

  function linked(what, text) {
    const address = fileAddress(text);
    if (address === null) {
      what.tab?.close();
      say("The link is no https address, so it is not opened.");
    } else if (!fileGoTo(what.tab, address)) {
      offer(address, "Open the file (this link works for a short while)");
    }
  }

  function handed(what, message, buffer) {
    const blob = fileBlob(buffer, message.mime);
    later(() => URL.revokeObjectURL(blob));
    say("");
    if (what.type === "open" && FILE_VIEWABLE.includes(message.mime)) {
      if (!fileGoTo(what.tab, blob)) offer(blob, "Open the file");
      return;
    }
    what.tab?.close();
    const link = fileElement("a", "", "", { hidden: "" });
    Object.assign(link, { href: blob, download: fileDownloadName(message.name) });
    el.append(link);
    link.click();
    link.remove();
    say("", `Handed to the browser: ${link.download}, ${message.sized}.`);
  }

  // Where a tab may not be opened, a link to click, which goes away after it.
  function offer(address, text) {
    const link = fileElement("a", "dff-link", text, { target: "_blank", rel: "noopener noreferrer" });
    Object.assign(link, { href: address, referrerPolicy: "no-referrer" });
    link.addEventListener("click", () => setTimeout(() => link.remove()));
    later(() => link.remove());
    links.replaceChildren(link);
    link.focus();
  }

  // --- what is shown ---

  function showPdf(message, buffers) {
    if (message.pages > 0) {
      return buffers.map((buffer, place) => picture(buffer, "image/png", `Page ${place + 1} of ${message.page_count}`));
    }
    if (navigator.pdfViewerEnabled === false) {
      return [fileElement("p", "dff-instead", "This browser shows no PDF here: view it in a new tab, or download it.")];
    }
    const frame = fileElement("iframe", "dff-pdf", "", { title: "Preview of the PDF" });
    frame.src = `${kept(fileBlob(buffers[0], "application/pdf"))}#navpanes=0&view=FitH`;
    return [frame];
  }

  function showImage(message, buffers) {
    return FILE_IMAGES.includes(message.mime) ? [picture(buffers[0], message.mime, "Preview of the picture")] : [];
  }

  function picture(buffer, mime, words) {
    const zoom = fileElement("button", "dff-zoom", "", { type: "button", title: "Actual size", "aria-pressed": false });
    const image = fileElement("img", "dff-image", "", { alt: words });
    image.src = kept(fileBlob(buffer, mime));
    zoom.append(image);
    zoom.addEventListener("click", () => zoom.setAttribute("aria-pressed", zoom.ariaPressed !== "true"));
    return zoom;
  }

  const showText = (message) => [fileElement("pre", "dff-text", message.text, scrolling("Text of the file"))];

  function showTable(message) {
    const [table, head, body] = ["table", "thead", "tbody"].map((tag) => fileElement(tag));
    message.rows.forEach((row, place) => {
      const line = fileElement("tr");
      const made = (cell) => (place ? fileElement("td", "", cell) : fileElement("th", "", cell, { scope: "col" }));
      line.append(...row.map(made));
      (place ? body : head).append(line);
    });
    table.append(head, body);
    const box = fileElement("div", "dff-rows", "", scrolling("First rows of the file"));
    box.append(table);
    return [box];
  }

  // What lets the keyboard scroll a part, and names it.
  const scrolling = (words) => ({ tabindex: 0, role: "region", "aria-label": words });

  function tellFacts(message) {
    const words = [message.words, message.sized].filter(Boolean).join(" · ");
    facts.replaceChildren(fileElement("span", "dff-type", words));
    if (!message.sha256) return;
    const seal = fileElement("code", "dff-seal", message.sha256.slice(0, 12));
    const copy = fileButton("Copy SHA-256", () => copySeal(message.sha256));
    facts.append(" · SHA-256 ", seal, " ", copy);
  }

  async function copySeal(seal) {
    try {
      await navigator.clipboard.writeText(seal);
      say("", "The SHA-256 is copied.");
    } catch {
      say("", `SHA-256: ${seal}`); // to be selected and copied by hand
    }
  }

  function say(problem, progress = "") {
    alert.textContent = problem;
    status.textContent = progress;
  }

  const kept = (blob) => (blobs.add(blob), blob);

  function empty() {
    content.replaceChildren();
    blobs.forEach((blob) => URL.revokeObjectURL(blob));
    blobs.clear();
  }

  function later(act) {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, FILE_LINK_SECONDS * 1000);
    timers.set(timer, act);
  }

  choice.addEventListener("change", () => {
    number = Number(choice.value);
    load();
  });
  // Plain keys are not the notebook's while they are typed here: "dd" would delete its cell.
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    if (event.key === "Escape" && !panel.hidden) {
      event.preventDefault();
      close();
    }
  });

  return { show, open, download, receive, close, dispose };
}
