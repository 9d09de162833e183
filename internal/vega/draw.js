
// Nothing may be loaded: data stands in the page, and so do images.
const loader = Object.assign(vega.loader(), {
  load: (uri) => Promise.reject(new Error(`it loads data from ${uri}, and a page of xt loads nothing`)),
  sanitize: (uri) => String(uri).startsWith("data:image/")
    ? Promise.resolve({ href: uri })
    : Promise.reject(new Error(`it refers to ${uri}, and a page of xt loads nothing`)),
});

const darkConfig = {
  background: null,
  title: { color: "#e6edf3" },
  style: { "guide-label": { fill: "#c9d1d9" }, "guide-title": { fill: "#e6edf3" } },
  axis: { domainColor: "#6e7681", gridColor: "#30363d", tickColor: "#6e7681" },
  legend: { labelColor: "#c9d1d9", titleColor: "#e6edf3" },
  view: { stroke: "#30363d" },
};

const plainConfig = { background: null };

async function draw(element) {
  const tell = (error) => {
    const note = document.createElement("p");
    note.className = "note";
    note.textContent = `The specification cannot be drawn: ${error.message ?? error}`;
    element.append(note);
  };
  const logger = vega.logger(vega.Error, undefined, (method, level, args) => {
    if (method === "error") args.forEach(tell);
  });
  try {
    const spec = JSON.parse(element.querySelector("script").textContent);
    const config = vega.mergeConfig({}, matchMedia("(prefers-color-scheme: dark)").matches ? darkConfig : plainConfig, spec.config ?? {});
    const plain = String(spec.$schema).includes("/vega/v")
      ? vega.parse(spec, config, { ast: true })
      : vega.parse(vegaLite.compile(spec, { config, logger }).spec, undefined, { ast: true });
    const view = new vega.View(plain, { expr: interpreter, loader, logger, renderer: "svg", container: element, hover: true });
    await view.runAsync();
    element.setAttribute("data-drawn", "");
  } catch (error) {
    tell(error);
  }
}

for (const element of document.querySelectorAll(".vega")) draw(element);
