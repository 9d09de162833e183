// One run.

import {h, fill, refill, link} from './dom.js';
import {fresh, poll, artifact, get} from './api.js';
import {num, took, duration, count, bytes, short, clip, brief, whenFully} from './format.js';
import {status, time, facts, tabs, state, copyable, failed} from './widgets.js';
import {Charts} from './charts.js';

export async function show(root, params, page) {
  const view = new RunView(root, page);
  await view.start(params);
  return {close: () => view.close(), change: p => view.change(p)};
}

class RunView {
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.seen = {};
  }

  async start(params) {
    this.params = params;
    this.id = params.get('id') ?? '';
    try {
      this.run = await fresh('run', {id: this.id}, this.seen);
    } catch (e) {
      if (e.status !== 404) throw e;
      fill(this.root, state('There is no run ' + short(this.id), 'It may have been purged, or the address is that of another server.', [], 'bad'));
      return;
    }
    this.head = h('div', {});
    this.body = h('div', {class: 'tabbody'});
    fill(this.root, this.head, this.body);
    this.drawHead();
    await this.drawTab();
    this.stop = poll(() => this.again(), 2);
  }

  close() {
    this.stop?.();
    this.part?.close?.();
  }

  change(params) {
    if (!this.run || params.get('id') !== this.id) return false;
    this.params = params;
    if ((params.get('tab') ?? 'overview') !== this.tab) {
      this.drawHead();
      this.drawTab();
    } else this.part?.change?.(params);
    return true;
  }

  async again() {
    const run = await fresh('run', {id: this.id}, this.seen).catch(e => { if (e.status !== 404) throw e; return null; });
    if (run === null) return this.gone();
    if (!run) {
      if (this.run.status === 'RUNNING') this.drawHead();
      return;
    }
    this.run = run;
    this.drawHead();
    if (this.part?.update) this.part.update(run);
    else if (this.tab === 'overview' || this.tab === 'proof') this.drawTab();
  }

  // gone goes on with the run of a script, which has taken the place of the one in which
  // xt executed it.
  gone() {
    const [only, ...more] = this.run.children;
    if (only && more.length === 0) return this.page.set({id: only.id}, true);
    this.close();
    this.part = null;
    fill(this.root, state('This run is no longer there', 'It was purged, or a run of its script has taken its place.'), h('p', {class: 'state'}, link({view: 'runs', exp: this.run.exp}, 'To the runs')));
  }

  keys(system) { return Object.keys(this.run.metrics).filter(k => k.startsWith('system/') === system); }

  drawHead() {
    const r = this.run;
    this.page.title(r.name || short(r.id));
    const verdict = r.made?.verdict;
    refill(this.head,
      h('p', {class: 'crumbs'}, link({view: 'runs', exp: r.exp}, r.exp_name), r.exp_deleted && h('span', {class: 'badge warn'}, 'deleted experiment'), '/',
        r.parent && [link({view: 'run', id: r.parent.id}, r.parent.name), ' / '], h('code', {title: r.id}, short(r.id))),
      h('div', {class: 'runhead'}, h('h1', {}, r.name || r.id), status(r.status), r.deleted && h('span', {class: 'badge warn'}, 'deleted'),
        verdict && link({view: 'run', id: r.id, tab: 'proof'}, h('span', {class: 'badge ' + (r.made.good ? 'good' : 'bad')}, (r.made.good ? '✓ ' : '✗ ') + verdict)),
        h('span', {class: 'dim'}, ...[r.start && ['started ', time(r.start)], took(duration(r)) && (r.status === 'RUNNING' ? 'runs for ' : 'took ') + took(duration(r)), r.user && 'by ' + r.user]
          .filter(Boolean).flatMap((x, i) => i ? [' · ', x] : [x]))),
      this.tabBar());
  }

  tabBar() {
    const r = this.run, id = r.id, at = tab => ({view: 'run', id, tab});
    const list = [['overview', 'Overview', {view: 'run', id}], ['curves', 'Curves', at('curves'), this.keys(false).length], ['log', 'Log', at('log')], ['artifacts', 'Artifacts', at('artifacts')], ['traces', 'Traces', at('traces')]];
    if (this.keys(true).length) list.push(['system', 'System', at('system'), this.keys(true).length]);
    if (r.has_media) list.push(['media', 'Media', at('media')]);
    if (r.children.length) list.push(['nested', 'Nested runs', at('nested'), r.more_children ? r.children.length + '+' : r.children.length]);
    list.push(['proof', 'Origin and proof', at('proof')]);
    return tabs('Parts of the run', list, this.params.get('tab') ?? 'overview');
  }

  async drawTab() {
    const tab = this.tab = this.params.get('tab') ?? 'overview';
    this.part?.close?.();
    this.part = null;
    const make = {
      overview: () => this.overview(), curves: () => this.curves(false), system: () => this.curves(true), nested: () => this.nested(), proof: () => this.proof(),
      log: async () => (await import('./log.js')).log(this.run),
      artifacts: async () => (await import('./artifacts.js')).artifacts(this.run, this.params, p => this.page.set(p)),
      media: async () => (await import('./artifacts.js')).media(this.run),
      traces: async () => (await import('./traces.js')).tracesOf(this.run),
    }[tab];
    try {
      const part = make ? await make() : state('There is no such part of a run', '');
      if (this.tab !== tab) return part.close?.();
      this.part = part.el ? part : null;
      refill(this.body, part.el ?? part);
    } catch (e) {
      fill(this.body, failed(e, 'This cannot be shown'));
    }
  }

  overview() {
    const r = this.run, o = r.origin;
    return h('div', {class: 'columns'},
      h('section', {class: 'panel'}, h('h2', {}, 'Metrics'), this.metricTable()),
      h('section', {class: 'panel'}, h('h2', {}, 'Parameters'), table(Object.entries(r.params).sort(byKey), 'No parameter was logged.')),
      h('div', {}, h('section', {class: 'panel'}, h('h2', {}, 'Run'), facts([
        ['Number', h('code', {}, r.id)], ['Status', status(r.status)], ['Started', r.start && h('time', {}, whenFully(r.start))], ['Ended', r.end ? whenFully(r.end) : r.status === 'RUNNING' ? '' : 'not known'],
        ['Kind', o?.kind], ['Stage', o?.stage && link({view: 'pipeline', stage: o.stage}, o.stage)], ['Command', o?.command && h('code', {}, o.command)],
        ['Exit code', o && r.status !== 'RUNNING' && o.kind !== 'client' ? String(o.exit_code) : ''], ['Commit', o?.commit && [h('code', {}, o.commit.slice(0, 10)), o.dirty && h('span', {class: 'warn'}, ' with changes')]],
        ['Best trial', r.tags['xt.study.best'] && this.bestTrial()], ['Trial', r.tags['xt.trial'] && r.tags['xt.trial'] + pruned(r)],
        ['Error', r.tags['xt.error'] && h('span', {class: 'bad'}, r.tags['xt.error'])], ['Note', r.tags['mlflow.note.content'] && h('div', {class: 'note'}, r.tags['mlflow.note.content'])],
        ['Data', r.datasets.length > 0 && r.datasets.map(d => h('div', {}, d.name, ' ', h('code', {}, short(d.digest)), d.context && h('span', {class: 'dim'}, ' ' + d.context)))],
        ['Models', r.models.length > 0 && r.models.map(m => h('div', {}, m.name, h('span', {class: 'dim'}, (m.output ? ' made, ' : ' used, ') + m.status)))],
      ])), this.tags()));
  }

  // bestTrial is the best of a study, with its parameters.
  bestTrial() {
    const n = this.run.tags['xt.study.best'], best = this.run.children.find(c => c.tags['xt.trial'] === n);
    return best ? [link({view: 'run', id: best.id}, best.name || short(best.id)), ', trial ' + n + ': ' + Object.entries(best.params).sort(byKey).map(([k, v]) => k + ' ' + brief(clip(v, 40))).join(', ')] : 'trial ' + n;
  }

  // tags shows those that people have set before those of tools.
  tags() {
    const all = Object.entries(this.run.tags).filter(([k]) => !hidden.has(k)).sort(byKey), isTool = ([k]) => /^(mlflow|xt|wandb)\./.test(k);
    const tools = all.filter(isTool);
    return h('section', {class: 'panel'}, h('h2', {}, 'Tags'), table(all.filter(t => !isTool(t)), 'No tags but those of tools.'), tools.length > 0 && h('details', {}, h('summary', {}, tools.length + ' of tools'), table(tools, '')));
  }

  metricTable() {
    const keys = this.keys(false).sort();
    if (keys.length === 0) return h('p', {class: 'dim'}, this.run.status === 'RUNNING' ? 'None yet.' : 'No metric was logged.');
    return h('div', {class: 'wide'}, h('table', {class: 'list'}, h('thead', {}, h('tr', {}, h('th', {}, 'Metric'), h('th', {class: 'right'}, 'Latest'), h('th', {class: 'right'}, 'Step'))),
      h('tbody', {}, keys.map(k => h('tr', {}, h('th', {scope: 'row'}, link({view: 'run', id: this.run.id, tab: k.startsWith('system/') ? 'system' : 'curves', key: k}, k)),
        h('td', {class: 'right', title: String(this.run.metrics[k][0])}, num(this.run.metrics[k][0])), h('td', {class: 'right dim'}, num(this.run.metrics[k][1])))))));
  }

  curves(system) {
    const self = r => [{...r, name: r.name || short(r.id), color: '#3b5bdb'}];
    const charts = new Charts({runs: self(this.run), keys: this.keys(system).sort(), params: this.params, set: p => this.page.set(p)});
    return {el: charts.el, close: () => charts.close(), update: r => charts.update(self(r), this.keys(system).sort())};
  }

  nested() {
    const r = this.run, keys = [...new Set(r.children.flatMap(c => Object.keys(c.metrics)))].sort().slice(0, 6), params = [...new Set(r.children.flatMap(c => Object.keys(c.params)))].sort().slice(0, 6);
    return h('section', {class: 'panel'},
      h('div', {class: 'row'}, link({view: 'compare', run: r.children.slice(0, 100).map(c => c.id), tab: params.length > 0 && 'parallel'}, 'Compare them'), link({view: 'runs', q: "tags.mlflow.parentRunId = '" + r.id + "'"}, 'Show them in the table'), r.more_children && h('span', {class: 'dim'}, 'The first ' + r.children.length + ':')),
      h('div', {class: 'wide'}, h('table', {class: 'list'}, h('thead', {}, h('tr', {}, ['Run', 'Started', 'Took'].map(t => h('th', {}, t)), keys.map(k => h('th', {class: 'right'}, k)), params.map(k => h('th', {}, k)))),
        h('tbody', {}, r.children.map(c => h('tr', {}, h('th', {scope: 'row'}, status(c.status, false), ' ', link({view: 'run', id: c.id}, c.name || short(c.id)), h('span', {class: 'dim'}, pruned(c))), h('td', {}, time(c.start)), h('td', {}, took(duration(c))),
          keys.map(k => h('td', {class: 'right'}, num(c.metrics[k]?.[0]))), params.map(k => h('td', {class: (c.params[k] ?? '').length < 25 && 'fit', title: c.params[k]}, brief(c.params[k] ?? '')))))))));
  }

  unknown() {
    const o = this.run.origin;
    if (!o || o.kind === 'client') return state('Nothing is known of how this run was made', 'A client logged it. Started by xt, a run records its code, data, environment and command:', ['xt run -- python train.py']);
    return state('Only the command of this run is known', 'It ran outside a project. In one, xt records its code, data and environment, too:', ['xt init', 'xt run -- ' + o.command]);
  }

  proof() {
    const m = this.run.made;
    if (!m) return this.unknown();
    const items = (title, list) => list.length > 0 && h('section', {class: 'panel'}, h('h2', {}, title), h('table', {class: 'list'}, h('tbody', {}, list.map(i => h('tr', {}, h('td', {class: 'dim fit'}, i.kind), h('th', {scope: 'row'}, i.path),
      h('td', {}, h('code', {title: i.digest}, short(i.digest))), h('td', {class: 'right dim fit'}, i.size ? bytes(i.size) : '', i.files > 1 && ', ' + count(i.files, 'file')))))));
    return h('div', {},
      h('section', {class: 'panel'}, verdict(m, this.run)),
      m.rebuild.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'How to rebuild this'), copyable(m.rebuild)),
      h('div', {class: 'columns'}, items('Made from', m.inputs), items('Made', m.outputs), m.facts.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'Conditions'), facts(m.facts.map(f => [f.name, f.text])))),
      m.lock && h('section', {class: 'panel'}, h('h2', {}, 'Entry of xt.lock'), copyable(m.lock.trimEnd().split('\n'))));
  }
}

function verdict(m, run) {
  if (!m.verdict) {
    return h('div', {class: 'proof'}, h('span', {class: 'mark', 'aria-hidden': 'true'}, '?'), h('div', {}, h('h2', {}, 'Not verified'), h('p', {}, 'Nobody has made this again and compared the bytes.'),
      run.origin?.stage && copyable(['xt verify ' + run.origin.stage])));
  }
  return h('div', {class: 'proof ' + (m.good ? 'good' : 'bad')}, h('span', {class: 'mark', 'aria-hidden': 'true'}, m.good ? '✓' : '✗'),
    h('div', {}, h('h2', {}, 'Verified: ' + m.verdict), m.difference.length > 0 && m.difference.map(d => h('p', {}, h('code', {}, d))),
      m.verified && m.verified !== run.id && h('p', {}, 'by ', link({view: 'run', id: m.verified}, 'run ' + short(m.verified)))));
}

const hidden = new Set(['mlflow.runName', 'mlflow.user', 'mlflow.parentRunId', 'xt.process', 'mlflow.note.content', 'mlflow.log-model.history', 'xt.error']);
// pruned says of a trial that it was ended early, which is no failure.
const pruned = r => r.tags['xt.trial.state'] === 'PRUNED' ? ' pruned' : '';

const byKey = ([a], [b]) => a < b ? -1 : 1;

function table(pairs, nothing) {
  if (pairs.length === 0) return h('p', {class: 'dim'}, nothing);
  return h('table', {class: 'list'}, h('tbody', {}, pairs.map(([k, v]) => h('tr', {}, h('th', {scope: 'row'}, k), h('td', {}, v.length > 2000 ? h('details', {}, h('summary', {}, v.slice(0, 200) + '…'), v) : v)))));
}
