// Helps for reading, no more: the page is whole without them. On paper everything is unfolded.
const folded = () => [...document.querySelectorAll("details:not([open])")];
let unfolded = [];
addEventListener("beforeprint", () => { unfolded = folded(); unfolded.forEach(one => one.open = true); });
addEventListener("afterprint", () => unfolded.forEach(one => one.open = false));

// The values of the curves under the pointer.
for (const figure of document.querySelectorAll(".charts figure")) {
  const svg = figure.querySelector("svg"), curves = [...figure.querySelectorAll("polyline[data-values]")];
  if (!curves.length) continue;
  const reading = Object.assign(document.createElement("span"), { className: "reading" });
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cursor.setAttribute("class", "cursor");
  const tables = curves.map(curve => {
    const values = curve.dataset.values.split(" ").map(pair => pair.split(":"));
    return curve.getAttribute("points").split(" ").map((point, i) => ({ x: +point.split(",")[0], values: values[i] }));
  });
  svg.addEventListener("pointermove", event => {
    const x = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
    const nearest = tables.map(table => table.reduce((a, b) => Math.abs(b.x - x) < Math.abs(a.x - x) ? b : a));
    reading.textContent = `step ${nearest[0].values[0]}: ` +
      nearest.map((point, i) => `${curves[i].dataset.name} ${point.values[1]}`).join(", ");
    for (const [name, value] of Object.entries({ x1: nearest[0].x, x2: nearest[0].x, y1: 12, y2: 214 }))
      cursor.setAttribute(name, value);
    svg.append(cursor);
    figure.append(reading);
  });
  svg.addEventListener("pointerleave", () => { reading.remove(); cursor.remove(); });
}
