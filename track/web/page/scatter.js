// Runs as points between two values, coloured by a third.

import {h} from './dom.js';
import {Axis, inks, telling} from './axes.js';
import {Drawing} from './drawing.js';
import {state} from './widgets.js';
import {clip, count} from './format.js';

const height = 440, left = 76, right = 18, top = 14, bottom = 44;

export function scatter(o) {
  const names = [...telling(o.metrics, o.runs).map(k => 'metrics.' + k), ...o.keys.map(k => 'params.' + k)];
  return names.length < 2 ? {el: state('Too little to draw', 'It takes two parameters or metrics.')} : new Scatter(names, o);
}

class Scatter extends Drawing {
  points = [];

  constructor(names, {runs, keys, params, set}) {
    super(runs, height, 'Scatter');
    const values = k => new Set(runs.map(r => r.params[k])).size;
    const most = keys.filter(k => values(k) > 1).sort((a, b) => values(b) - values(a))[0];
    const choose = (name, or, empty) => {
      const at = names.includes(params.get(name)) ? params.get(name) : or;
      const el = h('select', {onchange: () => { set({[name]: el.value}); this.build(); }}, empty && h('option', {value: '', selected: at === ''}, 'the run'), names.map(n => h('option', {value: n, selected: n === at}, n)));
      return el;
    };
    const [y] = names;
    this.y = choose('sy', y);
    this.x = choose('sx', most ? 'params.' + most : names.find(n => n !== y));
    this.c = choose('sc', '', true);
    this.el = h('div', {}, h('div', {class: 'row controls'}, h('label', {class: 'field'}, 'x', this.x), h('label', {class: 'field'}, 'y', this.y), h('label', {class: 'field'}, 'Colour', this.c), this.says), this.box);
    this.build();
  }

  build() {
    this.ax = new Axis(this.x.value, this.runs);
    this.ay = new Axis(this.y.value, this.runs);
    this.ac = this.c.value ? new Axis(this.c.value, this.runs) : null;
    this.draw();
  }

  draw() {
    const c = this.surface(), col = inks(), width = this.width;
    if (!c) return;
    const X = f => left + f * (width - left - right), Y = f => top + (1 - f) * (height - top - bottom);
    c.font = '11px system-ui';
    c.strokeStyle = col.line;
    c.fillStyle = col.dim;
    for (const [f, t] of this.ax.ticks(6)) { this.grid(c, X(f), top, X(f), height - bottom); c.textAlign = 'center'; c.fillText(clip(t, 14), X(f), height - bottom + 16); }
    for (const [f, t] of this.ay.ticks(6)) { this.grid(c, left, Y(f), width - right, Y(f)); c.textAlign = 'right'; c.fillText(clip(t, 11), left - 8, Y(f) + 4); }
    c.fillStyle = col.text;
    c.font = '600 12px system-ui';
    c.textAlign = 'center';
    c.fillText(clip(this.ax.key + (this.ax.log ? ' (log)' : ''), 60), (left + width - right) / 2, height - 8);
    c.save();
    c.translate(14, (top + height - bottom) / 2);
    c.rotate(-Math.PI / 2);
    c.fillText(clip(this.ay.key + (this.ay.log ? ' (log)' : ''), 50), 0, 0);
    c.restore();
    this.points = [];
    this.runs.forEach((r, k) => {
      const fx = this.ax.place(r), fy = this.ay.place(r);
      if (fx === undefined || fy === undefined) return;
      const f = this.ac?.place(r);
      c.fillStyle = this.ac ? f === undefined ? col.dim : col.shade(f) : this.runs.length > 12 ? col.accent : r.color;
      c.globalAlpha = this.runs.length > 200 ? 0.55 : 0.85;
      c.beginPath();
      c.arc(X(fx), Y(fy), k === this.near ? 8 : 4.5, 0, 7);
      c.fill();
      this.points.push([X(fx), Y(fy), k]);
    });
    c.globalAlpha = 1;
    this.tell([this.ax, this.ay, this.ac].filter(Boolean), count(this.points.length, 'run') + ' with both');
  }

  // order goes from left to right.
  order() { return this.points.toSorted((a, b) => a[0] - b[0] || b[1] - a[1]).map(p => p[2]); }

  grid(c, a, b, x, y) {
    c.beginPath();
    c.moveTo(a, b);
    c.lineTo(x, y);
    c.stroke();
  }

  move(e) {
    const [x, y] = this.at(e);
    let near, least = 14;
    for (const [px, py, k] of this.points) {
      const d = Math.hypot(px - x, py - y);
      if (d < least) { least = d; near = k; }
    }
    this.point(near);
  }
}
