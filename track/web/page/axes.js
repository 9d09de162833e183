// Axes for pictures of runs: what values are, and where they stand.

import {real, num} from './format.js';
import {numbers} from './stats.js';

// Axis places the values of a key of runs between 0 and 1.
export class Axis {
  constructor(name, runs) {
    this.name = name;
    const dot = name.indexOf('.'), kind = name.slice(0, dot);
    this.key = name.slice(dot + 1);
    this.of = kind === 'metrics' ? r => { const x = real(r.metrics[this.key]?.[0]); return Number.isFinite(x) ? x : undefined; } : r => r.params[this.key];
    const values = runs.map(this.of).filter(v => v !== undefined);
    const xs = kind === 'metrics' ? values : numbers(values);
    this.numeric = !!xs && values.length > 0;
    if (this.numeric) {
      this.lo = Math.min(...xs);
      this.hi = Math.max(...xs);
      // What spans many powers of ten is seen only so.
      this.log = this.lo > 0 && this.hi / this.lo > 100;
    } else {
      this.words = [...new Set(values)].sort();
    }
  }

  // place returns where a run stands; undefined if it has no value.
  place(run) {
    const v = this.of(run);
    if (v === undefined) return undefined;
    return this.numeric ? this.at(Number(v)) : this.words.length < 2 ? 0.5 : this.words.indexOf(v) / (this.words.length - 1);
  }

  at(x) {
    if (this.hi === this.lo) return 0.5;
    return this.log ? Math.log(x / this.lo) / Math.log(this.hi / this.lo) : (x - this.lo) / (this.hi - this.lo);
  }

  // nameOf names a place.
  nameOf(f) {
    if (!this.numeric) return this.words[Math.round(f * (this.words.length - 1))];
    return num(this.log ? this.lo * (this.hi / this.lo) ** f : this.lo + f * (this.hi - this.lo));
  }

  // ticks returns places with their texts: round numbers, and the ends where asked.
  ticks(most = 5) {
    if (!this.numeric) {
      const step = Math.ceil(this.words.length / 12);
      return this.words.map((w, i) => [this.words.length < 2 ? 0.5 : i / (this.words.length - 1), w]).filter((_, i) => i % step === 0);
    }
    if (this.lo === this.hi) return [[0.5, num(this.lo)]];
    const out = [];
    if (this.log) {
      const step = Math.max(1, Math.ceil(Math.log10(this.hi / this.lo) / most));
      for (let p = Math.ceil(Math.log10(this.lo)); 10 ** p <= this.hi * 1.0001 && out.length < 20; p += step) out.push([this.at(10 ** p), num(10 ** p)]);
      return out;
    }
    const rough = (this.hi - this.lo) / (most - 1), power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= rough * 0.999);
    const from = Math.ceil(this.lo / step - 1e-9);
    for (let i = 0; i <= 2 * most && (from + i) * step <= this.hi + step * 1e-9; i++) out.push([this.at((from + i) * step), num(Number(((from + i) * step).toPrecision(8)))]);
    return out;
  }
}

// counts are metrics that tell how far runs are.
export const counts = /epoch|step|iter|sample|token|batch/i;

// telling puts the metrics by which people compare runs before others: how far they are,
// what they were told, what is the same everywhere, and what the computer does.
export function telling(metrics, runs) {
  const dull = m => (m.startsWith('system/') ? 4 : 0) + (runs.every(r => r.metrics[m]?.[0] === runs[0].metrics[m]?.[0]) ? 2 : 0) + (counts.test(m) || runs.some(r => m in r.params) ? 1 : 0);
  const by = new Map(metrics.map(m => [m, dull(m)]));
  return metrics.toSorted((a, b) => by.get(a) - by.get(b));
}

// What shades go through: blue to yellow, with lightness rising, so that it reads
// without colours too; each is seen on paper, or by night.
const day = [[48, 48, 138], [40, 110, 160], [33, 130, 115], [95, 140, 30], [190, 120, 0]];
const night = [[110, 110, 235], [70, 150, 205], [45, 180, 155], [140, 205, 95], [245, 215, 80]];

// shade colours a place between 0 and 1.
function shade(stops, f) {
  const x = Math.max(0, Math.min(1, f)) * (stops.length - 1), i = Math.min(stops.length - 2, Math.floor(x)), t = x - i;
  return 'rgb(' + stops[i].map((c, k) => Math.round(c + (stops[i + 1][k] - c) * t)).join(' ') + ')';
}

// canvas fits a canvas to its box, sharp on every screen.
export function fit(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = width + 'px';
  canvas.style.height = height + 'px';
  const c = canvas.getContext('2d');
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}

let known = null;
addEventListener('themechange', () => { known = null; }, true);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dispatchEvent(new Event('themechange')));

// inks returns the colours of the style sheet for a canvas, and what colours a place
// between 0 and 1.
export function inks() {
  if (known) return known;
  const of = name => {
    const probe = document.createElement('span');
    probe.style.color = 'var(' + name + ')';
    document.body.append(probe);
    const c = getComputedStyle(probe).color;
    probe.remove();
    return c;
  };
  const stops = of('--panel').match(/\d+/)[0] < 128 ? night : day;
  return known = {shade: f => shade(stops, f), text: of('--ink'), dim: of('--dim'), line: of('--line'), panel: of('--panel'), accent: of('--accent')};
}
