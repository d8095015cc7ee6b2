/** The demo as a script against the built package, by its own name; and the table of the examples. Needs dist/, which `npm test` builds. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(__dirname, '..', '..');
const examples = join(root, 'examples');
const node = (args: string[]) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });

test('inside the package its own name is the ES module entry', () => {
  const { stdout, stderr } = node(['--input-type=module', '-e', "console.log(import.meta.resolve('ionclay'))"]);
  expect({ path: stdout.trim(), stderr }).toEqual({ path: pathToFileURL(join(root, 'dist', 'index.mjs')).href, stderr: '' });
});

test('demo.mjs is the demo in less than 30 lines', () => {
  const lines = readFileSync(join(examples, 'demo.mjs'), 'utf8').split('\n');
  const code = lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('//'));
  expect(code.length).toBeGreaterThan(5);
  expect(code.length).toBeLessThan(30);
});

test('demo.mjs runs 250 steps and says what it may and may not quote', () => {
  const { status, stdout, stderr } = node([join(examples, 'demo.mjs'), '0.25 ps']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(':')[0])).toEqual(['D(Li)', 'D(Y)', 'D(Cl)', 'conductivity']);
  // 13 frames, one every 20 fs from 0 to 240 fs: below the 20 that any statement needs.
  for (const line of lines) expect(line).toMatch(/: not enough data in 240 fs: too few frames(; about [\d.]+ [pn]s needed)?$/);
});

test('README.md has a row for every example, and for no other', () => {
  const rows = [...readFileSync(join(examples, 'README.md'), 'utf8').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
  const files = readdirSync(examples).filter((name) => /\.(yaml|mjs|ts)$/.test(name));
  expect(rows.sort()).toEqual(files.sort());
});
