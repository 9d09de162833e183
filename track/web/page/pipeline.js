// The stages of the project: how they stand and why, and what a commit changed.

import {h, fill, refill, link, href, go} from './dom.js';
import {get, fresh, poll} from './api.js';
import {took, bytes, count, short, when} from './format.js';
import {state, facts, copyable, failed, tabs} from './widgets.js';
import {changeList} from './difference.js';

const width = 210, height = 64, gapX = 64, gapY = 22;

export async function show(root, params, page) {
  if (!(await page.session).project) {
    fill(root, state('No project here', 'The server shows a store of runs and no pipeline. In a folder with an xt.toml it shows both:', ['xt init', 'xt serve']));
    return;
  }
  const view = new PipelineView(root, params, page);
  await view.start();
  return {close: () => view.close(), change: p => view.change(p)};
}

class PipelineView {
  constructor(root, params, page) {
    Object.assign(this, {root, params, page, seen: {}});
  }

  async start() {
    this.rev = this.params.get('rev') ?? '';
    const old = this.params.get('old'), compared = old !== null;
    this.tab = compared ? 'compare' : 'graph';
    if (compared) return this.compare();
    this.data = await fresh('pipeline', {rev: this.rev}, this.seen);
    this.chosen = this.params.get('stage') ?? '';
    this.draw();
    if (!this.rev) this.stop = poll(async () => { const d = await fresh('pipeline', {}, this.seen); if (d) { this.data = d; this.draw(); } }, 5);
  }

  close() { this.stop?.(); }

  change(params) {
    if ((params.get('rev') ?? '') !== this.rev || params.get('old') !== this.params.get('old') || params.get('new') !== this.params.get('new')) return false;
    this.params = params;
    if (this.tab === 'graph') this.choose(params.get('stage') ?? '');
    return true;
  }

  head(commits) {
    const at = h('select', {'aria-label': 'Which state of the project', onchange: () => this.page.set({rev: at.value, stage: ''}, true)},
      h('option', {value: ''}, 'Workspace'), commits.map(c => h('option', {value: c.id, selected: this.rev === c.id}, short(c.id) + ' ' + c.subject.slice(0, 50))));
    return [h('div', {class: 'runhead'}, h('h1', {}, 'Pipeline'), this.tab === 'graph' && at, this.tab === 'graph' && this.summary()),
      tabs('Ways to see the pipeline', [['graph', 'Graph', {view: 'pipeline'}], ['compare', 'Compare commits', {view: 'pipeline', old: commits[0]?.id ?? 'HEAD', new: ''}]], this.tab)];
  }

  summary() {
    const n = this.data.stages.filter(s => s.state === 'stale').length;
    if (this.data.stages.length === 0) return null;
    return h('span', {class: 'badge ' + (n ? 'warn' : 'good')}, n ? count(n, 'stage') + ' not up to date' : 'all is up to date');
  }

  draw() {
    const d = this.data;
    if (d.stages.length === 0) {
      fill(this.root, this.head(d.commits), state('No stage yet', 'A stage is a command with what it reads and makes. Declare one in xt.toml:', ['[stage.train]', 'cmd  = "python train.py"', 'code = ["train.py"]', 'deps = ["data.csv"]', 'outs = ["model.npz"]']));
      return;
    }
    this.detail = h('div', {class: 'stagedetail'});
    refill(this.root, this.head(d.commits), this.graph(), this.detail);
    this.choose(this.chosen || (d.stages.find(s => s.state === 'stale') ?? d.stages[0]).name);
  }

  // places puts each stage a column after the last of those that it needs, and in its
  // column near them.
  places() {
    const {stages, edges} = this.data, column = stages.map(() => 0), row = stages.map(() => 0), used = [];
    const into = stages.map((_, i) => edges.filter(e => e[1] === i).map(e => e[0]));
    stages.forEach((_, i) => { for (const from of into[i]) column[i] = Math.max(column[i], column[from] + 1); });
    stages.forEach((_, i) => {
      const taken = used[column[i]] ??= new Set();
      let want = into[i].length ? Math.round(into[i].reduce((n, f) => n + row[f], 0) / into[i].length) : 0;
      for (let d = 0; ; d++) {
        if (!taken.has(want + d)) { want += d; break; }
        if (want - d >= 0 && !taken.has(want - d)) { want -= d; break; }
      }
      row[i] = want;
      taken.add(want);
    });
    return stages.map((_, i) => [column[i] * (width + gapX), row[i] * (height + gapY)]);
  }

  graph() {
    const {stages, edges} = this.data, at = this.places();
    const W = Math.max(...at.map(p => p[0])) + width + 4, H = Math.max(...at.map(p => p[1])) + height + gapY;
    const lines = h('svg', {width: W, height: H, 'aria-hidden': 'true'}, edges.map(([a, b]) => {
      const [x1, y1] = [at[a][0] + width, at[a][1] + height / 2], [x2, y2] = [at[b][0] - 4, at[b][1] + height / 2];
      // What passes other columns does so below the row that it comes from.
      const lane = y1 + (height + gapY) / 2, ways = x2 - x1 < width ? [[x1, y1], [x2, y2]] : [[x1, y1], [x1 + gapX, lane], [x2 - gapX, lane], [x2, y2]];
      return h('path', {d: `M${ways.map(([x, y], i) => i === 0 ? `${x} ${y}` : bend(ways[i - 1], [x, y])).join('')}M${x2 - 5} ${y2 - 4}L${x2} ${y2}L${x2 - 5} ${y2 + 4}`, class: 'edge'});
    }));
    this.nodes = stages.map((s, i) => h('button', {type: 'button', class: 'stage is-' + s.state, style: {left: at[i][0] + 'px', top: at[i][1] + 'px'}, onclick: () => { this.page.set({stage: s.name}); this.choose(s.name); }, title: s.desc},
      h('span', {class: 'name v'}, s.name), h('span', {class: 'what'}, h('span', {class: 'mark', 'aria-hidden': 'true'}, {fresh: '✓', stale: '!', frozen: '❄'}[s.state] ?? '·'), words(s), s.seconds > 0 && h('span', {class: 'dim'}, ' · ' + took(s.seconds * 1000))),
      h('span', {class: 'dim what'}, sizeOf(s))));
    return h('div', {class: 'graph panel', role: 'group', 'aria-label': 'Stages, each after those that it needs'}, h('div', {class: 'canvas', style: {width: W + 'px', height: H + 'px'}}, lines, this.nodes));
  }

  choose(name) {
    const s = this.data.stages.find(s => s.name === name);
    this.chosen = name;
    this.nodes.forEach((n, i) => n.setAttribute('aria-pressed', String(this.data.stages[i].name === name)));
    if (!s) {
      fill(this.detail, state('There is no stage ' + name, ''));
      return;
    }
    const items = list => h('table', {class: 'list'}, h('tbody', {}, list.map(i => h('tr', {}, h('td', {class: 'dim fit'}, i.kind), h('th', {scope: 'row'}, i.path), h('td', {}, h('code', {title: i.digest}, short(i.digest))), h('td', {class: 'right dim fit'}, i.size ? bytes(i.size) : '')))));
    fill(this.detail, h('div', {class: 'runhead'}, h('h2', {class: 'v'}, s.name), h('span', {class: 'badge ' + {fresh: 'good', stale: 'warn', frozen: 'accent'}[s.state]}, words(s)), s.desc && h('span', {class: 'dim v'}, s.desc)),
      h('div', {class: 'columns'},
        h('section', {class: 'panel'}, s.reasons.length > 0 ? [h('h3', {}, 'Why'), h('ul', {class: 'changes'}, s.reasons.map(r => h('li', {class: 'v'}, r)))] : h('p', {class: 'good'}, '✓ Its inputs are those of xt.lock.'),
          s.state === 'stale' && copyable(['xt repro ' + s.name]),
          facts([['Made by', s.run && link({view: 'run', id: s.run}, 'run ' + short(s.run))], ['How', s.how], ['Took', s.seconds ? took(s.seconds * 1000) : ''], ['Fingerprint', s.fingerprint && h('code', {title: s.fingerprint}, s.fingerprint.slice(0, 16))], ['Command', h('pre', {}, s.cmd)]])),
        h('section', {class: 'panel'}, h('h3', {}, 'Inputs'), items(s.inputs), s.params.length > 0 && facts(s.params.map(p => [p.name, p.text]))),
        h('section', {class: 'panel'}, h('h3', {}, 'Outputs'), items(s.outputs))));
  }

  // compare shows what differs between two commits, or a commit and the workspace.
  async compare() {
    const p = await get('pipeline');
    const old = this.params.get('old'), now = this.params.get('new') ?? '';
    const choice = (name, value, label) => {
      const options = [...name === 'new' ? [['', 'Workspace']] : [], ...p.commits.map(c => [c.id, short(c.id) + ' ' + c.subject.slice(0, 50) + ', ' + when(Date.parse(c.time))])];
      if (value && !options.some(o => o[0] === value)) options.push([value, value]);
      const el = h('select', {onchange: () => go(href({view: 'pipeline', old: name === 'old' ? el.value : old, new: name === 'new' ? el.value : now}) + (name === 'new' && !el.value ? '&new=' : ''))}, options.map(([v, t]) => h('option', {value: v, selected: v === value}, t)));
      return h('label', {class: 'field'}, label, el);
    };
    const body = h('div', {});
    fill(this.root, this.head(p.commits), h('div', {class: 'row controls'}, choice('old', old, 'From'), choice('new', now, 'to')), body);
    try {
      const c = await get('compare', {old, new: now});
      fill(body, this.compared(c));
    } catch (e) {
      fill(body, failed(e, 'These cannot be compared'));
    }
  }

  compared(c) {
    if (c.changes.length + c.params.length + c.metrics.length === 0) return state('No difference', c.old + ' and ' + c.new + ' have the same code, data, parameters and results.');
    const stages = Map.groupBy ? Map.groupBy(c.changes, x => x.stage ?? '') : c.changes.reduce((m, x) => m.set(x.stage ?? '', [...m.get(x.stage ?? '') ?? [], x]), new Map());
    const deltas = (title, list) => list.length > 0 && h('section', {class: 'panel'}, h('h2', {}, title), h('table', {class: 'list'}, h('thead', {}, h('tr', {}, ['Key', 'From', 'To', ''].map(t => h('th', {}, t)))), h('tbody', {}, list.map(d => {
      const by = d.old !== '' && d.new !== '' ? Number(d.new) - Number(d.old) : NaN;
      return h('tr', {}, h('th', {scope: 'row', title: d.file}, d.key || d.file), h('td', {}, d.old === '' ? '–' : d.old), h('td', {}, d.new === '' ? '–' : d.new), h('td', {class: 'dim'}, Number.isFinite(by) && by !== 0 ? (by > 0 ? '▲ +' : '▼ ') + Number(by.toPrecision(4)) : ''));
    }))));
    return [h('div', {class: 'columns'}, deltas('Metrics', c.metrics), deltas('Parameters', c.params)),
      [...stages].map(([name, list]) => h('section', {class: 'panel'}, h('h2', {class: 'v'}, name ? 'Stage ' + name : 'Data'), changeList(list)))];
  }
}

// bend draws a curve that begins and ends level.
function bend([x1, y1], [x2, y2]) {
  const m = (x1 + x2) / 2;
  return `C${m} ${y1} ${m} ${y2} ${x2} ${y2}`;
}

function sizeOf(s) {
  const n = s.outputs.reduce((n, o) => n + o.size, 0);
  return count(s.outputs.length, 'output') + (n ? ', ' + bytes(n) : '');
}

const words = s => s.state === 'fresh' ? 'up to date' : s.state === 'frozen' ? 'frozen' : s.action === 'wait' ? 'waits for another' : s.action === 'blocked' ? 'an input is missing' : s.action === 'restore' ? 'to be restored' : 'stale';
