// Runs as lines through parallel axes. What is marked on an axis stays coloured.

import {h} from './dom.js';
import {Axis, shade, fit, inks} from './axes.js';
import {menuButton, picker, state} from './widgets.js';
import {clip, count} from './format.js';

const height = 420, top = 44, bottom = 22, side = 70;

export class Parallel {
  constructor({runs, metrics, keys, params, set}) {
    Object.assign(this, {runs, set});
    const varying = keys.filter(k => new Set(runs.map(r => r.params[k])).size > 1);
    this.names = [...varying.map(k => 'params.' + k), ...metrics.filter(k => !k.startsWith('system/')).map(k => 'metrics.' + k)];
    const wanted = params.getAll('axis').filter(a => this.names.includes(a));
    this.shown = wanted.length > 1 ? wanted : [...varying.slice(0, 6).map(k => 'params.' + k), ...this.names.filter(n => n.startsWith('metrics.')).slice(0, 2)];
    if (this.names.length < 2) {
      this.el = state('Too little to draw', 'It takes two parameters or metrics in which the runs differ.');
      return;
    }
    this.marks = new Map(); // axis -> [from, to]
    this.canvas = h('canvas', {role: 'img', 'aria-label': 'Parallel coordinates of ' + count(runs.length, 'run') + '; the table of differences has the same values.', onpointerdown: e => this.press(e), onpointermove: e => this.move(e), onpointerup: e => this.release(e), ondblclick: e => this.clear(e), onpointerleave: () => this.leave()});
    this.says = h('span', {class: 'dim v', role: 'status'});
    const menu = menuButton('Axes', () => picker(this.names.map(n => ({label: n, value: n})), {placeholder: 'Find an axis', isChosen: i => this.shown.includes(i.value), choose: (i, on) => {
      this.shown = on ? [...this.shown, i.value] : this.shown.filter(n => n !== i.value);
      this.set({axis: this.shown});
      this.build();
    }}));
    this.box = h('div', {class: 'panel drawing'}, this.canvas);
    this.el = h('div', {}, h('div', {class: 'row controls'}, menu, this.says, h('span', {class: 'dim hint'}, 'Drag along an axis to mark a part, double-click to take it back. The last axis colours.')), this.box);
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(this.box);
    this.theme = () => this.draw();
    addEventListener('themechange', this.theme);
    this.build();
  }

  close() {
    this.resize?.disconnect();
    removeEventListener('themechange', this.theme);
  }

  build() {
    this.axes = this.shown.map(n => new Axis(n, this.runs));
    for (const name of [...this.marks.keys()]) if (!this.shown.includes(name)) this.marks.delete(name);
    this.places = this.runs.map(r => this.axes.map(a => a.place(r)));
    this.draw();
  }

  xOf(i) { return side + (this.width - 2 * side) * (this.axes.length < 2 ? 0.5 : i / (this.axes.length - 1)); }

  yOf(f) { return top + (1 - f) * (height - top - bottom); }

  isMarked(k) {
    return this.axes.every((a, i) => {
      const m = this.marks.get(a.name), f = this.places[k][i];
      return !m || f !== undefined && f >= m[0] && f <= m[1];
    });
  }

  draw() {
    this.width = this.box.clientWidth - 32;
    if (this.width <= 0) return;
    const c = fit(this.canvas, this.width, height), col = inks();
    const marked = [];
    c.lineWidth = 1;
    c.strokeStyle = col.line;
    this.runs.forEach((_, k) => this.isMarked(k) ? marked.push(k) : this.line(c, k));
    c.globalAlpha = marked.length > 150 ? 0.35 : 0.75;
    c.lineWidth = 1.3;
    const last = this.axes.length - 1;
    for (const k of marked) {
      c.strokeStyle = this.places[k][last] === undefined ? col.dim : shade(this.places[k][last]);
      this.line(c, k);
    }
    c.globalAlpha = 1;
    if (this.near !== undefined) {
      c.lineWidth = 3;
      c.strokeStyle = col.text;
      this.line(c, this.near);
    }
    this.axes.forEach((a, i) => this.axis(c, a, i, col));
    const words = count(marked.length, 'run') + (this.marks.size ? ' marked' : '');
    this.says.textContent = this.near === undefined ? words : this.runs[this.near].name + ': ' + this.axes.map(a => a.key + ' ' + (a.of(this.runs[this.near]) ?? '–')).join(', ');
  }

  line(c, k) {
    c.beginPath();
    let on = false;
    this.places[k].forEach((f, i) => {
      if (f === undefined) { on = false; return; }
      on ? c.lineTo(this.xOf(i), this.yOf(f)) : c.moveTo(this.xOf(i), this.yOf(f));
      on = true;
    });
    c.stroke();
  }

  axis(c, a, i, col) {
    const x = this.xOf(i);
    c.strokeStyle = col.dim;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(x, this.yOf(0));
    c.lineTo(x, this.yOf(1));
    c.stroke();
    c.font = '11px system-ui';
    c.textAlign = 'left';
    for (const [f, t] of a.ticks(8)) {
      const text = clip(t, 12), y = this.yOf(f);
      c.fillStyle = col.panel;
      c.globalAlpha = 0.8;
      c.fillRect(x + 4, y - 7, c.measureText(text).width + 4, 14);
      c.globalAlpha = 1;
      c.fillStyle = col.dim;
      c.fillText(text, x + 6, y + 4);
    }
    c.textAlign = 'center';
    c.fillStyle = col.text;
    c.font = '600 12px system-ui';
    c.fillText(clip(a.key, Math.max(8, Math.floor((this.width / this.axes.length) / 7))), x, i % 2 ? 30 : 14);
    const m = this.marks.get(a.name);
    if (!m) return;
    c.fillStyle = col.accent;
    c.globalAlpha = 0.3;
    c.fillRect(x - 7, this.yOf(m[1]), 14, this.yOf(m[0]) - this.yOf(m[1]));
    c.globalAlpha = 1;
  }

  // under returns the axis near a place, and how far up it is.
  under(e) {
    const box = this.canvas.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
    let best = 0;
    this.axes.forEach((_, i) => { if (Math.abs(this.xOf(i) - x) < Math.abs(this.xOf(best) - x)) best = i; });
    return {i: best, near: Math.abs(this.xOf(best) - x) < 22, f: Math.max(0, Math.min(1, 1 - (y - top) / (height - top - bottom))), x, y};
  }

  press(e) {
    const u = this.under(e);
    if (!u.near) return;
    this.drag = {name: this.axes[u.i].name, from: u.f};
    this.canvas.setPointerCapture(e.pointerId);
  }

  move(e) {
    const u = this.under(e);
    if (this.drag) {
      const [a, b] = [this.drag.from, u.f].sort((x, y) => x - y);
      if (b - a > 0.01) this.marks.set(this.drag.name, [a, b]);
      this.later();
      return;
    }
    const near = this.nearest(u);
    if (near !== this.near) { this.near = near; this.later(); }
  }

  // nearest returns the run whose line passes a place.
  nearest(u) {
    let i = 0;
    while (i < this.axes.length - 2 && this.xOf(i + 1) < u.x) i++;
    if (this.axes.length < 2) return undefined;
    const t = (u.x - this.xOf(i)) / (this.xOf(i + 1) - this.xOf(i));
    let best, least = 6;
    this.places.forEach((p, k) => {
      if (p[i] === undefined || p[i + 1] === undefined || !this.isMarked(k)) return;
      const d = Math.abs(this.yOf(p[i] + (p[i + 1] - p[i]) * t) - u.y);
      if (d < least) { least = d; best = k; }
    });
    return best;
  }

  release() { this.drag = null; }

  leave() { if (this.near !== undefined) { this.near = undefined; this.later(); } }

  clear(e) {
    const u = this.under(e);
    this.marks.delete(this.axes[u.i].name);
    this.later();
  }

  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }
}
