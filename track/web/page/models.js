// Models: their versions, stages and aliases, and what happened to them.

import {h, fill, refill, link} from './dom.js';
import {get, send, poll, fresh} from './api.js';
import {num, bytes, short, whenFully, ago} from './format.js';
import {state, facts, tabs, time} from './widgets.js';

export async function show(root, params, page) {
  const view = new ModelsView(root, page);
  await view.start(params);
  return {close: () => view.stop?.(), change: p => view.change(p)};
}

class ModelsView {
  constructor(root, page) {
    Object.assign(this, {root, page, seen: {}});
  }

  async start(params) {
    this.params = params;
    [this.session, this.models] = await Promise.all([this.page.session, fresh('models', {}, this.seen)]);
    this.draw();
    this.stop = poll(async () => { const m = await fresh('models', {}, this.seen); if (m && !document.querySelector('dialog[open]')) { this.models = m; this.draw(); } }, 5);
  }

  change(params) {
    this.params = params;
    this.draw();
    return true;
  }

  draw() {
    if (this.models.length === 0) {
      fill(this.root, state('No models yet', this.session.git ? 'A version of a model is a git tag on the commit that made it:' : 'A client registers versions of models:', this.session.git ?
        ['xt model register NAME build/model.npz', 'xt model promote NAME staging'] : ['mlflow.register_model("runs:/RUN/model", "digits")']));
      return;
    }
    const name = this.params.get('model') ?? (this.models.length === 1 ? this.models[0].name : '');
    const m = this.models.find(m => m.name === name);
    if (m) this.drawModel(m);
    else if (name) fill(this.root, state('There is no model ' + name, ''), h('p', {class: 'state'}, link({view: 'models'}, 'All models')));
    else this.drawAll();
  }

  drawAll() {
    this.page.title('Models');
    refill(this.root, h('h1', {}, 'Models'), h('section', {class: 'panel wide'}, h('table', {class: 'list'}, h('thead', {}, h('tr', {}, ['Model', 'Latest', 'Stages', 'Versions', 'Changed'].map(t => h('th', {}, t)))),
      h('tbody', {}, this.models.map(m => {
        const latest = m.versions.find(v => !v.deregistered);
        return h('tr', {}, h('th', {scope: 'row'}, link({view: 'models', model: m.name}, m.name), m.deprecated && h('span', {class: 'badge warn'}, 'deprecated')), h('td', {}, latest && name(latest)),
          h('td', {}, m.versions.flatMap(v => v.stages.map(s => [stageBadge(s), h('span', {class: 'dim'}, ' ' + name(v) + ' ')]))), h('td', {}, String(m.versions.length)), h('td', {}, time(Date.parse(m.history[0]?.time ?? latest?.time))));
      })))));
  }

  drawModel(m) {
    this.page.title(m.name);
    const tab = this.params.get('tab') ?? 'versions', at = t => ({view: 'models', model: m.name, tab: t});
    const list = [['versions', 'Versions', {view: 'models', model: m.name}, m.versions.length], ['metrics', 'Metrics side by side', at('metrics')]];
    if (m.history.length) list.push(['history', 'History', at('history'), m.history.length]);
    refill(this.root, this.models.length > 1 && h('p', {class: 'crumbs'}, link({view: 'models'}, 'Models'), '/'), h('div', {class: 'runhead'}, h('h1', {}, m.name), m.deprecated && h('span', {class: 'badge warn'}, 'deprecated'),
      m.versions.flatMap(v => v.stages.map(s => h('span', {}, stageBadge(s), ' ' + name(v))))), tabs('Parts of the model', list, tab),
    tab === 'history' ? this.history(m) : tab === 'metrics' ? this.metrics(m) : this.versions(m));
  }

  versions(m) {
    const open = this.params.get('version') ?? m.versions[0]?.version;
    return m.versions.map(v => h('details', {class: 'panel version', open: v.version === open, ontoggle: e => { if (e.target.open) this.page.set({version: v.version}); }},
      h('summary', {}, h('h2', {}, name(v)), v.stages.map(stageBadge), v.behind.map(s => h('span', {class: 'badge', title: 'another version has this stage now'}, '(' + s + ')')), v.aliases.map(a => h('span', {class: 'badge accent'}, '@' + a)),
        v.deregistered && h('span', {class: 'badge bad'}, 'deregistered'), v.proof && h('span', {class: 'badge ' + (v.proved ? 'good' : 'warn'), title: v.proof}, v.proved ? '✓ matches xt.lock' : 'not proved'),
        h('span', {class: 'dim'}, ago(Date.parse(v.time)), v.by && ' by ' + v.by)),
      this.version(m, v)));
  }

  version(m, v) {
    const metrics = Object.keys(v.metrics).sort();
    return h('div', {class: 'columns inner'},
      h('div', {}, facts([
        ['Description', v.description], ['File', v.path && [h('span', {class: 'v'}, v.path), v.size ? h('span', {class: 'dim'}, ' ' + bytes(v.size)) : '']], ['Digest', v.digest && h('code', {title: v.digest}, v.digest.slice(0, 16))],
        ['Registered', whenFully(Date.parse(v.time))], ['Git tag', v.tag && h('code', {}, v.tag)], ['Signature', v.signature], ['Commit', v.commit && h('code', {title: v.commit}, v.commit.slice(0, 10))],
        ['xt.lock', v.proof], ['Made by', v.made_by && link({view: 'pipeline', stage: v.made_by}, 'stage ' + v.made_by)], ['Run', v.run && link({view: 'run', id: v.run}, short(v.run))],
        ...v.tags.map(t => [t.name, t.text])]),
      this.session.write && !v.deregistered && h('p', {class: 'act'}, h('button', {type: 'button', onclick: () => this.promote(m, v)}, 'Promote…'))),
      metrics.length > 0 && h('div', {}, h('h3', {}, 'Metrics'), facts(metrics.slice(0, 12).map(k => [k, num(v.metrics[k])])), metrics.length > 12 && h('details', {}, h('summary', {}, (metrics.length - 12) + ' more'), facts(metrics.slice(12).map(k => [k, num(v.metrics[k])])))),
      v.lineage.length > 0 && h('div', {}, h('h3', {}, 'Made from'), h('table', {class: 'list'}, h('tbody', {}, v.lineage.map(i => h('tr', {}, h('td', {class: 'dim fit'}, i.kind), h('th', {scope: 'row'}, i.path), h('td', {}, h('code', {title: i.digest}, short(i.digest)))))))),
      v.rules.length > 0 && h('div', {}, h('h3', {}, 'Rules'), h('ul', {class: 'changes'}, v.rules.map(r => h('li', {}, h('span', {class: r.ok ? 'good' : 'bad'}, r.ok ? '✓ ' : '✗ '), h('span', {class: 'dim'}, r.stage + ': '), h('code', {}, r.rule), !r.ok && h('div', {class: 'dim'}, r.why))))));
  }

  promote(m, v) {
    const stages = [...new Set([...m.rules.map(r => r.stage), 'staging', 'production', 'archived'])];
    const stage = h('select', {id: 'p-stage', onchange: () => say()}, stages.map(s => h('option', {value: s}, s)));
    const comment = h('textarea', {id: 'p-comment', rows: 3, maxlength: 4000, placeholder: m.stored ? 'Why?' : 'Why? (kept in the git tag)'});
    const says = h('div', {role: 'status'});
    const ok = h('button', {type: 'submit', class: 'primary'}, 'Promote');
    const say = () => {
      const rules = v.rules.filter(r => r.stage === stage.value);
      fill(says, rules.map(r => h('p', {class: r.ok ? 'good' : 'bad'}, (r.ok ? '✓ ' : '✗ ') + r.rule, !r.ok && h('span', {class: 'dim'}, ' ' + r.why))));
    };
    const form = h('form', {onsubmit: async e => {
      e.preventDefault();
      ok.disabled = true;
      try {
        const {done} = await send('POST', 'promote', {model: m.name, version: v.version, stage: stage.value, comment: comment.value.trim(), stored: m.stored});
        fill(says, h('p', {class: 'good'}, '✓ ' + done));
        this.seen = {};
        this.models = await get('models');
        setTimeout(() => { dialog.close(); this.draw(); }, 700);
      } catch (e) {
        fill(says, h('p', {class: 'bad', role: 'alert'}, e.message));
        ok.disabled = false;
      }
    }}, h('h2', {}, 'Promote ' + m.name + ' ' + name(v)), h('label', {for: 'p-stage'}, 'Into the stage'), stage, h('label', {for: 'p-comment'}, 'Comment'), comment, says,
      h('div', {class: 'row'}, ok, h('button', {type: 'button', onclick: () => dialog.close()}, 'Cancel')));
    const dialog = h('dialog', {class: 'form', 'aria-label': 'Promote a version', onclose: () => dialog.remove()}, form);
    document.body.append(dialog);
    say();
    dialog.showModal();
  }

  metrics(m) {
    const shown = m.versions.filter(v => !v.deregistered).slice(0, 30), keys = [...new Set(shown.flatMap(v => Object.keys(v.metrics)))].sort();
    if (keys.length === 0) return state('No metrics', 'The versions say none of themselves.');
    return h('section', {class: 'panel wide', tabindex: '0'}, h('table', {class: 'list sides'}, h('thead', {}, h('tr', {}, h('th', {}, 'Metric'), shown.map(v => h('th', {class: 'right', scope: 'col'}, name(v), v.stages.map(s => [' ', stageBadge(s)]))))),
      h('tbody', {}, keys.map(k => h('tr', {}, h('th', {scope: 'row'}, k), shown.map((v, i) => {
        const x = v.metrics[k], before = shown[i + 1]?.metrics[k], by = x !== undefined && before !== undefined ? x - before : NaN;
        return h('td', {class: 'right', title: x === undefined ? null : String(x)}, x === undefined ? h('span', {class: 'dim'}, '–') : num(x), Number.isFinite(by) && by !== 0 && h('span', {class: 'dim'}, by > 0 ? ' ▲' : ' ▼'));
      }))))));
  }

  history(m) {
    return h('section', {class: 'panel'}, h('ol', {class: 'history'}, m.history.map(e => h('li', {}, h('div', {}, h('strong', {}, e.version ? (/^[0-9a-f]{40}$/.test(e.version) ? e.version.slice(0, 10) : e.version) : m.name), ' ', h('span', {class: 'v'}, e.text)),
      e.message && h('blockquote', {class: 'v'}, e.message), h('div', {class: 'dim'}, time(Date.parse(e.time)), ' by ', h('span', {class: 'v'}, e.by), ' · ', h('code', {}, e.tag), e.signed && ' · signed')))));
  }
}

const name = v => /^[0-9a-f]{40}$/.test(v.version) ? v.version.slice(0, 10) : /^\d+$/.test(v.version) ? 'version ' + v.version : v.version;

const stageBadge = s => h('span', {class: 'badge ' + (/^prod/i.test(s) ? 'good' : /^arch/i.test(s) ? '' : 'accent')}, s);
