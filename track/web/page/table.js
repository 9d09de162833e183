// A table of as many runs as there are, of which only those in sight are in the
// page.

import {h, fill, refill, swap} from './dom.js';
import {cell} from './columns.js';
import {count} from './format.js';
import {Source} from './source.js';
import {resizable, widthOf} from './widths.js';

const rowHeight = 30;

export class Table {
  // options: names of experiments, chosen (a Map of runs by their numbers), and what
  // to call: onsort(column), onchoose(), onload(error), onopen(run).
  constructor(options) {
    Object.assign(this, options);
    this.columns = [];
    this.sections = [];
    this.rows = new Map();
    this.at = -1; // the row that the keyboard is at
    this.head = h('thead');
    this.above = h('tr', {'aria-hidden': 'true', class: 'room'});
    this.below = h('tr', {'aria-hidden': 'true', class: 'room'});
    this.body = h('tbody', {onfocusin: e => this.mark(e.target.closest('tr').ariaRowIndex - 2)}, this.above, this.below);
    this.cols = h('colgroup');
    this.table = h('table', {class: 'runs', 'aria-label': 'Runs'}, this.cols, this.head, this.body);
    this.el = h('div', {class: 'scroller', tabindex: '-1', onscroll: () => this.later()}, this.table);
    this.resized = new ResizeObserver(() => this.later());
    this.resized.observe(this.el);
    this.clock = setInterval(() => this.tick(), 5000);
  }

  close() {
    this.resized.disconnect();
    clearInterval(this.clock);
    for (const s of this.sections) s.source?.close();
  }

  // show takes other columns, and sections: {label, params, open, runs}.
  show(columns, sections, sort) {
    for (const s of this.sections) s.source?.close();
    this.sections = sections;
    for (const s of sections) if (s.open) this.open(s);
    this.setColumns(columns, sort);
  }

  setColumns(columns, sort) {
    this.columns = columns;
    this.clear();
    const all = h('input', {type: 'checkbox', 'aria-label': 'Choose all that are loaded', onchange: () => this.chooseAll(all.checked)});
    this.all = all;
    refill(this.head, h('tr', {}, h('th', {class: 'pick'}, all), columns.map(c => this.heading(c, sort)), h('td', {class: 'rest'})));
    this.setWidths();
    this.later();
  }

  setWidths() {
    const widths = [34, ...this.columns.map(widthOf)];
    fill(this.cols, widths.map(w => h('col', {style: {width: w + 'px'}})), h('col'));
    this.table.style.width = widths.reduce((n, w) => n + w, 0) + 'px';
  }

  heading(c, sort) {
    const here = sort?.name === c.name;
    const arrow = here ? (sort.desc ? ' ↓' : ' ↑') : '';
    const kind = c.kind && h('span', {class: 'kind'}, {metrics: 'metric', params: 'parameter', tags: 'tag'}[c.kind]);
    const label = [h('span', {class: 'v'}, c.label), h('span', {class: 'arrow', 'aria-hidden': 'true'}, arrow)];
    return resizable(h('th', {scope: 'col', class: [c.name === 'name' && 'first', c.right && 'right'].filter(Boolean).join(' '), title: c.label,
      'aria-sort': here ? (sort.desc ? 'descending' : 'ascending') : null},
      c.order ? h('button', {type: 'button', onclick: () => this.onsort(c)}, label, kind) : h('span', {class: 'label', tabindex: '0'}, label, kind)), c, () => this.setWidths());
  }

  open(s) {
    s.open = true;
    if (s.source) return;
    s.source = new Source(s.params, e => { this.onload(e); this.later(); });
    if (s.first) s.source.start(s.first);
    else s.source.at(0);
    if (s.runs !== undefined) s.source.count = s.runs;
    else {
      if (!s.source.ended) s.source.count = s.guess; // until it is known
      s.source.total().catch(() => {}); // the pages tell what is wrong
    }
  }

  clear() {
    if (this.body.contains(document.activeElement)) this.el.focus({preventScroll: true}); // until there are others
    for (const row of this.rows.values()) row.el.remove();
    this.rows.clear();
  }

  later() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); });
  }

  // length is how many rows there are, those of groups among them.
  get length() {
    return this.sections.reduce((n, s) => n + (s.label === undefined ? 0 : 1) + (s.open ? s.source.length : 0), 0);
  }

  // row returns what is at a place: {section} or {section, run, i}.
  row(place) {
    for (const s of this.sections) {
      if (s.label !== undefined && place-- === 0) return {section: s};
      const n = s.open ? s.source.length : 0;
      if (place < n) return {section: s, i: place, run: s.source.at(place)};
      place -= n;
    }
    return null;
  }

  // sight returns the first and the last row in sight, and some around them.
  sight() {
    const from = Math.max(0, Math.floor(this.el.scrollTop / rowHeight) - 8);
    return [from, Math.min(this.length, from + Math.ceil(this.el.clientHeight / rowHeight) + 16)];
  }

  draw() {
    const [from, to] = this.sight();
    for (const [place, row] of this.rows) {
      if (place < from || place >= to) {
        if (row.el.contains(document.activeElement)) this.el.focus({preventScroll: true}); // until the row is back
        row.el.remove();
        this.rows.delete(place);
      }
    }
    let last = this.above;
    for (let place = from; place < to; place++) {
      const what = this.row(place);
      const sign = this.sign(what);
      let row = this.rows.get(place);
      if (!row || row.what.run !== what?.run || row.what.section !== what?.section || row.sign !== sign) {
        const old = row?.el;
        row = {what, sign, el: this.make(what, place)};
        this.rows.set(place, row);
        if (old) swap(old, row.el);
      }
      if (last.nextSibling !== row.el) last.after(row.el);
      last = row.el;
    }
    if (document.activeElement === this.el) this.focus();
    this.above.style.height = from * rowHeight + 'px';
    this.below.style.height = Math.max(0, this.length - to) * rowHeight + 'px';
    this.table.setAttribute('aria-rowcount', this.length + 1);
    this.ondraw?.();
  }

  sign(what) {
    if (!what?.i && what?.i !== 0) return what?.section.open + ' ' + what?.section.runs;
    return this.chosen.has(what.run?.id) + ' ' + this.color?.(what.run?.id);
  }

  make(what, place) {
    const props = {'aria-rowindex': place + 2, class: place === this.at ? 'at' : null};
    if (what && what.i === undefined) return this.makeGroup(what.section, props);
    const run = what?.run;
    if (!run) return h('tr', props, h('td', {class: 'pick'}), h('td', {colspan: this.columns.length, class: 'coming'}, ' '), h('td'));
    const box = h('input', {type: 'checkbox', checked: this.chosen.has(run.id), 'aria-label': 'Choose ' + (run.name || run.id), onclick: e => this.choose(run, box.checked, place, e.shiftKey)});
    const color = this.color?.(run.id);
    return h('tr', {...props, class: [props.class, this.chosen.has(run.id) && 'chosen', run.deleted && 'gone'].filter(Boolean).join(' ')},
      h('td', {class: 'pick'}, box),
      this.columns.map(c => h(c.name === 'name' ? 'th' : 'td', {class: [c.name === 'name' && 'first', c.right && 'right'].filter(Boolean).join(' '), scope: c.name === 'name' ? 'row' : null},
        c.name === 'name' && color && h('span', {class: 'swatch', style: {background: color}}), cell(c, run, this.names))), h('td'));
  }

  makeGroup(s, props) {
    return h('tr', {...props, class: 'group'}, h('th', {colspan: this.columns.length + 2, scope: 'rowgroup'},
      h('button', {type: 'button', 'aria-expanded': String(!!s.open), onclick: () => {
        if (s.open) s.open = false;
        else this.open(s);
        this.later();
      }}, h('span', {class: 'arrow', 'aria-hidden': 'true'}, s.open ? '▾' : '▸'), h('span', {class: 'v'}, s.label), h('span', {class: 'dim'}, count(s.runs, 'run'))), s.link));
  }

  // choose takes a run, or all from the one before if the shift key is held.
  choose(run, on, place, shift) {
    const range = [[run, place]];
    if (shift && this.last !== undefined) {
      for (let p = Math.min(this.last, place); p <= Math.max(this.last, place); p++) range.push([this.row(p)?.run, p]);
    }
    this.last = place;
    for (const [r] of range) if (r) on ? this.chosen.set(r.id, r) : this.chosen.delete(r.id);
    this.onchoose();
    this.later();
  }

  chooseAll(on) {
    if (!on) this.chosen.clear();
    else for (const s of this.sections) for (const p of s.source?.pages.values() ?? []) for (const r of p.runs ?? []) if (this.chosen.size < 100) this.chosen.set(r.id, r);
    this.onchoose();
    this.later();
  }

  // move puts the keyboard at another row.
  move(by) {
    this.at = Math.max(0, Math.min(this.length - 1, this.at + by));
    const y = this.at * rowHeight;
    if (y < this.el.scrollTop) this.el.scrollTop = y;
    else if (y > this.el.scrollTop + this.el.clientHeight - 3 * rowHeight) this.el.scrollTop = y - this.el.clientHeight + 3 * rowHeight;
    this.el.focus({preventScroll: true});
    this.draw();
    this.mark(this.at);
  }

  // mark shows at which row the keyboard is.
  mark(place) {
    this.at = place;
    for (const [p, row] of this.rows) row.el.classList.toggle('at', p === place);
  }

  // focus goes to the row of the keyboard, once it is there.
  focus() { this.rows.get(this.at)?.el.querySelector('a, button')?.focus({preventScroll: true}); }

  // tick draws again what changes by itself: how long ago, how long so far.
  tick() {
    if (document.hidden) return;
    for (const [place, row] of this.rows) {
      const run = row.what?.run;
      if (!run || run.status !== 'RUNNING' && Date.now() - run.start > 3600e3 ) continue;
      row.el = swap(row.el, this.make(row.what, place));
    }
  }

  // again asks once more for what is in sight.
  async again() {
    const [from, to] = this.sight();
    let place = 0;
    for (const s of this.sections) {
      if (s.label !== undefined) place++;
      const n = s.open ? s.source.length : 0;
      if (s.open && (n === 0 || place < to && place + n > from)) await s.source.again(Math.max(0, from - place), Math.max(0, Math.min(n, to - place) - 1));
      place += n;
    }
  }
}
