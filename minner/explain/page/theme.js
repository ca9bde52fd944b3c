// Light and dark: automatic, or as the reader chose.

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

function listenForTheme() {
  find("theme").addEventListener("click", nextTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themed.forEach((draw) => draw()));
}
