// Prompts and their versions.

import {h, fill} from './dom.js';
import {get} from './api.js';
import {state, time} from './widgets.js';
import {conversation} from './traces.js';

export async function show(root, params, page) {
  page.title('Prompts');
  const list = await get('prompts');
  if (list.length === 0) {
    fill(root, state('No prompts yet', 'A prompt that is registered gets versions, which runs and traces name:', ['import mlflow', 'mlflow.genai.register_prompt(name="summary", template="Summarise: {{text}}")']));
    return;
  }
  const name = list.some(p => p.name === params.get('prompt')) ? params.get('prompt') : list[0].name;
  const body = h('div', {});
  const draw = name => {
    const p = list.find(p => p.name === name);
    page.set({prompt: name});
    for (const b of side.querySelectorAll('button')) b.setAttribute('aria-pressed', String(b.dataset.name === name));
    fill(body, h('h1', {class: 'v'}, p.name), p.versions.length === 0 && h('p', {class: 'dim'}, 'It has no versions.'), p.versions.map((v, i) => h('section', {class: 'panel'},
      h('div', {class: 'head'}, h('h2', {}, 'Version ' + v.version), v.aliases.map(a => h('span', {class: 'badge accent'}, '@' + a)), h('span', {class: 'dim'}, time(v.time)), v.message && h('span', {class: 'v'}, v.message)),
      textOf(v.text), p.versions[i + 1] && changed(p.versions[i + 1].text, v.text))));
  };
  const side = h('aside', {class: 'side', 'aria-label': 'Prompts'}, list.map(p => h('button', {type: 'button', class: 'choice', 'data-name': p.name, onclick: () => draw(p.name)}, p.name)));
  fill(root, h('div', {class: 'split'}, side, body));
  draw(name);
}

// textOf shows a prompt: a conversation where it is a list of messages.
function textOf(text) {
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list) && list.length > 0 && list.every(m => m?.role)) return conversation(list.map(m => ({role: m.role, text: typeof m.content === 'string' ? m.content : JSON.stringify(m.content)})));
  } catch { /* it is a text */ }
  return h('pre', {class: 'quote'}, text);
}

// changed shows which lines differ from the version before.
function changed(old, now) {
  const a = old.split('\n'), b = now.split('\n');
  if (a.length * b.length > 250_000 || old === now) return null;
  return h('details', {}, h('summary', {}, 'What changed'), h('pre', {class: 'quote'}, lines(a, b).map(([sign, text]) => h('div', {class: {'+': 'plus', '-': 'minus', ' ': ''}[sign]}, sign + ' ' + text))));
}

// lines compares two texts by their longest common subsequence of lines.
export function lines(a, b) {
  const n = a.length, m = b.length, len = Array.from({length: n + 1}, () => new Uint32Array(m + 1));
  for (let i = n - 1; i >= 0; i--) for (let j = m - 1; j >= 0; j--) len[i][j] = a[i] === b[j] ? len[i + 1][j + 1] + 1 : Math.max(len[i + 1][j], len[i][j + 1]);
  const out = [];
  for (let i = 0, j = 0; i < n || j < m;) {
    if (i < n && j < m && a[i] === b[j]) { out.push([' ', a[i++]]); j++; }
    else if (j >= m || i < n && len[i + 1][j] >= len[i][j + 1]) out.push(['-', a[i++]]);
    else out.push(['+', b[j++]]);
  }
  return out;
}
