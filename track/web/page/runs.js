// The table of runs.

import {h, fill, href, link} from './dom.js';
import {get, fresh, poll} from './api.js';
import {count} from './format.js';
import {state, failed, menuButton, picker, closePopover} from './widgets.js';
import {column, usual, fixedNames, ref, text} from './columns.js';
import {FilterField, meant} from './filter.js';
import {Table} from './table.js';
import {pageSize} from './source.js';

export async function show(root, params, page) {
  const view = new RunsView(root, page);
  await view.start(params);
  return {close: () => view.close(), change: p => view.change(p), ready: () => view.table.later()};
}

class RunsView {
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.chosen = new Map();
  }

  async start(params) {
    this.read(params);
    const first = this.cols.length || this.group ? null : this.first();
    first?.catch(() => {}); // it is asked again, and then said
    this.experiments = await get('experiments');
    this.names = new Map(this.experiments.map(e => [e.id, e.name]));
    this.filter = new FilterField({value: this.q, keys: () => this.keys(), params: () => this.where(), onchange: q => this.search({q})});
    this.says = h('span', {class: 'total', role: 'status'});
    this.compareButton = h('button', {type: 'button', class: 'primary', onclick: () => this.compare()}, 'Compare');
    this.menus = {
      exp: menuButton('', () => this.experimentMenu()), group: menuButton('', () => this.groupMenu()), cols: menuButton('Columns', () => this.columnMenu()),
    };
    this.table = new Table({
      names: this.names, chosen: this.chosen, onsort: c => this.sortBy(c), onchoose: () => this.choseSome(), onload: e => this.loaded(e), ondraw: () => this.tell(),
    });
    this.empty = h('div', {class: 'empty', hidden: true});
    fill(this.root, h('h1', {class: 'hidden'}, 'Runs'), h('div', {class: 'toolbar'}, this.menus.exp, this.filter.el, this.menus.group, this.menus.cols, this.says, this.compareButton), this.table.el, this.empty);
    this.keydown = e => this.key(e);
    document.addEventListener('keydown', this.keydown);
    this.choseSome(true);
    await this.load(first);
    this.stop = poll(() => this.again(), 2);
  }

  close() {
    this.stop?.();
    this.table.close();
    document.removeEventListener('keydown', this.keydown);
  }

  // again looks what has changed. Columns that nobody has chosen follow what is
  // logged.
  async again() {
    const keys = await fresh('keys', {}, this.seen ??= {});
    if (keys) this.known = Promise.resolve(keys);
    if (!this.cols.length && (keys || !this.columns?.some(c => c.kind === 'metrics'))) {
      const page = await this.first();
      const names = usual(page.runs.slice(0, 50), this.exp.length !== 1 && this.experiments.length > 1);
      if (names.join() !== this.columns?.map(c => c.name).join()) {
        const top = this.table.el.scrollTop;
        this.usualOf = '';
        await this.load(page);
        this.table.el.scrollTop = top;
        return;
      }
    }
    await this.table.again();
  }

  // read takes what is shown from the address.
  read(params) {
    this.exp = params.getAll('exp');
    this.q = params.get('q') ?? '';
    this.sort = params.get('sort') ?? '';
    this.cols = params.getAll('col');
    this.group = params.get('group') ?? '';
    this.deleted = params.get('deleted') === '1';
    const ids = params.getAll('sel');
    for (const id of [...this.chosen.keys()]) if (!ids.includes(id)) this.chosen.delete(id);
    for (const id of ids) if (!this.chosen.has(id)) this.chosen.set(id, {id});
  }

  change(params) {
    this.read(params);
    this.filter.input.value = this.filter.applied = this.q;
    this.choseSome(true);
    this.load();
    return true;
  }

  // search changes what is searched for.
  search(change) {
    Object.assign(this, change);
    this.page.set({exp: this.exp, q: this.q, sort: this.sort, group: this.group, deleted: this.deleted, col: this.cols}, false);
    this.load();
  }

  where() { return {exp: this.exp, q: meant(this.q), deleted: this.deleted ? '1' : ''}; }

  keys() { return this.known ??= get('keys').catch(() => ({metrics: [], params: [], tags: []})); }

  sorting() {
    const [name, direction] = [this.sort.replace(/ (DESC|ASC)$/, ''), this.sort.endsWith(' DESC')];
    return this.sort ? {name, desc: direction} : {name: 'start', desc: true};
  }

  // asked is what is searched for, in the order that is wanted.
  asked() {
    const sort = this.sorting(), col = column(sort.name);
    return {...this.where(), order: this.sort && col?.order ? col.order + (sort.desc ? ' DESC' : ' ASC') : ''};
  }

  // first asks for the first page with all of its values, from which the columns follow.
  first() { return get('runs', {...this.asked(), max: pageSize}); }

  // load searches. The columns are those that were chosen, or follow from what is
  // found first; in another order they stay.
  async load(first) {
    const mine = this.turn = (this.turn ?? 0) + 1;
    this.menus.exp.label(this.experimentWords());
    this.menus.group.label(this.group ? 'Grouped by ' + groupWords(this.group) : 'Group');
    const params = this.asked(), where = JSON.stringify(this.where()), sort = this.sorting();
    let sections, columns = this.cols.map(column).filter(Boolean), runs;
    const slow = setTimeout(() => this.table.el.classList.add('late'), 150);
    try {
      if (columns.length === 0 && this.usualOf === where) columns = this.usual;
      if (columns.length === 0) {
        const page = await (first ?? this.first());
        if (mine !== this.turn) return;
        columns = this.usual = usual(page.runs.slice(0, 50), this.exp.length !== 1 && this.experiments.length > 1).map(column);
        if (page.runs.length > 0) this.usualOf = where;
        runs = page;
      }
      const key = columns.filter(c => c.kind).map(c => c.name);
      const shown = {...params, key: key.length ? key : ['metrics.']};
      // What was found before stays until there is something else to show.
      sections = this.group ? await this.sections(shown) : [{params: shown, open: true, first: runs ?? await get('runs', {...shown, max: pageSize}), guess: this.countOf === where ? this.count : undefined}];
    } catch (e) {
      if (mine === this.turn && e.name !== 'AbortError') this.loaded(e);
      return;
    } finally {
      clearTimeout(slow);
      if (mine === this.turn) this.table.el.classList.remove('late');
    }
    if (mine !== this.turn) return;
    this.filter.complain('');
    this.where_ = where;
    this.columns = columns;
    this.table.el.scrollTop = 0;
    this.table.show(columns, sections, sort);
  }

  async sections(params) {
    const {groups, rest} = await get('groups', {...params, by: this.group});
    const all = groups.map((g, i) => ({label: g.label || '(empty)', runs: g.runs, open: i === 0, params: this.within(params, g.value),
      link: this.group === 'tags.mlflow.parentRunId' && link({view: 'run', id: g.value}, 'open')}));
    if (rest > 0 && this.group !== 'experiment') {
      const [kind, key] = split(this.group);
      all.push({label: 'none', runs: rest, open: all.length === 0, params: {...params, q: and(params.q, ref(kind, key) + ' IS NULL')}});
    }
    return all;
  }

  within(params, value) {
    if (this.group === 'experiment') return {...params, exp: [value]};
    const [kind, key] = split(this.group);
    return {...params, q: and(params.q, ref(kind, key) + ' = ' + text(value))};
  }

  loaded(error) {
    if (!error) return;
    if (error.status === 400) this.filter.complain(error.message);
    else if (error.status !== 0 && error.status !== 401) fill(this.empty, failed(error, 'The runs cannot be shown')).hidden = false;
  }

  // tell says how many runs there are, or what to do where there are none.
  tell() {
    const sources = this.table.sections;
    const known = sources.every(s => s.runs !== undefined || s.source?.count !== undefined || s.source?.ended);
    const n = sources.reduce((n, s) => n + (s.runs ?? s.source?.length ?? 0), 0);
    if (known && !this.group) [this.count, this.countOf] = [n, this.where_];
    const words = known ? count(n, 'run') : '';
    if (this.says.textContent !== words) this.says.textContent = words;
    const none = known && n === 0 && sources.every(s => s.source?.pages.get(0)?.runs || s.runs === 0);
    if (none === !this.empty.hidden) return;
    this.empty.hidden = !none;
    this.table.el.hidden = none;
    if (none) fill(this.empty, this.nothing());
  }

  nothing() {
    const gone = this.exp.length > 0 && this.experiments.filter(e => this.exp.includes(String(e.id)) && e.deleted);
    if (gone && gone.length && !this.deleted) return state('This experiment was deleted', 'Its runs are kept until they are purged.', []).appendChild(
      h('p', {}, h('button', {type: 'button', onclick: () => this.search({deleted: true})}, 'Show deleted runs'))).parentNode;
    if (this.exp.some(id => !this.names.has(Number(id)))) return state('There is no such experiment', 'It may have been purged, or the address is that of another server.');
    if (this.q) return state('No run matches', 'Change the filter, or press Escape and clear it.');
    if (this.deleted) return state('No run was deleted', '');
    return state('No runs yet', 'Whatever a command logs, with MLflow or without, appears here while it runs:', [
      'xt run -- python train.py', '# or, from anywhere, with MLflow\'s client:', 'export MLFLOW_TRACKING_URI=' + location.origin, 'python train.py']);
  }

  choseSome(silent) {
    const n = this.chosen.size;
    this.compareButton.textContent = n ? 'Compare ' + n : 'Compare all';
    this.compareButton.title = n ? 'Curves, scatter, parallel coordinates, differences (c)' : 'The first 500 that are found (c)';
    if (!silent) this.page.set({sel: [...this.chosen.keys()].slice(0, 100)});
  }

  compare() {
    const ids = [...this.chosen.keys()];
    this.page.go(href(ids.length ? {view: 'compare', run: ids.slice(0, 100)} : {view: 'compare', exp: this.exp, q: this.q, sort: this.sort, tab: 'parallel'}));
  }

  sortBy(c) {
    const now = this.sorting();
    const desc = now.name === c.name ? !now.desc : !!c.descends;
    this.search({sort: c.name + (desc ? ' DESC' : ' ASC')});
  }

  experimentWords() {
    if (this.deleted) return 'Deleted runs';
    if (this.exp.length === 0) return 'All experiments';
    return this.exp.length === 1 ? this.names.get(Number(this.exp[0])) ?? 'Experiment ' + this.exp[0] : count(this.exp.length, 'experiment');
  }

  experimentMenu() {
    const items = this.experiments.filter(e => !e.deleted || this.exp.includes(String(e.id))).map(e => ({label: e.name, value: String(e.id), note: e.deleted ? 'deleted' : ''}));
    return [
      picker(items, {placeholder: 'Find an experiment', isChosen: i => this.exp.includes(i.value),
        choose: (i, on) => this.search({exp: on ? [...this.exp, i.value] : this.exp.filter(x => x !== i.value)})}),
      h('div', {class: 'row foot'}, h('button', {type: 'button', onclick: () => { closePopover(); this.search({exp: [], deleted: false}); }}, 'All experiments'),
        h('button', {type: 'button', onclick: () => { closePopover(); this.search({deleted: !this.deleted}); }}, this.deleted ? 'Runs that are there' : 'Deleted runs')),
    ];
  }

  groupMenu() {
    const choose = by => { closePopover(); this.search({group: by}); };
    const box = h('div', {class: 'choices'}, h('p', {class: 'dim'}, 'Loading…'));
    this.keys().then(k => {
      const sweeps = k.tags.filter(t => /sweep|study|group/i.test(t));
      const more = [...k.params.map(p => 'params.' + p), ...k.tags.filter(t => !t.startsWith('mlflow.') && !sweeps.includes(t)).map(t => 'tags.' + t)];
      const item = (label, by) => h('button', {type: 'button', class: 'choice', 'aria-pressed': String(this.group === by), onclick: () => choose(by)}, label);
      fill(box, item('Not grouped', ''), item('Experiment', 'experiment'), item('Parent run', 'tags.mlflow.parentRunId'), sweeps.map(t => item('Sweep: ' + t, 'tags.' + t)), h('hr'),
        more.slice(0, 200).map(m => item(m, m)));
    });
    return box;
  }

  columnMenu() {
    const items = h('div', {});
    this.keys().then(k => {
      const names = [...fixedNames, ...k.metrics.map(x => 'metrics.' + x), ...k.params.map(x => 'params.' + x), ...k.tags.map(x => 'tags.' + x)];
      const shown = () => this.columns.map(c => c.name);
      names.sort((a, b) => shown().includes(b) - shown().includes(a));
      fill(items, picker(names.map(n => ({label: fixedNames.includes(n) ? column(n).label : n, value: n})), {placeholder: 'Find a column', isChosen: i => shown().includes(i.value),
        choose: (i, on) => this.search({cols: on ? [...shown(), i.value] : shown().filter(x => x !== i.value)})}));
      items.querySelector('input').focus();
    });
    return [items, h('div', {class: 'row foot'}, h('button', {type: 'button', onclick: () => { closePopover(); this.search({cols: []}); }}, 'The usual ones'))];
  }

  key(e) {
    if (e.target.closest?.('input:not([type=checkbox]), textarea, select, dialog, .popover') || e.metaKey || e.ctrlKey || e.altKey) return;
    const t = this.table, run = t.at >= 0 ? t.row(t.at)?.run : undefined;
    if (e.key === 'j' || e.key === 'ArrowDown' && !e.target.closest('.scroller')) t.move(1);
    else if (e.key === 'k' || e.key === 'ArrowUp' && !e.target.closest('.scroller')) t.move(-1);
    else if (e.key === 'x' && run) t.choose(run, !this.chosen.has(run.id), t.at, false);
    else if (e.key === 'Enter' && run && !e.target.closest('a, button')) this.page.go(href({view: 'run', id: run.id}));
    else if (e.key === 'c') this.compare();
    else if (e.key === 'Escape' && this.chosen.size) { this.chosen.clear(); this.choseSome(); t.later(); }
    else return;
    e.preventDefault();
  }
}

const split = by => { const i = by.indexOf('.'); return [by.slice(0, i), by.slice(i + 1)]; };
const groupWords = by => by === 'tags.mlflow.parentRunId' ? 'parent run' : by.replace(/^(params|tags)\./, '');
const and = (a, b) => a ? a + ' AND ' + b : b;
