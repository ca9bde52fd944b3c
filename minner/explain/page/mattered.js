// What each part wrote towards a tag, and what happens without it.

function drawMattered() {
  onChange(showParts);
  drawWordEffects();
  drawHeadEffects();
}

// All heads as [layer, head], those first that wrote most about the tag of a word.
function strongestHeads(word) {
  const { layers, heads } = facts.model;
  const wrote = ([layer, h]) => Math.abs(value("parts.heads", word, layer, h));
  return Array.from({ length: layers * heads }, (_, i) => [Math.floor(i / heads), i % heads])
    .sort((a, b) => wrote(b) - wrote(a));
}

function showParts() {
  const { label, rival } = facts.margins[chosen.word];
  const { layers } = facts.model;
  fill("margin-note", `“${wordText(chosen.word)}” is ${label} rather than ${rival} by a margin of `,
    number("margin", [chosen.word], 3), " between their logits. It is the sum of what the parts of the model wrote:");
  const perLayer = Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) => [
    [`heads of layer ${layer}`, row("parts.heads", chosen.word, layer).reduce((sum, x) => sum + x, 0), null],
    [`feed-forward of layer ${layer}`, value("parts.feed_forwards", chosen.word, layer), ["parts.feed_forwards", [chosen.word, layer]]],
  ]);
  const all = [
    ["word embedding", value("parts.words", chosen.word), ["parts.words", [chosen.word]]],
    ["position embedding", value("parts.positions", chosen.word), ["parts.positions", [chosen.word]]],
    ...perLayer,
    ["biases", value("parts.biases", chosen.word), ["parts.biases", [chosen.word]]],
  ];
  const most = Math.max(...all.map(([, number]) => Math.abs(number)), 1e-9);
  const lines = all.map(([name, wrote, place]) => make("tr", {}, make("th", { scope: "row" }, name),
    make("td", { class: "number" }, place ? number(...place, 2) : written(wrote, 2)),
    make("td", {}, bar(wrote / most))));
  const total = all.reduce((sum, [, wrote]) => sum + wrote, 0);
  const sum = make("tr", {}, make("th", { scope: "row" }, "sum"),
    make("td", { class: "number", id: "sum-of-parts" }, written(total, 3)), make("td", {}, ""));
  const headLines = strongestHeads(chosen.word).slice(0, 6).map(([layer, h]) => make("tr", {}, make("th", { scope: "row" },
    make("button", { type: "button", onclick: () => { choose({ layer, head: h }); find("attention").scrollIntoView(); } }, headName(layer, h))),
    make("td", { class: "number" }, number("parts.heads", [chosen.word, layer, h], 2)),
    make("td", {}, bar(value("parts.heads", chosen.word, layer, h) / most))));
  const read = row("parts.sources", chosen.word).map((wrote, token) => [wrote, token])
    .sort((a, b) => Math.abs(b[0]) - Math.abs(a[0])).slice(0, 6).map(([wrote, token]) => make("tr", {},
      make("th", { scope: "row" }, tokenName(token)),
      make("td", { class: "number" }, number("parts.sources", [chosen.word, token], 2)), make("td", {}, bar(wrote / most))));
  const table = (title, rows) => make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title },
    make("table", { class: "bars" }, make("caption", {}, title), head("Part", "Wrote", ""), make("tbody", {}, ...rows)));
  fill("parts", make("div", { class: "split" }, table("All parts", [...lines, sum]),
    make("div", {}, table("The strongest heads", headLines), table("What heads brought, by token read", read))));
}

const bar = (share) => make("span", { class: "bar", style: `width: ${(9 * Math.abs(share)).toFixed(2)}rem; ` +
  `background: rgb(var(--${share < 0 ? "down" : "up"}))`, title: share < 0 ? "against" : "for" });

const FATES = ["", "~", "×"];

function effectCell(name, fate, at) {
  const change = value(name, ...at);
  return make("td", { class: "number", style: signed(change) },
    number(name, at, 2), FATES[value(fate, ...at)] ? make("strong", {}, ` ${FATES[value(fate, ...at)]}`) : "");
}

function drawWordEffects() {
  if (!facts.entities.length) return fill("word-effects", make("caption", {}, "There is no entity to lose."));
  if (!arrays["effects.words"]) return fill("word-effects", make("caption", {}, "The text is too long for a run without each word."));
  const words = facts.words.map((_, word) => word).filter((word) => facts.words[word].tokens);
  const lines = words.map((word) => make("tr", { "data-word": word }, make("th", { scope: "row" },
    make("button", { type: "button", onclick: () => choose({ word, hidden: chosen.hidden === word ? null : word, silent: null }) }, `without ${wordText(word)}`)),
    ...facts.entities.map((_, entity) => effectCell("effects.words", "effects.word_fates", [entity, word]))));
  fill("word-effects", head("Run", ...facts.entities.map(nameOf)), make("tbody", {}, ...lines));
  onChange(() => markChosen("#word-effects tr"));
}

function drawHeadEffects() {
  if (!arrays["effects.heads"]) return;
  const { layers, heads } = facts.model;
  const tables = facts.entities.map((entity, e) => make("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `Without each head: ${nameOf(entity)}` },
    make("table", {}, make("caption", {}, `${nameOf(entity)} without each head`),
      head("Layer", ...Array.from({ length: heads }, (_, h) => `head ${h}`)),
      make("tbody", {}, ...Array.from({ length: layers }, (_, layer) => make("tr", {}, make("th", { scope: "row" }, `${layer}`),
        ...Array.from({ length: heads }, (_, h) => effectCell("effects.heads", "effects.head_fates", [e, layer, h]))))))));
  fill("head-effects", ...tables);
}
