// The columns of tables of runs: what they are called, show, and order by.

import {h, link} from './dom.js';
import {num, took, duration, clip, brief} from './format.js';
import {status, time} from './widgets.js';

// ref writes a key as the grammar of searches takes it.
export function ref(kind, key) {
  if (/^[A-Za-z_][\w.]*$/.test(key)) return kind + '.' + key;
  return kind + (key.includes('`') ? '."' + key + '"' : '.`' + key + '`');
}

// text writes a value as the grammar takes it.
export const text = v => v.includes("'") ? '"' + v.replaceAll('"', '') + '"' : "'" + v + "'";

const kinds = ['metrics', 'params', 'tags'];

// parts takes the name of a column apart.
export function parts(name) {
  const dot = name.indexOf('.');
  const kind = name.slice(0, dot);
  return dot > 0 && kinds.includes(kind) ? {kind, key: name.slice(dot + 1)} : {kind: 'attribute', key: name};
}

const fixed = {
  name: {label: 'Run', width: 250, order: 'attributes.run_name'},
  experiment: {label: 'Experiment', width: 150},
  start: {label: 'Started', width: 110, order: 'attributes.start_time', descends: true},
  took: {label: 'Took', width: 90, right: true},
  status: {label: 'Status', width: 100, order: 'attributes.status'},
  user: {label: 'User', width: 100, order: 'attributes.user_id'},
};

export const fixedNames = Object.keys(fixed);

// column describes a column.
export function column(name) {
  if (fixed[name]) return {name, ...fixed[name]};
  const {kind, key} = parts(name);
  if (!kinds.includes(kind)) return null;
  return {name, label: key, kind, key, width: kind === 'metrics' ? 110 : 130, right: kind === 'metrics', order: ref(kind, key), descends: kind === 'metrics'};
}

// cell makes what a column shows of a run.
export function cell(col, run, names) {
  switch (col.name) {
    case 'name': {
      const a = link({view: 'run', id: run.id}, run.name || run.id);
      a.title = run.name || run.id;
      const verdict = run.tags['xt.verdict'];
      return [status(run.status, false), a, verdict && h('span', {class: 'badge ' + (/identical|within/.test(verdict) ? 'good' : 'bad'), title: 'xt verify: ' + verdict}, /identical|within/.test(verdict) ? '✓' : '✗')];
    }
    case 'experiment': return h('span', {title: names.get(run.exp)}, names.get(run.exp) ?? String(run.exp));
    case 'start': return time(run.start, '');
    case 'took': return took(duration(run));
    case 'status': return status(run.status);
    case 'user': return run.user ?? '';
  }
  if (col.kind === 'metrics') {
    const m = run.metrics[col.key];
    return m ? h('span', {title: m[0] + ' at step ' + m[1]}, num(m[0])) : '';
  }
  const v = (col.kind === 'params' ? run.params : run.tags)[col.key];
  if (v === undefined) return '';
  const n = col.kind === 'params' && v !== '' && Number.isFinite(Number(v));
  return h('span', {title: v, class: n ? 'n' : null}, clip(n ? brief(v) : v, 120));
}

// usual returns the columns that are shown where nobody has chosen: what is in all
// or many of some runs, and what differs before what does not.
export function usual(runs, manyExperiments) {
  const seen = {metrics: new Map(), params: new Map()};
  for (const run of runs) {
    for (const kind of ['metrics', 'params']) {
      for (const [key, v] of Object.entries(run[kind])) {
        const s = seen[kind].get(key) ?? seen[kind].set(key, {n: 0, values: new Set()}).get(key);
        s.n++;
        if (s.values.size < 3) s.values.add(String(kind === 'metrics' ? v[0] : v));
      }
    }
  }
  const best = (kind, most) => [...seen[kind]].filter(([key]) => !key.startsWith('system/'))
    .sort(([a, x], [b, y]) => (y.values.size > 1) - (x.values.size > 1) || y.n - x.n || (a < b ? -1 : 1))
    .slice(0, most).map(([key]) => kind + '.' + key);
  return ['name', ...manyExperiments ? ['experiment'] : [], 'start', 'took', ...best('metrics', 5), ...best('params', 5)];
}
