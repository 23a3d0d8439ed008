"""The page's only script: which of the recorded steps is shown, and which cell of the confusion matrix stands open.

It changes nothing but `hidden`, `open`, a few attributes and two texts; without it the page can be read all the same.
"""

SCRIPT = """
(function () {
  "use strict";
  var at = function (id) { return document.getElementById(id); };
  var all = function (query) { return Array.prototype.slice.call(document.querySelectorAll(query)); };

  var moments = all(".moment"), slider = at("scrub"), cursor = at("cursor"), now = at("now");
  function show(k, silent) {
    k = Math.max(0, Math.min(moments.length - 1, k));
    moments.forEach(function (one, i) { one.hidden = i !== k; one.open = i === k; });
    var said = moments[k].dataset.says, x = moments[k].dataset.x;
    slider.value = k;
    slider.setAttribute("aria-valuetext", said);
    if (!silent) { now.textContent = said; }
    if (cursor) { cursor.setAttribute("x1", x); cursor.setAttribute("x2", x); }
    at("back").setAttribute("aria-disabled", k === 0);
    at("on").setAttribute("aria-disabled", k === moments.length - 1);
  }
  function here() { return Number(slider.value); }
  if (slider && moments.length) {
    at("controls").hidden = false;
    at("controls").parentNode.classList.add("live");
    moments.forEach(function (one) {
      one.querySelector("summary").tabIndex = -1;
      one.addEventListener("toggle", function () { if (!one.hidden && !one.open) { one.open = true; } });
    });
    slider.addEventListener("input", function () { show(here()); });
    at("back").addEventListener("click", function () { show(here() - 1); });
    at("on").addEventListener("click", function () { show(here() + 1); });
    ["back", "on"].forEach(function (id) {
      at(id).addEventListener("keydown", function (event) {
        var by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by) { event.preventDefault(); show(here() + by); }
      });
    });
    show(moments.length - 1, true);
  }
  function goTo() {
    var wanted = location.hash ? at(location.hash.slice(1)) : null;
    var k = moments.indexOf(wanted);
    if (k >= 0) { show(k); slider.focus(); at("controls").scrollIntoView({ block: "start" }); }
    if (cells.indexOf(wanted) >= 0) { open(wanted); }
  }

  var cells = all(".cell"), links = all(".matrix a"), last = null;
  function open(cell, silent) {
    cells.forEach(function (one) { one.hidden = one !== cell; one.open = one === cell; });
    links.forEach(function (link) {
      if (link.hash === "#" + cell.id) { link.setAttribute("aria-current", "true"); last = link; }
      else { link.removeAttribute("aria-current"); }
    });
    if (!silent) { cell.querySelector("summary").focus(); }
  }
  function close(cell) {
    cell.open = false; cell.hidden = true;
    if (last) { last.removeAttribute("aria-current"); last.focus(); }
  }
  if (links.length) {
    at("cells").classList.add("lone");
    cells.forEach(function (cell) {
      cell.hidden = true;
      cell.addEventListener("toggle", function () { if (!cell.open && !cell.hidden) { close(cell); } });
      cell.addEventListener("keydown", function (event) { if (event.key === "Escape") { close(cell); } });
    });
    links.forEach(function (link) {
      link.addEventListener("click", function (event) {
        event.preventDefault();
        open(at(link.hash.slice(1)));
      });
    });
  }
  if (links.length && cells.length) { open(cells[0], true); }
  window.addEventListener("beforeprint", function () {
    all("details.twin").forEach(function (one) { one.open = true; });
  });
  window.addEventListener("hashchange", goTo);
  goTo();
})();
"""
