
// Nothing may be loaded: data stands in the page, and so do images.
function loaderTelling(tell) {
  const refuse = (what) => {
    const error = new Error(`it asks for ${what}, and a page of xt loads nothing`);
    tell(error);
    return Promise.reject(error);
  };
  return Object.assign(vega.loader(), {
    load: refuse,
    sanitize: (uri) => String(uri).startsWith("data:image/") ? Promise.resolve({ href: uri }) : refuse(uri),
  });
}

const darkConfig = {
  background: null,
  title: { color: "#e6edf3" },
  style: { "guide-label": { fill: "#c9d1d9" }, "guide-title": { fill: "#e6edf3" } },
  axis: { domainColor: "#6e7681", gridColor: "#30363d", tickColor: "#6e7681" },
  legend: { labelColor: "#c9d1d9", titleColor: "#e6edf3", symbolBaseFillColor: "#9198a1", symbolBaseStrokeColor: "#9198a1" },
  view: { stroke: "#30363d" },
};

const plainConfig = { background: null };

async function draw(element) {
  const told = new Set();
  const tell = (error) => {
    const text = `The specification cannot be drawn: ${error.message ?? error}`;
    if (told.has(text) || told.size >= 5) return;
    told.add(text);
    const note = document.createElement("figcaption");
    note.textContent = text;
    element.append(note);
  };
  const logger = vega.logger(vega.Error, undefined, (method, level, args) => Array.from(args).forEach(tell));
  const loader = loaderTelling(tell);
  try {
    const spec = JSON.parse(element.querySelector("script").textContent);
    const config = vega.mergeConfig({}, matchMedia("(prefers-color-scheme: dark)").matches ? darkConfig : plainConfig, spec.config ?? {});
    const plain = String(spec.$schema).includes("/vega/v")
      ? vega.parse(spec, config, { ast: true })
      : vega.parse(vegaLite.compile(spec, { config, logger }).spec, undefined, { ast: true });
    const container = document.createElement("div");
    element.prepend(container);
    await new vega.View(plain, { expr: interpreter, loader, logger, renderer: "svg", container, hover: true }).runAsync();
    element.setAttribute("data-drawn", "");
  } catch (error) {
    tell(error);
  }
}

for (const element of document.querySelectorAll(".vega")) draw(element);
