// Which parameters a metric hangs on.

import {h, fill} from './dom.js';
import {real, count, num} from './format.js';
import {state} from './widgets.js';
import {telling} from './axes.js';
import {ranks, correlation, share, bins, numbers} from './stats.js';

// weigh returns how much of a metric each parameter explains by itself.
export function weigh(runs, metric, keys) {
  const some = runs.filter(r => Number.isFinite(real(r.metrics[metric]?.[0])));
  const out = [];
  for (const key of keys) {
    const with_ = some.filter(r => r.params[key] !== undefined);
    const texts = with_.map(r => r.params[key]);
    if (with_.length < 4 || new Set(texts).size < 2) continue;
    const ys = ranks(with_.map(r => real(r.metrics[metric][0])));
    const xs = numbers(texts);
    out.push({key, n: with_.length, share: share(xs ? bins(xs) : texts, ys), rho: xs ? correlation(ranks(xs), ys) : NaN, values: new Set(texts).size});
  }
  return out.sort((a, b) => b.share - a.share);
}

export function importance({runs, metrics, keys, params, set}) {
  const el = h('div', {});
  if (metrics.length === 0) return {el: state('No metric to explain', 'These runs have logged none.')};
  const first = metrics.includes(params.get('y')) ? params.get('y') : telling(metrics, runs)[0];
  const choice = h('select', {onchange: () => { set({y: choice.value}); draw(); }}, metrics.map(m => h('option', {value: m, selected: m === first}, m)));
  const body = h('div', {});
  const draw = () => {
    const values = new Set(runs.map(r => r.metrics[choice.value]?.[0]).filter(v => v !== undefined));
    if (runs.length > 1 && values.size === 1) {
      fill(body, state('Nothing to explain', 'This metric is the same in all runs.'));
      return;
    }
    const list = weigh(runs, choice.value, keys);
    if (list.length === 0) {
      fill(body, state('Too little to go by', 'It takes four runs with this metric, and a parameter in which they differ.'));
      return;
    }
    fill(body, h('div', {class: 'wide', tabindex: '0'}, h('table', {class: 'list bars'}, h('thead', {}, h('tr', {}, h('th', {}, 'Parameter'), h('th', {}, 'Explains'), h('th', {class: 'right'}, 'Share'), h('th', {class: 'right'}, 'Rank correlation'), h('th', {class: 'right'}, 'Values'), h('th', {class: 'right'}, 'Runs'))),
      h('tbody', {}, list.map(w => h('tr', {}, h('th', {scope: 'row'}, w.key), h('td', {}, h('span', {class: 'bar', style: {width: Math.round(w.share * 100) + '%'}})), h('td', {class: 'right'}, Math.round(w.share * 100) + ' %'),
        h('td', {class: 'right'}, Number.isNaN(w.rho) ? h('span', {class: 'dim'}, 'words') : h('span', {class: Math.abs(w.rho) > 0.3 ? '' : 'dim'}, (w.rho > 0 ? '↗ ' : '↘ ') + num(Number(w.rho.toFixed(2))))),
        h('td', {class: 'right dim'}, count(w.values)), h('td', {class: 'right dim'}, count(w.n))))))));
  };
  draw();
  fill(el, h('div', {class: 'row controls'}, h('label', {class: 'field'}, 'Metric', choice)),
    h('section', {class: 'panel'}, body, h('p', {class: 'dim fine'}, 'Share: how much of the variance of the metric’s ranks a parameter explains by itself, corrected for chance (ε²); numbers of many values in bins of the same size. ',
      'Rank correlation: Spearman’s ρ. Neither sees what parameters do together, nor tells cause from company.')));
  return {el, update: now => { runs = now; draw(); }};
}
