/* Baton's web chat: one file, no build step, no other host. Texts of people are set as text, never as HTML. */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.batonWebchat) return;
  const base = script.src.replace(/\/[^/]*$/, "");
  const given = script.dataset;

  /* Words of the widget; `data-title`, `data-send` … on the script tag replace them. */
  const words = {
    title: "Chat with us",
    open: "Open chat",
    close: "Close chat",
    greeting: "Hello! How can we help?",
    placeholder: "Write a message",
    send: "Send",
    file: "Attach a file",
    agent: "Talk to a person",
    agentAsked: "You asked for a person.",
    waiting: "A colleague has been told and will answer here.",
    taken: "A colleague is looking after you.",
    resolved: "This conversation is settled.",
    rate: "How did we do?",
    rateOf: "{n} of 5",
    thanks: "Thank you for telling us.",
    offline: "Connecting…",
    sending: "sending",
    refused: "not sent",
    you: "You",
    us: "Support",
    unread: "{n} new",
    tooLarge: "This file is too large.",
    notAllowed: "The chat is not available here.",
  };
  for (const name of Object.keys(words)) if (given[name]) words[name] = given[name];

  const style = `
:host{all:initial;--accent:#0b57d0;--on-accent:#fff;--ink:#1b1f24;--soft:#57606a;--line:#8c959f;--paper:#fff;--wash:#eef1f5;
--mine:#dbe7fb;position:fixed;inset-block-end:20px;inset-inline-end:20px;z-index:2147483000;
font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink)}
*,::before,::after{box-sizing:border-box}
[hidden]{display:none!important}
button,textarea{font:inherit;color:inherit}
button{cursor:pointer;border:0;background:none;padding:0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.launch{display:flex;align-items:center;justify-content:center;gap:8px;min-width:56px;height:56px;padding:0 16px;border-radius:28px;
background:var(--accent);color:var(--on-accent);font-weight:600;box-shadow:0 4px 16px #0004;margin-inline-start:auto}
.launch:focus-visible,.head button:focus-visible{outline-color:var(--ink);box-shadow:0 0 0 2px #fff}
svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;flex:none}
.panel{display:flex;flex-direction:column;width:min(380px,calc(100vw - 40px));height:min(600px,calc(100vh - 110px));margin-block-end:12px;
background:var(--paper);border-radius:14px;overflow:hidden;box-shadow:0 8px 40px #0005;animation:rise .18s ease-out}
@keyframes rise{from{opacity:0;transform:translateY(12px)}}
.head{display:flex;align-items:center;gap:8px;padding:14px 16px;background:var(--accent);color:var(--on-accent)}
.head h2{flex:1;margin:0;font-size:17px;font-weight:600}
.head button{display:flex;padding:4px;border-radius:6px}
.log{flex:1;overflow-y:auto;padding:16px;display:flex;flex-direction:column;gap:10px;overscroll-behavior:contain}
.line{max-width:85%;display:flex;flex-direction:column;align-self:flex-start}
.line.you{align-self:flex-end;align-items:flex-end}
.who{font-size:12.5px;color:var(--soft);margin:0 4px 2px}
.say{background:var(--wash);border-radius:14px 14px 14px 4px;padding:9px 13px;white-space:pre-wrap;overflow-wrap:anywhere}
.you .say{background:var(--mine);border-radius:14px 14px 4px 14px}
.say a{color:#0a3f9b}
.clip{display:flex;gap:6px;font-weight:600}
.clip svg{width:20px}
.mark{font-size:12.5px;color:var(--soft);margin:2px 4px 0;text-align:end}
.mark.bad{color:#a40e26}
.offer{display:flex;flex-wrap:wrap;gap:8px;margin-block-start:8px}
.chip{border:1px solid var(--accent);color:var(--accent);background:var(--paper);border-radius:18px;padding:6px 14px;font-weight:600;
font-size:14.5px}
.chip:hover{background:var(--wash)}
.note{align-self:center;text-align:center;font-size:13.5px;color:var(--soft);padding:2px 8px}
.note:empty{padding:0;margin-block-end:-8px}
.foot{border-block-start:1px solid var(--wash);padding:10px 12px 12px;display:flex;flex-direction:column;gap:8px}
.row{display:flex;align-items:flex-end;gap:8px}
textarea{flex:1;resize:none;max-height:120px;min-height:44px;border:1px solid var(--line);border-radius:12px;padding:9px 12px;
background:var(--paper)}
textarea::placeholder{color:var(--soft)}
.tool{display:flex;align-items:center;justify-content:center;width:44px;height:44px;border-radius:12px;color:var(--soft)}
.tool:hover{background:var(--wash)}
.go{background:var(--accent);color:var(--on-accent)}
.go:hover{background:var(--accent);filter:brightness(.9)}
.rate{text-align:center;border:0;margin:0;padding:0}
.rate legend{padding:0;width:100%;font-size:14.5px;margin-block-end:6px}
.rate div{display:flex;justify-content:center;gap:8px}
.rate button{width:44px;height:44px;border:1px solid var(--line);border-radius:12px;font-weight:600}
.rate button:hover{background:var(--wash)}
.hide{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:480px){:host{inset-block-end:12px;inset-inline-end:12px}.panel{width:calc(100vw - 24px);height:calc(100vh - 92px)}}
@media (prefers-reduced-motion:reduce){.panel{animation:none}}
@media (forced-colors:active){.say,.launch,.panel{border:1px solid}}`;

  /* ---- building ---- */
  const make = (tag, options = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name === "text") node.textContent = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  };
  const icon = (...paths) => {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const d of paths) {
      const path = document.createElementNS(space, "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  };

  const host = make("div", { id: "baton-webchat" });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [sheet];
  if (/^#[0-9a-f]{6}$/i.test(given.color || "")) {
    host.style.setProperty("--accent", given.color);
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = parseInt(given.color.slice(at, at + 2), 16) / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    const light = 0.2126 * r + 0.7152 * g + 0.0722 * b; /* WCAG 2.2, relative luminance */
    host.style.setProperty("--on-accent", light > 0.179 ? "#000" : "#fff");
  }

  const log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": words.title, tabindex: "0" });
  const say = make("textarea", { rows: "1", "aria-label": words.placeholder, placeholder: words.placeholder, maxlength: "4000" });
  const pick = make("input", { type: "file", hidden: "" });
  const paper = "M21 11.5 12.4 20a5.5 5.5 0 0 1-7.8-7.8l8.6-8.5a3.7 3.7 0 0 1 5.2 5.2l-8.6 8.5a1.8 1.8 0 0 1-2.6-2.6l7.9-7.8";
  const clip = make("button", { class: "tool", type: "button", "aria-label": words.file, hidden: "" }, icon(paper));
  const go = make("button", { class: "tool go", type: "submit", "aria-label": words.send }, icon("M4 12h15", "m13 6 6 6-6 6"));
  const agent = make("button", { class: "chip", type: "button", text: words.agent });
  const rate = make("fieldset", { class: "rate", hidden: "" }, make("legend", { text: words.rate }));
  const stars = make("div");
  rate.append(stars);
  const status = make("div", { class: "note", role: "status" });
  const form = make("form", { class: "row" }, clip, pick, say, go);
  const foot = make("div", { class: "foot" }, status, rate, make("div", {}, agent), form);
  const shut = make("button", { type: "button", "aria-label": words.close }, icon("M6 6l12 12", "M18 6 6 18"));
  const panel = make("div", { class: "panel", role: "dialog", "aria-label": words.title, id: "panel", hidden: "" },
    make("div", { class: "head" }, make("h2", { text: words.title }), shut), log, foot);
  const count = make("span", { hidden: "" });
  const launch = make("button", { class: "launch", type: "button", "aria-label": words.open, "aria-expanded": "false",
    "aria-controls": "panel" }, icon("M20 4H4v12h4v4l5-4h7z"), count);
  root.append(panel, launch);

  /* ---- memory: per browser for strangers, per window for those whom the site names ---- */
  const named = Boolean(given.identity || given.userId);
  let drawer = null;
  try { drawer = named ? sessionStorage : localStorage; drawer.getItem(base); } catch { drawer = null; }
  const recall = (name) => { try { return JSON.parse(drawer.getItem(`baton:${base}:${name}`)); } catch { return null; } };
  const keep = (name, value) => { try { drawer.setItem(`baton:${base}:${name}`, JSON.stringify(value)); } catch { /* full, or forbidden */ } };

  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, "0")).join("");
  const lines = new Map(); /* id → {node, mark} */
  let out = []; /* what is not known to stand in the history: {frame, acked} */
  let socket = null, ready = false, thread = null, token = null, tries = 0, unread = 0, heard = 0;
  let asked = false, place = null, files = null, timer = 0;

  /* Another window of this browser may have put something there as well. */
  const store = () => {
    if (!thread) return;
    const mine = new Set(out.map((each) => each.frame.id));
    const theirs = (recall(thread) || []).filter((each) => !mine.has(each.frame.id) && !each.acked && !lines.has(each.frame.id));
    keep(thread, [...theirs, ...out].slice(-100));
  };

  /* ---- showing ---- */
  const linked = (text) => text.split(/(https?:\/\/[^\s<>"']+)/).map((part, at) =>
    at % 2 ? make("a", { href: part, rel: "noopener noreferrer", target: "_blank", text: part }) : part);
  const bottom = () => { log.scrollTop = log.scrollHeight; };
  const show = (line, marked) => {
    if (lines.has(line.id)) return lines.get(line.id);
    const mine = line.from === "you";
    const bubble = make("div", { class: "say" });
    for (const file of line.files || []) bubble.append(make("span", { class: "clip" }, icon(paper), file.name));
    bubble.append(...(mine ? [line.text] : linked(line.text)));
    const mark = make("div", { class: "mark", text: marked || "" });
    const node = make("div", { class: mine ? "line you" : "line", "data-id": line.id },
      make("div", { class: "who", text: mine ? words.you : line.name || words.us }), bubble);
    if ((line.buttons || []).length) {
      node.append(make("div", { class: "offer" }, ...line.buttons.map((each) => make("button", { class: "chip", type: "button", text: each.label,
        onclick: () => post({ type: "button", action: each.action, label: each.label, reply: line.id }) }))));
    }
    node.append(mark);
    const after = [...log.children].reverse().find((other) => Number(other.dataset.at || 0) <= line.at);
    node.dataset.at = line.at;
    if (after) after.after(node); else log.prepend(node);
    lines.set(line.id, { node, mark });
    if (!panel.hidden) keep("seen", Math.max(recall("seen") || 0, line.at));
    else if (!mine && line.at > (recall("seen") || 0)) {
      unread += 1;
      count.hidden = false;
      count.textContent = words.unread.replace("{n}", unread);
    }
    bottom();
    return lines.get(line.id);
  };
  const marked = (id, text, bad) => {
    const found = lines.get(id);
    if (found) { found.mark.textContent = text; found.mark.classList.toggle("bad", Boolean(bad)); }
  };
  const stand = (told) => {
    place = told;
    const word = { escalated: words.waiting, acknowledged: words.taken, resolved: words.resolved }[told.state];
    asked = asked && told.state !== "resolved";
    status.textContent = word && (told.handed_off || told.state === "resolved") ? word : asked ? words.agentAsked : "";
    agent.hidden = asked || told.state === "escalated" || told.state === "acknowledged";
    const judged = recall(`judged:${told.case}`);
    rate.hidden = told.state !== "resolved" || Boolean(judged);
  };
  for (let n = 1; n <= 5; n += 1) {
    stars.append(make("button", { type: "button", text: String(n), "aria-label": words.rateOf.replace("{n}", n), onclick: () => {
      keep(`judged:${place.case}`, true);
      post({ type: "satisfaction", score: n, id: `csat-${place.case}` });
      rate.hidden = true;
      status.textContent = words.thanks;
      say.focus();
    } }));
  }

  /* ---- sending ---- */
  const push = () => { if (ready) for (const each of out) if (!each.acked && !each.held) socket.send(JSON.stringify(each.frame)); };
  const post = (frame) => {
    const whole = { id: fresh(), ...frame };
    out.push({ frame: whole, acked: false });
    if (whole.type === "message") show({ id: whole.id, from: "you", text: whole.text, at: Date.now() }, words.sending);
    store();
    if (ready) socket.send(JSON.stringify(whole));
  };
  const forget = (id) => { out = out.filter((each) => each.frame.id !== id); store(); };
  const upload = async (file, id = fresh()) => {
    if (file.size > files.max) { status.textContent = words.tooLarge; return; }
    show({ id, from: "you", text: "", at: Date.now(), files: [{ name: file.name }] }, words.sending);
    const url = `${base}/upload?id=${id}&name=${encodeURIComponent(file.name)}`;
    let told = { type: "later", after: 5 };
    try {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": file.type || "application/octet-stream" };
      told = await (await fetch(url, { method: "POST", body: file, headers, credentials: "omit" })).json();
    } catch { /* away: again later, under the same id */ }
    if (told.type === "ack") marked(id, "");
    else if (told.type === "refused") marked(id, `${words.refused}: ${told.reason}`, true);
    else setTimeout(() => upload(file, id), told.after * 1000);
  };

  /* ---- the socket ---- */
  const hear = {
    welcome(told) {
      ({ token, thread } = told);
      if (!named) keep("token", token);
      const confirmed = new Set(told.confirmed);
      const known = new Set(out.map((each) => each.frame.id));
      out = [...(recall(thread) || []).filter((each) => !known.has(each.frame.id)).map((each) => ({ ...each, held: false })), ...out];
      out = out.filter((each) => !confirmed.has(each.frame.id) && !(each.acked && each.frame.type !== "message"));
      log.setAttribute("aria-busy", "true");
      for (const line of told.messages) show(line);
      for (const { frame, acked } of out) {
        if (frame.type === "message") show({ id: frame.id, from: "you", text: frame.text, at: frame.at || Date.now() }, acked ? "" : words.sending);
      }
      log.removeAttribute("aria-busy");
      for (const id of confirmed) marked(id, "");
      files = told.files;
      clip.hidden = !files.types.length;
      pick.accept = files.types.join(",");
      ready = true;
      tries = 0;
      heard = Date.now();
      stand(told);
      store();
      push();
    },
    state(told) { token = told.token || token; for (const line of told.messages || []) show(line); stand(told); },
    message(told) { show(told.message); },
    ack(told) {
      const found = out.find((each) => each.frame.id === told.id);
      if (!found) return;
      found.acked = true;
      marked(told.id, "");
      if (found.frame.type === "message") store(); else forget(told.id);
    },
    later(told) {
      const found = out.find((each) => each.frame.id === told.id);
      if (!found) return;
      found.held = true;
      setTimeout(() => { found.held = false; if (ready) socket.send(JSON.stringify(found.frame)); }, told.after * 1000);
    },
    refused(told) { marked(told.id, `${words.refused}: ${told.reason}`, true); forget(told.id); },
  };
  const connect = () => {
    clearTimeout(timer);
    const mine = new WebSocket(`${base.replace(/^http/, "ws")}/socket`);
    socket = mine;
    mine.onopen = () => {
      heard = Date.now();
      mine.send(JSON.stringify({ type: "hello", token: named ? token : recall("token"), identity: given.identity, user_id: given.userId,
        user_hash: given.userHash, name: given.name, email: given.email, have: [...lines.keys()].filter((id) => !out.some((each) => each.frame.id === id)).slice(-500) }));
    };
    mine.onmessage = (event) => {
      heard = Date.now();
      const told = JSON.parse(event.data);
      if (hear[told.type]) hear[told.type](told);
    };
    mine.onclose = (event) => {
      if (socket !== mine) return;
      ready = false;
      if (event.code === 4401) { status.textContent = words.notAllowed; return; }
      status.textContent = words.offline;
      tries += 1;
      const most = event.code === 1012 ? 2000 : Math.min(30000, 500 * 2 ** Math.min(tries, 6));
      timer = setTimeout(connect, most / 2 + Math.random() * most / 2);
    };
  };
  setInterval(() => {
    if (!ready) return;
    if (Date.now() - heard > 45000) { const old = socket; ready = false; socket = null; old.close(); connect(); return; }
    socket.send('{"type":"sync"}');
  }, 20000);
  window.addEventListener("online", () => { if (!ready) connect(); });

  /* ---- people ---- */
  const open = () => {
    panel.hidden = false;
    launch.setAttribute("aria-expanded", "true");
    launch.setAttribute("aria-label", words.close);
    unread = 0;
    count.hidden = true;
    keep("seen", Math.max(0, ...[...log.children].map((each) => Number(each.dataset.at))));
    bottom();
    say.focus();
    if (!socket) connect();
  };
  const close = () => {
    panel.hidden = true;
    launch.setAttribute("aria-expanded", "false");
    launch.setAttribute("aria-label", words.open);
    launch.focus();
  };
  const grow = () => { say.style.height = "auto"; say.style.height = `${Math.min(120, say.scrollHeight + 2)}px`; };
  launch.addEventListener("click", () => (panel.hidden ? open() : close()));
  shut.addEventListener("click", close);
  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  say.addEventListener("input", grow);
  say.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = say.value.trim();
    if (!text) return;
    say.value = "";
    grow();
    post({ type: "message", text, at: Date.now() });
    say.focus();
  });
  agent.addEventListener("click", () => {
    asked = true;
    post({ type: "button", action: "talk_to_agent", label: words.agent });
    agent.hidden = true;
    status.textContent = words.agentAsked;
    say.focus();
  });
  clip.addEventListener("click", () => pick.click());
  pick.addEventListener("change", () => { for (const file of pick.files) upload(file); pick.value = ""; });

  if (words.greeting) log.append(make("div", { class: "note", "data-at": "0", text: words.greeting }));
  const begin = () => {
    document.body.append(host);
    if (named || recall("token")) connect(); /* who never wrote is not connected before they open it */
  };
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
  window.batonWebchat = { open, close };
})();
