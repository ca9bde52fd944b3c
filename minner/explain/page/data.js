// The facts of the page, and its arrays: one block of bytes, compressed, cut by name.

const facts = JSON.parse(document.getElementById("facts").textContent);
const arrays = {};

async function readArrays() {
  const text = document.getElementById("arrays").textContent.trim();
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  const kinds = { u8: Uint8Array, i8: Int8Array, f32: Float32Array };
  for (const [name, { type, start, shape, scale }] of Object.entries(facts.arrays)) {
    const count = shape.reduce((all, size) => all * size, 1);
    const values = new kinds[type](bytes.slice(start, start + count * kinds[type].BYTES_PER_ELEMENT));
    arrays[name] = { shape, values, scale, rows: scale === "rows" ? arrays[`${name}.scale`] : null };
  }
}

// One value of an array; `at` has an index for each of its dimensions.
function value(name, ...at) {
  const { shape, values, scale, rows } = arrays[name];
  let place = 0;
  for (let i = 0; i < shape.length; i++) place = place * shape[i] + at[i];
  if (rows) return values[place] * rows.values[Math.floor(place / shape[shape.length - 1])];
  return values[place] * (scale ?? 1);
}

// All values of the last dimension.
function row(name, ...at) {
  const { shape } = arrays[name];
  return Array.from({ length: shape[shape.length - 1] }, (_, i) => value(name, ...at, i));
}

// A number as text that says which value it is, so that a test can check it.
function number(name, at, digits = 3) {
  const shown = document.createElement("span");
  shown.dataset.of = `${name}:${at.join(",")}`;
  shown.textContent = written(value(name, ...at), digits);
  return shown;
}

// With a true minus sign, and none before a zero.
function written(number, digits) {
  const text = number.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
}

// ---- small helpers for building the page ------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, content] of Object.entries(attributes)) {
    if (name === "style") element.style.cssText = content;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), content);
    else if (content !== null && content !== undefined) element.setAttribute(name, content);
  }
  element.append(...children);
  return element;
}

const find = (id) => document.getElementById(id);
const fill = (id, ...children) => find(id).replaceChildren(...children);
const head = (...titles) =>
  make("thead", {}, make("tr", {}, ...titles.map((title) => title ? make("th", { scope: "col" }, title) : make("td"))));

const typeOf = (tag) => (tag.includes("-") ? tag.slice(tag.indexOf("-") + 1) : tag);
const typeNumber = (tag) => facts.model.types.indexOf(typeOf(tag));
const tagColour = (tag) => `var(--t${Math.max(0, typeNumber(tag)) % 7})`;
const shade = (colour, share) => `background: rgba(${colour}, ${(0.55 * share).toFixed(3)})`;
const signed = (share) => shade(`var(--${share < 0 ? "down" : "up"})`, Math.min(1, Math.abs(share)));
const wordOfToken = (token) => facts.tokens.words[token];
const tokenName = (token) => facts.tokens.wordpieces[token];
const wordText = (word) => facts.text_of(word);
const headName = (layer, number) => `head ${number} of layer ${layer}`;

facts.text_of = (word) => {
  const { start, end } = facts.words[word];
  return Array.from(facts.text).slice(start, end).join("");
};

// Whole code points, because offsets count those; JavaScript counts UTF-16 units.
const nameOf = (entity) => `${entity.text} (${entity.label})`;
