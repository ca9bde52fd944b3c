// The live page: what is typed is read at once; heads can be silenced; the explanation opens below.

const TYPING_MS = 80; // without a key for so long, the text is read
const EXAMPLE = "My name is John Smith and I work at Acme Corp. in Berlin.";

const silent = new Set(); // names of heads, as the server takes them
const cells = []; // buttons by layer and head
const at = { layer: 0, head: 0 };
let reading = null; // the request that is under way
let typed = null;

const partName = (layer, head) => `transformer.layer.${layer}.attention.head.${head}`;
const namesOf = (entities) => (entities.length ? entities.map(nameOf).join(", ") : "none");

async function ask(address, fields, signal, accept = "application/json") {
  const headers = { "Content-Type": "application/json", Accept: accept };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(fields), signal });
  if (!answer.ok) throw new Error((await answer.json()).error);
  return accept === "text/html" ? answer.text() : answer.json();
}

// Read the text: by the whole model, or without the silent heads. An older request is given up.
async function read() {
  if (reading) reading.abort();
  const mine = (reading = new AbortController());
  const text = find("text").value;
  try {
    const found = silent.size
      ? await ask("trace", { text, without: [...silent] }, mine.signal)
      : await ask("", { text, options: { offsets: "codepoints", inclusive_ends: false } }, mine.signal);
    if (reading === mine) show(text, found);
  } catch (error) {
    if (error.name !== "AbortError") find("problem").textContent = error.message || "The server is gone.";
  }
}

function show(text, { entities, lost, gained }) {
  const points = Array.from(text);
  const parts = [];
  let end = 0;
  for (const entity of entities) {
    const mark = make("mark", { "data-type": entity.label, style: `--tag: ${tagColour(entity.label)}` }, entity.text);
    parts.push(points.slice(end, entity.start).join(""), mark);
    end = entity.end;
  }
  fill("marked", ...parts, points.slice(end).join(""));
  fill("outcome", "Entities: ", make("b", {}, namesOf(entities)));
  find("problem").textContent = "";
  find("difference").textContent = !lost ? ""
    : lost.length + gained.length ? `Lost: ${namesOf(lost)}. Gained: ${namesOf(gained)}.`
    : "The same entities as with all heads.";
  document.documentElement.dataset.read = text;
}

// ---- heads --------------------------------------------------------------------------------------

function drawHeads() {
  const { layers, heads } = facts.model;
  const numbers = Array.from({ length: heads }, (_, head) => make("span", { role: "columnheader" }, `${head}`));
  const top = make("div", { role: "row" }, make("span", { role: "columnheader" }, "L\\H"), ...numbers);
  const lines = Array.from({ length: layers }, (_, layer) => {
    cells[layer] = Array.from({ length: heads }, (_, head) => make("button", {
      type: "button", role: "gridcell", "aria-label": headName(layer, head), "aria-selected": "false",
      tabindex: layer + head ? -1 : 0, onclick: () => toggle(layer, head),
    }));
    return make("div", { role: "row" }, make("span", { role: "rowheader" }, `${layer}`), ...cells[layer]);
  });
  fill("head-map", top, ...lines);
  find("head-map").addEventListener("keydown", move);
}

function move(event) {
  const { layers, heads } = facts.model;
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
  if (down === undefined) return;
  event.preventDefault();
  reach((at.layer + down + layers) % layers, (at.head + right + heads) % heads);
  cells[at.layer][at.head].focus();
}

function reach(layer, head) {
  cells[at.layer][at.head].tabIndex = -1;
  Object.assign(at, { layer, head });
  cells[layer][head].tabIndex = 0;
}

function toggle(layer, head) {
  const name = partName(layer, head);
  if (!silent.delete(name)) silent.add(name);
  reach(layer, head);
  showSilent();
}

function showSilent() {
  cells.forEach((line, layer) => line.forEach((cell, head) => {
    const is = silent.has(partName(layer, head));
    cell.classList.toggle("silent", is);
    cell.setAttribute("aria-selected", is);
    cell.setAttribute("aria-label", headName(layer, head) + (is ? ", silent" : ""));
    cell.textContent = is ? "×" : "";
  }));
  find("speak").disabled = silent.size === 0;
  read();
}

// ---- the explanation ----------------------------------------------------------------------------

async function explain() {
  const frame = find("explanation");
  const button = find("explain");
  button.disabled = true;
  button.textContent = "Reading …";
  try {
    frame.srcdoc = await ask("explain", { text: find("text").value }, undefined, "text/html");
    frame.hidden = false;
    frame.onload = () => { themeOfFrame(); frame.scrollIntoView(); };
    find("problem").textContent = "";
  } catch (error) {
    find("problem").textContent = error.message || "The server is gone.";
  }
  button.disabled = false;
  button.textContent = "Explain this text";
  button.focus();
}

// The explanation takes the theme of this page.
function themeOfFrame() {
  const inside = find("explanation").contentWindow;
  const theme = document.documentElement.dataset.theme;
  if (!inside || !inside.nextTheme) return;
  for (let i = 0; i < themes.length && inside.document.documentElement.dataset.theme !== theme; i++) inside.nextTheme();
}

// ---- start --------------------------------------------------------------------------------------

function startLive() {
  const { name, layers, heads, precision } = facts.model;
  find("model").textContent = `${name}: ${layers} layers, ${heads} heads, ${precision}`;
  find("text").value = EXAMPLE;
  find("text").addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(read, TYPING_MS);
  });
  find("speak").addEventListener("click", () => { silent.clear(); showSilent(); });
  find("explain").addEventListener("click", explain);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea")) return;
    if (event.key === "t") nextTheme();
  });
  listenForTheme();
  drawHeads();
  onTheme(themeOfFrame);
  read();
}

startLive();
