// Curves by keyboard: a cursor that goes from point to point, and a zoom around it.

// keysOf tells of the keys to whoever does not see the chart.
export const keysOf = 'Arrow keys read values, plus and minus zoom, Shift and arrow keys move, 0 shows all.';

const soon = 200; // ms after the last key until more points are asked for

// ChartKeys is what a chart does with keys while it has the focus.
export class ChartKeys {
  constructor(chart) {
    this.chart = chart;
    this.at = null; // where on the axis the cursor is
    chart.box.addEventListener('keydown', e => this.key(e));
    chart.box.addEventListener('blur', () => this.leave());
  }

  key(e) {
    const u = this.chart.plot;
    if (!u || e.ctrlKey || e.metaKey || e.altKey) return;
    const [first, last] = u.series[0].idxs; // of the points in sight
    const page = Math.max(1, Math.round((last - first) / 10));
    const moves = {ArrowLeft: () => this.pan(u, -0.25), ArrowRight: () => this.pan(u, 0.25)};
    const acts = {
      ArrowLeft: () => this.step(u, -1), ArrowRight: () => this.step(u, 1), PageDown: () => this.step(u, -page), PageUp: () => this.step(u, page),
      Home: () => this.go(u, first), End: () => this.go(u, last),
      '+': () => this.zoom(u, 0.5), '=': () => this.zoom(u, 0.5), '-': () => this.zoom(u, 2), 0: () => this.all(),
      Escape: this.chart.zoom ? () => this.all() : this.at !== null && (() => this.leave()),
    };
    const act = e.shiftKey && moves[e.key] || acts[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  }

  isSeen() {
    const {zoom, extent} = this.chart, [from, to] = zoom ? [zoom.min, zoom.max] : extent;
    return this.at !== null && this.at >= from && this.at <= to;
  }

  // step goes on from the cursor; where there is none, from an end of what is in sight.
  step(u, by) {
    const [first, last] = u.series[0].idxs;
    this.go(u, this.isSeen() ? Math.max(first, Math.min(last, u.valToIdx(this.at) + by)) : by < 0 ? last : first);
  }

  go(u, i) {
    this.at = u.data[0][i];
    this.place(u);
    this.chart.says.textContent = this.chart.values(this.at);
  }

  // zoom looks closer, or less close, at the cursor, or at the middle if there is none.
  zoom(u, by) {
    const [first, last] = u.series[0].idxs, width = u.over.clientWidth;
    if (by < 1 && last - first < 2) return;
    const x = this.isSeen() ? u.valToPos(this.at, 'x') : width / 2;
    this.look(u, x - x * by, x + (width - x) * by);
  }

  pan(u, part) {
    const width = u.over.clientWidth, [from, to] = this.ends(u);
    const by = Math.max(from, Math.min(to - width, part * width));
    this.look(u, by, by + width);
  }

  // ends returns where the curves begin and end, in pixels.
  ends(u) { return this.chart.extent.map(x => u.valToPos(x, 'x')); }

  // look shows what is between two places, in pixels.
  look(u, left, right) {
    const [from, to] = this.ends(u);
    if (left <= from + 1 && right >= to - 1) return this.all();
    this.chart.look(u.posToVal(Math.max(left, from), 'x'), u.posToVal(Math.min(right, to), 'x'), soon);
    this.tell();
  }

  all() {
    this.chart.reset();
    this.tell();
  }

  leave() {
    if (this.at === null) return;
    this.at = null;
    this.chart.says.textContent = '';
    this.chart.plot?.setCursor({left: -10, top: -10});
  }

  // place puts the cursor where it was, in what may be drawn anew. It is above the
  // curves, so that none of them counts as the one that is pointed at.
  place(u) {
    if (this.at !== null) u.setCursor(this.isSeen() ? {left: u.valToPos(this.at, 'x'), top: -100} : {left: -10, top: -10});
  }

  // tell says which part is looked at, and what is at the cursor.
  tell() {
    const {chart} = this, {zoom} = chart;
    chart.says.textContent = (zoom ? chart.place(zoom.min) + ' to ' + chart.place(zoom.max) : 'all') + (this.isSeen() ? '; ' + chart.values(this.at) : '');
  }
}
