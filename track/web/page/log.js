// What the command of a run wrote, while it writes.

import {h, fill, link} from './dom.js';
import {get, poll} from './api.js';
import {state} from './widgets.js';
import {bytes} from './format.js';

const most = 2_000_000; // characters that are kept in the page

// plain takes out what terminals would act on, and what a progress bar has
// overwritten.
export function plain(text) {
  return text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '').replace(/\r\n/g, '\n').replace(/[^\n]*\r(?=[^\n])/g, '').replace(/\r/g, '');
}

export async function log(run) {
  const part = await get('log', {id: run.id});
  if (!part.kept) {
    return part.live ? waitFor(run) : nothing(run, 'No output is kept', 'xt keeps what a command writes when it starts it:', ['xt run -- python train.py']);
  }
  if (part.size === 0 && !part.live) return nothing(run, 'No output', 'The command wrote nothing.');
  let next = part.next, text = part.text, live = part.live;
  const pre = h('pre', {});
  const box = h('div', {class: 'log', tabindex: '0', role: 'log', 'aria-label': 'Output', 'aria-live': 'off'}, pre);
  const says = h('span', {class: 'dim'});
  const follow = h('input', {type: 'checkbox', checked: true});
  const earlier = h('button', {type: 'button', hidden: part.from === 0, onclick: async () => {
    const before = await get('log', {id: run.id, from: Math.max(0, part.from - 200_000)});
    text = before.text.slice(0, part.from - before.from) + text;
    part.from = before.from;
    earlier.hidden = part.from === 0;
    draw();
  }}, 'Earlier output');
  const draw = () => {
    if (text.length > most) text = text.slice(-most);
    pre.textContent = plain(text);
    says.textContent = bytes(part.size) + (live ? ', still being written' : '');
    if (follow.checked) box.scrollTop = box.scrollHeight;
  };
  const more = async () => {
    if (!live) return;
    for (;;) {
      const p = await get('log', {id: run.id, from: next});
      live = p.live;
      part.size = p.size;
      if (p.kept && p.next > next) { text += p.text; next = p.next; }
      draw();
      if (!p.kept || p.next >= p.size) return;
    }
  };
  box.addEventListener('scroll', () => { follow.checked = box.scrollTop + box.clientHeight >= box.scrollHeight - 8; });
  const el = h('div', {}, h('div', {class: 'row controls'}, says, h('label', {class: 'field'}, follow, 'Follow'), earlier), box);
  requestAnimationFrame(draw);
  const stop = live ? poll(more, 1) : () => {};
  return {el, close: stop, update: r => { if (live && r.status !== 'RUNNING') more(); }};
}

// nothing is the state without output. That of a script is its parent's, which executes it.
const nothing = (run, ...words) => h('div', {}, state(...words),
  run.parent && h('p', {class: 'state'}, 'What the command of its parent writes is in the log of ', link({view: 'run', id: run.parent.id, tab: 'log'}, run.parent.name), '.'));

// waitFor looks until the run has written something.
function waitFor(run) {
  const el = h('div', {}, nothing(run, 'No output yet', 'Output appears here if xt runs the command. Of runs that a client logs, only what it logs is known.'));
  const stop = poll(async () => {
    const part = await get('log', {id: run.id});
    if (!part.kept) return;
    stop();
    const made = await log(run);
    fill(el, made.el ?? made);
    close = made.close;
  }, 2);
  let close = stop;
  return {el, close: () => close()};
}
