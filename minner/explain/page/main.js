// Start: read the arrays, draw every part once, and listen to the keyboard.

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
  listenForTheme();
  find("help").addEventListener("click", () => {
    find("keys").hidden = !find("keys").hidden;
    find("help").setAttribute("aria-expanded", !find("keys").hidden);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const action = { s: toggleSilent, h: toggleHidden, t: nextTheme }[event.key];
    if (action) action();
  });
}

async function start() {
  await readArrays();
  listSteps();
  listen();
  drawWords();
  drawText();
  drawWordpieces();
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
