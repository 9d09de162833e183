// Measures the page of "xt serve", or that of MLflow, in Chromium: when something is
// painted first, when runs are there, and how long the page takes to answer people.
//
//   npm install --no-save playwright-core
//   node bench/page.mjs http://127.0.0.1:5000 [--mlflow] [--rounds N] [--browser PATH]
//
// Figures are milliseconds, the median of the rounds. See README.md.

import {createRequire} from 'node:module';

const {chromium} = createRequire(process.cwd() + '/')('playwright-core');
const args = process.argv.slice(2);
const option = (name, or) => args.includes(name) ? args[args.indexOf(name) + 1] : or;
const base = args[0], mlflow = args.includes('--mlflow'), rounds = Number(option('--rounds', '5'));
const figures = new Map();

function note(name, ms) {
  figures.set(name, [...figures.get(name) ?? [], Math.round(ms)]);
}

const launch = () => chromium.launch({executablePath: option('--browser', '/usr/bin/chromium'), args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--no-first-run']});

// In the page: painted waits for the next frame, until for a condition.
const helpers = () => {
  window.painted = () => new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)));
  window.until = async (begin, f) => {
    while (!f()) {
      await window.painted();
      if (performance.now() - begin > 120_000) throw new Error('it never came');
    }
    await window.painted();
    return performance.now() - begin;
  };
};

async function open(browser, path, ready) {
  const context = await browser.newContext({viewport: {width: 1400, height: 900}});
  const page = await context.newPage();
  await page.addInitScript(`(${helpers})(); until(0, ${ready}).then(ms => { window.readyAfter = ms; });`);
  await page.goto(base + path);
  await page.waitForFunction(() => window.readyAfter, null, {timeout: 120_000});
  return page;
}

const readyAfter = page => page.evaluate(() => window.readyAfter);

const paint = page => page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
const loaded = page => page.evaluate(() => performance.getEntriesByType('resource').reduce((n, e) => n + e.transferSize, 0));

async function mlflowTable(browser) {
  const page = await open(browser, '/#/experiments/0/runs', () => document.querySelectorAll('[row-id]').length > 5);
  note('first paint', await paint(page));
  note('runs are there', await readyAfter(page));
  figures.set('KB loaded', [Math.round(await loaded(page) / 1000)]);
  await page.context().close();
}

async function table(browser) {
  const page = await open(browser, '/', () => document.querySelector('.runs tbody th.first a'));
  note('first paint', await paint(page));
  note('runs are there', await readyAfter(page));
  figures.set('KB loaded', [Math.round(await loaded(page) / 1000)]);
  await page.waitForTimeout(1500);
  const act = async (name, f) => {
    note(name, await page.evaluate(f));
    await page.waitForTimeout(300);
  };
  await act('scroll by a screen', async () => {
    const begin = performance.now();
    document.querySelector('.scroller').scrollTop += 700;
    await painted();
    return performance.now() - begin;
  });
  await act('choose a run', async () => {
    const begin = performance.now();
    document.querySelector('.runs tbody input').click();
    await painted();
    return performance.now() - begin;
  });
  await act('scroll to the end, runs are there', async () => {
    const begin = performance.now(), s = document.querySelector('.scroller');
    s.scrollTop = s.scrollHeight;
    await painted();
    return until(begin, () => !document.querySelector('.coming'));
  });
  await act('order by a metric', async () => {
    const begin = performance.now(), first = document.querySelector('tbody th.first a').textContent;
    document.querySelector('thead th.right button')?.click();
    return until(begin, () => ![undefined, first].includes(document.querySelector('tbody th.first a')?.textContent));
  });
  await page.context().close();
}

async function curves(browser, ids) {
  const page = await open(browser, '/?view=compare&' + ids.map(id => 'run=' + id).join('&'), () => document.querySelector('.u-wrap canvas'));
  note(ids.length + ' curves are drawn', await readyAfter(page));
  await page.waitForTimeout(1000);
  for (const [name, f] of [
    ['smooth', () => { const r = document.querySelector('input[type=range]'); r.value = 0.9; r.dispatchEvent(new Event('input')); }],
    ['logarithmic axis', () => document.querySelectorAll('.controls input[type=checkbox]')[1].click()],
    ['hide a run', () => document.querySelector('.side input').click()],
  ]) {
    note(name, await page.evaluate(`(async () => { const begin = performance.now(); (${f})(); await painted(); return performance.now() - begin; })()`));
    await page.waitForTimeout(400);
  }
  await page.context().close();
}

const browser = await launch();
try {
  const warm = await browser.newPage();
  await warm.goto(base + '/');
  await warm.close();
  let ids = [];
  if (!mlflow) {
    const long = await (await fetch(base + '/ui/api/runs?max=20&q=' + encodeURIComponent("attributes.run_name LIKE 'curve-%'"))).json();
    ids = long.runs.map(r => r.id);
  }
  for (let i = 0; i < rounds; i++) {
    if (mlflow) await mlflowTable(browser);
    else {
      await table(browser);
      if (ids.length) await curves(browser, ids);
    }
  }
} finally {
  await browser.close();
}
for (const [name, list] of figures) console.log(name.padEnd(36), String(list.sort((a, b) => a - b)[list.length >> 1]).padStart(6));
