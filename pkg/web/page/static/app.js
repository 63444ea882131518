"use strict";
document.documentElement.classList.add("js");

/* The form: the day is drawn again when room or day change, and doubts are told when the hours do. */
const ask = document.getElementById("ask");
if (ask) {
  const field = name => ask.elements.namedItem(name);
  const day = document.getElementById("day"), doubts = document.getElementById("doubts");
  let asked = 0, settled = 0, stale = false; // stale: another day is drawn than is chosen

  const reread = async () => {
    const query = new URLSearchParams(["room", "date", "start", "end", "title"].map(name => [name, field(name).value]));
    const mine = ++asked;
    if (stale) day.firstElementChild?.classList.add("loading");
    try {
      const answer = await fetch("/?" + query, { headers: { Accept: "text/html" } });
      if (!answer.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      history.replaceState(null, "", "/?" + query);
      doubts.replaceChildren(...page.getElementById("doubts").childNodes);
      if (!stale) return;
      stale = false;
      day.replaceChildren(...page.getElementById("day").childNodes);
      strip();
    } catch {
      day.firstElementChild?.classList.remove("loading");
    }
  };
  const redraw = () => { stale = true; if (field("date").value) reread(); };
  field("room").addEventListener("change", redraw);
  field("date").addEventListener("change", redraw);

  const minutes = text => /^\d\d:\d\d$/.test(text) ? +text.slice(0, 2) * 60 + +text.slice(3) : null;
  const clock = m => String(Math.floor(m / 60)).padStart(2, "0") + ":" + String(m % 60).padStart(2, "0");
  const words = document.getElementById("length");
  let told = field("start").value + field("end").value; // the hours that the doubts are about
  let draw = () => {}, fit = () => {};

  const tell = () => {
    const from = minutes(field("start").value), to = minutes(field("end").value);
    const long = from === null || to === null ? 0 : to - from;
    words.textContent = long > 0 ? words.dataset.words.replace("%h", Math.floor(long / 60)).replace("%m", long % 60) : "";
    draw();
    clearTimeout(settled);
    const hours = field("start").value + field("end").value;
    if (hours !== told && from !== null && to !== null) settled = setTimeout(() => { told = hours; reread(); }, 600);
  };
  field("start").addEventListener("input", tell);
  field("end").addEventListener("input", tell);

  /* The strip. It scrolls and zooms. A scroll, a tap or a click leaves the chosen hours, unless it is on an event
     or a stretch of a lecture's length; what the strip changes can be undone. */
  const DAY = 1440, LECTURE = 360;
  const strip = () => {
    const figure = day.querySelector("figure");
    draw = fit = () => {};
    if (!figure) return;
    const find = selector => figure.querySelector(selector);
    const view = find(".view"), tracks = find(".tracks"), spot = find(".spot"), undo = find(".undo button");
    const add = (tag, name, to) => to.appendChild(Object.assign(document.createElement(tag), { className: name }));
    const over = add("div", "over", tracks), chosen = add("div", "chosen", over), cursor = add("div", "cursor", over);
    const edges = [...tracks.querySelectorAll("[data-from]")].flatMap(bar => [+bar.dataset.from, +bar.dataset.to]);
    const past = [];
    let scale = 1, drawn = false, pinch = null, pointed = null, resting = 0;

    /* Pixels: x counts from the left of the day in view. */
    const width = () => view.clientWidth - over.offsetLeft;
    const least = () => width() < 600 ? 2 : width() / DAY;
    const left = e => e.clientX - view.getBoundingClientRect().left - over.offsetLeft;
    const at = e => Math.max(0, Math.min(DAY, (view.scrollLeft + left(e)) / scale));
    const zoom = (to, x = width() / 2) => {
      const minute = (view.scrollLeft + x) / scale;
      scale = Math.min(12, Math.max(least(), to));
      tracks.style.setProperty("--day", scale * DAY + "px");
      tracks.classList.toggle("near", scale > 0.9);
      view.scrollLeft = minute * scale - x;
    };
    const snap = minute => {
      const edge = edges.reduce((a, b) => Math.abs(b - minute) < Math.abs(a - minute) ? b : a, -DAY);
      const grid = scale < 1.5 ? 5 : 1;
      return Math.abs(edge - minute) * scale < 8 ? edge : Math.round(minute / grid) * grid;
    };

    const limit = minute => Math.max(0, Math.min(DAY - 1, minute));
    const set = (name, minute) => { field(name).value = clock(limit(minute)); tell(); };
    const move = (name, minute) => { set(name, minute); point(minute); };
    const remember = () => { past.push([field("start").value, field("end").value]); undo.hidden = false; };
    const choose = (from, to) => { remember(); set("start", from); set("end", to); };
    undo.addEventListener("click", () => {
      [field("start").value, field("end").value] = past.pop();
      tell();
      if (past.length) return;
      undo.hidden = true;
      view.focus();
    });

    const mark = minute => {
      cursor.hidden = minute === null;
      if (minute === null) return;
      cursor.style.left = minute / DAY * 100 + "%";
      cursor.dataset.time = clock(limit(minute));
    };
    /* The pictures of the pointed instant, once the pointer rests. */
    const sources = figure.dataset.pictures ? [...tracks.querySelectorAll("[data-source]")] : [];
    const look = () => {
      clearTimeout(resting);
      resting = setTimeout(() => spot.querySelector(".pictures").replaceChildren(...sources.map(source => {
        const box = document.createElement("figure"), name = source.querySelector(".name").textContent;
        const at = `${figure.dataset.date}T${clock(pointed)}:00${figure.dataset.offset}`;
        const picture = Object.assign(add("img", "", box), { alt: `${name}, ${clock(pointed)}`, width: 160, height: 90 });
        picture.addEventListener("error", () => picture.replaceWith(figure.dataset.none), { once: true });
        picture.src = figure.dataset.pictures + "?" + new URLSearchParams({ source: source.dataset.source, at });
        add("figcaption", "", box).textContent = name;
        return box;
      })), 300);
    };
    const point = minute => {
      pointed = limit(Math.round(minute));
      mark(pointed);
      spot.hidden = false;
      spot.querySelector("strong").textContent = clock(pointed);
      look();
    };
    spot.addEventListener("click", e => {
      const name = e.target.dataset.here;
      if (name) { remember(); set(name, pointed); }
    });

    /* Calls move for each movement of a pressed pointer beyond a few pixels, which a tap may have too. */
    const drag = (down, target, move) => {
      let moved = false;
      target.setPointerCapture(down.pointerId);
      const follow = e => {
        if (!moved && Math.abs(e.clientX - down.clientX) < 4) return;
        if (!moved) remember();
        moved = true;
        const x = left(e);
        if (x < 24) view.scrollLeft -= 8;
        if (x > width() - 24) view.scrollLeft += 8;
        move(e);
      };
      const end = () => target.removeEventListener("pointermove", follow);
      target.addEventListener("pointermove", follow);
      target.addEventListener("pointerup", end, { once: true });
      target.addEventListener("pointercancel", end, { once: true });
    };

    const handles = ["start", "end"].map(name => {
      const handle = add("button", "handle " + name, over);
      handle.type = "button";
      handle.setAttribute("role", "slider");
      handle.setAttribute("aria-label", tracks.dataset[name]);
      handle.setAttribute("aria-valuemin", 0);
      handle.setAttribute("aria-valuemax", DAY - 1);
      handle.addEventListener("keydown", e => {
        const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -30, PageUp: 30, Home: -DAY, End: DAY }[e.key];
        if (!step) return;
        e.preventDefault();
        move(name, minutes(field(name).value) + step * (e.shiftKey ? 5 : 1));
      });
      handle.addEventListener("pointerdown", e => {
        const grip = minutes(field(name).value) - at(e);
        handle.focus();
        drag(e, handle, e => move(name, snap(at(e) + grip)));
      });
      return handle;
    });

    tracks.addEventListener("pointerdown", e => {
      drawn = false;
      if (e.pointerType !== "mouse" || e.button !== 0 || e.target.closest("button")) return;
      const from = snap(at(e));
      drag(e, tracks, e => {
        const to = snap(at(e));
        drawn = true;
        set("start", Math.min(from, to));
        set("end", Math.max(from, to));
      });
    });
    tracks.addEventListener("pointermove", e => { if (e.pointerType === "mouse") mark(Math.round(at(e))); });
    tracks.addEventListener("pointerleave", () => mark(pointed));
    tracks.addEventListener("click", e => {
      if (drawn || e.target.closest("button")) return;
      point(at(e));
      const bar = document.elementsFromPoint(e.clientX, e.clientY).find(element => element.matches("[data-from]"));
      if (bar && bar.dataset.to - bar.dataset.from <= LECTURE) choose(+bar.dataset.from, +bar.dataset.to);
    });

    const spread = e => Math.abs(e.touches[0].clientX - e.touches[1].clientX);
    view.addEventListener("touchstart", e => { pinch = e.touches.length === 2 && { spread: spread(e), scale }; }, { passive: true });
    view.addEventListener("touchmove", e => {
      if (!pinch || e.touches.length !== 2) return;
      e.preventDefault();
      zoom(pinch.scale * spread(e) / Math.max(pinch.spread, 1), (left(e.touches[0]) + left(e.touches[1])) / 2);
    }, { passive: false });
    view.addEventListener("wheel", e => {
      if (!e.ctrlKey) return;
      e.preventDefault();
      zoom(scale * Math.exp(-e.deltaY / 100), left(e));
    }, { passive: false });
    view.addEventListener("keydown", e => {
      const factor = { "+": 2, "=": 2, "-": 0.5 }[e.key];
      if (factor) zoom(scale * factor);
    });
    find(".tools").addEventListener("click", e => { if (e.target.dataset.zoom) zoom(scale * e.target.dataset.zoom); });

    draw = () => {
      const times = [minutes(field("start").value), minutes(field("end").value)];
      chosen.hidden = times.includes(null) || times[1] <= times[0];
      chosen.style.left = times[0] / DAY * 100 + "%";
      chosen.style.width = (times[1] - times[0]) / DAY * 100 + "%";
      times.forEach((minute, i) => {
        const handle = handles[i];
        handle.hidden = minute === null;
        handle.style.left = minute / DAY * 100 + "%";
        handle.textContent = clock(minute ?? 0);
        handle.setAttribute("aria-valuenow", minute ?? 0);
        handle.setAttribute("aria-valuetext", handle.textContent);
      });
    };
    fit = () => zoom(scale);
    find(".tools").hidden = false;
    view.tabIndex = 0;
    mark(null);
    const from = +figure.dataset.from, to = +figure.dataset.to;
    zoom(width() / (to - from));
    const first = minutes(field("start").value);
    view.scrollLeft = first === null || to - from <= width() / scale ? from * scale - 8 : first * scale - width() / 4;
    tell();
  };
  strip();
  addEventListener("resize", () => fit());

  /* A second click while the first is under way does nothing; the hidden token guards the rest. */
  ask.addEventListener("submit", e => {
    if (e.submitter?.formMethod === "get" || e.submitter?.name === "language") return;
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
  let heard = 0; // events of streams
  const poll = async () => {
    const before = heard;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (heard !== before) { /* the page may be older than the event */
          pollIn(1000);
          return;
        }
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
    opened.addEventListener("record", e => { broken = 0; heard++; put(e.data); follow(); });
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
