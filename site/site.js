// What the pages do: theme, menu, copy buttons, formulas, search. No library but KaTeX; works from the disk.
"use strict";

const root = document.documentElement;

// --- Theme and menu --------------------------------------------------------------------------------------------------

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => root.classList.contains("dark-mode") || (systemDark.matches && !root.classList.contains("light-mode"));

document.querySelector(".theme").addEventListener("click", () => {
  const chosen = isDark() ? "light" : "dark";
  root.classList.remove("dark-mode", "light-mode");
  root.classList.add(chosen + "-mode");
  try { localStorage.setItem("floe-theme", chosen); } catch (blocked) { /* it lasts for this page */ }
});

const menu = document.querySelector(".menu");
menu.addEventListener("click", () => {
  menu.setAttribute("aria-expanded", String(root.classList.toggle("menu-open")));
});
document.querySelector("#main").addEventListener("click", () => {
  root.classList.remove("menu-open");
  menu.setAttribute("aria-expanded", "false");
});
const current = document.querySelector("#contents [aria-current]");
if (current && current.offsetTop > innerHeight - 120) current.scrollIntoView({block: "center"});

// --- Copy buttons ----------------------------------------------------------------------------------------------------

for (const block of document.querySelectorAll(".block")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const lines = block.querySelectorAll("div.line");
    const text = lines.length ? [...lines].map(line => {
      const copy = line.cloneNode(true);
      copy.querySelectorAll(".lineno").forEach(number => number.remove());
      return copy.textContent;
    }).join("\n") : block.querySelector("pre").textContent.replace(/\n$/, "");
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch (refused) {
      button.textContent = "Could not copy";
    }
    button.classList.add("done");
    setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 1200);
  });
  block.append(button);
}

// --- Formulas --------------------------------------------------------------------------------------------------------

if (window.renderMathInElement) {
  renderMathInElement(document.querySelector("#main"), {
    delimiters: [{left: "\\[", right: "\\]", display: true}, {left: "\\(", right: "\\)", display: false}],
    ignoredClasses: ["fragment"],
  });
}

// --- Search ----------------------------------------------------------------------------------------------------------

// search-index.js holds a row for each section of each page: address, page, heading, text.
const input = document.querySelector("#search"), found = document.querySelector("#found");
const rows = (window.floeSearch || []).map(([address, page, heading, text]) =>
  ({address, page, heading, text, all: `${page}\n${heading}\n${text}`.toLowerCase()}));
let at = -1;

function score(row, words) {
  let sum = 0;
  const heading = row.heading.toLowerCase(), page = row.page.toLowerCase();
  for (const word of words) {
    const place = row.all.indexOf(word);
    if (place < 0) return 0;
    sum += 1;
    if (!/[a-z0-9_]/.test(row.all[place - 1] || " ")) sum += 2;
    if (heading.includes(word)) sum += 6;
    if (heading.split(/[^a-z0-9_]+/).includes(word)) sum += 8;
    if (page.includes(word)) sum += 4;
    sum += Math.min(3, row.all.split(word).length - 2);
  }
  return sum + (row.address.startsWith("group__") || row.address.startsWith("class") || row.address.startsWith("struct") ? 0 : 3);
}

function marked(text, words) {
  const piece = document.createElement("small");
  const low = text.toLowerCase();
  const first = Math.max(0, Math.min(...words.map(word => low.indexOf(word)).filter(place => place >= 0).concat([low.length])) - 50);
  let rest = (first > 0 && first < low.length ? "… " : "") + text.slice(first < low.length ? first : 0).slice(0, 190);
  const pattern = new RegExp("(" + words.map(word => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")", "gi");
  for (const part of rest.split(pattern)) {
    if (words.includes(part.toLowerCase())) {
      const mark = document.createElement("mark");
      mark.textContent = part;
      piece.append(mark);
    } else {
      piece.append(part);
    }
  }
  return piece;
}

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren();
  at = -1;
  found.hidden = words.length === 0;
  if (found.hidden) return;
  const hits = rows.map(row => [score(row, words), row]).filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]).slice(0, 15);
  for (const [, row] of hits) {
    const link = document.createElement("a"), title = document.createElement("b");
    link.href = row.address;
    title.textContent = row.heading && row.heading !== row.page ? `${row.page}: ${row.heading}` : row.page;
    link.append(title, marked(row.text, words));
    found.append(link);
  }
  if (!hits.length) {
    const none = document.createElement("p");
    none.textContent = "Nothing contains all of these words.";
    found.append(none);
  }
}

input.addEventListener("input", search);
input.addEventListener("focus", search);
input.addEventListener("keydown", event => {
  const links = [...found.querySelectorAll("a")];
  if (event.key === "Escape") { input.value = ""; search(); input.blur(); }
  if (event.key === "Enter" && links.length) links[Math.max(at, 0)].click();
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp" || !links.length) return;
  event.preventDefault();
  at = (at + (event.key === "ArrowDown" ? 1 : -1) + links.length) % links.length;
  links.forEach((link, i) => link.classList.toggle("at", i === at));
  links[at].scrollIntoView({block: "nearest"});
});
document.addEventListener("click", event => { if (!event.target.closest(".search")) found.hidden = true; });
document.addEventListener("keydown", event => {
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) { event.preventDefault(); input.focus(); }
});
