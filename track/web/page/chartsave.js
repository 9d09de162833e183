// Curves as files: their points as CSV, and a picture of them.

import {h} from './dom.js';
import {num} from './format.js';
import {inks} from './axes.js';
import {metricOf} from './chart.js';

const line = 18, columns = 2, most = 24; // of the names below a picture

function save(name, blob) {
  const url = URL.createObjectURL(blob);
  h('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const fileName = (chart, ending) => chart.title.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-') + ending;

const seen = chart => chart.curves.filter(c => c.steps.length > 0 && !chart.options.hidden?.has(c.run));

// saveCSV saves the points that a chart has: of a long curve those that are drawn.
export function saveCSV(chart) {
  const cell = v => /[",\r\n]/.test(v) ? '"' + String(v).replaceAll('"', '""') + '"' : v;
  const rows = [['run', 'name', 'step', 'time', chart.title]];
  for (const c of seen(chart)) c.steps.forEach((s, i) => rows.push([c.run, c.name, s, new Date(c.times[i]).toISOString(), c.values[i]]));
  save(fileName(chart, '.csv'), new Blob([rows.map(r => r.map(cell).join(',') + '\n').join('')], {type: 'text/csv'}));
}

// savePicture saves what a chart shows, with its title and the names of its runs.
export function savePicture(chart) {
  const from = chart.plot.ctx.canvas, ratio = devicePixelRatio || 1, width = from.width / ratio, height = from.height / ratio;
  const named = seen(chart).slice(0, most), rows = Math.ceil(named.length / columns), col = inks();
  const canvas = h('canvas', {width: from.width, height: Math.round((height + 42 + rows * line) * ratio)});
  const c = canvas.getContext('2d');
  c.scale(ratio, ratio);
  c.fillStyle = col.panel;
  c.fillRect(0, 0, canvas.width, canvas.height);
  const text = (words, x, y, room, ink, font) => {
    c.font = font + ' 12px system-ui';
    c.fillStyle = ink;
    c.fillText(words, x, y, room);
  };
  text(chart.title, 10, 20, width - 20, col.text, '600');
  c.drawImage(from, 0, 28, width, height);
  const {axis} = chart.options, room = width / columns;
  c.textAlign = 'right';
  text(metricOf(axis) || {step: 'step', time: 'time', relative: 'time since the start'}[axis], width - 10, 20, width / 2, col.dim, '400');
  c.textAlign = 'left';
  named.forEach((r, i) => {
    const x = 10 + i % columns * room, y = height + 44 + Math.floor(i / columns) * line;
    c.fillStyle = r.color;
    c.fillRect(x, y - 5, 12, 3);
    text(r.name + '  ' + num(r.values.at(-1)), x + 18, y, room - 30, col.text, '400');
  });
  canvas.toBlob(b => save(fileName(chart, '.png'), b));
}
