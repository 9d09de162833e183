// Parts that several views have.

import {h, fill, link} from './dom.js';
import {statusWords, ago, whenFully, short} from './format.js';

// status shows how a run is doing: by a shape and a word, not by colour alone.
export function status(s, words = true) {
  const word = statusWords[s] ?? String(s).toLowerCase();
  return h('span', {class: 'status is-' + word, title: word}, h('span', {class: 'dot', 'aria-hidden': 'true'}), words ? word : h('span', {class: 'hidden'}, word));
}

// time shows when something was.
export const time = (ms, fallback = '') => ms ? h('time', {datetime: new Date(ms).toISOString(), title: whenFully(ms)}, ago(ms)) : fallback;

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
  return h('nav', {class: 'tabs', 'aria-label': label}, items.map(([name, text, params, n]) =>
    h('span', {}, (() => {
      const a = link(params, text, n ? h('span', {class: 'n'}, String(n)) : null);
      if (name === current) a.setAttribute('aria-current', 'page');
      return a;
    })())));
}

let openPopover = null;

// popover opens a panel below a button, which closes with Escape and a click
// elsewhere.
export function popover(button, content) {
  if (openPopover) {
    const same = openPopover.button === button;
    openPopover.close();
    if (same) return;
  }
  const panel = h('div', {class: 'popover', role: 'dialog', 'aria-label': button.textContent}, content);
  document.body.append(panel);
  const at = button.getBoundingClientRect();
  panel.style.top = Math.round(at.bottom + 4 + scrollY) + 'px';
  panel.style.left = Math.max(8, Math.min(Math.round(at.left), innerWidth - panel.offsetWidth - 8)) + 'px';
  button.setAttribute('aria-expanded', 'true');
  const away = e => { if (!panel.contains(e.target) && !button.contains(e.target)) close(); };
  const key = e => {
    if (e.key !== 'Escape') return;
    e.stopPropagation();
    close();
    button.focus();
  };
  const close = () => {
    panel.remove();
    button.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', away, true);
    document.removeEventListener('keydown', key, true);
    openPopover = null;
  };
  document.addEventListener('pointerdown', away, true);
  document.addEventListener('keydown', key, true);
  openPopover = {button, close};
  panel.querySelector('input, button, select, a')?.focus();
}

export const closePopover = () => openPopover?.close();

// menuButton is a button that opens a panel, made when it opens.
export function menuButton(text, content) {
  const label = h('span', {}, text);
  const button = h('button', {type: 'button', class: 'menu', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', onclick: () => popover(button, content())}, label);
  button.label = t => fill(label, t);
  return button;
}

// picker is a list of things to choose, with a field that looks for them.
export function picker(items, {isChosen, choose, placeholder, empty = 'None matches.'}) {
  const list = h('div', {class: 'choices'});
  const search = h('input', {type: 'search', placeholder, 'aria-label': placeholder, oninput: () => draw()});
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
