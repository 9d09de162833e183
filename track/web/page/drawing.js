// Pictures of runs on a canvas: what parallel coordinates and scatters have in common.

import {h, href, go} from './dom.js';
import {fit} from './axes.js';
import {count} from './format.js';

// Drawing is a canvas that a class draws on: draw() draws, order() returns the places of
// runs in the order in which the arrow keys go through them. What other keys do is said
// where it is made.
export class Drawing {
  constructor(runs, height, what, keys = '') {
    Object.assign(this, {runs, height});
    this.canvas = h('canvas', {role: 'application', 'aria-roledescription': 'chart', tabindex: '0', 'aria-label': what + ' of ' + count(runs.length, 'run') + '. Arrow keys go from run to run, Enter opens one.' + keys,
      onpointermove: e => this.move(e), onpointerleave: () => this.point(undefined), onclick: e => this.click(e), onkeydown: e => this.key(e)});
    this.says = h('span', {class: 'dim v', role: 'status'});
    this.box = h('div', {class: 'panel drawing'}, this.canvas);
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(this.box);
    this.theme = () => this.draw();
    addEventListener('themechange', this.theme);
  }

  close() {
    this.resize.disconnect();
    removeEventListener('themechange', this.theme);
  }

  // update takes runs as they are now.
  update(runs) {
    this.runs = runs;
    this.near = undefined;
    this.build();
  }

  // surface returns what to draw on, as wide as there is room; null while there is none.
  surface() {
    this.width = this.box.clientWidth - 32;
    return this.width > 0 ? fit(this.canvas, this.width, this.height) : null;
  }

  // at returns where on the canvas the pointer is.
  at(e) {
    const box = this.canvas.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  }

  // point says what a run has, and marks it.
  point(k) {
    if (k === this.near) return;
    this.near = k;
    this.later();
  }

  // tell says what the run that is pointed at has on some axes, or something else
  // where none is.
  tell(axes, otherwise) {
    const r = this.runs[this.near];
    this.says.textContent = r ? r.name + ': ' + axes.map(a => a.key + ' ' + (a.of(r) ?? '–')).join(', ') : otherwise;
    this.canvas.style.cursor = r ? 'pointer' : '';
  }

  click() { if (this.near !== undefined) go(href({view: 'run', id: this.runs[this.near].id})); }

  key(e) {
    const by = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key], order = this.order();
    if (e.key === 'Enter') this.click(e);
    else if (by && order.length > 0) this.point(order.at((order.indexOf(this.near) + (by < 0 && this.near === undefined ? 0 : by)) % order.length));
    else return;
    e.preventDefault();
  }

  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }
}
