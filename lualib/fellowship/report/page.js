"use strict";
/* Reading the rows of a report. Texts of models and data become text nodes, never markup; a row's short keys are those of
   pack.lua. Rows and the list of them are in the page, or in files that are loaded when they are wanted. */
(() => {
  const byId = id => document.getElementById(id);
  const facts = JSON.parse(byId("facts").textContent);
  const FLAGS = { unparsed: 1, disagreement: 2, flip: 4, wrong: 8, turned: 16, cut: 32, unpaired: 64 };
  const WINNERS = { a: 1, b: 2, tie: 4, unparsed: 8 };
  const PAGE = 50, KEPT = 8, MOST_SHOWN = 20000, MOST_WORDS = 3000;
  const parts = [], kept = new Map(), waiting = new Map();
  let shown = new Uint32Array(0), page = 0, order = { by: "row", down: false }, current = -1, marked = true;

  // ---- elements ----
  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "on") for (const [event, fn] of Object.entries(value)) element.addEventListener(event, fn);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter(child => child !== null && child !== undefined));
    return element;
  }
  // What no eye sees, or what turns the direction of a text, is shown by its code.
  const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
  function texts(s) {
    const list = []; let from = 0;
    for (const found of s.matchAll(HIDDEN)) {
      const code = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      list.push(s.slice(from, found.index), make("span", { class: "hidden-character", title: "the character U+" + code }, "⟨" + code + "⟩"));
      from = found.index + found[0].length;
    }
    list.push(s.slice(from));
    return list;
  }
  const cut = (s, fill) => {
    const box = make("div");
    fill(box, s.length > MOST_SHOWN ? s.slice(0, MOST_SHOWN) : s);
    if (s.length > MOST_SHOWN) {
      const button = make("button", { type: "button", on: { click: () => { box.textContent = ""; fill(box, s); } } }, "Show all " + s.length.toLocaleString("en") + " characters");
      box.append(button);
    }
    return box;
  };
  const plain = value => typeof value === "string" ? value : Array.isArray(value) ? value.map(m => m[1]).join("\n") : "";

  // ---- a little Markdown: headings, lists, quotes, code, emphasis. Links stay text: nothing leaves this page. ----
  function inline(s) {
    const list = []; let from = 0;
    for (const m of s.matchAll(/`([^`\n]{1,2000})`|\*\*([^*\n]{1,2000})\*\*|\*([^*\s][^*\n]{0,2000})\*/g)) {
      list.push(...texts(s.slice(from, m.index)));
      list.push(make(m[1] !== undefined ? "code" : m[2] !== undefined ? "strong" : "em", {}, ...texts(m[1] ?? m[2] ?? m[3])));
      from = m.index + m[0].length;
    }
    list.push(...texts(s.slice(from)));
    return list;
  }
  function markdown(box, s) {
    let code = null, list = null, paragraph = [];
    const flush = () => { if (paragraph.length) box.append(make("p", { dir: "auto" }, ...inline(paragraph.join("\n")))); paragraph = []; };
    for (const line of s.split("\n")) {
      if (/^\s*```/.test(line)) { flush(); list = null; if (code) { box.append(make("pre", {}, ...texts(code.join("\n")))); code = null; } else code = []; continue; }
      if (code) { code.push(line); continue; }
      const heading = /^#{1,6} +(.*)/.exec(line), item = /^\s*(?:[-*+]|\d{1,4}[.)]) +(.*)/.exec(line), quote = /^> ?(.*)/.exec(line);
      if (!item) list = null;
      if (heading || item || quote || !line.trim()) flush();
      if (heading) box.append(make("p", { dir: "auto" }, make("strong", {}, ...inline(heading[1]))));
      else if (item) { if (!list) box.append(list = make(/^\s*\d/.test(line) ? "ol" : "ul")); list.append(make("li", { dir: "auto" }, ...inline(item[1]))); }
      else if (quote) box.append(make("blockquote", { dir: "auto" }, ...inline(quote[1])));
      else if (line.trim()) paragraph.push(line);
    }
    flush();
    if (code) box.append(make("pre", {}, ...texts(code.join("\n"))));
  }
  // Thoughts that stand before an answer are folded.
  function spoken(s, thoughts) {
    const box = make("div");
    if (typeof s !== "string") return make("p", { class: "quiet" }, "nothing was kept");
    const begin = s.startsWith("<think>"), stop = begin ? s.indexOf("</think>") : -1;
    if (stop > 0) { thoughts = s.slice(7, stop); s = s.slice(stop + 8); }
    if (thoughts) box.append(make("details", {}, make("summary", {}, "Thoughts"), cut(String(thoughts), markdown)));
    box.append(cut(s, markdown));
    return box;
  }

  // ---- differences: the words that only one of two texts has, by the longest common subsequence ----
  function differences(s, t) {
    const a = s.match(/\s+|[^\s]+/g) || [], b = t.match(/\s+|[^\s]+/g) || [];
    if (a.length > MOST_WORDS || b.length > MOST_WORDS) return null;
    const width = b.length + 1, table = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--)
      table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1 : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    const left = [], right = []; let i = 0, j = 0;
    const add = (list, own, word) => { const last = list[list.length - 1]; if (last && last[0] === own) last[1] += word; else list.push([own, word]); };
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) { add(left, false, a[i++]); add(right, false, b[j++]); }
      else if (j >= b.length || i < a.length && table[(i + 1) * width + j] >= table[i * width + j + 1]) add(left, true, a[i++]);
      else add(right, true, b[j++]);
    }
    return [left, right];
  }
  const marks = (list, name) => make("div", { class: "text", dir: "auto" }, ...list.map(([own, s]) => own ? make(name, {}, ...texts(s)) : make("span", {}, ...texts(s))));
  function body(value) {
    if (value === null || value === undefined) return make("p", { class: "quiet" }, "The dataset could not be read again, so this text is not here.");
    if (Array.isArray(value)) return make("div", {}, ...value.map(m => make("div", { class: "said" }, make("strong", {}, ...texts(m[0])), cut(m[1], (box, s) => box.append(make("div", { class: "text", dir: "auto" }, ...texts(s)))))));
    return cut(value, (box, s) => box.append(make("div", { class: "text", dir: "auto" }, ...texts(s))));
  }

  // ---- files beside the page ----
  const load = (name, key) => new Promise((well, ill) => {
    waiting.set(key, well);
    const script = make("script", { src: "report/" + name, charset: "utf-8" });
    script.onerror = () => { waiting.delete(key); ill(new Error("cannot read report/" + name + ": is the folder report/ beside this page?")); };
    script.onload = () => script.remove();
    document.head.append(script);
  });
  window.fellowship = {
    rows(n, rows) { waiting.get("r" + n)?.(rows); waiting.delete("r" + n); },
    list(n, list) { waiting.get("l" + n)?.(list); waiting.delete("l" + n); },
  };
  const number = n => String(n + 1).padStart(4, "0");
  function chunkOf(row) {
    let low = 0, high = facts.firsts.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (facts.firsts[middle] <= row) low = middle; else high = middle - 1; }
    return low;
  }
  async function rowAt(row) {
    if (facts.inline) return (kept.get(0) || kept.set(0, JSON.parse(byId("rows-data").textContent)).get(0))[row];
    const chunk = chunkOf(row);
    if (!kept.has(chunk)) {
      const rows = await load("rows-" + number(chunk) + ".js", "r" + chunk);
      if (kept.size >= KEPT) kept.delete(kept.keys().next().value);
      kept.set(chunk, rows);
    }
    return kept.get(chunk)[row - facts.firsts[chunk]];
  }
  // Columns of a part of the list, in arrays of numbers where they can be.
  const take = list => ({ ...list, m: Float64Array.from(list.m, m => m === null ? NaN : m), f: Uint8Array.from(list.f), k: Int32Array.from(list.k), a: Uint32Array.from(list.a), b: Uint32Array.from(list.b) });
  const partOf = row => parts[Math.floor(row / facts.part)];
  const value = (row, column) => partOf(row)[column][row % facts.part];
  const winnersOf = (part, i, e) => e < part.e ? parseInt(part.w[i * part.e + e], 16) : 0;

  // ---- filters and order ----
  const field = name => byId("filter-" + name);
  function filter() {
    const evaluator = field("evaluator").value, winner = WINNERS[field("winner").value] || 0, flag = FLAGS[field("state").value] || 0;
    const name = field("name").value === "" ? 0 : 1 << Number(field("name").value), margin = parseFloat(field("margin").value);
    const words = field("text").value.toLowerCase(), list = [];
    parts.forEach((part, p) => {
      for (let i = 0; i < part.n; i++) {
        if (flag && !(part.f[i] & flag)) continue;
        if (name && !(part.k[i] & name)) continue;
        if (margin >= 0 && !(part.m[i] >= margin)) continue;
        if (winner || evaluator !== "") {
          let bits = 0;
          if (evaluator !== "") bits = winnersOf(part, i, Number(evaluator)); else for (let e = 0; e < part.e; e++) bits |= winnersOf(part, i, e);
          if (winner ? !(bits & winner) : !bits) continue;
        }
        if (words && !part.id[i].toLowerCase().includes(words) && !part.head[i].toLowerCase().includes(words)) continue;
        list.push(p * facts.part + i);
      }
    });
    shown = Uint32Array.from(list);
    sort();
  }
  const KEYS = { row: r => r, id: r => value(r, "id"), prompt: r => value(r, "head"), verdict: r => verdict(r), margin: r => value(r, "m"), a: r => value(r, "a"), b: r => value(r, "b") };
  function sort() {
    if (order.by === "row") shown.sort(); else {
      const key = KEYS[order.by], is_text = typeof key(shown[0] ?? 0) === "string";
      const keys = is_text ? new Array(facts.total) : new Float64Array(facts.total);
      for (const row of shown) { const k = key(row); keys[row] = k !== k ? -Infinity : k; }
      shown.sort((x, y) => keys[x] < keys[y] ? -1 : keys[x] > keys[y] ? 1 : x - y);
    }
    if (order.down) shown.reverse();
    page = 0;
    draw();
  }
  // Every text of every row: chunk by chunk, since they are more than a tab should hold.
  async function everywhere() {
    const words = field("text").value.toLowerCase(), list = [], mine = everywhere.turn = (everywhere.turn || 0) + 1;
    if (!words) return filter();
    for (let row = 0; row < facts.total; row++) {
      const found = JSON.stringify(await rowAt(row)).toLowerCase().includes(JSON.stringify(words).slice(1, -1));
      if (mine !== everywhere.turn) return;
      if (found) list.push(row);
      if (row % 500 === 499) say("looked at " + (row + 1) + " of " + facts.total + " rows, found " + list.length);
    }
    shown = Uint32Array.from(list);
    sort();
  }

  // ---- the list ----
  const NAMES = { 1: "A", 2: "B", 4: "tie", 8: "unparsed" };
  function verdict(row) {
    const part = partOf(row), i = row % facts.part, own = field("evaluator").value, list = [];
    if (part.o[i]) return part.o[i];
    for (let e = 0; e < part.e; e++) {
      if (own !== "" && Number(own) !== e) continue;
      const bits = winnersOf(part, i, e);
      if (bits) list.push([1, 2, 4, 8].filter(bit => bits & bit).map(bit => NAMES[bit]).join("/"));
    }
    return list.join(", ");
  }
  const say = s => { byId("status").textContent = s; };
  const COLUMNS = [["row", "row", true], ["id", "id"], ["prompt", "prompt"], ["verdict", "verdict"], ["margin", "margin", true], ["a", "length of the first", true], ["b", "of the second", true]];
  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    say(shown.length.toLocaleString("en") + " of " + facts.total.toLocaleString("en") + " rows; page " + (page + 1) + " of " + pages);
    const head = make("tr", {}, ...COLUMNS.map(([key, name, is_number]) => make("th", { scope: "col", class: is_number ? "n" : null, "aria-sort": order.by === key ? (order.down ? "descending" : "ascending") : null },
      make("button", { type: "button", "data-sort": key, on: { click: () => { order = { by: key, down: order.by === key && !order.down }; sort(); byId("list").querySelector("[data-sort=" + key + "]").focus(); } } }, name + (order.by === key ? (order.down ? " ▼" : " ▲") : "")))));
    const rows = Array.from(shown.subarray(page * PAGE, page * PAGE + PAGE), row => make("tr", {},
      make("td", { class: "n" }, make("a", { href: "#row=" + row }, String(row + 1))), make("td", { dir: "auto" }, ...texts(value(row, "id").slice(0, 200))),
      make("td", { dir: "auto" }, ...texts(value(row, "head"))), make("td", {}, verdict(row)), make("td", { class: "n" }, isNaN(value(row, "m")) ? "–" : String(Math.round(value(row, "m") * 100) / 100)),
      make("td", { class: "n" }, String(value(row, "a"))), make("td", { class: "n" }, String(value(row, "b")))));
    byId("list").replaceChildren(make("table", {}, make("caption", { class: "quiet" }, "Rows; open one by its number"), make("thead", {}, head), make("tbody", {}, ...rows)));
    byId("before").disabled = page === 0;
    byId("after").disabled = page >= pages - 1;
  }

  // ---- a row ----
  function judgement(j, names) {
    const scores = j.s[0] === null ? "" : " (" + names[j.a - 1] + " " + j.s[0] + ", " + names[j.b - 1] + " " + j.s[1] + ")";
    const winner = j.w === "a" ? names[j.a - 1] : j.w === "b" ? names[j.b - 1] : j.w;
    const box = make("section", {}, make("h4", {}, ...texts((j.run ? facts.runs[j.run - 1] + ": " : "") + j.by + ": " + winner + scores)));
    if (j.f) box.append(make("p", {}, "Both orders disagree (" + j.f + ")."));
    if (j.pr) box.append(make("p", {}, ...texts("It could not be read: " + j.pr)));
    if (j.v) box.append(make("ul", {}, ...j.v.map(v => make("li", {}, ...texts(v[0] + ": " + v[1] + (v[2] === null ? "" : " (" + v[2] + ", " + v[3] + ")"))))));
    for (const s of j.said) box.append(make("div", { class: "said" }, make("strong", {}, ...texts(s[0] + (s[4] ? " (" + s[4] + ")" : "") + (s[3] ? ", " + s[3] : ""))), spoken(s[1], s[2])));
    return box;
  }
  function rating(g, names) {
    const box = make("section", {}, make("h4", {}, ...texts(g[0] + ": " + names[g[1] - 1] + ": " + (g[2] === null ? "no score" : g[2]))));
    if (g[3]) box.append(make("p", {}, ...texts("There is no score: " + g[3])));
    if (g[4].length) box.append(make("ul", {}, ...g[4].map(c => make("li", {}, ...texts(c[0] + ": " + (c[2] === null ? "none" : c[2]) + (c[1] === 1 ? "" : ", weight " + c[1]))))));
    for (const s of g[5]) box.append(make("div", { class: "said" }, make("strong", {}, ...texts(s[0] + (s[3] ? ", " + s[3] : ""))), spoken(s[1], s[2])));
    return box;
  }
  function candidates(row) {
    const scores = new Map((row.g || []).map(g => [g[1], g[2]]));
    const names = row.c.map(c => c[0]), pair = row.r && row.r[0];
    const first = pair ? pair[0] - 1 : 0, second = pair ? pair[1] - 1 : 1;
    const both = marked && row.c[first] && row.c[second] && typeof row.c[first][1] === "string" && typeof row.c[second][1] === "string" ? differences(row.c[first][1], row.c[second][1]) : null;
    const winner = row.j.length === 1 && (row.j[0].w === "a" ? row.j[0].a : row.j[0].w === "b" ? row.j[0].b : 0);
    return make("div", { class: "side" }, ...row.c.map((c, i) => {
      const won = pair ? (i === first ? "chosen" : i === second ? "rejected" : null) : winner === i + 1 ? "won" : null;
      return make("section", { class: won ? "won" : null }, make("h4", { "data-won": won, dir: "auto" }, ...texts(names[i])), c[3] ? make("p", { class: "quiet" }, "cut off by a limit of tokens") : null,
        typeof scores.get(i + 1) === "number" ? make("p", { class: "quiet" }, "score " + scores.get(i + 1)) : null,
        c[2] ? make("details", {}, make("summary", {}, "Thoughts"), cut(c[2], markdown)) : null,
        both && i === first ? marks(both[0], "del") : both && i === second ? marks(both[1], "ins") : body(c[1]));
    }));
  }
  async function open(row) {
    let found;
    try { found = await rowAt(row); } catch (problem) { say(problem.message); return; }
    if (!found) return;
    current = row;
    const names = found.c.map(c => c[0]), box = byId("row");
    box.replaceChildren(make("h3", { tabindex: "-1", id: "row-title", dir: "auto" }, ...texts("Row " + (row + 1) + ", id " + found.i)),
      make("div", { class: "controls" }, make("button", { type: "button", id: "row-before", on: { click: () => step(-1) } }, "Previous (k)"), make("button", { type: "button", id: "row-after", on: { click: () => step(1) } }, "Next (j)"),
        make("button", { type: "button", "aria-pressed": String(marked), on: { click: () => { marked = !marked; open(row); } } }, "Mark differences (d)"), make("a", { href: "#row=" + row }, "Link to this row")),
      make("h4", {}, "Prompt"), found.p === null ? body(null) : body(found.p), candidates(found));
    if (found.h) box.append(make("p", {}, make("strong", {}, "Human label: "), ...texts(found.h)));
    if (found.r) box.append(make("h4", {}, "Pairs"), make("ul", {}, ...found.r.map(r => make("li", {}, ...texts(names[r[0] - 1] + " > " + names[r[1] - 1] + (r[2] === null ? "" : ", margin " + r[2]) + (r[3] == null ? "" : ", mean scores " + r[3] + " and " + r[4]))))));
    if (found.f) box.append(make("h4", {}, "The loop's conversation"), ...found.f.flatMap((round, n) => [make("div", { class: "said" }, make("strong", {}, ...texts(names[n] || "")), body(found.c[n] ? found.c[n][1] : null)), ...(Array.isArray(round) ? round : [round]).map((s, i) => make("div", { class: "said" }, make("strong", {}, "reviewer " + (i + 1) + " of response " + (n + 1)), spoken(typeof s === "string" ? s : JSON.stringify(s))))]));
    if (found.j.length) box.append(make("h4", {}, "Judgements"), ...found.j.map(j => judgement(j, names)));
    if (found.g) box.append(make("h4", {}, "Scores"), ...found.g.map(g => rating(g, names)));
    if (found.m) box.append(make("details", {}, make("summary", {}, "Other columns"), make("dl", {}, ...found.m.flatMap(([key, s]) => [make("dt", {}, ...texts(key)), make("dd", {}, body(s))]))));
    byId("row-title").focus();
  }
  function step(by) {
    const at = shown.indexOf(current), to = shown[at < 0 ? 0 : at + by];
    if (to !== undefined) location.hash = "row=" + to;
  }
  function follow() {
    const found = /^#row=(\d+)$/.exec(location.hash);
    if (found && Number(found[1]) < facts.total) open(Number(found[1]));
  }
  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "j") step(1); else if (event.key === "k") step(-1);
    else if (event.key === "d" && current >= 0) { marked = !marked; open(current); }
    else if (event.key === "/") { event.preventDefault(); field("text").focus(); }
  }

  async function begin() {
    facts.evaluators.forEach((name, i) => field("evaluator").append(make("option", { value: i }, name)));
    facts.names.forEach((name, i) => field("name").append(make("option", { value: i }, name)));
    for (const name of ["evaluator", "winner", "state", "name"]) field(name).addEventListener("change", filter);
    for (const name of ["margin", "text"]) field(name).addEventListener("input", filter);
    byId("everywhere").addEventListener("click", () => everywhere().catch(problem => say(problem.message)));
    byId("before").addEventListener("click", () => { page--; draw(); });
    byId("after").addEventListener("click", () => { page++; draw(); });
    window.addEventListener("hashchange", follow);
    document.addEventListener("keydown", keys);
    if (facts.inline) parts.push(take(JSON.parse(byId("list-data").textContent)));
    follow();
    for (let n = 0; !facts.inline && n < facts.parts; n++) {
      try { parts.push(take(await load("list-" + number(n) + ".js", "l" + n))); } catch (problem) { say(problem.message); return; }
      if (n === 0) filter(); else say("read " + (n + 1) + " of " + facts.parts + " parts of the list");
    }
    filter();
    document.documentElement.setAttribute("data-ready", "");
  }
  byId("reader").hidden = false;
  requestAnimationFrame(() => setTimeout(begin));
})();
