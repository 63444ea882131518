"use strict";
document.documentElement.classList.add("js");

/* The form: the day is redrawn when room or day change, and its strip can be dragged. */
const ask = document.getElementById("ask");
if (ask) {
  const field = name => ask.elements.namedItem(name);
  const day = document.getElementById("day");
  let asked = 0;

  const redraw = async () => {
    const query = new URLSearchParams({ room: field("room").value, date: field("date").value });
    const mine = ++asked;
    day.firstElementChild?.classList.add("loading");
    try {
      const answer = await fetch("/?" + query, { headers: { Accept: "text/html" } });
      if (!answer.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      day.replaceChildren(...page.getElementById("day").childNodes);
      history.replaceState(null, "", "/?" + query);
      strip();
    } catch {
      day.firstElementChild?.classList.remove("loading");
    }
  };
  field("room").addEventListener("change", redraw);
  field("date").addEventListener("change", () => field("date").value && redraw());

  const minutes = text => /^\d\d:\d\d$/.test(text) ? +text.slice(0, 2) * 60 + +text.slice(3) : null;
  const clock = m => String(Math.floor(m / 60)).padStart(2, "0") + ":" + String(m % 60).padStart(2, "0");
  const words = document.getElementById("length");
  let show = () => {};

  const tell = () => {
    const from = minutes(field("start").value), to = minutes(field("end").value);
    const long = from === null || to === null ? 0 : to - from;
    words.textContent = long > 0 ? words.dataset.words.replace("%h", Math.floor(long / 60)).replace("%m", long % 60) : "";
    show();
  };
  field("start").addEventListener("input", tell);
  field("end").addEventListener("input", tell);

  const strip = () => {
    const tracks = day.querySelector(".tracks"), bar = day.querySelector(".axis .bar");
    show = () => {};
    if (!tracks) return;
    const make = name => Object.assign(document.createElement("div"), { className: name });
    const surface = make("surface"), chosen = make("chosen");
    const handles = ["start", "end"].map(name => {
      const h = make("handle " + name);
      h.tabIndex = 0;
      h.setAttribute("role", "slider");
      h.setAttribute("aria-label", tracks.dataset[name]);
      h.setAttribute("aria-valuemin", 0);
      h.setAttribute("aria-valuemax", 1439);
      h.addEventListener("keydown", e => {
        const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30, Home: -1440, End: 1440 }[e.key];
        if (!step) return;
        e.preventDefault();
        set(name, (minutes(field(name).value) ?? 720) + step);
      });
      h.addEventListener("pointerdown", e => { e.preventDefault(); h.focus(); drag(e, h, () => name); });
      return h;
    });
    const set = (name, m) => { field(name).value = clock(Math.max(0, Math.min(1439, m))); tell(); };
    const at = e => {
      const box = bar.getBoundingClientRect();
      return Math.round(Math.max(0, Math.min(1, (e.clientX - box.left) / box.width)) * 1440 / 5) * 5;
    };
    const drag = (down, target, which) => {
      target.setPointerCapture(down.pointerId);
      const move = e => set(which(at(e)), at(e));
      target.addEventListener("pointermove", move);
      const end = () => target.removeEventListener("pointermove", move);
      target.addEventListener("pointerup", end, { once: true });
      target.addEventListener("pointercancel", end, { once: true });
    };
    surface.addEventListener("pointerdown", e => {
      const from = at(e);
      set("start", from);
      set("end", from);
      drag(e, surface, m => {
        if (m >= from) { field("start").value = clock(Math.min(from, 1439)); return "end"; }
        field("end").value = clock(Math.min(from, 1439));
        return "start";
      });
    });
    show = () => {
      const from = minutes(field("start").value), to = minutes(field("end").value);
      const left = bar.getBoundingClientRect().left - tracks.getBoundingClientRect().left, width = bar.getBoundingClientRect().width;
      surface.style.left = left + "px";
      surface.style.width = width + "px";
      chosen.hidden = from === null || to === null || to <= from;
      if (!chosen.hidden) {
        chosen.style.left = left + from / 1440 * width + "px";
        chosen.style.width = (to - from) / 1440 * width + "px";
      }
      [from, to].forEach((m, i) => {
        handles[i].hidden = m === null;
        handles[i].style.left = left + (m ?? 0) / 1440 * width + "px";
        handles[i].setAttribute("aria-valuenow", m ?? 0);
        handles[i].setAttribute("aria-valuetext", clock(m ?? 0));
      });
    };
    tracks.append(chosen, surface, ...handles);
    tell();
  };
  strip();
  addEventListener("resize", () => show());

  /* A second click while the first is under way does nothing; the hidden token guards the rest. */
  ask.addEventListener("submit", e => {
    if (e.submitter?.formMethod === "get") return;
    const button = ask.querySelector(".primary");
    if (button.getAttribute("aria-disabled") === "true") { e.preventDefault(); return; }
    button.setAttribute("aria-disabled", "true");
    setTimeout(() => button.removeAttribute("aria-disabled"), 5000);
  });
  document.querySelector("#errors a")?.focus();
}

/* Entries of records: the server sends the HTML of each that changes. A stream is a request that does not
   end, so it is open only while a record is worked on and the page can be seen. */
const records = document.getElementById("records");
if (records) {
  const put = html => {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("li.record");
    const old = fresh && document.getElementById(fresh.id);
    if (!old || old.outerHTML === fresh.outerHTML || old.contains(document.activeElement) && old.dataset.state === fresh.dataset.state && !fresh.querySelector("progress")) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.closest("form, a")?.getAttribute("action") : null;
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`form[action="${focused}"] button`)?.focus();
  };
  const poll = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        page.querySelectorAll("#records > li.record").forEach(li => put(li.outerHTML));
        records.dataset.live = page.getElementById("records")?.dataset.live ?? "";
      }
    } catch { /* the next one may get through */ }
  };
  const still = ["waiting", "done", "failed", "withdrawn"];
  const states = () => [...records.querySelectorAll("li.record")].map(li => li.dataset.state);
  let source = null, address = "", timer = 0, broken = 0;
  const close = () => {
    source?.close();
    source = null;
  };
  const listen = () => {
    const opened = source = new EventSource(address = records.dataset.live);
    opened.addEventListener("record", e => { broken = 0; put(e.data); follow(); });
    opened.addEventListener("error", () => {
      if (opened !== source || ++broken < 3 && opened.readyState !== EventSource.CLOSED) return;
      close();
      pollIn(5000);
    });
  };
  const pollIn = ms => {
    clearTimeout(timer);
    timer = setTimeout(async () => { timer = 0; await poll(); follow(); }, ms);
  };
  const follow = () => {
    const now = states(), moves = records.dataset.live && now.some(state => !still.includes(state));
    if (document.hidden || !moves || address !== records.dataset.live) close();
    if (document.hidden) return;
    if (moves && !source) listen();
    if (now.includes("waiting") && !timer) pollIn(60000);
  };
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    timer = 0;
    follow();
    if (!document.hidden) pollIn(0);
  });
  follow();
}
