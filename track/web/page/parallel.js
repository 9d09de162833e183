// Runs as lines through parallel axes. What is marked on an axis stays coloured.

import {h} from './dom.js';
import {Axis, inks, telling} from './axes.js';
import {Drawing} from './drawing.js';
import {menuButton, picker, state} from './widgets.js';
import {clip, count} from './format.js';

const height = 420, top = 44, bottom = 22, side = 70;

export function parallel({runs, metrics, keys, params, set}) {
  const varying = keys.filter(k => new Set(runs.map(r => r.params[k])).size > 1).map(k => 'params.' + k);
  const names = [...varying, ...telling(metrics, runs).filter(k => !k.startsWith('system/')).map(k => 'metrics.' + k)];
  if (names.length < 2) return {el: state('Too little to draw', 'It takes two parameters or metrics in which the runs differ.')};
  const wanted = params.getAll('axis').filter(a => names.includes(a));
  return new Parallel(runs, names, wanted.length > 1 ? wanted : [...varying.slice(0, innerWidth < 760 ? 2 : 6), ...names.filter(n => n.startsWith('metrics.')).slice(0, 2)], set);
}

class Parallel extends Drawing {
  constructor(runs, names, shown, set) {
    super(runs, height, 'Parallel coordinates', ' Shift and left or right choose an axis; there, Shift and up leave out what is lowest, Shift and down what is highest, and Delete takes that back.');
    this.shown = shown;
    this.marks = new Map(); // axis -> [from, to]
    this.canvas.addEventListener('pointerdown', e => this.press(e));
    for (const end of ['pointerup', 'pointercancel']) this.canvas.addEventListener(end, () => this.release());
    this.canvas.addEventListener('dblclick', e => this.clear(e));
    this.canvas.style.touchAction = 'none'; // a finger marks, too
    const menu = menuButton('Axes', () => picker(names.map(n => ({label: n, value: n})), {placeholder: 'Find an axis', isChosen: i => this.shown.includes(i.value), choose: (i, on) => {
      this.shown = on ? [...this.shown, i.value] : this.shown.filter(n => n !== i.value);
      set({axis: this.shown});
      this.build();
    }}));
    this.el = h('div', {}, h('div', {class: 'row controls'}, menu, this.says, h('span', {class: 'dim hint'}, 'Drag along an axis to mark a part, or Shift and arrow keys; double-click or Delete takes it back. The last axis colours.')), this.box);
    this.build();
  }

  build() {
    this.axes = this.shown.map(n => new Axis(n, this.runs));
    if (!this.axes[this.chosen]) this.chosen = undefined;
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
    const c = this.surface(), col = inks();
    if (!c) return;
    const marked = [];
    c.lineWidth = 1;
    c.strokeStyle = col.line;
    this.runs.forEach((_, k) => this.isMarked(k) ? marked.push(k) : this.line(c, k));
    c.globalAlpha = marked.length > 150 ? 0.35 : 0.75;
    c.lineWidth = 1.3;
    const last = this.axes.length - 1;
    for (const k of marked) {
      c.strokeStyle = this.places[k][last] === undefined ? col.dim : col.shade(this.places[k][last]);
      this.line(c, k);
    }
    c.globalAlpha = 1;
    if (this.near !== undefined) {
      c.lineWidth = 3;
      c.strokeStyle = col.text;
      this.line(c, this.near);
    }
    this.axes.forEach((a, i) => this.axis(c, a, i, col));
    this.tell(this.axes, this.chosenWords() + count(marked.length, 'run') + (this.marks.size ? ' marked' : ''));
  }

  // chosenWords tells what is marked on the axis that is chosen.
  chosenWords() {
    const a = this.axes[this.chosen], m = a && this.marks.get(a.name);
    return a ? a.key + (m ? ' ' + a.nameOf(m[0]) + ' to ' + a.nameOf(m[1]) : '') + ': ' : '';
  }

  // order goes from what is lowest on the last axis up.
  order() {
    const up = k => this.places[k].at(-1) ?? -1;
    return this.runs.map((_, k) => k).filter(k => this.isMarked(k)).sort((a, b) => up(a) - up(b));
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
    const room = this.width / this.axes.length / 7; // in letters; where it is short, every other name is lower
    if (i === this.chosen) c.fillStyle = col.accent;
    c.fillText((i === this.chosen ? '▸ ' : '') + clip(a.key, Math.max(8, Math.floor(room))), x, room < 14 && i % 2 === 0 ? 14 : 30);
    const m = this.marks.get(a.name);
    if (!m) return;
    c.fillStyle = col.accent;
    c.globalAlpha = 0.3;
    c.fillRect(x - 7, this.yOf(m[1]), 14, this.yOf(m[0]) - this.yOf(m[1]));
    c.globalAlpha = 1;
  }

  // under returns the axis near a place, and how far up it is.
  under(e) {
    const [x, y] = this.at(e);
    let best = 0;
    this.axes.forEach((_, i) => { if (Math.abs(this.xOf(i) - x) < Math.abs(this.xOf(best) - x)) best = i; });
    return {i: best, near: Math.abs(this.xOf(best) - x) < 22, f: Math.max(0, Math.min(1, 1 - (y - top) / (height - top - bottom))), x, y};
  }

  press(e) {
    const u = this.under(e);
    if (!u.near) return;
    this.chosen = u.i;
    this.drag = {name: this.axes[u.i].name, from: u.f};
    this.canvas.setPointerCapture(e.pointerId);
    this.point(undefined);
  }

  move(e) {
    const u = this.under(e);
    if (this.drag) {
      const [a, b] = [this.drag.from, u.f].sort((x, y) => x - y);
      if (b - a > 0.01) this.marks.set(this.drag.name, [a, b]);
      this.later();
      return;
    }
    this.point(u.near ? undefined : this.nearest(u));
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

  key(e) {
    const turn = e.shiftKey && {ArrowLeft: -1, ArrowRight: 1}[e.key], end = e.shiftKey && {ArrowUp: 0, ArrowDown: 1}[e.key];
    const last = this.axes.length - 1, name = this.axes[this.chosen]?.name;
    if (turn) this.chosen = Math.max(0, Math.min(last, this.chosen === undefined ? turn < 0 ? last : 0 : this.chosen + turn));
    else if (name && (end === 0 || end === 1)) this.narrow(name, end);
    else if (name && (e.key === 'Delete' || e.key === 'Backspace')) this.marks.delete(name);
    else return super.key(e);
    e.preventDefault();
    this.near = undefined;
    this.later();
  }

  // narrow moves an end of what is marked on the chosen axis to another run, some way
  // off where there are many.
  narrow(name, end) {
    const mark = [...this.marks.get(name) ?? [0, 1]], off = f => Math.abs(f - mark[end]);
    const places = this.places.map(p => p[this.chosen]).filter(f => f >= mark[0] && f <= mark[1] && off(f) > 0).sort((a, b) => off(a) - off(b));
    mark[end] = places.find(f => off(f) > 0.04) ?? places.at(-1) ?? mark[end];
    this.marks.set(name, mark);
  }

  release() { this.drag = null; }

  clear(e) {
    const u = this.under(e);
    this.marks.delete(this.axes[u.i].name);
    this.later();
  }
}
