// Filters and sorts the tables, and opens what is folded around the target of a link. The pages hold everything without it.
"use strict";

function text(cell) {
  return cell.textContent.trim();
}

// What a choice of a filter goes by, where that is not what is written in the cell.
function choice(cell) {
  return cell.dataset.choice ?? text(cell);
}

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => {
        const cell = row.cells[column];
        const number = Number.parseFloat(cell.dataset.value ?? (cell.classList.contains("number") ? text(cell) : ""));
        return Number.isNaN(number) ? text(cell).toLowerCase() : number;
      };
      const compare = (a, b) => {
        // Numbers before words, whichever way: a dash is no number.
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
        const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
        return down ? -order : order;
      };
      const rows = [...body.rows].map((row) => [value(row), row]);
      rows.sort((a, b) => compare(a[0], b[0]));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

function filterable(table) {
  const rows = [...table.tBodies[0].rows];
  const form = document.createElement("form");
  form.className = "filter";
  form.addEventListener("submit", (event) => event.preventDefault());
  const asked = new URLSearchParams(location.search);
  const choices = [];
  const field = (name, control) => {
    const label = document.createElement("label");
    label.append(name, control);
    form.append(label);
    control.addEventListener("input", show);
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!("choice" in head.dataset)) return;
    const select = document.createElement("select");
    const values = [...new Set(rows.map((row) => choice(row.cells[column])))];
    values.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
    const name = text(head).toLowerCase();
    select.name = name;
    if (values.includes(asked.get(name))) select.value = asked.get(name);
    choices.push([select, column]);
    field(name, select);
  });
  const words = document.createElement("input");
  words.type = "search";
  words.name = "text";
  words.value = asked.get("text") ?? "";
  field("text", words);
  const count = document.createElement("output");
  form.append(count);

  function show() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const all = row.textContent.toLowerCase();
      const fits =
        choices.every(([select, column]) => !select.value || choice(row.cells[column]) === select.value) &&
        wanted.every((word) => all.includes(word));
      row.hidden = !fits;
      shown += fits;
      const section = document.getElementById(row.dataset.anchor);
      if (section?.hasAttribute("data-claim")) section.dataset.fits = fits;
      else if (section) section.closest("[data-claim]").dataset.control ||= fits ? "fits" : "";
    }
    for (const section of document.querySelectorAll("[data-claim]")) {
      section.hidden = section.dataset.fits === "false" && !section.dataset.control;
      delete section.dataset.control;
    }
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = !group.querySelector("[data-claim]:not([hidden])");
    }
    count.textContent = `${shown} of ${rows.length}`;
  }

  table.closest(".scroll").before(form);
  show();
}

function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let outer = target; outer; outer = outer.parentElement) {
    if (outer.tagName === "DETAILS") outer.open = true;
    outer.hidden = false;
  }
  target.scrollIntoView();
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("table[data-filter]").forEach(filterable);
window.addEventListener("hashchange", unfold);
unfold();

// Paper shows what is folded, and nobody keeps two menus open.
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("main details").forEach((folded) => (folded.open = true));
  document.querySelectorAll("img[loading]").forEach((picture) => (picture.loading = "eager"));
});
const menus = document.querySelectorAll("nav.top details");
document.addEventListener("click", (event) => {
  menus.forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
