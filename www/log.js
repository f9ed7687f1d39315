// The last events in words. Equal events in a row are one line with a count.

import { clock } from "./format.js";

const MOST_LINES = 14;

/** @param {HTMLOListElement} list */
export function createLog(list) {
  let last = null;

  return {
    add(text, kind = "note") {
      if (last?.text === text) {
        last.times += 1;
        last.time.textContent = clock(Date.now());
        last.count.textContent = `×${last.times}`;
        return;
      }
      const line = document.createElement("li");
      const part = (tag, content) => {
        const element = document.createElement(tag);
        element.textContent = content;
        line.append(element);
        return element;
      };
      line.dataset.kind = kind;
      last = {
        text,
        times: 1,
        time: part("time", clock(Date.now())),
        words: part("span", text),
        count: part("small", ""),
      };
      list.prepend(line);
      while (list.children.length > MOST_LINES) list.lastElementChild.remove();
    },
  };
}

/** Said by screen readers; only for what changes rarely. */
export function announce(text) {
  document.getElementById("announcement").textContent = text;
}
