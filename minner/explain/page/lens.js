// The tag lens: what the tag head says of the vector of each word at every depth.

const depthName = (depth) => depth === 0 ? "embeddings"
  : `layer ${Math.floor((depth - 1) / 2)} ${depth % 2 ? "attention" : "feed-forward"}`;

function bestOf(depth, word) {
  const numbers = row("lens", depth, word);
  const best = numbers.indexOf(Math.max(...numbers));
  return [best, numbers[best]];
}

function drawLens() {
  const words = facts.words.map((_, word) => word).filter((word) => facts.words[word].tokens);
  const depths = Array.from({ length: arrays.lens.shape[0] }, (_, depth) => depth);
  const top = make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "After"),
    ...words.map((word) => make("th", { scope: "col", "data-word": word }, wordText(word)))));
  const lines = depths.map((depth) => make("tr", {}, make("th", { scope: "row" }, depthName(depth)),
    ...words.map((word) => lensCell(depth, word))));
  fill("lens-table", top, make("tbody", {}, ...lines));
  find("lens-table").addEventListener("click", (event) => {
    const cell = event.target.closest("[data-word]");
    if (cell) choose({ word: Number(cell.dataset.word) });
  });
  onChange(() => { markChosen("#lens-table [data-word]"); drawCurves(depths); });
}

function lensCell(depth, word) {
  const [best, share] = bestOf(depth, word);
  const label = facts.model.labels[best];
  const colour = label === "O" ? "" : shade(tagColour(label), share);
  return make("td", { "data-word": word, style: colour, title: `${label} ${share.toFixed(3)}` },
    label === "O" ? "·" : label);
}

// The probability of the labels that lead somewhere, over the depth.
function drawCurves(depths) {
  const series = facts.model.labels.map((label, index) => [label, depths.map((depth) => value("lens", depth, chosen.word, index))]);
  const shown = series.filter(([, numbers]) => Math.max(...numbers) > 0.1);
  const [width, height, left, bottom] = [720, 260, 40, 40];
  const x = (depth) => left + (depth / (depths.length - 1 || 1)) * (width - left - 110);
  const y = (share) => 10 + (1 - share) * (height - bottom - 10);
  const svg = find("curves");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", `Probability of each label of “${wordText(chosen.word)}” by depth`);
  const part = (tag, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
    element.textContent = text;
    return element;
  };
  const axes = [0, 0.5, 1].flatMap((share) => [
    part("line", { x1: left, x2: width - 110, y1: y(share), y2: y(share), class: "axis" }),
    part("text", { x: left - 6, y: y(share) + 4, "text-anchor": "end" }, `${share}`)]);
  const ticks = depths.filter((depth) => depth % 2 === 0).map((depth) =>
    part("text", { x: x(depth), y: height - 18, "text-anchor": "middle" }, depth ? `${depth / 2 - 1}` : "emb"));
  const taken = [];
  const lines = shown.flatMap(([label, numbers], i) => {
    const colour = label === "O" ? "var(--ink)" : `rgb(${tagColour(label)})`;
    let at = y(numbers[numbers.length - 1]) + 4;
    while (taken.some((other) => Math.abs(other - at) < 14)) at -= 14;
    taken.push(at);
    const points = numbers.map((share, depth) => `${x(depth)},${y(share)}`).join(" ");
    return [part("polyline", { points, fill: "none", style: `stroke: ${colour}`, "stroke-width": 2.5,
      "stroke-dasharray": label.startsWith("I-") ? "6 4" : "none" }),
      part("text", { x: width - 104, y: at }, label)];
  });
  svg.replaceChildren(...axes, ...ticks, part("text", { x: left, y: height - 2 }, "after layer"), ...lines);
  const [best, share] = bestOf(depths.length - 1, chosen.word);
  const since = depths.find((depth) => depths.slice(depth).every((later) => bestOf(later, chosen.word)[0] === best));
  fill("curves-note", `“${wordText(chosen.word)}” ends as ${facts.model.labels[best]} with `,
    number("lens", [depths.length - 1, chosen.word, best]), `. That label leads from ${depthName(since)} on.`);
}
