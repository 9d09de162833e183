// Several runs beside each other.

import {h, fill, refill, link} from './dom.js';
import {get, poll} from './api.js';
import {colorOf, short, count, apart} from './format.js';
import {status, tabs, state} from './widgets.js';
import {column, ref} from './columns.js';
import {meant} from './filter.js';
import {Charts} from './charts.js';
import {difference} from './difference.js';
import {parallel} from './parallel.js';
import {scatter} from './scatter.js';
import {importance} from './importance.js';

const most = 500; // runs that are found by a search

export async function show(root, params, page) {
  const view = new CompareView(root, page);
  await view.start(params);
  return {close: () => view.close(), change: p => view.change(p)};
}

class CompareView {
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.hidden = new Set();
  }

  async start(params) {
    this.params = params;
    this.query = what(params);
    await this.read();
    if (this.runs.length === 0) {
      fill(this.root, state('No runs to compare', 'Choose some in the table of runs, and press c.'), h('p', {class: 'state'}, link({view: 'runs'}, 'To the runs')));
      return;
    }
    this.head = h('div', {});
    this.side = h('aside', {class: 'side', 'aria-label': 'Runs that are compared'});
    this.body = h('div', {class: 'tabbody'});
    fill(this.root, this.head, h('div', {class: 'split'}, this.side, this.body));
    this.drawHead();
    this.drawSide();
    await this.drawTab();
    this.stop = poll(() => this.again(), 3);
  }

  close() {
    this.stop?.();
    this.part?.close?.();
  }

  change(params) {
    if (what(params) !== this.query) return false;
    this.params = params;
    if ((params.get('tab') ?? 'curves') !== this.tab) {
      this.drawHead();
      this.drawTab();
    }
    return true;
  }

  // read asks for the runs: those that are named, or those that a search finds.
  async read() {
    const ids = this.params.getAll('run'), p = this.params;
    let answer;
    if (ids.length > 0) {
      answer = await get('runs', {run: ids});
    } else {
      const sort = p.get('sort') ?? '', col = column(sort.replace(/ (DESC|ASC)$/, ''));
      answer = await get('runs', {exp: p.getAll('exp'), q: meant(p.get('q') ?? ''), order: sort && col?.order ? col.order + (sort.endsWith('DESC') ? ' DESC' : '') : '', max: most});
    }
    this.missing = ids.length - answer.runs.length;
    this.more = answer.more;
    const names = answer.runs.map(r => r.name || short(r.id)), labels = apart(names);
    this.runs = answer.runs.map((r, i) => ({...r, name: names[i], label: labels[i], color: colorOf(i)}));
  }

  keys(kind) { return [...new Set(this.runs.flatMap(r => Object.keys(r[kind])))].sort(); }

  seen() { return this.runs.filter(r => !this.hidden.has(r.id)); }

  drawHead() {
    const p = this.params, at = tab => { const q = Object.fromEntries([...new Set(p.keys())].map(k => [k, p.getAll(k)])); return {...q, tab}; };
    this.page.title('Compare ' + count(this.runs.length, 'run'));
    refill(this.head, h('p', {class: 'crumbs'}, link({view: 'runs', exp: p.getAll('exp'), q: p.get('q'), sel: p.getAll('run')}, 'Runs'), '/ Compare'),
      h('div', {class: 'runhead'}, h('h1', {}, count(this.runs.length, 'run')), this.more && h('span', {class: 'badge warn'}, 'the first ' + most), this.missing > 0 && h('span', {class: 'badge warn'}, count(this.missing, 'run') + ' not there')),
      tabs('Ways to compare', [['curves', 'Curves', at('curves')], ['parallel', 'Parallel coordinates', at('parallel')], ['scatter', 'Scatter', at('scatter')], ['importance', 'Importance', at('importance')], ['diff', 'Differences', at('diff')]], p.get('tab') ?? 'curves'));
  }

  drawSide() {
    refill(this.side, h('ul', {}, this.runs.slice(0, 200).map(r => {
      const box = h('input', {type: 'checkbox', checked: !this.hidden.has(r.id), 'aria-label': 'Show ' + r.name, onchange: () => this.toggle(r, box.checked)});
      return h('li', {}, box, h('span', {class: 'swatch', style: {background: r.color}}), status(r.status, false), link({view: 'run', id: r.id}, h('span', {title: r.name}, r.label)));
    })), this.runs.length > 200 && h('p', {class: 'dim'}, 'and ' + (this.runs.length - 200) + ' more'));
  }

  toggle(r, on) {
    on ? this.hidden.delete(r.id) : this.hidden.add(r.id);
    if (this.part?.toggle) this.part.toggle(r.id, on);
    else this.drawTab();
  }

  async drawTab() {
    const tab = this.tab = this.params.get('tab') ?? 'curves';
    this.part?.close?.();
    this.part = null;
    const set = p => this.page.set(p);
    const o = {runs: this.seen(), metrics: this.keys('metrics'), params: this.params, keys: this.keys('params'), set};
    const part = await {
      curves: () => { const c = new Charts({runs: this.runs.slice(0, 100), keys: order(this.keys('metrics')), params: this.params, set}); for (const id of this.hidden) c.hidden.add(id); return c; },
      parallel: () => parallel(o), scatter: () => scatter(o), importance: () => importance(o), diff: () => difference(o),
    }[tab]?.();
    if (this.tab !== tab) return part?.close?.();
    this.part = part;
    fill(this.body, part ? part.el : state('There is no such way to compare', ''));
    part?.ready?.();
  }

  // again looks how runs that go on are doing.
  async again() {
    if (!this.runs.some(r => r.status === 'RUNNING')) return;
    await this.read();
    this.drawSide();
    this.part?.update?.(this.tab === 'curves' ? this.runs.slice(0, 100) : this.seen(), order(this.keys('metrics')));
  }
}

// order puts what a computer does after what a model does.
const order = keys => [...keys.filter(k => !k.startsWith('system/')), ...keys.filter(k => k.startsWith('system/'))];

// what is the part of an address that says which runs are meant.
const what = p => JSON.stringify([p.getAll('run'), p.getAll('exp'), p.get('q'), p.get('sort')]);
