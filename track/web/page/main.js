// The frame of the page: which view is shown, and how it is reached.

import {h, fill} from './dom.js';
import {get, send, events, isAway, poll} from './api.js';
import {state, waiting, failed, closePopover, inSight} from './widgets.js';

const main = document.getElementById('main');

const views = {
  runs: () => import('./runs.js'),
  compare: () => import('./compare.js'),
  run: () => import('./run.js'),
  pipeline: () => import('./pipeline.js'),
  models: () => import('./models.js'),
  data: () => import('./data.js'),
  traces: () => import('./traces.js'),
  prompts: () => import('./prompts.js'),
};

const titles = {runs: 'Runs', compare: 'Compare', run: 'Run', pipeline: 'Pipeline', models: 'Models', data: 'Data', traces: 'Traces', prompts: 'Prompts'};

// page is what views get: a promise of the session, null while nobody is signed in, and
// ways to change the address.
const page = {
  session: null,
  // go shows another address.
  go(url) {
    if (url !== location.pathname + location.search) history.pushState(null, '', url);
    show();
  },
  // set changes parameters of the address; the view has shown what follows already,
  // unless it asks to be shown again.
  set(params, again = false) {
    const q = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(params)) {
      q.delete(name);
      for (const v of Array.isArray(value) ? value : [value]) if (v !== '' && v !== null && v !== undefined && v !== false) q.append(name, v === true ? '1' : v);
    }
    const url = '/?' + q;
    if (url !== location.pathname + location.search) history[again ? 'pushState' : 'replaceState'](null, '', url);
    if (again) show();
  },
  title(text) { document.title = text + ' · xt'; },
};

let shown = null; // the view that is shown: {name, close, change}
let turn = 0;

async function show() {
  if (!page.session) return;
  closePopover();
  const params = new URLSearchParams(location.search);
  const name = params.get('view') ?? 'runs';
  for (const a of document.querySelectorAll('#nav a')) {
    const here = a.dataset.view === name || a.dataset.view === 'runs' && (name === 'run' || name === 'compare');
    if (here) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
  requestAnimationFrame(() => inSight(document.getElementById('nav')));
  if (shown?.name === name && shown.change?.(params)) return;
  const mine = ++turn;
  shown?.close?.();
  shown = null;
  if (!views[name]) {
    fill(main, h('h1', {class: 'hidden'}, 'Nothing here'), state('There is no such view', 'The address may have been cut short.'));
    return;
  }
  page.title(titles[name]);
  const wait = setTimeout(() => { if (turn === mine) fill(main, waiting()); }, 150);
  try {
    const view = await views[name]();
    if (turn !== mine) return;
    const root = h('div', {class: 'view view-' + name});
    const made = await view.show(root, params, page);
    if (turn !== mine) {
      made?.close?.();
      return;
    }
    shown = {name, ...made};
    fill(main, !root.querySelector('h1') && h('h1', {class: 'hidden'}, titles[name]), root);
    // Whoever came by a link that is gone reads on from here.
    if (mine > 1 && document.activeElement === document.body) main.focus({preventScroll: true});
    made?.ready?.();
    // What is wanted next is there when it is.
    setTimeout(() => { for (const load of Object.values(views)) load().catch(() => {}); }, 1000);
  } catch (e) {
    if (turn === mine && e.status !== 401) fill(main, failed(e, 'This cannot be shown'), again());
  } finally {
    clearTimeout(wait);
  }
}

const again = () => h('p', {class: 'state'}, h('button', {type: 'button', onclick: () => (page.session ? show() : start())}, 'Try again'));

// login asks for a token.
function login(wrong) {
  shown?.close?.();
  shown = null;
  turn++;
  const field = h('input', {type: 'password', id: 'token', autocomplete: 'current-password', required: true, 'aria-describedby': 'login-says'});
  const says = h('p', {id: 'login-says', class: wrong ? 'bad' : 'dim', role: wrong ? 'alert' : false}, wrong ||
    'It is kept in a cookie that scripts cannot read, until the browser is closed or you sign out.');
  const form = h('form', {class: 'state login', onsubmit: async e => {
    e.preventDefault();
    try {
      await send('POST', 'session', undefined, {Authorization: 'Bearer ' + field.value.trim()});
    } catch (e) {
      login(e.status === 401 ? 'The server does not know this token.' : e.message);
      return;
    }
    start();
  }}, h('h2', {}, 'This server needs a token'),
    h('label', {for: 'token'}, 'Token'), h('div', {class: 'row'}, field, h('button', {class: 'primary'}, 'Sign in')), says,
    h('p', {class: 'dim'}, 'Whoever runs the server makes one with ', h('code', {}, 'xt serve token add NAME'), '.'));
  fill(main, h('h1', {class: 'hidden'}, 'Sign in'), form);
  field.focus();
}

let asking = false;
events.addEventListener('login', () => {
  if (asking || !page.session) return;
  page.session = null;
  document.getElementById('logout').hidden = true;
  login();
});

const live = document.getElementById('live');
events.addEventListener('away', () => {
  live.className = 'live away';
  live.textContent = 'The server does not answer. Trying again…';
});
events.addEventListener('back', () => {
  live.className = 'live';
  live.textContent = '';
  if (page.session && !asking) show();
});
// While the server is away, views that ask for nothing by themselves come back, too.
poll(async () => { if (isAway()) await (page.session ? get('session') : start()); }, 2);

// start finds out who we are, and shows the view meanwhile: most need not know.
async function start() {
  asking = true;
  page.session = get('session');
  show();
  let session;
  try {
    session = await page.session;
  } catch (e) {
    page.session = null;
    turn++;
    if (e.status === 401) login();
    else fill(main, failed(e, 'The page cannot be shown'), again());
    return;
  } finally {
    asking = false;
  }
  document.getElementById('where').textContent = session.title;
  document.getElementById('where').title = session.title;
  document.getElementById('logout').hidden = !session.signed;
  for (const a of document.querySelectorAll('[data-view=pipeline], [data-view=data]')) a.hidden = !session.project;
}

document.addEventListener('click', e => {
  const a = e.target.closest?.('a[href^="/?"]');
  if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || a.target) return;
  e.preventDefault();
  page.go(a.getAttribute('href'));
  if (!a.closest('.tabs')) scrollTo(0, 0);
});
addEventListener('popstate', show);

document.getElementById('logout').addEventListener('click', async () => {
  await send('DELETE', 'session');
  start();
});

const theme = localStorage.getItem('xt.theme');
if (theme) document.documentElement.dataset.theme = theme;
document.getElementById('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('xt.theme', root.dataset.theme);
  dispatchEvent(new Event('themechange'));
});

const keys = [
  ['/', 'look for something'], ['g r', 'runs'], ['g p', 'pipeline'], ['g m', 'models'], ['g d', 'data'], ['g t', 'traces'],
  ['j k', 'next and previous row'], ['x', 'choose the row'], ['Enter', 'open the row'], ['c', 'compare what is chosen'], ['Shift ← →', 'on a heading: narrower, wider'], ['← →', 'in a chart: values, or the next run'], ['+ −', 'in a chart: closer, less close'], ['Shift ← →', 'in a chart: move'], ['0', 'in a chart: all of it'], ['Esc', 'close, or choose nothing'], ['?', 'this list'],
];

function help() {
  const dialog = h('dialog', {class: 'help', 'aria-label': 'Keyboard shortcuts', onclose: () => dialog.remove()},
    h('h2', {}, 'Keys'), h('dl', {class: 'facts'}, keys.map(([k, t]) => [h('dt', {}, k.split(' ').map(x => h('kbd', {}, x))), h('dd', {}, t)])),
    h('form', {method: 'dialog'}, h('button', {class: 'primary'}, 'Close')));
  document.body.append(dialog);
  dialog.showModal();
}
document.getElementById('help').addEventListener('click', help);

let before = '';
document.addEventListener('keydown', e => {
  if (e.target.closest?.('input:not([type=checkbox]), textarea, select, dialog') || e.metaKey || e.ctrlKey || e.altKey) return;
  const to = before === 'g' && {r: 'runs', p: 'pipeline', m: 'models', d: 'data', t: 'traces'}[e.key];
  before = e.key;
  if (to) page.go('/?view=' + to);
  else if (e.key === '?') help();
  else if (e.key === '/') {
    const field = main.querySelector('input:is([type=search], [type=text]):not(.popover *)');
    if (!field) return;
    e.preventDefault();
    field.focus();
    field.select();
  }
});

start();
