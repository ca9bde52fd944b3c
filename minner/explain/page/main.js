// Start: read the arrays, draw every part once, and listen to the keyboard.

const themes = ["auto", "light", "dark"];
const themed = [];

function onTheme(draw) {
  themed.push(draw);
  draw();
}

function nextTheme() {
  const root = document.documentElement;
  root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
  find("theme").textContent = `Theme: ${{ auto: "automatic", light: "light", dark: "dark" }[root.dataset.theme]}`;
  for (const draw of themed) draw();
}

function showCode() {
  for (const block of document.querySelectorAll("[data-code]")) block.textContent = facts.code[block.dataset.code];
  for (const block of document.querySelectorAll("pre")) block.tabIndex = 0;
}

function listSteps() {
  const items = [...document.querySelectorAll("section[data-step]")].map((section) =>
    make("li", {}, make("a", { href: `#${section.id}` }, section.dataset.step)));
  fill("steps", ...items);
}

function listen() {
  find("theme").addEventListener("click", nextTheme);
  find("help").addEventListener("click", () => {
    find("keys").hidden = !find("keys").hidden;
    find("help").setAttribute("aria-expanded", !find("keys").hidden);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const action = { s: toggleSilent, h: toggleHidden, t: nextTheme }[event.key];
    if (action) action();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themed.forEach((draw) => draw()));
}

async function start() {
  await readArrays();
  listSteps();
  listen();
  drawWords();
  drawText();
  drawPieces();
  drawEmbeddings();
  drawLayers();
  drawHeadMap();
  drawLens();
  drawProbabilities();
  drawDecoders();
  drawMattered();
  drawCost();
  onTheme(showMatrix);
  showCode();
  const first = facts.words.findIndex(({ tokens, tag }) => tokens && tag !== "O");
  const word = first >= 0 ? first : facts.words.findIndex(({ tokens }) => tokens);
  const [layer, head] = strongestHeads(word)[0];
  choose({ word, layer, head });
  document.documentElement.dataset.ready = "yes";
}

start();
