(() => {
  "use strict";
  const root = document.documentElement, page = document.querySelector("main");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  /* Light or dark, at a press; nothing is remembered. */
  const toggle = document.getElementById("scheme");
  const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(rule => rule.media && /prefers-color-scheme: ?dark/.test(rule.media.mediaText));
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { toggle.textContent = dark ? "Light" : "Dark"; toggle.setAttribute("aria-label", `Use ${dark ? "light" : "dark"} colours`); };
  if (toggle) {
    toggle.hidden = false;
    name();
    toggle.addEventListener("click", () => {
      dark = !dark;
      rules.forEach(rule => { rule.media.mediaText = dark ? "screen" : "not all"; });
      name();
    });
  }

  /* Where the reader is. */
  const links = all("nav a[href^='#']");
  const places = links.map(link => document.getElementById(link.hash.slice(1)));
  const nav = document.querySelector("nav");
  let here = null, asked = false;
  const look = () => {
    asked = false;
    const isAtEnd = scrollY > 0 && scrollY + innerHeight >= root.scrollHeight - 2;
    const isIn = (place, part) => { const { top } = place.getBoundingClientRect(); return top > -2 && top < innerHeight * part; };
    const wanted = links.findIndex(link => link.hash === location.hash);
    let at = places.findLastIndex(place => place && place.getBoundingClientRect().top < innerHeight * .3);
    if (isAtEnd) at = places.length - 1;
    if (places[wanted] && isIn(places[wanted], isAtEnd ? 1 : .3)) at = wanted;  /* what was asked for comes first */
    const link = links[Math.max(at, 0)];
    if (!link || link === here) return;
    if (here) here.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    here = link;
    const top = link.offsetTop - nav.offsetTop;
    if (top < nav.scrollTop || top > nav.scrollTop + nav.clientHeight - 40) nav.scrollTop = top - nav.clientHeight / 2;
  };
  const ask = () => { if (!asked) { asked = true; requestAnimationFrame(look); } };
  addEventListener("scroll", ask, { passive: true });
  addEventListener("resize", ask);
  addEventListener("hashchange", ask);
  look();

  /* A table that fits is no stop of the tab key. */
  const fit = () => all(".scroll, .picture").forEach(box => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
  });
  addEventListener("resize", fit);
  fit();

  /* Search: hits are marked and counted; "/" begins, Enter goes on, Escape ends. */
  const form = document.getElementById("search");
  if (!form || !page) return;
  const field = form.querySelector("input"), count = form.querySelector("output");
  let hits = [], at = -1, waiting = 0;
  form.hidden = false;
  const folded = text => {
    const low = text.toLowerCase();
    return (low.length === text.length ? low : text).replace(/\u2212/g, "-").replace(/[\u00a0\u202f\s]/g, " ");
  };
  const clear = () => {
    all("mark", page).forEach(mark => { const parent = mark.parentNode; mark.replaceWith(mark.firstChild); parent.normalize(); });
    hits = []; at = -1; count.textContent = "";
  };
  const texts = () => {
    const walker = document.createTreeWalker(page, NodeFilter.SHOW_TEXT, node =>
      node.parentElement.closest("svg, script, style") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    const found = [];
    while (walker.nextNode()) found.push(walker.currentNode);
    return found;
  };
  const markAll = (node, wanted) => {
    for (let from = folded(node.data).lastIndexOf(wanted); from >= 0; from = folded(node.data).lastIndexOf(wanted)) {
      const hit = node.splitText(from), mark = document.createElement("mark");
      hit.splitText(wanted.length);
      hit.replaceWith(mark);
      mark.append(hit);
    }
  };
  const show = step => {
    if (!hits.length) return;
    if (at >= 0) hits[at].classList.remove("now");
    at = (at + step + hits.length) % hits.length;
    const hit = hits[at];
    hit.classList.add("now");
    for (let box = hit.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    hit.scrollIntoView({ block: "center", inline: "nearest" });
    count.textContent = `${at + 1} of ${hits.length}`;
  };
  const find = () => {
    clearTimeout(waiting); waiting = 0;
    clear();
    const wanted = folded(field.value.trim());
    if (wanted.length < 2) { count.textContent = wanted ? "One more letter" : ""; return; }
    texts().forEach(node => markAll(node, wanted));
    hits = all("mark", page);
    if (hits.length) show(1); else count.textContent = "Not found";
  };
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, 150); });
  form.addEventListener("submit", event => { event.preventDefault(); if (waiting || !hits.length) find(); else show(1); });
  field.addEventListener("keydown", event => {
    if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); show(-1); }
  });
  addEventListener("keydown", event => {
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault(); field.focus(); field.select();
    } else if (event.key === "Escape" && (hits.length || field.value)) {
      clearTimeout(waiting); waiting = 0; field.value = ""; clear(); field.blur();
    }
  });
})();
