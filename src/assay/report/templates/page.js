"use strict";
(function () {
  // Times in the reader's own clock, with UTC beside.
  document.querySelectorAll("time[datetime]").forEach(function (node) {
    const at = new Date(node.dateTime);
    if (at.getTimezoneOffset() === 0) { return; }
    const here = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(at);
    node.textContent = here + " here (" + node.textContent + ")";
  });

  // A term's meaning, beside it, while it is pointed at or has the focus; Escape puts it away.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  function show(term) {
    tip.textContent = document.getElementById(term.getAttribute("aria-describedby")).textContent;
    tip.hidden = false;
    const place = term.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(place.left, document.documentElement.clientWidth - own.width - 8));
    const below = place.bottom + 6 + own.height < window.innerHeight;
    tip.style.left = left + "px";
    tip.style.top = (below ? place.bottom + 6 : place.top - own.height - 6) + "px";
  }
  function hide() { tip.hidden = true; }
  document.querySelectorAll("a.term").forEach(function (term) {
    term.addEventListener("mouseenter", function () { show(term); });
    term.addEventListener("focus", function () { show(term); });
    term.addEventListener("mouseleave", hide);
    term.addEventListener("blur", hide);
  });
  document.addEventListener("keydown", function (event) { if (event.key === "Escape") { hide(); } });
  window.addEventListener("scroll", hide, { passive: true });

  // Tables of more than two rows are sorted by any column: by its numbers where it has them, else by its words.
  function key(row, column) {
    const text = row.cells[column].textContent.trim();
    const number = text.match(/^-?[\d,]*\.?\d+/);
    return number ? Number(number[0].replaceAll(",", "")) : text;
  }
  function order(one, two) {
    if (typeof one === typeof two) { return typeof one === "number" ? one - two : one.localeCompare(two); }
    return typeof one === "number" ? -1 : 1;
  }
  function sort(head, column) {
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    head.parentNode.querySelectorAll("th").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = Array.from(body.rows).sort(function (one, two) { return order(key(one, column), key(two, column)); });
    body.append.apply(body, up ? rows : rows.reverse());
  }
  document.querySelectorAll("table").forEach(function (table) {
    if (table.tBodies[0].rows.length < 3) { return; }
    Array.from(table.tHead.rows[0].cells).forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.setAttribute("aria-label", "Sort by " + head.textContent);
      button.addEventListener("click", function () { sort(head, column); });
      head.append(button);
    });
  });

  // The keyboard stops at a table only where there is something to scroll to.
  function stops() {
    document.querySelectorAll(".scroll").forEach(function (region) {
      if (region.scrollWidth > region.clientWidth) { region.tabIndex = 0; } else { region.removeAttribute("tabindex"); }
    });
  }
  stops();
  window.addEventListener("resize", stops);
  document.addEventListener("toggle", stops, true);
})();
