// The field for the filter, which completes what is typed.

import {h, fill} from './dom.js';
import {get} from './api.js';
import {ref, text} from './columns.js';

const attributes = ['attributes.run_name', 'attributes.status', 'attributes.start_time', 'attributes.end_time', 'attributes.user_id', 'attributes.run_id',
  'origin.stage', 'origin.kind', 'origin.commit', 'origin.fingerprint', 'origin.command', 'datasets.name', 'datasets.digest'];
const ops = {metrics: ['<', '<=', '>', '>=', '=', '!='], start: ['>', '<', '>=', '<='], texts: ['=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL']};
const values = {'attributes.status': ['RUNNING', 'FINISHED', 'FAILED', 'KILLED', 'SCHEDULED'], 'origin.kind': ['stage', 'run', 'verify', 'trial', 'client']};

// tokens takes a filter apart, roughly: the server has the last word.
const tokens = s => [...s.matchAll(/(?:[\w.]+\.)?(?:`[^`]*`?|"[^"]*"?|'[^']*'?)|[^\s<>=!]+|[<>=!]+/g)].map(m => ({text: m[0], at: m.index}));

// wanted says what may stand at the end of a text: a key, a comparison, a value or
// AND; and the part of it that is there already.
export function wanted(before) {
  const list = tokens(before);
  const open = list.length > 0 && !/\s$/.test(before) ? list.pop() : {text: '', at: before.length};
  const done = list.map(t => t.text);
  let want = 'key', key = '';
  for (let i = 0; i < done.length; i++) {
    const word = done[i].toUpperCase();
    if (want === 'key') { key = done[i]; want = 'op'; }
    else if (want === 'op') {
      if (word === 'IS') { i += /^NOT$/i.test(done[i + 1] ?? '') ? 2 : 1; want = i < done.length ? 'and' : 'op'; }
      else if (word === 'NOT') continue;
      else want = 'value';
    } else if (want === 'value') want = 'and';
    else want = 'key';
  }
  return {want, key, part: open.text, at: open.at};
}

// plain makes a filter of words without a comparison: runs that are called so.
export function meant(input) {
  const s = input.trim();
  if (s === '' || /[<>=]|\b(like|ilike|is|in)\b/i.test(s)) return s;
  return 'attributes.run_name ILIKE ' + text('%' + s.replaceAll("'", '') + '%');
}

export class FilterField {
  constructor({value, keys, params, onchange}) {
    Object.assign(this, {keys, params, onchange});
    this.input = h('input', {type: 'text', class: 'filter', value, spellcheck: 'false', autocomplete: 'off', role: 'combobox', 'aria-label': 'Filter', 'aria-expanded': 'false',
      'aria-controls': 'filter-list', 'aria-autocomplete': 'list', 'aria-describedby': 'filter-says', placeholder: "Filter: a name, or metrics.loss < 0.1 AND params.lr = '0.01'",
      oninput: () => this.typed(), onkeydown: e => this.key(e), onfocus: () => this.suggest(), onblur: () => this.done(), onclick: () => this.suggest()});
    this.list = h('ul', {id: 'filter-list', role: 'listbox', class: 'suggestions', hidden: true});
    this.says = h('p', {id: 'filter-says', class: 'bad says', role: 'alert', hidden: true});
    this.el = h('div', {class: 'filterfield'}, this.input, this.list, this.says);
    this.at = -1;
    this.applied = value;
  }

  typed() {
    this.suggest();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.apply(true), 350);
  }

  // apply searches, if what is typed may be all of it: while it grows that is not
  // worth a complaint.
  apply(growing) {
    const value = this.input.value.trim();
    if (value === this.applied || growing && value !== '' && !['and', 'key'].includes(wanted(value + ' ').want)) return;
    if (growing && /\band\s*$/i.test(value)) return;
    this.applied = value;
    this.complain('');
    this.onchange(value);
  }

  complain(message) {
    this.says.hidden = !message;
    this.says.textContent = message;
    this.input.toggleAttribute('aria-invalid', !!message);
  }

  async suggest() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    const w = wanted(before);
    const mine = this.turn = (this.turn ?? 0) + 1;
    const items = await this.items(w);
    if (mine !== this.turn || document.activeElement !== this.input) return;
    const part = w.part.toLowerCase().replace(/[`"']/g, '');
    const found = items.filter(i => i.toLowerCase().replace(/[`"']/g, '').includes(part) && i !== w.part)
      .sort((a, b) => b.toLowerCase().startsWith(part) - a.toLowerCase().startsWith(part)).slice(0, 12);
    this.found = found;
    this.w = w;
    this.at = -1;
    fill(this.list, found.map((text, i) => h('li', {role: 'option', id: 'filter-' + i, class: 'v', onpointerdown: e => { e.preventDefault(); this.take(i); }}, text)));
    this.list.hidden = found.length === 0;
    this.input.setAttribute('aria-expanded', String(found.length > 0));
  }

  async items({want, key}) {
    const all = await this.keys();
    if (want === 'key') return [...all.metrics.map(k => ref('metrics', k)), ...all.params.map(k => ref('params', k)), ...attributes, ...all.tags.map(k => ref('tags', k))];
    if (want === 'and') return ['AND'];
    if (want === 'op') return /^metrics?\./.test(key) ? ops.metrics : /_time$/.test(key) ? ops.start : ops.texts;
    if (values[key]) return values[key].map(text);
    const by = key.replace(/[`"]/g, '');
    if (!/^(params|tags)\./.test(by)) return [];
    try {
      return (await get('groups', {...this.params(), q: '', by})).groups.slice(0, 50).map(g => text(g.value));
    } catch {
      return []; // a suggestion less
    }
  }

  // fold hides the list.
  fold() {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
  }

  // done searches for what is typed.
  done() {
    this.fold();
    this.apply(false);
  }

  take(i) {
    const end = this.input.selectionStart;
    const value = this.input.value.slice(0, this.w.at) + this.found[i] + ' ' + this.input.value.slice(end).trimStart();
    this.input.value = value;
    const at = this.w.at + this.found[i].length + 1;
    this.input.setSelectionRange(at, at);
    this.typed();
  }

  key(e) {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      if (this.list.hidden) return void this.suggest();
      e.preventDefault();
      this.at = (this.at + (e.key === 'ArrowDown' ? 1 : -1) + this.found.length) % this.found.length;
      [...this.list.children].forEach((li, i) => li.setAttribute('aria-selected', String(i === this.at)));
      this.list.children[this.at].scrollIntoView({block: 'nearest'});
      this.input.setAttribute('aria-activedescendant', 'filter-' + this.at);
    } else if ((e.key === 'Enter' || e.key === 'Tab') && this.at >= 0 && !this.list.hidden) {
      e.preventDefault();
      this.take(this.at);
    } else if (e.key === 'Enter') {
      this.done();
    } else if (e.key === 'Escape') {
      if (this.list.hidden) this.input.blur();
      this.fold();
    }
  }
}
