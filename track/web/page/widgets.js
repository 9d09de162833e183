// Parts that several views have.

import {h, fill, href} from './dom.js';
import {statusWords, ago, whenFully, short} from './format.js';

// status shows how a run is doing: by a shape and a word, not by colour alone.
export function status(s, words = true) {
  const word = statusWords[s] ?? String(s).toLowerCase();
  return h('span', {class: 'status is-' + word, title: word}, h('span', {class: 'dot', 'aria-hidden': 'true'}), words ? word : h('span', {class: 'hidden'}, word));
}

// time shows when something was; when exactly, once somebody points at it.
export const time = (ms, fallback = '') => ms ? h('time', {datetime: new Date(ms).toISOString(), onpointerenter: e => { e.target.title = whenFully(ms); }}, ago(ms)) : fallback;

// id shows a number, shortened.
export const id = text => h('code', {title: text}, short(text));

// state is what stands where there is nothing to show: what it is, and what to type.
export function state(title, text, commands = [], kind = '') {
  return h('div', {class: 'state ' + kind, role: kind === 'bad' ? 'alert' : 'status'},
    h('h2', {}, title), text && h('p', {}, text), commands.length > 0 && copyable(commands));
}

// failed is the state after an error.
export function failed(e, what) {
  return state(what, e.message, [], 'bad');
}

// waiting is the state while an answer is on its way. It says so only when that
// takes a while.
export const waiting = (text = 'Loading…') => h('div', {class: 'state waiting', role: 'status'}, h('p', {}, text));

// copyable shows commands, with a button that copies them.
export function copyable(lines) {
  const text = lines.join('\n');
  const button = h('button', {type: 'button', class: 'copy', onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(pre); // where the browser does not let pages write
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  }}, 'Copy');
  const pre = h('pre', {tabindex: '0'}, lines.map((l, i) => [i > 0 && '\n', l.startsWith('#') ? h('span', {class: 'dim'}, l) : l]));
  return h('div', {class: 'commands'}, pre, button);
}

// facts is a list of names and values; what has no value is left out.
export function facts(pairs) {
  return h('dl', {class: 'facts'}, pairs.filter(([, v]) => v !== null && v !== undefined && v !== '' && v !== false).map(([k, v]) => [h('dt', {}, k), h('dd', {}, v)]));
}

// tabs is a row of links, one of which is where we are.
export function tabs(label, items, current) {
  const el = h('nav', {class: 'tabs', 'aria-label': label}, items.map(([name, text, params, n]) =>
    h('a', {href: href(params), 'aria-current': name === current ? 'page' : null}, text, n ? h('span', {class: 'n'}, String(n)) : null)));
  requestAnimationFrame(() => inSight(el));
  return el;
}

// inSight scrolls a row of links, which may be wider than the page, to where we are.
export function inSight(row) {
  const a = row.querySelector('[aria-current]');
  if (a) row.scrollLeft = a.offsetLeft - row.offsetLeft - 40;
}

// menuButton is a button that opens a panel below it, made when it opens. The panel is
// one of the browser's popovers: Escape and a click elsewhere close it, the focus goes
// back to the button, and Tab goes on from there.
export function menuButton(text, content) {
  const label = h('span', {}, text);
  const button = h('button', {type: 'button', class: 'menu', 'aria-haspopup': 'dialog', onclick: () => {
    if (!button.popoverTargetElement) button.after(button.popoverTargetElement = panelOf(button, content));
  }}, label);
  button.label = t => fill(label, t);
  return button;
}

// panelOf makes the panel of a button, once it is needed.
function panelOf(button, content) {
  const panel = h('div', {class: 'popover', popover: 'auto', role: 'dialog', onbeforetoggle: e => {
    if (e.newState !== 'open') return;
    panel.ariaLabel = button.ariaLabel ?? button.textContent;
    fill(panel, content());
  }});
  // What it holds may come later, and make it wider.
  new ResizeObserver(() => {
    const at = button.getBoundingClientRect();
    panel.style.top = Math.round(at.bottom + 4 + scrollY) + 'px';
    panel.style.left = Math.max(8, Math.min(Math.round(at.left), document.documentElement.clientWidth - panel.offsetWidth - 8)) + 'px';
  }).observe(panel);
  return panel;
}

export const closePopover = () => document.querySelector('.popover:popover-open')?.hidePopover();

// picker is a list of things to choose, with a field that looks for them.
export function picker(items, {isChosen, choose, placeholder, empty = 'None matches.'}) {
  const list = h('div', {class: 'choices'});
  const search = h('input', {type: 'search', autofocus: true, placeholder, 'aria-label': placeholder, oninput: () => draw()});
  const draw = () => {
    const word = search.value.toLowerCase();
    const found = items.filter(i => i.label.toLowerCase().includes(word));
    fill(list, found.slice(0, 300).map(item => {
      const box = h('input', {type: 'checkbox', checked: isChosen(item), onchange: () => choose(item, box.checked)});
      return h('label', {}, box, h('span', {class: 'v'}, item.label), item.note && h('span', {class: 'dim'}, item.note));
    }), found.length === 0 && h('p', {class: 'dim'}, empty), found.length > 300 && h('p', {class: 'dim'}, 'Type to see more.'));
  };
  draw();
  return h('div', {class: 'picker'}, search, list);
}
