// Widths of columns, as somebody has made them; the browser keeps them.

import {h} from './dom.js';

const least = 50, most = 900, name = 'xt.widths';

const kept = (() => {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? {};
  } catch {
    return {};
  }
})();

export const widthOf = c => Math.max(least, Math.min(most, Number(kept[c.name]) || c.width));

function keep(c, width) {
  if (width === undefined) delete kept[c.name];
  else kept[c.name] = Math.round(width);
  localStorage.setItem(name, JSON.stringify(kept));
}

// resizable makes the right edge of a heading change the width of its column, as the
// arrow keys with shift do on the heading. A double click takes it back.
export function resizable(heading, c, changed) {
  let from;
  const to = width => { keep(c, width); changed(); };
  heading.append(h('span', {class: 'grip', 'aria-hidden': 'true',
    onpointerdown: e => { e.preventDefault(); e.target.setPointerCapture(e.pointerId); from = e.clientX - widthOf(c); },
    onpointermove: e => { if (from !== undefined) to(e.clientX - from); },
    onpointerup: () => { from = undefined; }, onpointercancel: () => { from = undefined; }, ondblclick: () => to(undefined)}));
  heading.addEventListener('keydown', e => {
    const by = e.shiftKey && {ArrowLeft: -10, ArrowRight: 10}[e.key];
    if (!by) return;
    e.preventDefault();
    to(widthOf(c) + by);
  });
  return heading;
}
