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
  // On bars plotly's own error bars are dark grey: not to be seen on a dark page.
  function bars(data) {
    return data.map(function (trace, place) { return trace.type === "bar" ? place : -1; })
      .filter(function (place) { return place >= 0; });
  }
  // The same goes for the arrows at their ends; those of points have a colour of their own.
  function arrows(figure) {
    return figure.layout.annotations.map(function (note, at) { return note.showarrow && !note.arrowcolor ? at : -1; })
      .filter(function (at) { return at >= 0; });
  }
  function place(object, path, value) {
    const keys = path.split("."), last = keys.pop();
    keys.reduce(function (inner, key) { return inner[key] = inner[key] || {}; }, object)[last] = value;
  }

  // On a narrow page names leave marks no room unless they are broken, or stand upright below a taller picture.
  function narrow(node, layout) {
    if (node.clientWidth > 480) { return; }
    const sideways = layout.yaxis.type === "category", axis = sideways ? layout.yaxis : layout.xaxis;
    if (axis.type !== "category") { return; }
    const all = figures[node.id].data.flatMap(function (trace) { return sideways ? trace.y : trace.x; });
    const names = Array.from(new Set(all)), broken = names.map(function (name) { return name.replace(/(.{1,14}) /g, "$1<br>"); });
    const longest = 7 * Math.max(...names.map(function (name) { return name.length; }));
    const across = (node.clientWidth - 80) / names.length;
    if (sideways || across >= 90) { axis.tickvals = names; axis.ticktext = broken; }
    if (sideways) {
      node.style.height = 80 + 48 * names.length + "px";
    } else if (across >= 90) {
      axis.tickangle = 0;
    } else if (longest > across) {
      axis.tickangle = -90;
      node.style.height = node.clientHeight + longest + "px";
    }
  }

  // Nor do bars hold their labels there: what can't stand side by side is in the table of values.
  function crowded(node, figure) {
    const labelled = figure.data.filter(function (trace) { return trace.type === "bar" && trace.text; });
    const labels = labelled.flatMap(function (trace) { return trace.text; });
    const across = (node.clientWidth - 80) * (labelled.length > 1 ? 1 - figure.layout.bargap : 1);
    const longest = Math.max(...labels.map(function (label) { return label.length; }));
    if (!labels.length || across / labels.length > 6 * longest + 4) { return; }
    labelled.forEach(function (trace) { trace.textposition = "none"; });
    figure.layout.annotations.forEach(function (note) { if (note.yref !== "paper" && !note.showarrow) { note.visible = false; } });
  }

  function draw(node, print) {
    const figure = structuredClone(figures[node.id]), own = colors(print);
    figure.layout.font = { family: "system-ui, sans-serif", size: 12 };
    Object.keys(own).forEach(function (path) { place(figure.layout, path, own[path]); });
    bars(figure.data).forEach(function (bar) { place(figure.data[bar], "error_y.color", own["font.color"]); });
    arrows(figure).forEach(function (at) { figure.layout.annotations[at].arrowcolor = own["font.color"]; });
    narrow(node, figure.layout);
    crowded(node, figure);
    const drawn = Plotly.newPlot(node, figure.data, figure.layout, config);
    node.dataset.drawn = "yes";
    return drawn;
  }

  function recolor(print) {
    document.querySelectorAll('.plot[data-drawn="yes"]').forEach(function (node) {
      const own = colors(print), some = bars(node.data);
      arrows(figures[node.id]).forEach(function (at) { own["annotations[" + at + "].arrowcolor"] = own["font.color"]; });
      if (some.length) { Plotly.update(node, { "error_y.color": own["font.color"] }, own, some); }
      else { Plotly.relayout(node, own); }
    });
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

  // As a file of its own, not as text in the page: browsers read that beside what the page does.
  async function unpack() {
    const packed = atob(window.plotlyPacked), bytes = new Uint8Array(packed.length);
    for (let at = 0; at < packed.length; at += 1) { bytes[at] = packed.charCodeAt(at); }
    delete window.plotlyPacked;
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.src = URL.createObjectURL(await new Response(plain).blob());
    await new Promise(function (done) {
      script.addEventListener("load", done);
      document.head.append(script);
    });
    URL.revokeObjectURL(script.src);
  }

  // Charts are drawn as they come into view, one after another with room between them for the reader's own clicks and
  // keys; all are when the page is printed.
  const waiting = [];
  let unpacked = null, busy = false;
  function ready() { return unpacked = unpacked || unpack(); }
  async function work() {
    if (busy) { return; }
    busy = true;
    await ready();
    while (waiting.length) {
      const node = waiting.shift();
      if (!node.dataset.drawn) { await draw(node, false); }
      await new Promise(function (next) { setTimeout(next, 0); });
    }
    busy = false;
  }
  const plots = document.querySelectorAll(".plot");
  if (!window.plotlyPacked) {
    plots.forEach(function (node) {
      node.textContent = "This chart is drawn by a script that lies beside the pages of the campaign and isn't here; "
        + "its PNG is in charts/. Pages made with assay report --single-file stand alone.";
    });
    return;
  }
  const observer = new IntersectionObserver(function (entries) {
    entries.filter(function (entry) { return entry.isIntersecting; }).forEach(function (entry) {
      observer.unobserve(entry.target);
      waiting.push(entry.target);
    });
    if (waiting.length) { work(); }
  }, { rootMargin: "200px" });
  plots.forEach(function (node) { observer.observe(node); });
  (window.requestIdleCallback || setTimeout)(ready);
  dark.addEventListener("change", function () { recolor(false); });
  window.addEventListener("beforeprint", function () {
    if (window.Plotly) { plots.forEach(function (node) { if (!node.dataset.drawn) { draw(node, true); } }); }
    recolor(true);
  });
  window.addEventListener("afterprint", function () { recolor(false); });
})();
