// Comfort only: without it everything can be read. It makes its own controls.
(() => {
  "use strict";
  const days = Math.floor((Date.now() - Date.parse(document.body.dataset.asOf)) / 864e5);
  if (Date.now() > Date.parse(document.body.dataset.until)) {
    const note = document.getElementById("age");
    note.textContent = "No longer valid: a newer report was due." + (days >= 2 ? " This one is " + days + " days old." : "");
    note.hidden = false;
  }
  const value = (cell) => {
    const time = cell.querySelector("time");
    const text = (time ? time.dateTime : cell.textContent).trim().toLowerCase();
    const number = time ? NaN : parseFloat(text.replace(/,/g, ""));
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  const addFilter = (table, rows) => {
    const tools = document.createElement("div");
    tools.className = "tools";
    const filter = document.createElement("input");
    filter.type = "search";
    filter.placeholder = "Filter " + rows.length + " rows";
    filter.setAttribute("aria-label", "Filter rows");
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    tools.append(filter);
    table.before(tools);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 8) continue;
    if (rows.length > 30) addFilter(table, rows);
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        rows.sort((a, b) => compare(value(a.cells[place]), value(b.cells[place])) * (up ? 1 : -1));
        body.append(...rows);
      });
    });
  }
})();
