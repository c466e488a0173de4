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

  const ids = Object.keys(figures);
  Promise.all(ids.map(draw)).then(function () { document.documentElement.dataset.charts = "drawn"; });
  dark.addEventListener("change", function () { recolor(false); });
  window.addEventListener("beforeprint", function () { recolor(true); });
  window.addEventListener("afterprint", function () { recolor(false); });
})();
