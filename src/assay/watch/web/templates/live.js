"use strict";
// Shows what the server tells, each part in its place; every text is set as text, so none can become markup.
(function () {
  const QUIET_MS = 15000, AGAIN_MS = 2000;
  const state = document.getElementById("state"), saved = document.getElementById("saved");
  const series = {};
  let told = { age: null, at: 0 }, charts = null, spans = [];

  function setText(node, text) { if (node.textContent !== text) { node.textContent = text; } }

  function cell(node, value) {
    if (typeof value === "string") { setText(node, value); return; }
    if ("href" in value && saved) { setText(node, value.text); return; }  // it leads nowhere from here
    if ("href" in value) {
      let link = node.querySelector("a");
      if (!link) { link = document.createElement("a"); node.replaceChildren(link); }
      setText(link, value.text);
      if (link.getAttribute("href") !== value.href) { link.setAttribute("href", value.href); }
      return;
    }
    let bar = node.querySelector(".bar");
    if (!bar) {
      const bars = document.createElement("span"), text = document.createElement("span");
      bars.className = "bars";
      bar = document.createElement("span");
      bar.className = "bar";
      bars.append(bar);
      node.replaceChildren(bars, text);
    }
    bar.style.width = Math.round(100 * value.share) + "%";
    setText(node.lastChild, value.text);
  }

  // Rows are kept by their keys, so that a link keeps the focus while the figures beside it change.
  function showRows(table, rows) {
    const body = table.tBodies[0], heads = table.tHead.rows[0].cells;
    const known = new Map(Array.from(body.rows, function (row) { return [row.dataset.key, row]; }));
    rows.forEach(function (row, place) {
      let node = known.get(row.key);
      known.delete(row.key);
      if (!node) {
        node = document.createElement("tr");
        node.dataset.key = row.key;
        row.cells.forEach(function (_, column) {
          const head = heads[column], own = document.createElement(column ? "td" : "th");
          if (column) { own.dataset.label = head.textContent; } else { own.scope = "row"; }
          own.className = head.className;
          node.append(own);
        });
      }
      node.className = row.mark;
      row.cells.forEach(function (value, column) { cell(node.cells[column], value); });
      if (body.rows[place] !== node) { body.insertBefore(node, body.rows[place] || null); }
    });
    known.forEach(function (node) { node.remove(); });
    table.parentNode.hidden = rows.length === 0;
    stops();
  }

  function showLines(list, lines) {
    list.replaceChildren.apply(list, lines.map(function (line) {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
    list.hidden = lines.length === 0;
  }

  function showProgress(node, progress) {
    node.hidden = !progress;
    if (!progress) { return; }
    const bar = node.querySelector("progress");
    bar.max = progress.of;
    bar.value = progress.done;
    setText(node.querySelector(".text"), progress.text);
  }

  const PLACES = {
    show: function (node, text) { setText(node, text || ""); node.hidden = !text; },
    rows: function (node, rows) { showRows(node, rows || []); },
    lines: function (node, lines) { showLines(node, lines || []); },
    progress: showProgress,
    link: function (node, link) {
      node.hidden = !link || saved !== null;
      if (link) { setText(node, link.text); node.setAttribute("href", link.href); }
    },
  };

  // What is wider than the screen can be scrolled to by the keyboard.
  function stops() {
    document.querySelectorAll(".scroll").forEach(function (region) {
      if (region.scrollWidth > region.clientWidth) { region.tabIndex = 0; } else { region.removeAttribute("tabindex"); }
    });
  }
  window.addEventListener("resize", stops);

  function take(message) {
    Object.keys(PLACES).forEach(function (kind) {
      document.querySelectorAll("[data-" + kind + "]").forEach(function (node) {
        const name = node.dataset[kind];
        if (message.whole || name in message.parts) { PLACES[kind](node, message.parts[name]); }
      });
    });
    if (message.whole) { Object.keys(series).forEach(function (name) { delete series[name]; }); }
    Object.keys(message.series).forEach(function (name) {
      const more = message.series[name], known = series[name] = series[name] || { t_ms: [], columns: {} };
      known.t_ms = known.t_ms.concat(more.t_ms);
      Object.keys(more.columns).forEach(function (column) {
        known.columns[column] = (known.columns[column] || []).concat(more.columns[column]);
      });
    });
    if (message.whole || "charts" in message.parts) { charts = message.parts.charts || []; }
    if (message.whole || "spans" in message.parts) { spans = message.parts.spans || []; }
    if (window.drawTimeline && charts) { window.drawTimeline(charts, series, spans); }
    told = { age: message.age_s, at: Date.now() };
  }

  if (saved) { window.takeSaved = function () { take(JSON.parse(saved.textContent)); }; return; }

  // How old the newest line is: as the server told it by its own clock, and the time since then by this one.
  function showAge() {
    const age = told.age === null ? "" : "last told " + Math.round(told.age + (Date.now() - told.at) / 1000) + " s ago";
    setText(document.getElementById("age"), age);
  }
  setInterval(showAge, 1000);

  function say(words, kind) { setText(state, words); state.className = kind; }

  let source = null, since = null;
  function connect() {
    if (source) { source.close(); }
    if (document.hidden) { return; }
    source = new EventSource("events");
    told.at = Date.now();
    source.onmessage = function (event) {
      since = null;
      take(JSON.parse(event.data));
      say("Live", "live");
    };
    source.onerror = function () {
      lost();
      if (source.readyState === EventSource.CLOSED) { setTimeout(connect, AGAIN_MS); }
    };
  }
  function lost() {
    since = since || new Date();
    say("Not live since " + since.toISOString().slice(11, 19) + " UTC; trying again", "lost");
  }
  // A connection may be gone without a word, as after a laptop slept.
  setInterval(function () {
    if (!document.hidden && Date.now() - told.at > QUIET_MS) { lost(); connect(); }
  }, AGAIN_MS);
  // A browser has six connections to a server for all of its tabs: one that isn't seen leaves its own to others.
  document.addEventListener("visibilitychange", connect);
  connect();
})();
