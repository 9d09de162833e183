// What differs between runs: parameters, metrics, code, data and environment.

import {h, refill, link} from './dom.js';
import {get} from './api.js';
import {num, real, short, brief, took, duration, count} from './format.js';

const most = 50; // runs side by side

// better compares values of a metric, as its name tells; null where it does not.
const lower = /loss|error|err$|rmse|mae|mse|perplexity|ppl|latency|time|cost/i;
const higher = /acc|auc|f1|score|precision|recall|reward|return|iou|map|ndcg|bleu|rouge|r2|psnr|ssim/i;
const better = key => lower.test(key) ? (a, b) => a < b : higher.test(key) ? (a, b) => a > b : null;

export async function difference({runs, metrics, keys}) {
  let shown = runs.slice(0, most);
  const all = h('input', {type: 'checkbox', onchange: () => draw()});
  const body = h('div', {});
  let changes = null, wrong = '';
  if (shown.length > 1) {
    try {
      changes = await get('changes', {run: shown.map(r => r.id)});
    } catch (e) {
      wrong = e.message;
    }
  }
  const row = (name, values, kind) => {
    const same = values.every(v => v === values[0]);
    if (same && !all.checked) return null;
    let best = -1;
    const isBetter = kind === 'metric' && better(name);
    if (isBetter) {
      const xs = values.map(v => real(v));
      xs.forEach((x, i) => { if (Number.isFinite(x) && (best < 0 || isBetter(x, xs[best]))) best = i; });
    }
    return h('tr', {}, h('th', {scope: 'row'}, name), values.map((v, i) => h('td', {class: [!same && v !== values[0] && kind !== 'metric' && 'diff', String(v).length < 25 && 'fit', !same && i === best && 'best'].filter(Boolean).join(' '), title: v === undefined ? null : String(v)},
      v === undefined ? h('span', {class: 'dim'}, '–') : kind === 'metric' ? num(v) : brief(v))));
  };
  const section = (title, rows) => {
    const some = rows.filter(Boolean);
    return some.length > 0 && h('tbody', {}, h('tr', {class: 'group'}, h('th', {colspan: shown.length + 1, scope: 'rowgroup'}, title)), some);
  };
  const draw = () => {
    const {scrollTop = 0, scrollLeft = 0} = body.querySelector('.tall') ?? {};
    const parts = [
      section('Metrics', metrics.map(k => row(k, shown.map(r => r.metrics[k]?.[0]), 'metric'))),
      section('Parameters', keys.map(k => row(k, shown.map(r => r.params[k])))),
      section('Run', [row('status', shown.map(r => r.status.toLowerCase())), row('user', shown.map(r => r.user)), row('took', shown.map(r => took(duration(r))))]),
    ].filter(Boolean);
    refill(body, h('section', {class: 'panel'}, h('div', {class: 'row'}, h('h2', {}, 'Values'), h('label', {class: 'field'}, all, 'also what is the same'), runs.length > most && h('span', {class: 'dim'}, 'the first ' + most + ' runs')),
      parts.length === 0 ? h('p', {class: 'dim'}, 'They are the same in all that was logged.') :
        h('div', {class: 'wide tall'}, h('table', {class: 'list sides'}, h('thead', {}, h('tr', {}, h('td'), shown.map(r => h('th', {scope: 'col'}, h('span', {class: 'swatch', style: {background: r.color}}), link({view: 'run', id: r.id}, r.name))))), parts))),
    h('section', {class: 'panel'}, h('h2', {}, 'Code, data and environment'), inputs()));
    body.querySelector('.tall')?.scrollTo(scrollLeft, scrollTop);
  };
  const inputs = () => {
    if (wrong) return h('p', {class: 'bad'}, wrong);
    if (!changes) return h('p', {class: 'dim'}, 'Choose two runs at least.');
    if (changes.every(list => list.length === 0)) return h('p', {class: 'dim'}, 'No difference is known. xt records what it runs itself: xt run, xt repro.');
    return changes.map((list, i) => [h('h3', {}, h('span', {class: 'swatch', style: {background: shown[0].color}}), shown[0].name, ' → ', h('span', {class: 'swatch', style: {background: shown[i + 1].color}}), shown[i + 1].name), changeList(list)]);
  };
  draw();
  return {el: body, update: now => { shown = now.slice(0, most); draw(); }};
}

// changeList shows changes, with the files of directories.
export function changeList(list) {
  if (list.length === 0) return h('p', {class: 'dim'}, 'No difference.');
  return h('ul', {class: 'changes'}, list.map(c => h('li', {}, h('span', {class: 'badge ' + {added: 'good', removed: 'bad', changed: 'warn'}[c.op]}, c.op), ' ', h('span', {class: 'v'}, c.text),
    c.files?.length > 0 && h('details', {}, h('summary', {}, count(c.files.length, 'file')), h('ul', {class: 'changes'}, c.files.map(f => h('li', {}, h('span', {class: 'badge ' + {added: 'good', removed: 'bad', changed: 'warn'}[f.op]}, f.op), ' ', h('code', {}, f.path))))))));
}
