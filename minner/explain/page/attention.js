// Heads: a map to choose from, what the chosen word reads, and the matrix of all tokens.

const headButtons = [];

function drawHeadMap() {
  const { layers, heads } = facts.model;
  const columns = Array.from({ length: heads }, (_, h) => make("span", { role: "columnheader" }, `${h}`));
  const top = make("div", { role: "row" }, make("span", { role: "columnheader" }, "L\\H"), ...columns);
  const lines = Array.from({ length: layers }, (_, layer) => {
    headButtons[layer] = Array.from({ length: heads }, (_, h) => make("button", {
      type: "button", role: "gridcell", onclick: () => choose({ layer, head: h }),
    }));
    return make("div", { role: "row" }, make("span", { role: "rowheader" }, `${layer}`), ...headButtons[layer]);
  });
  fill("head-map", top, ...lines);
  find("head-map").addEventListener("keydown", moveHead);
  find("silence").addEventListener("click", toggleSilent);
  onChange(showHeadMap);
  onChange(showReads);
}

function moveHead(event) {
  const { layers, heads } = facts.model;
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
  if (down === undefined) return;
  event.preventDefault();
  choose({ layer: (chosen.layer + down + layers) % layers, head: (chosen.head + right + heads) % heads });
  headButtons[chosen.layer][chosen.head].focus();
}

function showHeadMap() {
  const wrote = headButtons.map((line, layer) => line.map((_, h) => value("parts.heads", chosen.word, layer, h)));
  const most = Math.max(...wrote.flat().map(Math.abs), 1e-9);
  headButtons.forEach((line, layer) => line.forEach((button, h) => {
    const here = layer === chosen.layer && h === chosen.head;
    const silent = chosen.silent && chosen.silent[0] === layer && chosen.silent[1] === h;
    const share = wrote[layer][h] / most;
    button.style.cssText = silent ? "" : signed(share);
    button.textContent = Math.abs(share) < 0.15 ? "" : share > 0 ? "▲" : "▼";
    button.classList.toggle("silent", Boolean(silent));
    button.setAttribute("aria-selected", here);
    button.tabIndex = here ? 0 : -1;
    button.setAttribute("aria-label", `${headName(layer, h)}: wrote ${wrote[layer][h].toFixed(2)}${silent ? ", silenced" : ""}`);
  }));
  const silent = chosen.silent && chosen.silent[0] === chosen.layer && chosen.silent[1] === chosen.head;
  find("silence").textContent = `${silent ? "Let" : "Silence"} ${headName(chosen.layer, chosen.head)}${silent ? " speak again" : ""}`;
  find("silence").setAttribute("aria-pressed", Boolean(silent));
}

function showReads() {
  const { layer, head: h } = chosen;
  const token = chosenToken();
  find("reads-title").textContent = `In ${headName(layer, h)}, “${tokenName(token)}” reads`;
  const weights = row("attention", layer, h, token).map((weight, read) => [weight, read]);
  const best = weights.sort((a, b) => b[0] - a[0]).slice(0, 8);
  const lines = best.map(([weight, read]) => make("tr", {}, make("th", { scope: "row" }, tokenName(read)),
    make("td", { class: "number" }, number("attention", [layer, h, token, read], 2)),
    make("td", {}, make("span", { class: "bar", style: `width: ${(12 * weight).toFixed(2)}rem; background: rgb(var(--up))` }))));
  fill("reads", head("Token", "Weight", ""), make("tbody", {}, ...lines));
  showMatrix();
}

function showMatrix() {
  const { layer, head: h } = chosen;
  const count = facts.tokens.ids.length;
  const size = Math.max(3, Math.min(28, Math.floor(900 / count)));
  find("matrix-title").textContent = `All tokens in ${headName(layer, h)}`;
  const canvas = find("matrix");
  const left = count > 60 ? 0 : 7.5 * 16;
  canvas.width = left + size * count;
  canvas.height = size * count;
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "right";
  for (let line = 0; line < count; line++) {
    context.fillStyle = style.getPropertyValue("--ink");
    if (left) context.fillText(tokenName(line).slice(0, 14), left - 6, size * line + size * 0.7);
    for (let column = 0; column < count; column++) {
      context.fillStyle = `rgba(${style.getPropertyValue("--up")}, ${value("attention", layer, h, line, column)})`;
      context.fillRect(left + size * column, size * line, size - (size > 5), size - (size > 5));
    }
  }
  context.strokeStyle = style.getPropertyValue("--ink");
  context.lineWidth = 2;
  context.strokeRect(left, size * chosenToken(), size * count, size);
  canvas.onmousemove = ({ offsetX, offsetY }) => {
    const column = Math.floor((offsetX - left) / size), line = Math.floor(offsetY / size);
    if (column < 0 || column >= count || line < 0 || line >= count) return;
    fill("matrix-value", `“${tokenName(line)}” reads “${tokenName(column)}” with weight `,
      number("attention", [layer, h, line, column], 2));
  };
  canvas.onclick = ({ offsetY }) => {
    const word = wordOfToken(Math.floor(offsetY / size));
    if (word >= 0) choose({ word });
  };
}
