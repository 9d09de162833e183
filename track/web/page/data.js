// What the project keeps: data that was added, and outputs of stages.

import {h, fill, refill, link} from './dom.js';
import {get} from './api.js';
import {bytes, count, short} from './format.js';
import {state, time, failed, copyable} from './widgets.js';

export async function show(root, params, page) {
  if (!(await page.session).project) {
    fill(root, state('No project here', 'The server shows a store of runs, and no data. In a folder with an xt.toml it shows both:', ['xt init', 'xt serve']));
    return;
  }
  const list = await get('data');
  if (list.length === 0) {
    fill(root, state('No data yet', 'Data that xt keeps is named in xt.lock by its digest, and stays out of git:', ['xt add data/images', 'git add xt.lock .gitignore']));
    return;
  }
  new DataView(root, params, page, list);
}

class DataView {
  constructor(root, params, page, list) {
    Object.assign(this, {root, page, list, open: params.get('path') ?? ''});
    this.remotes = null;
    this.ask = h('button', {type: 'button', onclick: () => this.asked()}, 'Ask the remotes');
    this.says = h('div', {});
    this.body = h('tbody');
    this.head = h('tr');
    const total = list.reduce((n, d) => n + d.size, 0), bad = list.filter(d => !d.good).length;
    fill(root, h('div', {class: 'runhead'}, h('h1', {}, 'Data'), h('span', {class: 'dim'}, count(list.length, 'path') + ', ' + bytes(total)), h('span', {class: 'badge ' + (bad ? 'warn' : 'good')}, bad ? bad + ' not as in xt.lock' : 'all as in xt.lock'), this.ask), this.says,
      h('section', {class: 'panel wide'}, h('table', {class: 'list'}, h('thead', {}, this.head), this.body)));
    this.draw();
  }

  async asked() {
    this.ask.disabled = true;
    this.ask.textContent = 'Asking…';
    try {
      this.remotes = await get('holdings');
      fill(this.says, this.remotes.length === 0 && state('No remote', 'A remote keeps what the cache has, for others and for later:', ['xt remote add origin s3://bucket/prefix', 'xt push']),
        this.remotes.map(r => h('section', {class: 'panel'}, h('h2', {class: 'v'}, r.remote, ' ', h('span', {class: 'dim'}, r.url)), r.error ? h('p', {class: 'bad'}, r.error) : h('p', {}, r.has.length === r.total ? h('span', {class: 'good'}, '✓ It has all of it.') : h('span', {class: 'warn'}, 'It has ' + r.has.length + ' of ' + r.total + '; ' + bytes(r.missing) + ' are missing.')),
          r.hint && h('p', {class: 'dim'}, r.hint), !r.error && r.has.length < r.total && copyable(['xt push']))));
    } catch (e) {
      fill(this.says, failed(e, 'The remotes cannot be asked'));
    }
    this.ask.disabled = false;
    this.ask.textContent = 'Ask the remotes again';
    this.draw();
  }

  draw() {
    const remotes = this.remotes ?? [];
    fill(this.head, ['Path', 'Made by', 'Size', 'Files', 'Digest', 'Workspace', 'Cache', ...remotes.map(r => r.remote), 'Versions'].map(t => h('th', {class: t === 'Size' || t === 'Files' ? 'right' : null}, t)));
    refill(this.body, this.list.map(d => {
      const toggle = h('button', {type: 'button', class: 'plain flush', 'aria-expanded': String(this.open === d.path), disabled: d.versions.length === 0, onclick: () => { this.open = this.open === d.path ? '' : d.path; this.page.set({path: this.open}); this.draw(); }}, h('span', {class: 'turns', 'aria-hidden': 'true'}, '▸'), ' ' + count(d.versions.length));
      return [h('tr', {}, h('th', {scope: 'row'}, d.path, d.source && h('div', {class: 'dim'}, 'from ' + d.source)), h('td', {}, d.stage ? link({view: 'pipeline', stage: d.stage}, d.stage) : h('span', {class: 'dim'}, 'added')), h('td', {class: 'right'}, bytes(d.size)), h('td', {class: 'right'}, d.files ? count(d.files) : ''),
        h('td', {}, h('code', {title: d.digest}, short(d.digest))), h('td', {class: d.good ? 'good' : 'warn'}, d.good ? '✓ as recorded' : d.state), yes(d.cached), remotes.map(r => r.error ? h('td', {class: 'dim'}, 'not known') : yes(r.has.includes(d.path))), h('td', {}, toggle)),
      this.open === d.path && h('tr', {}, h('td', {colspan: 8 + remotes.length}, this.versions(d)))];
    }));
  }

  versions(d) {
    return h('ol', {class: 'history'}, d.versions.map(v => h('li', {}, h('div', {}, h('code', {title: v.digest}, short(v.digest)), ' ', bytes(v.size), ' · ', h('span', {class: 'v'}, v.subject)), h('div', {class: 'dim'}, time(Date.parse(v.time)), ' · ', link({view: 'pipeline', old: v.id + '~1', new: v.id}, short(v.id))),
      v.files.length > 0 && h('details', {}, h('summary', {}, words(v.files)), h('ul', {class: 'changes'}, v.files.map(f => h('li', {}, h('span', {class: 'badge ' + {added: 'good', removed: 'bad', changed: 'warn'}[f.op]}, f.op), ' ', h('code', {}, f.path))))))));
  }
}

const yes = b => h('td', {class: b ? 'good' : 'warn'}, b ? '✓' : 'no');

function words(files) {
  const n = {added: 0, removed: 0, changed: 0};
  for (const f of files) n[f.op]++;
  return Object.entries(n).filter(([, k]) => k > 0).map(([op, k]) => k + ' ' + op).join(', ') + (files.length >= 100 ? ', or more' : '');
}
