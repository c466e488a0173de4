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

  function draw(id) {
    const figure = figures[id];
    const layout = Object.assign({}, figure.layout, { font: { family: "system-ui, sans-serif", size: 12 } });
    const node = document.getElementById(id);
    return Plotly.newPlot(node, figure.data, layout, config).then(function () {
      return Plotly.relayout(node, colors(false));
    }).then(function () { node.dataset.drawn = "yes"; });
  }

  function recolor(print) {
    document.querySelectorAll('.plot[data-drawn="yes"]').forEach(function (node) { Plotly.relayout(node, colors(print)); });
  }

  const ids = Object.keys(figures);
  Promise.all(ids.map(draw)).then(function () { document.documentElement.dataset.charts = "drawn"; });
  dark.addEventListener("change", function () { recolor(false); });
  window.addEventListener("beforeprint", function () { recolor(true); });
  window.addEventListener("afterprint", function () { recolor(false); });
})();
