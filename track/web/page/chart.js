// Curves on a canvas.

import uPlot from './vendor/uplot.js';
import {h, fill} from './dom.js';
import {num, took, when, times, real} from './format.js';
import {inks} from './axes.js';
import {ChartKeys} from './chartkeys.js';
import {menuButton, closePopover} from './widgets.js';

const mostSaid = 12; // values that are told at once
const manyCurves = 10; // beyond which smoothed curves are shown without what they smooth

// smooth is the exponential moving average, corrected for its start, as people know
// it from TensorBoard. What is not a number stays a gap.
export function smooth(values, weight) {
  let last = 0, n = 0;
  return values.map(v => {
    if (v === null || !Number.isFinite(v)) return v;
    n++;
    last = last * weight + (1 - weight) * v;
    return last / (1 - weight ** n);
  });
}

// xOf returns the positions of a curve's points; NaN where there is none.
function xOf(curve, axis) {
  if (axis === 'time') return curve.times.map(t => t / 1000);
  if (axis === 'relative') return curve.times.map(t => (t - (curve.start || curve.times[0])) / 1000);
  if (metricOf(axis)) return along(curve.steps, curve.x);
  return curve.steps;
}

// metricOf returns the metric that an axis is, '' if it is none.
export const metricOf = axis => axis.startsWith('metrics.') ? axis.slice('metrics.'.length) : '';

// along returns what a metric was at some steps: between those at which it was logged,
// on the line from one to the next.
function along(steps, line) {
  const n = line?.steps.length ?? 0;
  if (n === 0) return steps.map(() => NaN);
  let i = 0;
  return steps.map(s => {
    if (i > 0 && line.steps[i - 1] > s) i = 0;
    while (i < n && line.steps[i] < s) i++;
    if (i === n || i === 0 && line.steps[0] > s) return real(line.values[i === n ? n - 1 : 0]);
    const v = real(line.values[i]);
    if (line.steps[i] === s) return v;
    const before = real(line.values[i - 1]), from = line.steps[i - 1];
    return before + (v - before) * (s - from) / (line.steps[i] - from);
  });
}

// series makes what is drawn of a curve: points in the order of x, one at each.
function series(curve, o) {
  const xs = xOf(curve, o.axis);
  const order = xs.map((_, i) => i);
  for (let i = 1; i < xs.length; i++) if (xs[i] < xs[i - 1]) { order.sort((a, b) => xs[a] - xs[b] || a - b); break; }
  const x = [], y = [];
  for (const i of order) {
    const v = real(curve.values[i]);
    if (!Number.isFinite(xs[i]) || o.logx && xs[i] <= 0) continue;
    const shown = Number.isFinite(v) && !(o.logy && v <= 0) ? v : null;
    if (x.length && x[x.length - 1] === xs[i]) y[y.length - 1] = shown; // the last one counts
    else { x.push(xs[i]); y.push(shown); }
  }
  return [x, y];
}

// smoothed makes what is drawn of a curve once it is smoothed. Of a long one there are
// only some points, its peaks among them: it is the means between those that count.
function smoothed(curve, o) {
  const [x, y] = series(curve.means ? {...curve, ...curve.means} : curve, o);
  return [x, smooth(y, o.smooth)];
}

export class Chart {
  // options: title, sync, the id of what tells of its keys, onzoom(from, to), called with
  // steps, and onlarge(on).
  constructor(options) {
    Object.assign(this, options);
    this.plot = null;
    this.box = h('div', {class: 'plot', role: 'application', 'aria-roledescription': 'chart', tabindex: '0', 'aria-label': this.title, 'aria-describedby': this.describedBy});
    this.says = h('span', {class: 'hidden', role: 'status'});
    this.legend = h('div', {class: 'legend', 'aria-hidden': 'true'});
    this.note = h('p', {class: 'note dim', hidden: true});
    this.el = h('figure', {class: 'chart'}, h('figcaption', {}, h('span', {class: 'v', title: this.title}, this.title), this.at = h('span', {class: 'dim at'})), this.says, this.box, this.note, this.legend);
    this.el.querySelector('figcaption').append(this.tools());
    this.keys = new ChartKeys(this);
    withFingers(this.box);
    this.resize = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resize.observe(this.box);
  }

  size() { return {width: this.box.clientWidth || 300, height: this.isLarge ? Math.max(300, innerHeight - 260) : 210}; }

  // tools are what can be done with the chart.
  tools() {
    const save = (label, name) => h('button', {type: 'button', class: 'choice', onclick: async () => {
      closePopover();
      const files = await import('./chartsave.js');
      if (this.plot) files[name](this);
    }}, label);
    const menu = menuButton('Save', () => this.plot ? h('div', {class: 'choices'}, save('Points as CSV', 'saveCSV'), save('Picture as PNG', 'savePicture')) : 'Nothing is drawn.');
    menu.setAttribute('aria-label', 'Save ' + this.title);
    this.larger = h('button', {type: 'button', class: 'icon', 'aria-label': 'Larger: ' + this.title, 'aria-pressed': 'false', title: 'Larger', onclick: () => this.onlarge?.(!this.isLarge)}, '⤢');
    this.back = h('button', {type: 'button', hidden: true, 'aria-label': 'All of ' + this.title, onclick: () => {
      this.box.focus(); // the button goes
      this.reset();
    }}, 'Show all');
    return h('span', {class: 'tools'}, this.back, menu, this.larger);
  }

  // setLarge makes the chart as large as there is room, or as it was.
  setLarge(on) {
    this.isLarge = on;
    this.el.classList.toggle('large', on);
    this.larger.setAttribute('aria-pressed', String(on));
    this.plot?.setSize(this.size());
  }

  close() {
    clearTimeout(this.asks);
    this.resize.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  // show draws curves: {run, name, label, color, start, steps, times, values, means, x}; x is
  // the curve of the metric that is the axis, if one is.
  show(curves, options) {
    this.curves = curves;
    this.options = options;
    if (this.zoom && this.zoom.axis !== options.axis) {
      this.zoom = null;
      clearTimeout(this.asks);
    }
    this.back.hidden = !this.zoom;
    this.plot?.destroy();
    this.plot = null;
    fill(this.legend);
    const along = metricOf(options.axis);
    const some = curves.filter(c => c.steps.length > 0 && (!along || c.x?.steps.length > 0));
    const tables = some.map(c => series(c, options));
    const drawn = tables.some(([, y]) => y.some(v => v !== null));
    this.note.hidden = drawn;
    this.box.hidden = !drawn;
    this.box.setAttribute('aria-label', this.title + ': ' + some.map(c => c.name + ' ends at ' + num(c.values.at(-1))).join(', '));
    if (!drawn) {
      this.note.textContent = some.length === 0 ? (along ? 'No run has both this metric and ' + along + '.' : 'No points.') : options.logy || options.logx ? 'Nothing that a logarithmic axis can show.' : 'No value is a number.';
      return;
    }
    const lines = [], data = [];
    tables.forEach((table, i) => {
      if (options.smooth > 0 && some.length <= manyCurves) {
        data.push(table);
        lines.push({run: some[i], faint: true});
      }
      data.push(options.smooth > 0 ? smoothed(some[i], options) : table);
      lines.push({run: some[i]});
    });
    const joined = data.length === 1 ? [data[0][0], data[0][1]] : uPlot.join(data);
    this.lines = lines;
    if (!this.zoom) [this.whole, this.extent] = [curves, [joined[0][0], joined[0].at(-1)]];
    this.plot = new uPlot(this.config(lines, options, joined[0]), joined, this.box);
    if (this.zoom) this.plot.setScale('x', this.zoom);
    this.drawLegend(some);
  }

  config(lines, o, xs) {
    const {dim: ink, line: grid} = inks();
    const axis = {stroke: ink, grid: {stroke: grid, width: 1}, ticks: {stroke: grid, width: 1, size: 4}, font: '11px system-ui', labelFont: '11px system-ui'};
    const only = xs.length === 1; // point: it is in the middle, and the one to be named
    return {
      ...this.size(), legend: {show: false}, padding: [8, 10, 0, 0],
      cursor: {sync: this.sync ? {key: this.sync, setSeries: false} : undefined, drag: {x: true, y: false, dist: 6}, points: {size: 5}, focus: {prox: 24}, y: false,
        bind: {dblclick: u => () => { this.reset(); return null; }}},
      focus: {alpha: 0.35},
      scales: {x: {time: o.axis === 'time', distr: o.logx ? 3 : 1, range: only ? () => o.logx ? [xs[0] / 10, xs[0] * 10] : [xs[0] - 0.5, xs[0] + 0.5] : o.logx ? (u, from, to) => [from, to] : undefined}, y: {distr: o.logy ? 3 : 1, range: o.logy ? undefined : range}},
      axes: [
        {...axis, size: o.axis === 'time' ? 44 : 30, space: 60, splits: only ? () => [xs[0]] : o.logx ? (u, i, from, to) => powers(from, to) : undefined, filter: (u, v) => v,
          values: o.axis === 'time' ? (u, v, i, space, step) => times(v, step) : (u, v) => v.map(x => x === null ? '' : o.axis === 'relative' ? took(x * 1000) : num(x))},
        {...axis, size: 52, space: 34, values: (u, v) => v.map(x => x === null ? '' : num(x))},
      ],
      series: [{}, ...lines.map(l => ({
        stroke: l.faint ? fade(l.run.color) : l.run.color, width: l.faint ? 1 : 1.6, spanGaps: true, show: !o.hidden?.has(l.run.run),
        points: l.run.steps.length < 2 ? {show: true, size: 7, fill: l.run.color} : {size: 5},
      }))],
      hooks: {setCursor: [u => this.point(u)], setSeries: [(u, i) => this.near(i)], setSelect: [u => this.zoomed(u)], setScale: [(u, scale) => { if (scale === 'x') this.keys.place(u); }]},
    };
  }

  // hide takes a run's curve away, or brings it back.
  hide(run, on) {
    if (!this.plot) return;
    this.lines.forEach((l, i) => { if (l.run.run === run) this.plot.setSeries(i + 1, {show: on}); });
    this.legend.children[this.named.findIndex(c => c.run === run)]?.classList.toggle('off', !on);
  }

  // near marks in the legend the curve that is pointed at.
  near(i) {
    const run = this.lines[i - 1]?.run.run;
    [...this.legend.children].forEach((el, k) => {
      const is = run !== undefined && this.named[k]?.run === run;
      el.classList.toggle('near', is);
      if (is) this.legend.scrollTop = el.offsetTop - this.legend.offsetTop - 40;
    });
  }

  zoomed(u) {
    if (u.select.width >= 3) this.look(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
  }

  // look shows what is between two places of the axis, and asks for more points of it
  // after some time.
  look(from, to, after = 0) {
    this.zoom = {min: from, max: to, axis: this.options.axis};
    this.back.hidden = false;
    this.plot.setScale('x', {min: from, max: to});
    clearTimeout(this.asks);
    this.asks = setTimeout(() => this.onzoom?.(...this.stepsBetween(from, to)), after);
  }

  // stepsBetween returns the first and the last step of what is between two places of
  // the axis, and of the points beside it.
  stepsBetween(from, to) {
    let first = Infinity, last = -Infinity;
    const there = this.plot?.data[0] ?? [];
    for (const c of from < there[0] || to > there.at(-1) ? this.whole : this.curves) {
      const xs = xOf(c, this.options.axis);
      for (let i = 0; i < xs.length; i++) {
        const [a, b] = [xs[Math.max(0, i - 1)], xs[Math.min(xs.length - 1, i + 1)]];
        if (Math.max(xs[i], a, b) < from || Math.min(xs[i], a, b) > to) continue;
        first = Math.min(first, c.steps[i]);
        last = Math.max(last, c.steps[i]);
      }
    }
    return first <= last ? [first, last] : [];
  }

  reset() {
    if (!this.zoom) return;
    this.zoom = null;
    this.back.hidden = true;
    clearTimeout(this.asks);
    this.plot?.setScale('x', {min: this.extent[0], max: this.extent[1]});
    this.onzoom?.(undefined, undefined);
  }

  drawLegend(curves) {
    this.named = curves;
    this.vals = curves.map(() => h('span', {class: 'val'}));
    fill(this.legend, curves.slice(0, 24).map((c, i) => h('span', {class: 'key' + (this.options.hidden?.has(c.run) ? ' off' : '')},
      h('span', {class: 'swatch', style: {background: c.color}}), h('span', {class: 'v name', title: c.name}, c.label), this.vals[i])),
      curves.length > 24 && h('span', {class: 'dim'}, 'and ' + (curves.length - 24) + ' more'));
    this.point(null);
  }

  // point shows the values under the pointer, or the last ones.
  point(u) {
    if (!this.plot || !this.vals) return;
    const i = u?.cursor?.idx;
    const at = i === null || i === undefined ? null : this.plot.data[0][i];
    this.at.textContent = at === null ? '' : this.place(at);
    const per = this.lines.some(l => l.faint) ? 2 : 1;
    this.vals.forEach((el, n) => {
      if (n >= 24) return;
      const ys = this.plot.data[per * (n + 1)];
      el.textContent = num(at === null ? lastOf(ys) : nearest(ys, i));
    });
  }

  // place names a place of the axis.
  place(x) {
    const {axis} = this.options;
    return axis === 'time' ? when(x * 1000) : axis === 'relative' ? took(x * 1000) : metricOf(axis) ? metricOf(axis) + ' ' + num(x) : 'step ' + num(Math.round(x));
  }

  // values tells what the curves that are shown are at a place, the greatest first.
  values(x) {
    const i = this.plot.valToIdx(x), [, ...ys] = this.plot.data, [, ...series] = this.plot.series;
    const all = this.lines.map((l, k) => [l, nearest(ys[k], i), series[k].show]).filter(([l, y, on]) => on && !l.faint && y !== null).sort(([, a], [, b]) => b - a);
    const some = all.slice(0, mostSaid).map(([l, y]) => (this.curves.length > 1 ? l.run.name + ' ' : '') + num(y));
    return this.place(x) + ': ' + [...some, all.length > mostSaid && 'and ' + (all.length - mostSaid) + ' more'].filter(Boolean).join(', ');
  }
}

// powers returns round numbers for an axis of powers of ten, of which few or none may
// be in sight.
function powers(from, to) {
  const wide = Math.log10(to / from), out = [];
  if (wide < 0.3) return Array.from({length: 5}, (_, i) => Number((from + i * (to - from) / 4).toPrecision(3))).filter(x => x >= from && x <= to);
  for (let p = Math.floor(Math.log10(from)); 10 ** p <= to; p += Math.ceil(wide / 8)) {
    for (const k of wide > 2 ? [1] : wide > 0.7 ? [1, 2, 5] : [1, 2, 3, 4, 6, 8]) out.push(Number((k * 10 ** p).toPrecision(3)));
  }
  return out.filter(x => x >= from && x <= to);
}

// range leaves some room above and below, also where all is the same.
function range(u, lo, hi) {
  if (lo === null || hi === null) return [0, 1];
  const room = (hi - lo) * 0.06 || Math.abs(hi) * 0.1 || 1;
  return [lo - room, hi + room];
}

const lastOf = ys => { for (let i = ys.length - 1; i >= 0; i--) if (ys[i] !== null && ys[i] !== undefined) return ys[i]; return null; };

// nearest returns the value at a place, or the one before where there is a gap.
function nearest(ys, i) {
  for (let k = i; k >= 0 && k > i - 200; k--) if (ys[k] !== null && ys[k] !== undefined) return ys[k];
  return null;
}

// withFingers makes a finger that goes sideways over a chart do what a mouse does; up and
// down it scrolls the page, as elsewhere.
function withFingers(box) {
  let from = null;
  const mouse = (type, e, at = e) => e.target.closest('.u-over')?.dispatchEvent(new MouseEvent(type, {clientX: at.clientX, clientY: at.clientY, movementX: 1, bubbles: true})); // without movement it would not count
  const on = (type, act) => box.addEventListener(type, e => { if (e.pointerType === 'touch' && e.isPrimary) act(e); });
  on('pointerdown', e => { from = e; mouse('mousemove', e); mouse('mousedown', e); });
  on('pointermove', e => from && mouse('mousemove', e));
  on('pointerup', e => { from = null; mouse('mouseup', e); });
  on('pointercancel', e => { if (from) mouse('mousemove', e, from); mouse('mouseup', e, from ?? e); from = null; });
}

const fade = c => c + '40';
