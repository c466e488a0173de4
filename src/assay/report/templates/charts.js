"use strict";
(function () {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };

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
    ["Series", sideways ? y : x, sideways ? x : y, "95 %"].forEach(function (text) {
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
        const interval = ends ? (shown(ends[0]) || "?") + " to " + (shown(ends[1]) || "?") : "";
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

  const ids = Object.keys(figures);
  Promise.all(ids.map(draw)).then(function () { document.documentElement.dataset.charts = "drawn"; });
  dark.addEventListener("change", function () { recolor(false); });
  window.addEventListener("beforeprint", function () { recolor(true); });
  window.addEventListener("afterprint", function () { recolor(false); });
})();
