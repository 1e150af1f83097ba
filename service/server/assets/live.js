// Brings a page up to date when the store says that something changed; every page is whole without it.
"use strict";
(() => {
  const local = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.title = at.toLocaleString();
    }
  };
  const typing = () => {
    const at = document.activeElement;
    return at && ["INPUT", "SELECT", "TEXTAREA"].includes(at.tagName) && at.value !== at.defaultValue;
  };
  // What was typed or chosen stays, also when the page around it is another one.
  const fields = (main) => main.querySelectorAll("form[action] [name]:not([type=hidden], button)");
  const key = (field) => field.form.action + " " + field.name;
  const keep = (old, main) => {
    const said = new Map([...fields(old)].map((field) => [key(field), field.value]));
    for (const field of fields(main)) if (said.has(key(field))) field.value = said.get(key(field));
    const scrolled = [...old.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
    return () => main.querySelectorAll(".wide").forEach((wide, at) => { wide.scrollLeft = scrolled[at] || 0; });
  };
  let loading = false;
  let again = false;
  const load = async () => {
    // A log that is followed grows by itself, and what is shown once must not go.
    if (document.querySelector("[data-follow], [data-once]")) return;
    if (loading) { again = true; return; }
    loading = true;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" }, redirect: "error" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [old, main] = [document.getElementById("main"), fresh.getElementById("main")];
      if (!old || !main || typing() || old.innerHTML === main.innerHTML) return;
      const log = document.getElementById("log");
      const atEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      const scrolled = log ? log.scrollTop : 0;
      const focused = document.activeElement && document.activeElement.id;
      const scroll = keep(old, main);
      old.replaceWith(main);
      scroll();
      local(main);
      document.title = fresh.title;
      const now = document.getElementById("log");
      if (now) now.scrollTop = atEnd ? now.scrollHeight : scrolled;
      if (focused && document.getElementById(focused)) document.getElementById(focused).focus({ preventScroll: true });
    } catch { /* The next change tries again. */ } finally {
      loading = false;
      if (again) { again = false; setTimeout(load, 100); }
    }
  };
  local(document);
  const log = document.getElementById("log");
  if (log && !location.hash) {
    const place = log.querySelector(".hit, .fault");
    if (place) place.scrollIntoView({ block: "center" });
    else if (!location.search) log.scrollTop = log.scrollHeight;
  }
  if (log && log.dataset.follow && window.EventSource) {
    const lines = new EventSource(log.dataset.follow);
    lines.onmessage = (event) => {
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      log.insertAdjacentHTML("beforeend", event.data);
      // A page that is left open for days must not grow without end.
      while (log.childElementCount > 5000) log.firstElementChild.remove();
      if (atEnd) log.scrollTop = log.scrollHeight;
    };
    lines.addEventListener("over", (event) => {
      lines.close();
      location.assign(event.data || location.pathname);
    });
    addEventListener("pagehide", () => lines.close());
  }
  const reports = document.querySelector("[data-told]");
  if (reports && window.EventSource) {
    const told = new EventSource(reports.dataset.told);
    told.onmessage = load;
    told.addEventListener("over", () => told.close());
    addEventListener("pagehide", () => told.close());
  }
  const sign = document.getElementById("live");
  if (!sign || !window.EventSource) return;
  const stream = new EventSource("/live");
  stream.onopen = () => { sign.hidden = false; };
  stream.onerror = () => { sign.hidden = true; };
  let shown = Number(document.body.dataset.change);
  stream.onmessage = (event) => {
    const number = Number(event.data);
    if (number <= shown) return;
    shown = number;
    load();
  };
  addEventListener("pagehide", () => stream.close());
})();
