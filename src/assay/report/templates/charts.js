"use strict";
(function () {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  // Without Plotly's bar of buttons: some ten stops of the keyboard a chart. Dragging zooms, a double click goes back.
  const config = { displayModeBar: false, responsive: true };

  function colors(print) {
    const style = getComputedStyle(document.documentElement);
    const of = function (name, light) { return print ? light : style.getPropertyValue(name).trim(); };
    const fg = of("--fg", "#000000"), grid = of("--grid", "#dddddd"), bg = of("--bg", "#ffffff");
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", "font.color": fg,
      "xaxis.gridcolor": grid, "yaxis.gridcolor": grid, "xaxis.zerolinecolor": grid, "yaxis.zerolinecolor": grid,
      "xaxis.linecolor": grid, "yaxis.linecolor": grid, "hoverlabel.bgcolor": bg, "hoverlabel.font.color": fg,
    };
  }

  function theme(node, print) {
    const own = colors(print);
    // On bars plotly's own error bars are dark grey: not to be seen on a dark page.
    const bars = node.data.map(function (trace, place) { return trace.type === "bar" ? place : -1; })
      .filter(function (place) { return place >= 0; });
    const layout = Plotly.relayout(node, own);
    return bars.length ? layout.then(function () {
      return Plotly.restyle(node, { "error_y.color": own["font.color"] }, bars);
    }) : layout;
  }

  function draw(id) {
    const figure = figures[id];
    const layout = Object.assign({}, figure.layout, { font: { family: "system-ui, sans-serif", size: 12 } });
    const node = document.getElementById(id);
    return Plotly.newPlot(node, figure.data, layout, config).then(function () {
      return theme(node, false);
    }).then(function () { node.dataset.drawn = "yes"; });
  }

  function recolor(print) {
    document.querySelectorAll('.plot[data-drawn="yes"]').forEach(function (node) { theme(node, print); });
  }

  // The values of a chart as a table, made when it is first opened: marks of each series, with their intervals.
  function shown(value) {
    return value === null || value === undefined ? "" : typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
  }
  function values(figure) {
    const sideways = figure.data.some(function (trace) { return trace.error_x; });
    const table = document.createElement("table"), body = table.createTBody();
    const caption = table.createCaption();
    caption.className = "unseen";
    caption.textContent = "Values";
    const head = table.createTHead().insertRow();
    const x = figure.layout.xaxis.title.text || "", y = figure.layout.yaxis.title.text || "";
    ["Series", sideways ? y : x, sideways ? x : y, "Interval"].forEach(function (text) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = text || "Name";
      head.append(cell);
    });
    figure.data.filter(function (trace) { return trace.hoverinfo !== "skip"; }).forEach(function (trace) {
      trace.x.forEach(function (_, place) {
        const ends = trace.customdata && trace.customdata[place];
        const row = body.insertRow();
        const at = sideways ? [trace.y[place], trace.x[place]] : [trace.x[place], trace.y[place]];
        const interval = ends ? ends.replace(/^ \(|\)$/g, "") : "";
        [trace.name || "", shown(at[0]), shown(at[1]), interval].forEach(function (text) {
          row.insertCell().textContent = text;
        });
      });
    });
    return table;
  }
  document.querySelectorAll("details.values").forEach(function (details) {
    details.addEventListener("toggle", function () {
      if (!details.querySelector("table")) {
        const region = document.createElement("div");
        region.className = "scroll";
        region.append(values(figures[details.dataset.of]));
        details.append(region);
      }
    });
  });

  async function unpack() {
    const bytes = Uint8Array.from(atob(window.plotlyPacked), function (c) { return c.charCodeAt(0); });
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(plain).text();
    document.head.append(script);
    delete window.plotlyPacked;
  }

  // One after another, the first screen's first, with room between them for the reader's own clicks and keys.
  async function start() {
    if (!window.plotlyPacked) {
      document.querySelectorAll(".plot").forEach(function (node) {
        node.textContent = "This chart is drawn by a script that lies beside the pages of the campaign and isn't here; "
          + "its PNG is in charts/. Pages made with assay report --single-file stand alone.";
      });
      return;
    }
    await unpack();
    for (const id of Object.keys(figures)) {
      await draw(id);
      await new Promise(function (next) { setTimeout(next, 0); });
    }
    document.documentElement.dataset.charts = "drawn";
  }
  start();
  dark.addEventListener("change", function () { recolor(false); });
  window.addEventListener("beforeprint", function () { recolor(true); });
  window.addEventListener("afterprint", function () { recolor(false); });
})();
