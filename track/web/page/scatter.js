// Runs as points between two values, coloured by a third.

import {h, href, go} from './dom.js';
import {Axis, shade, fit, inks} from './axes.js';
import {state} from './widgets.js';
import {clip, count} from './format.js';

const height = 440, left = 76, right = 18, top = 14, bottom = 44;

export class Scatter {
  constructor({runs, metrics, keys, params, set}) {
    this.runs = runs;
    const names = [...metrics.map(k => 'metrics.' + k), ...keys.map(k => 'params.' + k)];
    if (names.length < 2) {
      this.el = state('Too little to draw', 'It takes two parameters or metrics.');
      return;
    }
    const varying = keys.filter(k => new Set(runs.map(r => r.params[k])).size > 1).map(k => 'params.' + k);
    const choose = (name, or, empty) => {
      const at = names.includes(params.get(name)) ? params.get(name) : or;
      const el = h('select', {onchange: () => { set({[name]: el.value}); this.build(); }}, empty && h('option', {value: '', selected: at === ''}, 'the run'), names.map(n => h('option', {value: n, selected: n === at}, n)));
      return el;
    };
    const y = names.find(n => n.startsWith('metrics.') && !n.includes('system/')) ?? names[0];
    this.y = choose('sy', y);
    this.x = choose('sx', varying[0] ?? names.find(n => n !== y));
    this.c = choose('sc', '', true);
    this.canvas = h('canvas', {role: 'img', 'aria-label': 'Scatter of ' + count(runs.length, 'run') + '; the table of differences has the same values.', onpointermove: e => this.move(e), onpointerleave: () => { this.near = undefined; this.draw(); }, onclick: () => { if (this.near !== undefined) go(href({view: 'run', id: runs[this.near].id})); }});
    this.says = h('span', {class: 'dim v', role: 'status'});
    this.box = h('div', {class: 'panel drawing'}, this.canvas);
    this.el = h('div', {}, h('div', {class: 'row controls'}, h('label', {class: 'field'}, 'x', this.x), h('label', {class: 'field'}, 'y', this.y), h('label', {class: 'field'}, 'Colour', this.c), this.says), this.box);
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
    this.ax = new Axis(this.x.value, this.runs);
    this.ay = new Axis(this.y.value, this.runs);
    this.ac = this.c.value ? new Axis(this.c.value, this.runs) : null;
    this.draw();
  }

  draw() {
    const width = this.box.clientWidth - 32;
    if (width <= 0) return;
    const c = fit(this.canvas, width, height), col = inks();
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
      c.fillStyle = this.ac ? f === undefined ? col.dim : shade(f) : this.runs.length > 12 ? col.accent : r.color;
      c.globalAlpha = this.runs.length > 200 ? 0.55 : 0.85;
      c.beginPath();
      c.arc(X(fx), Y(fy), k === this.near ? 8 : 4.5, 0, 7);
      c.fill();
      this.points.push([X(fx), Y(fy), k]);
    });
    c.globalAlpha = 1;
    const r = this.runs[this.near];
    this.says.textContent = r ? r.name + ': ' + [this.ax, this.ay, this.ac].filter(Boolean).map(a => a.key + ' ' + (a.of(r) ?? '–')).join(', ') : count(this.points.length, 'run') + ' with both';
    this.canvas.style.cursor = r ? 'pointer' : '';
  }

  grid(c, a, b, x, y) {
    c.beginPath();
    c.moveTo(a, b);
    c.lineTo(x, y);
    c.stroke();
  }

  move(e) {
    const box = this.canvas.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
    let near, least = 14;
    for (const [px, py, k] of this.points ?? []) {
      const d = Math.hypot(px - x, py - y);
      if (d < least) { least = d; near = k; }
    }
    if (near !== this.near) { this.near = near; this.draw(); }
  }
}
