// The last steps: logits, probabilities, and what each decoder makes of them.

function drawProbabilities() {
  onChange(() => {
    const token = chosenToken();
    const order = facts.model.labels.map((_, index) => index)
      .sort((a, b) => value("logits", token, b) - value("logits", token, a));
    const lines = order.map((index) => make("tr", {}, make("th", { scope: "row" }, facts.model.labels[index]),
      make("td", { class: "number" }, number("logits", [token, index], 3)),
      make("td", { class: "number" }, number("probabilities", [chosen.word, index], 4)),
      make("td", {}, make("span", { class: "bar", style: `width: ${(14 * value("probabilities", chosen.word, index)).toFixed(2)}rem; ` +
        `background: ${facts.model.labels[index] === "O" ? "var(--quiet)" : `rgb(${tagColour(facts.model.labels[index])})`}` }))));
    fill("probabilities", make("caption", {}, `“${wordText(chosen.word)}”`),
      head("Label", "Logit", "Probability", ""), make("tbody", {}, ...lines));
  });
}

function drawDecoders() {
  const names = Object.keys(facts.decoders);
  const lines = facts.words.map(({ tag }, word) => make("tr", { "data-word": word },
    make("th", { scope: "row" }, wordText(word)), make("td", {}, tag),
    ...names.map((name) => make("td", {}, facts.decoders[name].tags[word]))));
  const entities = make("tr", {}, make("th", { scope: "row" }, "Entities"), make("td", {}, ""),
    ...names.map((name) => make("td", {}, facts.decoders[name].entities.map(nameOf).join(", ") || "none")));
  const titles = names.map((name) => (name === facts.decoder ? `${name} (used)` : name));
  fill("decoders", head("Word", "Most probable", ...titles), make("tbody", {}, ...lines), make("tfoot", {}, entities));
  onChange(() => markChosen("#decoders tr"));
}
