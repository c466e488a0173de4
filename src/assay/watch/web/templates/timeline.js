"use strict";
// All charts on one axis of time, so that what happened to the load stands above what the hardware did.
(function () {
  const place = document.getElementById("timeline");
  if (!place) { return; }
  const HEIGHT = 130, GAP = 34, FOOT = 40;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let last = null, due = false;

  function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  function known(panel, series) {
    return panel.lines.some(function (line) {
      const own = series[line.series];
      return own && own.columns[line.column].some(function (value) { return value !== null; });
    });
  }

  // A value between gaps has no line to be seen by: it is drawn as a point.
  function points(values) {
    function none(place) { return values[place] === undefined || values[place] === null; }
    const sizes = values.map(function (value, place) { return value !== null && none(place - 1) && none(place + 1) ? 5 : 0; });
    return sizes.some(Boolean) ? { mode: "lines+markers", marker: { size: sizes } } : { mode: "lines" };
  }

  // The lower edge unseen, the upper one filled down to it.
  function band(line, own, axis) {
    return line.band.map(function (column, upper) {
      return {
        type: "scatter", mode: "lines", x: own.t_ms, y: own.columns[column], xaxis: "x", yaxis: axis, hoverinfo: "skip",
        showlegend: false, line: { width: 0, color: line.color }, fill: upper ? "tonexty" : "none", fillcolor: line.color + "40",
      };
    });
  }

  function figure(panels, series, spans) {
    const total = panels.length * (HEIGHT + GAP) + FOOT, inner = total - FOOT;
    const fg = color("--fg"), grid = color("--grid");
    const layout = {
      height: total, margin: { l: 54, r: 10, t: 0, b: FOOT }, font: { family: "system-ui, sans-serif", size: 12, color: fg },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified", hoversubplots: "axis",
      hoverlabel: { bgcolor: color("--bg"), font: { color: fg } }, showlegend: true, uirevision: "kept",
      xaxis: { type: "date", gridcolor: grid, linecolor: grid, title: { text: "UTC" }, anchor: "y" + (panels.length > 1 ? panels.length : "") },
      legend: { orientation: "h", x: 0, y: -(FOOT + 8) / inner, yanchor: "top" }, annotations: [], shapes: [],
    };
    const data = [], named = new Set();
    panels.forEach(function (panel, row) {
      const axis = row ? String(row + 1) : "", top = 1 - (row * (HEIGHT + GAP) + GAP) / inner;
      layout["yaxis" + axis] = {
        domain: [Math.max(0, top - HEIGHT / inner), top], rangemode: "tozero", gridcolor: grid, zerolinecolor: grid,
        automargin: false, nticks: 5,
      };
      layout.annotations.push({
        text: "<b>" + panel.title + "</b> (" + panel.unit + ")", x: 0, xref: "paper", xanchor: "left", y: top, yref: "paper", yanchor: "bottom",
        showarrow: false,
      });
      let highest = 0;
      panel.lines.forEach(function (line) {
        const own = series[line.series], values = own.columns[line.column];
        values.forEach(function (value) { if (value > highest) { highest = value; } });
        if (line.band) { data.push.apply(data, band(line, own, "y" + axis)); }
        data.push({
          type: "scatter", name: line.name, x: own.t_ms, y: values, ...points(values),
          xaxis: "x", yaxis: "y" + axis, hovertemplate: "%{y:.4~g}",
          showlegend: line.series !== "load" && !named.has(line.name), legendgroup: line.name,
          line: { color: line.color, width: 2, dash: line.dashed ? "dash" : "solid" },
        });
        if (line.series !== "load") { named.add(line.name); }
      });
      // A limit far above everything would flatten what there is to see.
      if (panel.limit !== null && highest > panel.limit / 4) {
        layout.shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y" + axis, y0: panel.limit, y1: panel.limit,
          line: { color: color("--bad"), width: 1.5, dash: "dot" }, label: { text: panel.limit_name, font: { size: 11, color: color("--bad") } } });
      }
    });
    // When an endpoint was out of service; one that still is, up to the newest value.
    const newest = Math.max.apply(null, Object.values(series).map(function (own) { return own.t_ms[own.t_ms.length - 1] || 0; }));
    spans.forEach(function (span) {
      layout.shapes.push({ type: "rect", x0: span.begin_ms, x1: span.end_ms || Math.max(newest, span.begin_ms), yref: "paper", y0: 0, y1: 1,
        fillcolor: color("--bad"), opacity: 0.12, line: { width: 0 }, layer: "below" });
    });
    return { data: data, layout: layout };
  }

  function draw() {
    due = false;
    if (!last || document.hidden) { return; }
    const panels = last.panels.filter(function (panel) { return known(panel, last.series); });
    place.parentNode.hidden = panels.length === 0;
    if (panels.length) {
      const made = figure(panels, last.series, last.spans);
      window.Plotly.react(place, made.data, made.layout, { displayModeBar: false, responsive: true }).then(function () {
        document.documentElement.dataset.charts = "drawn";
      });
    }
  }
  function later() { if (!due) { due = true; requestAnimationFrame(draw); } }

  window.drawTimeline = function (panels, series, spans) { last = { panels: panels, series: series, spans: spans }; later(); };
  dark.addEventListener("change", later);
  document.addEventListener("visibilitychange", later);

  async function unpack() {
    const bytes = Uint8Array.from(atob(window.plotlyPacked), function (c) { return c.charCodeAt(0); });
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(plain).text();
    document.head.append(script);
    delete window.plotlyPacked;
  }
  if (window.takeSaved) { unpack().then(window.takeSaved); }
})();
