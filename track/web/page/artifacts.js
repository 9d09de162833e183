// The files of a run, and previews of them.

import {h, fill, link} from './dom.js';
import {get, artifact} from './api.js';
import {bytes, num, count} from './format.js';
import {state, failed, time} from './widgets.js';

const most = 1_000_000; // bytes of a text that are shown
const rows = 1000; // of a table

const end = name => name.toLowerCase().replace(/^.*\./, '');
const images = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'bmp', 'svg']);
const sounds = new Set(['wav', 'mp3', 'ogg', 'flac', 'm4a']);
const films = new Set(['mp4', 'webm']);
const opaque = new Set(['npz', 'npy', 'pkl', 'pickle', 'pt', 'pth', 'pt2', 'onnx', 'h5', 'parquet', 'gz', 'zip', 'tar', 'bin', 'safetensors', 'joblib', 'db', 'so', 'whl']);

export async function artifacts(run, params, set) {
  if (!run.artifacts_here) return state('The artifacts are elsewhere', 'They are at ' + run.artifact_uri + ', where clients read and write them by themselves.');
  const top = await get('artifacts', {id: run.id});
  if (top.length === 0) return nothing(run);
  const preview = h('section', {class: 'panel preview', 'aria-live': 'polite'}, h('p', {class: 'dim'}, 'Choose a file.'));
  const tree = h('div', {class: 'panel'}, branch(run, top, async (file, button) => {
    tree.querySelector('[aria-current]')?.removeAttribute('aria-current');
    button.setAttribute('aria-current', 'true');
    set({path: file.path});
    await show(run, file, preview);
  }, params.get('path') ?? ''));
  return {el: h('div', {class: 'files'}, tree, preview)};
}

function nothing(run) {
  if (!run.made?.outputs.length) return state('No artifacts', run.status === 'RUNNING' ? 'Files that the run logs appear here.' : 'The run has logged no file.');
  return h('div', {}, state('No artifacts', 'The run has logged no file; what it made is an output of its stage.'), h('p', {class: 'state'}, link({view: 'run', id: run.id, tab: 'proof'}, count(run.made.outputs.length, 'output'))));
}

// media shows the pictures, sounds, films and tables that W&B's clients log, the latest
// first; each is read when it comes into sight.
export async function media(run) {
  const files = [];
  const walk = async (path, depth) => {
    for (const f of await get('artifacts', {id: run.id, path})) {
      if (f.dir && depth < 4) await walk(f.path, depth + 1);
      else if (!f.dir && files.length < 500) files.push(f);
    }
  };
  await walk('media', 0);
  files.sort((a, b) => b.time - a.time || (a.path < b.path ? 1 : -1));
  const seen = new IntersectionObserver(entries => {
    for (const e of entries) {
      if (!e.isIntersecting) continue;
      seen.unobserve(e.target);
      previewOf(run, e.target.file).then(p => fill(e.target.lastChild, p), err => fill(e.target.lastChild, failed(err, 'This file cannot be shown')));
    }
  }, {rootMargin: '200px'});
  const boxes = files.map(f => {
    const [, key, step] = /^(.*)_(\d+)_[0-9a-f]{8,}\./.exec(f.name) ?? [null, f.name, ''];
    const box = h('section', {class: 'panel preview'}, h('div', {class: 'head'}, h('h2', {class: 'v'}, key), step && h('span', {class: 'dim'}, 'step ' + step), h('a', {href: artifact({id: run.id, path: f.path}), download: f.name}, 'Download')), h('div', {}));
    box.file = f;
    seen.observe(box);
    return box;
  });
  return {el: h('div', {class: 'charts'}, boxes), close: () => seen.disconnect()};
}

// branch lists a folder. Folders above the path that the address names are open.
function branch(run, files, choose, path) {
  return h('ul', {class: 'tree'}, files.map(f => {
    const inside = h('div', {});
    const button = h('button', {type: 'button', 'aria-expanded': f.dir ? 'false' : null, onclick: async () => {
      if (!f.dir) return choose(f, button);
      if (inside.firstChild) {
        fill(inside);
        button.setAttribute('aria-expanded', 'false');
        return;
      }
      button.setAttribute('aria-expanded', 'true');
      try {
        fill(inside, branch(run, await get('artifacts', {id: run.id, path: f.path}), choose, path));
      } catch (e) {
        fill(inside, h('p', {class: 'bad'}, e.message));
      }
    }}, h('span', {class: 'turns', 'aria-hidden': 'true'}, f.dir ? '▸' : '·'), h('span', {class: 'v'}, f.name + (f.dir ? '/' : '')), !f.dir && h('span', {class: 'dim'}, bytes(f.size)));
    if (path === f.path || f.dir && path.startsWith(f.path + '/') || !path && files.length === 1) queueMicrotask(() => button.click());
    return h('li', {}, button, inside);
  }));
}

async function show(run, file, box) {
  const head = h('div', {class: 'head'}, h('h2', {class: 'v'}, file.path), h('span', {class: 'dim'}, bytes(file.size), ' · ', time(file.time)),
    h('a', {href: artifact({id: run.id, path: file.path}), download: file.name}, 'Download'));
  const body = h('div', {}, h('p', {class: 'dim'}, 'Loading…'));
  fill(box, head, body);
  try {
    fill(body, await previewOf(run, file));
  } catch (e) {
    fill(body, failed(e, 'This file cannot be shown'));
  }
}

async function previewOf(run, file) {
  const src = artifact({id: run.id, path: file.path, preview: 1}), kind = end(file.name);
  if (file.size === 0) return h('p', {class: 'dim'}, 'The file is empty.');
  if (images.has(kind)) return played(h('img', {alt: file.name, src}), 'image');
  if (sounds.has(kind)) return played(h('audio', {controls: true, src}), 'sound');
  if (films.has(kind)) return played(h('video', {controls: true, src}), 'film');
  if (kind === 'html' || kind === 'htm') {
    return [h('p', {class: 'dim fine'}, 'Shown without its scripts and without what it would fetch; the download has all.'), h('iframe', {sandbox: '', src, title: file.name})];
  }
  if (opaque.has(kind)) return h('p', {class: 'dim'}, 'No preview of this kind of file.');
  const response = await fetch(src, {headers: {Range: 'bytes=0-' + (most - 1)}});
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error ?? 'The server answered with ' + response.status + '.');
  const raw = new Uint8Array(await response.arrayBuffer());
  if (raw.subarray(0, 4000).includes(0)) return h('p', {class: 'dim'}, 'This is no text.');
  const text = new TextDecoder().decode(raw);
  const cut = file.size > raw.length && h('p', {class: 'warn'}, 'The first ' + bytes(raw.length) + ' of ' + bytes(file.size) + '.');
  return [cut, textOf(kind, text, !!cut)];
}

// played shows what the browser plays, or says that it cannot.
function played(el, what) {
  const box = h('div', {}, el);
  el.addEventListener('error', () => fill(box, h('p', {class: 'bad', role: 'alert'}, 'The ' + what + ' is broken, or of a kind that this browser does not know.')));
  return box;
}

function textOf(kind, text, cut) {
  if (kind === 'csv' || kind === 'tsv') return table(separated(text, kind === 'tsv' ? '\t' : ',', cut));
  if (kind === 'json' && !cut) {
    try {
      const value = JSON.parse(text);
      // What MLflow's log_table and W&B's Table write.
      if (Array.isArray(value?.columns) && Array.isArray(value?.data) && value.data.every(Array.isArray)) return table([value.columns.map(String), ...value.data.map(r => r.map(words))]);
      if (Array.isArray(value) && value.length > 0 && value.every(r => r && typeof r === 'object' && !Array.isArray(r))) {
        const keys = [...new Set(value.slice(0, 200).flatMap(Object.keys))];
        return table([keys, ...value.map(r => keys.map(k => words(r[k])))]);
      }
      return json(value);
    } catch {
      return [h('p', {class: 'warn'}, 'This is not the JSON that its name says.'), h('pre', {tabindex: '0'}, text)];
    }
  }
  if (kind === 'jsonl' && !cut) {
    try {
      const list = text.split('\n').filter(l => l.trim()).map(l => JSON.parse(l));
      return textOf('json', JSON.stringify(list), false);
    } catch { /* then it is shown as it is */ }
  }
  return h('pre', {tabindex: '0'}, text);
}

const words = v => v === null || v === undefined ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v);

// separated reads CSV: fields may be quoted, and then hold anything.
export function separated(text, sep, cut) {
  const out = [];
  let row = [], field = '', quoted = false, i = 0;
  for (; i < text.length && out.length <= rows; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') { field += '"'; i++; }
      else quoted = false;
    } else if (c === '"' && field === '') quoted = true;
    else if (c === sep) { row.push(field); field = ''; }
    else if (c === '\n') {
      row.push(field.replace(/\r$/, ''));
      out.push(row);
      row = [];
      field = '';
    } else field += c;
  }
  if (i >= text.length && !cut && (field || row.length)) out.push([...row, field]);
  return out;
}

function table(all) {
  if (all.length === 0) return h('p', {class: 'dim'}, 'The table is empty.');
  const [names, ...data] = all;
  const shown = data.slice(0, rows), right = names.map((_, i) => shown.length > 0 && shown.every(r => r[i] === undefined || r[i] === '' || !Number.isNaN(Number(r[i]))));
  return [data.length > rows && h('p', {class: 'warn'}, 'The first ' + count(rows) + ' rows.'), h('div', {class: 'wide', tabindex: '0'}, h('table', {class: 'cells'}, h('thead', {}, h('tr', {}, names.map((n, i) => h('th', {scope: 'col', class: right[i] ? 'right' : null}, n)))),
    h('tbody', {}, shown.map(r => h('tr', {}, names.map((_, i) => h('td', {class: right[i] ? 'right' : null, title: right[i] ? r[i] : null}, right[i] && r[i] !== '' && r[i] !== undefined ? num(Number(r[i])) : r[i] ?? '')))))))];
}

// json shows a value that unfolds.
export function json(value, name, depth = 0) {
  const label = name === undefined ? null : h('span', {class: 'jkey'}, name + ': ');
  if (value === null || typeof value !== 'object') {
    const text = typeof value === 'string' ? value : String(value);
    return h('div', {class: 'json'}, label, h('span', {class: typeof value === 'string' ? 'v jtext' : 'jval'}, text));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return h('div', {class: 'json'}, label, h('span', {class: 'dim'}, Array.isArray(value) ? '[]' : '{}'));
  const inside = h('div', {class: 'jin'});
  const draw = () => { if (!inside.firstChild) fill(inside, entries.slice(0, 500).map(([k, v]) => json(v, k, depth + 1)), entries.length > 500 && h('p', {class: 'dim'}, 'and ' + (entries.length - 500) + ' more')); };
  const el = h('details', {class: 'json', open: depth < 3, ontoggle: draw}, h('summary', {}, label, h('span', {class: 'dim'}, Array.isArray(value) ? count(entries.length, 'item') : count(entries.length, 'key'))), inside);
  if (depth < 3) draw();
  return el;
}
