import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { estimatesOf } from '../../lib/report/estimates.js';
import { escapeHtml } from '../../lib/report/html.js';
import { readRun } from '../../lib/report/read-run.js';
import { renderReport, writeReport } from '../../lib/report/report.js';
import { type FixtureOptions, RESULTS, writeRun } from './fixture.js';

const folders: string[] = [];
function run(options: FixtureOptions = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'ionclay-report-'));
  folders.push(folder);
  writeRun(folder, options);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
const page = async (options: FixtureOptions = {}): Promise<string> => readFileSync(await writeReport(run(options)), 'utf8');

const VOID = new Set(['meta', 'link', 'br']);

/** Every tag is closed in order, attributes are quoted, no bare & or < in text: what an HTML or XML parser needs. */
function wellFormedness(text: string): string[] {
  const faults: string[] = [];
  const open: string[] = [];
  const body = text.replace(/^<!DOCTYPE html>\n/, '').replace(/(<style>)[^<]*(<\/style>)/, '$1$2');
  const token = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?: [a-zA-Z][-a-zA-Z0-9:]*="[^"<]*")*) ?(\/?)>|([^<]+)|(<)/g;
  for (const [all, close, name, , self, characters, bare] of body.matchAll(token)) {
    if (bare) faults.push(`bare < near ${open.join('>')}`);
    else if (characters !== undefined) {
      if (/&(?!(?:amp|lt|gt|quot|#39|nbsp);)/.test(characters)) faults.push(`bare & in ${characters.slice(0, 60)}`);
      if (characters.includes('>')) faults.push(`bare > in ${characters.slice(0, 60)}`);
    } else if (close) {
      if (open.pop() !== name) faults.push(`${all} closes something else`);
    } else if (!self && !VOID.has(name!)) open.push(name!);
  }
  if (open.length > 0) faults.push(`not closed: ${open.join(', ')}`);
  return faults;
}

describe('the page of a finished run', () => {
  let text: string;
  beforeAll(async () => {
    text = await page();
  });

  test('is well-formed, and so small that it can be sent around', () => {
    expect(wellFormedness(text)).toEqual([]);
    expect(text.length).toBeLessThan(2e6);
  });

  test('asks for nothing outside of itself', () => {
    expect(text).not.toMatch(/https?:|\/\/[a-z]|<script|<iframe|<object|@import|url\((?!#)/i);
    for (const [, attribute, target] of text.matchAll(/\b(src|srcset|href|xlink:href|data|action)="([^"]*)"/g)) {
      // Links inside the page, to files beside it, and the empty icon that keeps a browser from asking for favicon.ico.
      expect(`${attribute} ${target}`).toMatch(/^href (#[\w-]+|\.\/[^:]*|data:,)$/);
    }
  });

  test('every anchor, label and clip path is there, once', () => {
    const ids = [...text.matchAll(/\bid="([^"]*)"/g)].map((match) => match[1]!);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of text.matchAll(/(?:href="#|url\(#|aria-labelledby=")([^")]*)/g)) expect(ids).toContain(target);
  });

  test('every estimate of results.json has a row with its value or the reason for none', async () => {
    const estimates = estimatesOf((await readRun(run())).analyses);
    // Counted by hand in the fixture: 3 diffusivities; total, 3 self, 4 distinct, Nernst-Einstein, Haven ratio, 1 transference number; 1
    // coordination number.
    expect(estimates).toHaveLength(15);
    const rows = [...text.matchAll(/<tr><th scope="row">(.*?)<\/th><td class="number">(.*?)<\/td><td>(.*?)<\/td>/g)];
    expect(rows.filter((row) => row[3]!.includes('chip'))).toHaveLength(15);
    for (const estimate of estimates) expect(rows.map((row) => row[1])).toContain(escapeHtml(estimate.label));
    // Each reason is explained, once.
    expect(text.match(/<dt>collective too short<\/dt><dd>The collective displacement is one random walk/g)).toHaveLength(1);
    expect(text).toContain('6.12(88) ×\u00a010⁻⁵\u00a0cm²/s');
    expect(text).toContain('below 7.1\u00a0×\u00a010⁻⁷\u00a0cm²/s');
    expect(text).toContain('About 340\u00a0ps would be needed.');
  });

  test('has every figure, and says how curves were reduced', () => {
    const figures = [...text.matchAll(/<figure id="([^"]*)"/g)].map((match) => match[1]);
    expect(figures).toEqual([
      'msd-production',
      'msd-log-production',
      'conductivity-production',
      'charge-production-',
      'rdf-warm-up-Y-Cl',
      'rdf-production-Li-Cl',
      'rdf-production-Li-Li',
      'rdf-production-Y-Cl',
      'coordination-production',
      'temperature',
      'energy',
      'conserved',
      'pressure',
    ]);
    expect(text).toContain('mean of 2 consecutive points; band: their smallest and largest value');
    expect(text).toContain('5.65 Cl around Li within the first minimum');
    // Of several times the last one.
    expect(text).toContain('within the first minimum at 3.52\u00a0Å');
  });

  test('labels of axes are numbers as they are, small ones too', () => {
    const figure = /<figure id="msd-log-production">.*?<\/figure>/.exec(text.replaceAll('\n', ' '))![0];
    const labels = [...figure.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
    // The fixture's curves begin at 10 fs and 0.03 A^2 and end at 6 ps and some 20 A^2.
    for (const label of ['0.01', '0.1', '1', '10', '100']) expect(labels).toContain(label);
    expect(labels).not.toContain('0');
  });

  test('holds the provenance and links to each table by its relative name', () => {
    expect(text).toContain('0b5f0c1f4f8fb3d6bd3c8d1c3d0a3a4ab3c1d9a5f0f9f8d4c1b2a39485766758');
    expect(text).toContain('avx512');
    expect(text).toContain('sel-overflow: grow');
    expect(text).toContain('frames held-out crystals, energy 2\u00a0meV/atom, force 0.065\u00a0eV/Å');
    expect(text).toContain('11.202 × 11.202 × 18.096 Å, angles 90°, 90°, 120°; volume 1966.6\u00a0Å³');
    expect(text).toContain('2026-11-24T10:00:00.000Z');
    expect(text).toContain('href="./data/production-msd-Li.csv"');
    expect(text).toContain('href="./stages/02-production/thermo.csv"');
  });

  test('shows no number that is none', () => {
    expect(text).not.toMatch(/NaN|Infinity|undefined|\[object|null/);
  });
});

test('the same run gives the same bytes, in one process and after other pages', async () => {
  const [first, other, second] = [await page(), await page({ study: 'other', state: 'running' }), await page()];
  expect(second).toBe(first);
  expect(other).not.toBe(first);
});

describe('a run that is not finished', () => {
  test.each([
    ['running', 'The run goes on at 41 % in stage production, about 73\u00a0s left'],
    ['interrupted', 'can be resumed'],
    ['failed', 'The run failed at 41 % in stage production. ATOM_TOO_FAST: step 5782, atom 17 (Li)'],
  ] as const)('%s: says so and shows what is there', async (state, sentence) => {
    const text = await page({ state });
    expect(text).toContain(sentence);
    expect(text).toContain('<figure id="temperature"');
    expect(text).toMatch(/4\.96\u00a0ps \(4\u202f960 steps\) of 12 ps/);
    expect(wellFormedness(text)).toEqual([]);
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('a process that was killed is not running any more', async () => {
    const folder = run({ state: 'running' });
    writeFileSync(join(folder, 'checkpoint.ionclay'), 'nobody holds the lock of this directory');
    const text = readFileSync(await writeReport(folder), 'utf8');
    expect(text).toContain('The run was interrupted at 41 % in stage production and can be resumed');
  });

  test('with next to nothing in the directory there is still a page, with a list of what is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ionclay-report-'));
    folders.push(folder);
    writeFileSync(join(folder, 'status.json'), '{"state": "failed"');
    const text = readFileSync(await writeReport(folder), 'utf8');
    expect(wellFormedness(text)).toEqual([]);
    expect(text).toContain('study.yaml is missing.');
    expect(text).toContain('status.json cannot be read');
    expect(readdirSync(folder).sort()).toEqual(['report.html', 'status.json']);
  });

  test('a row that is being written, empty cells and an empty table do no harm', async () => {
    const folder = run();
    const path = join(folder, 'stages', '02-production', 'thermo.csv');
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, `${whole}12010,12010,90`);
    writeFileSync(join(folder, 'data', 'production-msd-Li.csv'), 'lag_fs,msd_A2,error_A2\n10,0.5,\n20,,0.1\n30,1.5,0.1\n');
    writeFileSync(join(folder, 'data', 'production-rdf-Li-Cl.csv'), '');
    const text = readFileSync(await writeReport(folder), 'utf8');
    expect(text).toMatch(/12\u00a0ps \(12\u202f000 steps\)/);
    expect(text).toContain('data/production-rdf-Li-Cl.csv cannot be read');
    expect(text).not.toMatch(/NaN|Infinity/);
  });

  test('a directory that is no run is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ionclay-report-'));
    folders.push(folder);
    await expect(writeReport(folder)).rejects.toMatchObject({ code: 'NOT_A_RUN', file: folder });
    expect(existsSync(join(folder, 'report.html'))).toBe(false);
  });
});

describe('hostile names', () => {
  const evil = `<img src=x onerror=alert(1)>"'&</title></style>\u202e`;

  test('are shown as text wherever they come from', async () => {
    const results = structuredClone(RESULTS) as unknown as { analyses: Record<string, unknown>[] };
    results.analyses.push({
      observable: evil,
      stage: evil,
      options: {},
      result: {
        [evil]: {
          value: 1,
          error: 0.1,
          unit: evil,
          method: evil,
          status: evil,
          reasons: [evil, '__proto__', 'constructor'],
          inputs: {},
        },
      },
      warnings: [evil],
    });
    const text = await page({ study: evil, results, warnings: [evil] });
    expect(wellFormedness(text)).toEqual([]);
    expect(text).not.toContain('<img');
    expect(text).not.toContain('\u202e');
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;&lt;/title&gt;');
    // Ids and clip paths of figures are made from names too.
    expect(text.match(/<\/style>/g)).toHaveLength(1);
  });

  test('a species or stage with odd characters keeps its figures, with usable ids', async () => {
    const folder = run({ stage: 'a "b" & <c>' });
    const text = renderReport(await readRun(folder));
    expect(wellFormedness(text)).toEqual([]);
    expect(text).toContain('<figure id="msd-a_20_22b_22_20_26_20_3cc_3e"');
    expect(text).toContain('href="./data/a%20%22b%22%20%26%20%3Cc%3E-msd-Li.csv"');
  });
});

test('a long run is read in one pass and its page stays small', async () => {
  const folder = run({ rows: 12000 });
  const text = readFileSync(await writeReport(folder), 'utf8');
  expect(statSync(join(folder, 'stages', '02-production', 'thermo.csv')).size).toBeGreaterThan(2e6);
  expect(text.length).toBeLessThan(1e6);
  expect(text).toContain('mean of 16 consecutive points');
});
