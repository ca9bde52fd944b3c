// Vectors as strips of colour, and the steps of one layer in numbers.

const STEPS = [
  ["q_lin", "Query", "what the token looks for", "T × D", "linear"],
  ["k_lin", "Key", "what the token can be found by", "T × D", "linear"],
  ["v_lin", "Value", "what the token offers to those who read it", "T × D", "linear"],
  ["out_lin", "Attention’s result", "what the heads together add to the vector", "T × D", "linear"],
  ["sa_layer_norm", "After attention", "the sum, brought to mean 0 and variance 1 again", "T × D", "layer_norm"],
  ["activation", "Inside the feed-forward", "F values, most of them near 0 after the activation", "T × F", "feed_forward"],
  ["lin2", "Feed-forward’s result", "what it adds to the vector", "T × D", "linear"],
  ["output_layer_norm", "After the layer", "the sum, normalised: the input of the next layer", "T × D", "layer_norm"],
];

function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).split(",").map(Number);
}

// Draw rows of numbers, one line each; the colour is full at `most`.
function drawHeat(canvas, rows, most) {
  const [up, down] = [colourOf("--up"), colourOf("--down")];
  canvas.width = rows[0].length;
  canvas.height = rows.length * 4;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  rows.forEach((numbers, line) => numbers.forEach((number, column) => {
    const colour = number < 0 ? down : up;
    const opacity = 255 * Math.min(1, Math.abs(number) / most);
    for (let part = 0; part < 4; part++) {
      image.data.set([...colour, opacity], 4 * ((line * 4 + part) * canvas.width + column));
    }
  }));
  context.putImageData(image, 0, 0);
}

function summary(numbers) {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
  return { mean, deviation: Math.sqrt(variance), least: Math.min(...numbers), most: Math.max(...numbers) };
}

const deviationOf = (rows) => Math.sqrt(rows.flat().reduce((sum, x) => sum + x * x, 0) / rows.flat().length);

function drawEmbeddings() {
  for (const element of document.querySelectorAll(".width-d")) element.textContent = facts.model.dim;
  const canvas = make("canvas", { role: "img", "aria-label": "Vectors of all tokens after the embeddings" });
  document.querySelector("[data-heat=embeddings]").append(canvas);
  const rows = facts.tokens.ids.map((_, token) => row("embeddings", token));
  onTheme(() => drawHeat(canvas, rows, 2.5));
}

function drawLayers() {
  const options = Array.from({ length: facts.model.layers }, (_, n) => make("option", { value: n }, `${n}`));
  fill("layer", ...options);
  find("layer").addEventListener("change", (event) => choose({ layer: Number(event.target.value) }));
  const blocks = STEPS.map(([name, title, what, shape, code]) => make("details", { "data-step-name": name },
    make("summary", {}, `${title} — `, make("code", {}, name), ` [${shape}]: ${what}`),
    make("div", { class: "heat" }, make("canvas", { role: "img", "aria-label": `${title} of all tokens` })),
    make("p", { class: "note" }), make("pre", { "data-code": code })));
  fill("layer-steps", ...blocks);
  for (const block of blocks) block.addEventListener("toggle", () => drawStep(block));
  onChange(() => { find("layer").value = chosen.layer; blocks.forEach(drawStep); });
  onTheme(() => blocks.forEach(drawStep));
}

function drawStep(block) {
  if (!block.open) return;
  const name = block.dataset.stepName;
  const rows = facts.tokens.ids.map((_, token) => row(name, chosen.layer, token));
  drawHeat(block.querySelector("canvas"), rows, 2.5 * deviationOf(rows));
  const { mean, deviation, least, most } = summary(rows[chosenToken()]);
  const first = Array.from({ length: 6 }, (_, i) => number(name, [chosen.layer, chosenToken(), i], 2));
  const list = first.flatMap((shown, i) => (i ? [", ", shown] : [shown]));
  block.querySelector("p").replaceChildren(
    `“${tokenName(chosenToken())}” in layer ${chosen.layer}: `, ...list, ", … ",
    `(mean ${mean.toFixed(2)}, deviation ${deviation.toFixed(2)}, from ${least.toFixed(2)} to ${most.toFixed(2)})`);
}
