// The text as buttons, and the steps before the model: words, wordpieces, windows.

const wordButtons = [];

function drawWords() {
  const visible = facts.words.map((_, word) => word).filter((word) => facts.words[word].tokens);
  for (const word of visible) {
    const button = make("button", { type: "button", role: "radio", onclick: () => choose({ word }) },
      wordText(word));
    wordButtons[word] = button;
  }
  fill("words", ...wordButtons.filter(Boolean));
  find("words").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = visible.indexOf(chosen.word);
    const next = event.key === "Home" ? 0 : event.key === "End" ? visible.length - 1 : at + step;
    if (Number.isNaN(next)) return;
    event.preventDefault();
    choose({ word: visible[(next + visible.length) % visible.length] });
    wordButtons[chosen.word].focus();
  });
  onChange(showOutcome);
}

// The entities as they are now, with whatever is left out, as marks on the words.
function showOutcome() {
  const run = chosenRun();
  const entities = entitiesOf(run);
  wordButtons.forEach((button, word) => {
    const { start, end } = facts.words[word];
    const entity = entities.find((found) => found.start < end && start < found.end);
    button.setAttribute("aria-checked", word === chosen.word);
    button.tabIndex = word === chosen.word ? 0 : -1;
    button.classList.toggle("hidden-word", chosen.hidden === word);
    if (entity) {
      button.dataset.type = entity.label;
      button.style.setProperty("--tag", tagColour(`B-${entity.label}`));
    } else delete button.dataset.type;
  });
  const list = entities.length ? entities.map(nameOf).join(", ") : "no entities";
  const same = JSON.stringify(entities.map(nameOf)) === JSON.stringify(facts.entities.map(nameOf));
  const words = run ? ["Without ", make("b", {}, run.name), `: ${list}${same ? " (unchanged)" : ""}`]
    : ["Entities: ", make("b", {}, list)];
  fill("outcome", ...words);
}

function drawText() {
  find("model").textContent = `${facts.model.name}: ${facts.model.layers} layers, ` +
    `${facts.model.heads} heads, width ${facts.model.dim}, ${facts.model.precision}`;
  const body = make("tbody", {}, ...facts.words.map(({ start, end, tokens }, word) =>
    make("tr", { "data-word": word }, make("th", { scope: "row" }, wordText(word)),
      make("td", { class: "number" }, `${start}`), make("td", { class: "number" }, `${end}`),
      make("td", {}, pointsOf(wordText(word))),
      make("td", { class: "number" }, tokens ? `${tokens[1] - tokens[0]}` : "0"))));
  fill("word-table", head("Word", "Start", "End", "Characters", "Wordpieces"), body);
  onChange(() => markChosen("#word-table tr"));
}

const pointsOf = (text) => {
  const points = Array.from(text, (letter) => letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0"));
  return points.length > 8 ? `${points.slice(0, 8).join(" ")} …` : points.join(" ");
};

function markChosen(selector) {
  for (const element of document.querySelectorAll(selector)) {
    element.classList.toggle("chosen", element.dataset.word === `${chosen.word}`);
  }
}

function drawWordpieces() {
  find("vocabulary-size").textContent = facts.model.vocabulary.toLocaleString("en");
  const items = facts.tokens.wordpieces.map((wordpiece, token) => {
    const word = wordOfToken(token);
    const continues = word >= 0 && word === wordOfToken(token - 1);
    return make("li", { class: continues ? "continues" : null, "data-word": word }, wordpiece,
      make("small", {}, `${facts.tokens.ids[token]}`));
  });
  fill("wordpiece-list", ...items);
  onChange(() => markChosen("#wordpiece-list li"));
  drawWindows();
}

function drawWindows() {
  const { windows, number } = facts.window;
  find("windows-note").textContent = windows.length === 1
    ? "The whole text fits into one window of the model."
    : `The text is longer than the model's positions. It is read in ${windows.length} windows that ` +
      `overlap; this page shows window ${number + 1}. Each word is taken from the window in which it ` +
      "stands furthest from an edge.";
  if (windows.length === 1) return;
  const rows = windows.map(([start, end, from, to], i) => make("tr", i === number ? { class: "chosen" } : {},
    make("th", { scope: "row" }, `Window ${i + 1}`), make("td", {}, `wordpieces ${start} to ${end - 1}`),
    make("td", {}, `tags of ${from} to ${to - 1}`)));
  fill("windows", make("table", {}, head("Window", "Reads", "Decides"), make("tbody", {}, ...rows)));
}
