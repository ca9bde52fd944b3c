// Time and floating-point operations of each stage, for this text on the machine that made the page.

function drawCost() {
  const { stages, threads, machine } = facts.cost;
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const flops = stages.reduce((sum, stage) => sum + stage.flops, 0);
  find("time-note").textContent = `${facts.tokens.ids.length} tokens took ${(1e3 * seconds).toFixed(2)} ms and ` +
    `${(flops / 1e6).toFixed(0)} million multiplications and additions on ${machine}, ${threads} ` +
    `thread${threads === 1 ? "" : "s"}, ${facts.model.precision}.`;
  const lines = stages.map((stage) => make("tr", {}, make("th", { scope: "row" }, stage.name),
    make("td", { class: "number" }, (1e6 * stage.seconds).toFixed(0)),
    make("td", { class: "number" }, stage.flops ? (stage.flops / 1e6).toFixed(1) : "–"),
    make("td", {}, make("span", { class: "bar", style: `width: ${(14 * stage.seconds / seconds).toFixed(2)}rem; background: rgb(var(--up))` }))));
  fill("stages", head("Stage", "Microseconds", "Million FLOP", ""), make("tbody", {}, ...lines));
}
