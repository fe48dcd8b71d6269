// What every part of the grid uses.  Texts of the data go in by textContent only, never as markup or as an attribute.

function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  const { css, text, role, label, on = {}, ...properties } = options;
  if (css) node.className = css;
  if (text !== undefined) node.textContent = text;
  if (role) node.setAttribute("role", role);
  if (label) node.setAttribute("aria-label", label);
  for (const [event, action] of Object.entries(on)) node.addEventListener(event, action);
  Object.assign(node, properties);
  node.append(...children);
  return node;
}

function makeButton(text, click, options = {}) {
  return make("button", { type: "button", text, ...options, on: { click, ...options.on } });
}

// Words for screen readers only; they may be of the data, since they are text.
function spoken(text) {
  return make("span", { css: "df-spoken", text });
}

function commas(number) {
  return number.toLocaleString("en-US");
}

// Overrides of the writing direction can make 'fdp.exe' read as 'exe.pdf'; they are named instead of obeyed.
const OVERRIDES = /([\u202a-\u202e\u2066-\u2069])/;

function fill(node, text) {
  if (!OVERRIDES.test(text)) {
    node.textContent = text;
    return node;
  }
  const parts = text.split(OVERRIDES).filter(Boolean);
  node.replaceChildren(...parts.map((part) => (OVERRIDES.test(part) ? mark(part) : part)));
  return node;
}

function mark(character) {
  return make("span", { css: "df-mark", text: `U+${character.codePointAt(0).toString(16).toUpperCase()}` });
}

// Indents JSON as text: reading it as JSON would round numbers beyond 2^53.
function indented(json) {
  let depth = 0;
  const line = () => "\n" + "  ".repeat(Math.max(0, depth));
  const pieces = json.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/gs) || [];
  return pieces
    .map((piece, i) => {
      if (piece === "{" || piece === "[") {
        if ("}]".includes(pieces[i + 1])) return piece;
        depth += 1;
        return piece + line();
      }
      if (piece === "}" || piece === "]") {
        if ("{[".includes(pieces[i - 1])) return piece;
        depth -= 1;
        return line() + piece;
      }
      if (piece === ",") return piece + line();
      return piece === ":" ? ": " : piece;
    })
    .join("");
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

// Pages without https have no clipboard interface.
function copyOldWay(text) {
  const put = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    event.clipboardData.setData("text/plain", text);
  };
  window.addEventListener("copy", put, { capture: true, once: true });
  const done = document.execCommand("copy");
  window.removeEventListener("copy", put, { capture: true });
  return done;
}

const LOWEST = 260; // pixels of a dialog that can still be used

// A small dialog below its button, in the browser's top layer where there is one, so that no output area cuts it.
function openPopover(root, anchor, title, fillIn) {
  const name = make("h3", { id: `df-${Math.random().toString(36).slice(2)}` });
  fill(name, title);
  const box = make("div", { css: "df-popover", role: "dialog" }, name);
  box.setAttribute("aria-labelledby", name.id);
  const place = () => {
    const at = anchor.getBoundingClientRect();
    const [above, below] = [at.top - 12, window.innerHeight - at.bottom - 12];
    box.style.maxHeight = "";
    const under = box.offsetHeight <= below || below >= above;
    // Where neither side has room enough, the box scrolls; where there is next to none, it covers its button.
    const room = Math.max(LOWEST, under ? below : above);
    box.style.maxHeight = `${Math.min(room, window.innerHeight - 16)}px`;
    const { offsetWidth: width, offsetHeight: height } = box;
    const top = under ? at.bottom + 4 : at.top - 4 - height;
    box.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
    box.style.top = `${Math.max(8, Math.min(top, window.innerHeight - height - 8))}px`;
  };
  const outside = (event) => {
    const path = event.composedPath();
    if (!path.includes(box) && !path.includes(anchor)) close();
  };
  const moved = (event) => (event.target === window || !box.contains(event.target) ? place() : undefined);
  const close = (refocus = false) => {
    window.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("scroll", moved, true);
    window.removeEventListener("resize", moved, true);
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (root.closePopover === close) root.closePopover = undefined;
    if (refocus) anchor.focus({ preventScroll: true });
  };
  root.closePopover?.();
  root.closePopover = close;
  fillIn(box, close, place);
  root.append(box);
  if (box.showPopover) {
    box.popover = "manual";
    box.showPopover();
  }
  anchor.setAttribute("aria-expanded", "true");
  window.addEventListener("pointerdown", outside, true);
  window.addEventListener("scroll", moved, true);
  window.addEventListener("resize", moved, true);
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) close();
  });
  place();
  box.querySelector("input, select, button")?.focus({ preventScroll: true });
}
