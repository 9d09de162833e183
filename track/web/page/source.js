// Runs that a search finds, read as far as somebody looks.

import {get, fresh} from './api.js';

const size = 100; // of a page
export const pageSize = size;

export class Source {
  constructor(params, onload) {
    this.params = params;
    this.onload = onload;
    this.pages = new Map();
    this.count = undefined; // what the server says
    this.least = 0; // what is known to be there
    this.ended = false; // whether least is all
    this.stop = new AbortController();
  }

  // length is how many runs there are, as far as is known.
  get length() {
    if (this.ended) return this.least;
    return Math.max(this.count ?? 0, this.least + (this.count === undefined ? 1 : 0));
  }

  // at returns a run; undefined while it is being asked for.
  at(i) {
    const p = Math.floor(i / size);
    const page = this.pages.get(p);
    if (!page) this.load(p);
    return page?.runs?.[i - p * size];
  }

  // start takes a first page that was asked for before.
  start(answer) {
    this.pages.set(0, {runs: undefined, seen: {}});
    this.take(0, answer);
  }

  async load(p) {
    const page = {runs: undefined, seen: {}};
    this.pages.set(p, page);
    try {
      await this.ask(p, page);
    } catch (e) {
      this.pages.delete(p);
      if (e.name !== 'AbortError') this.onload(e);
    }
  }

  async ask(p, page) {
    const answer = await fresh('runs', {...this.params, max: size, at: p * size}, page.seen, this.stop.signal);
    if (!answer) return false;
    this.take(p, answer);
    this.onload();
    return true;
  }

  take(p, answer) {
    const page = this.pages.get(p);
    if (!page) return; // it is too far from what is looked at by now
    const old = new Map((page.runs ?? []).map(r => [r.id, r]));
    page.runs = answer.runs.map(r => {
      const was = old.get(r.id);
      return was && JSON.stringify(was) === JSON.stringify(r) ? was : r; // rows that are as before are not drawn again
    });
    const end = p * size + answer.runs.length;
    if (answer.runs.length > 0 || p === 0) this.least = Math.max(this.least, end);
    if (!answer.more) {
      this.ended = true;
      this.least = end;
    } else if (this.ended) {
      this.ended = false;
      this.least = Math.max(this.least, end + 1);
    }
  }

  // total asks how many there are, which takes longer than to show some.
  async total() {
    if (this.ended && this.least < size) return;
    this.count = (await get('count', this.params, this.stop.signal)).count;
    this.onload();
  }

  // again asks once more for the pages that are looked at.
  async again(from, to) {
    const pages = [];
    for (let p = Math.floor(from / size); p <= Math.floor(to / size); p++) if (this.pages.get(p)?.runs) pages.push(p);
    for (const p of [...this.pages.keys()]) if (!pages.includes(p) && this.pages.size > 20) this.pages.delete(p);
    let changed = false;
    for (const p of pages) changed = await this.ask(p, this.pages.get(p)) || changed;
    if (changed && !this.ended) await this.total();
  }

  close() { this.stop.abort(); }
}
