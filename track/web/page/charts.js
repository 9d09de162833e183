// The curves of some runs: one picture for each key, with what they have in common.

import {h, fill} from './dom.js';
import {get, poll} from './api.js';
import {Chart, metricOf} from './chart.js';
import {keysOf} from './chartkeys.js';
import {counts} from './axes.js';
import {state} from './widgets.js';

const early = 4; // charts whose curves are asked for before it is known whether they are in sight

// Charts shows the curves of runs: {id, name, label, color, start, status, metrics}.
export class Charts {
  // options: runs, keys, params of the address, and set(params), which changes it.
  constructor({runs, keys, params, set}) {
    Object.assign(this, {runs, keys, set});
    this.hidden = new Set();
    this.options = {
      axis: ['time', 'relative'].includes(params.get('x')) || metricOf(params.get('x') ?? '') ? params.get('x') : 'step',
      smooth: Math.min(0.99, Math.max(0, Number(params.get('smooth')) || 0)), logx: params.get('logx') === '1', logy: params.get('logy') === '1', hidden: this.hidden,
    };
    this.word = params.get('key') ?? '';
    this.large = params.get('large') ?? '';
    this.charts = new Map();
    this.grid = h('div', {class: 'charts'});
    this.el = h('div', {}, this.toolbar(), this.grid);
    this.seen = new IntersectionObserver(entries => { for (const e of entries) this.sight(e); }, {rootMargin: '300px'});
    this.draw();
    requestAnimationFrame(() => this.charts.get(this.large)?.chart.el.scrollIntoView());
    this.theme = () => this.redrawAll();
    addEventListener('themechange', this.theme);
    this.stop = poll(() => this.again(), 3);
  }

  close() {
    this.stop();
    this.seen.disconnect();
    removeEventListener('themechange', this.theme);
    for (const c of this.charts.values()) c.chart.close();
  }

  toolbar() {
    const o = this.options;
    const change = (name, value) => {
      o[{x: 'axis', smooth: 'smooth', logx: 'logx', logy: 'logy'}[name]] = value;
      this.set({[name]: value === 'step' || value === 0 ? '' : value});
      if (name === 'x') for (const c of this.charts.values()) this.reach(c);
      this.redrawAll();
    };
    const range = h('input', {type: 'range', min: '0', max: '0.99', step: '0.01', value: String(o.smooth), oninput: () => { shown.textContent = range.value; change('smooth', Number(range.value)); }});
    const shown = h('output', {class: 'n'}, String(o.smooth));
    const box = (name, label) => h('label', {class: 'field'}, (() => { const b = h('input', {type: 'checkbox', checked: o[name], onchange: () => change(name, b.checked)}); return b; })(), label);
    const axis = this.axis = h('select', {onchange: () => change('x', axis.value)});
    this.fillAxis();
    const search = h('input', {type: 'search', placeholder: 'Find a metric', 'aria-label': 'Find a metric', value: this.word, oninput: () => { this.word = search.value; this.set({key: this.word}); this.draw(); }});
    return h('div', {class: 'row controls'}, search, h('label', {class: 'field'}, 'x', axis), h('label', {class: 'field'}, 'Smoothing', range, shown), box('logx', 'log x'), box('logy', 'log y'),
      h('span', {class: 'dim hint'}, 'Zoom: drag or + −. Back: double-click or 0.'), h('span', {class: 'hidden', id: 'chart-keys'}, keysOf));
  }

  // fillAxis offers what curves may be drawn over: such metrics as epochs first.
  fillAxis() {
    const now = metricOf(this.options.axis);
    const metrics = [...this.keys].sort((a, b) => counts.test(b) - counts.test(a)).slice(0, 200);
    if (now && !metrics.includes(now)) metrics.push(now);
    const option = (v, t) => h('option', {value: v, selected: this.options.axis === v}, t);
    fill(this.axis, option('step', 'Step'), option('relative', 'Time since start'), option('time', 'Time of day'),
      metrics.length > 0 && h('optgroup', {label: 'A metric'}, metrics.map(k => option('metrics.' + k, k))));
  }

  draw() {
    const word = this.word.toLowerCase();
    const keys = this.keys.filter(k => k.toLowerCase().includes(word));
    for (const [key, c] of this.charts) {
      if (keys.includes(key)) continue;
      c.chart.close();
      c.chart.el.remove();
      this.charts.delete(key);
    }
    if (keys.length === 0) {
      fill(this.grid, state(this.keys.length ? 'No metric is called so' : 'No curves', this.keys.length ? '' : 'These runs have logged no metric.'));
      return;
    }
    this.grid.querySelector('.state')?.remove();
    for (const key of keys) {
      if (!this.charts.has(key)) {
        const chart = new Chart({title: key, sync: 'curves', describedBy: 'chart-keys', onzoom: (from, to) => this.zoom(key, from, to), onlarge: on => this.enlarge(on ? key : '')});
        chart.setLarge(key === this.large);
        chart.el.dataset.key = key;
        const c = {key, chart, curves: null, sight: false};
        this.charts.set(key, c);
        this.seen.observe(chart.el);
        if (this.charts.size <= early) this.load(c);
      }
      this.grid.append(this.charts.get(key).chart.el);
    }
  }

  sight(entry) {
    const c = this.charts.get(entry.target.dataset.key);
    if (!c) return;
    c.sight = entry.isIntersecting;
    if (c.sight && !c.curves && !c.asked) this.load(c);
    else if (c.sight && c.late) this.redraw(c);
  }

  with(key) { return this.runs.filter(r => r.metrics[key]).slice(0, 100); }

  // reach shows all of a chart again, over another axis, and asks for what that needs.
  reach(c) {
    if (!c.range && !metricOf(this.options.axis)) return;
    c.range = c.chart.zoom = undefined;
    c.curves = null;
    if (c.sight && !c.asked) this.load(c);
  }

  async load(c, range = {}) {
    const turn = c.turn = (c.turn ?? 0) + 1;
    c.asked = true;
    const runs = this.with(c.key), axis = this.options.axis;
    const max = Math.max(150, Math.min(2400, Math.floor(12000 / runs.length)));
    const ask = async (key, range) => (await get('curves', {run: runs.map(r => r.id), key, max, ...range})).map(({line, ...c}) => ({...c, ...line}));
    try {
      const [curves, xs] = await Promise.all([ask(c.key, range), metricOf(axis) && ask(metricOf(axis))]);
      if (turn !== c.turn) return; // something else was asked for meanwhile
      if (axis !== this.options.axis) return await this.load(c); // it was changed meanwhile
      c.curves = xs ? curves.map((x, i) => ({...x, x: xs[i]})) : curves;
      this.redraw(c);
    } catch (e) {
      if (e.name === 'AbortError') return;
      c.chart.note.hidden = false;
      c.chart.note.textContent = 'The curves cannot be shown: ' + e.message;
    } finally {
      c.asked = false;
    }
  }

  redraw(c) {
    c.late = !c.sight;
    if (!c.curves || c.late) return;
    const runs = new Map(this.runs.map(r => [r.id, r]));
    c.chart.show(c.curves.map(x => ({...x, ...pick(runs.get(x.run))})), this.options);
  }

  // zoom asks for more points of the part that is looked at.
  zoom(key, from, to) {
    const c = this.charts.get(key);
    c.range = from === undefined ? undefined : {from, to};
    this.load(c, c.range);
  }

  // enlarge makes one chart large, and the one that was as others are.
  enlarge(key) {
    this.large = key;
    this.set({large: key});
    for (const c of this.charts.values()) c.chart.setLarge(c.key === key);
    this.charts.get(key)?.chart.el.scrollIntoView({block: 'nearest'});
  }

  toggle(id, on) {
    on ? this.hidden.delete(id) : this.hidden.add(id);
    for (const c of this.charts.values()) c.chart.hide(id, on);
  }

  // redrawAll draws the charts in sight one after the other, so that none waits for all.
  redrawAll() {
    const turn = this.turn = (this.turn ?? 0) + 1;
    const list = [...this.charts.values()];
    const next = () => {
      if (turn !== this.turn) return;
      while (list.length > 0) {
        const c = list.shift();
        this.redraw(c);
        if (c.sight) return void requestAnimationFrame(next);
      }
    };
    next();
  }

  // again asks once more for the curves of runs that go on.
  async again() {
    if (!this.runs.some(r => r.status === 'RUNNING')) return;
    for (const c of this.charts.values()) {
      if (c.sight && !c.chart.zoom && this.with(c.key).some(r => r.status === 'RUNNING')) await this.load(c);
    }
  }

  // update takes runs as they are now, and keys that are new.
  update(runs, keys) {
    this.runs = runs;
    if (keys.join() !== this.keys.join()) {
      this.keys = keys;
      this.fillAxis();
      this.draw();
    }
  }
}

const pick = r => ({name: r.name, label: r.label ?? r.name, color: r.color, start: r.start});
