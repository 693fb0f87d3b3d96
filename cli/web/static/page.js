"use strict";
// Keeps the page up to date: the bot sends the HTML of each section that has changed.

/** Keep what has the same `data-key`: pictures don't flicker, and opened details stay open. */
function replace(section, html) {
  const next = document.createElement("template");
  next.innerHTML = html;
  for (const fresh of next.content.querySelectorAll("[data-key]")) {
    const old = section.querySelector(`[data-key="${CSS.escape(fresh.dataset.key)}"]`);
    if (!old) continue;
    if (fresh.tagName === "IMG") {
      for (const { name, value } of fresh.attributes) {
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      }
      fresh.replaceWith(old);
    } else if (fresh.tagName === "DETAILS") {
      fresh.open = old.open;
    }
  }
  section.replaceChildren(next.content);
}

const stale = document.getElementById("stale");

function follow() {
  const source = new EventSource("/events");
  source.addEventListener("sections", (event) => {
    stale.hidden = true;
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const section = document.getElementById(id);
      if (section) replace(section, html);
    }
  });
  source.addEventListener("open", () => (stale.hidden = true));
  source.addEventListener("error", () => {
    stale.hidden = false;
    if (source.readyState === EventSource.CLOSED) {
      source.close();
      setTimeout(follow, 30000);
    }
  });
}

follow();
