// Keeps figures fresh on pages that have some. Everything works without it.
"use strict";

const root = document.body.dataset.root;
const figures = document.querySelectorAll("[data-figure]");

// The value at a path such as `ever.steps`.
const at = (value, path) => path.split(".").reduce((value, part) => (value == null ? value : value[part]), value);

if (figures.length && window.EventSource) {
  const stream = new EventSource(root + "v1/figures/events");
  stream.addEventListener("figures", message => {
    const values = JSON.parse(message.data);
    for (const figure of figures) {
      const value = at(values, figure.dataset.figure);
      if (typeof value === "number") figure.textContent = value.toLocaleString("en");
    }
  });
  // Browsers keep few connections to one host: a page that nobody sees needs none.
  addEventListener("pagehide", () => stream.close());
}
