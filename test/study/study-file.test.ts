import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IonclayError } from '../../lib/errors.js';
import { studyJsonSchema, studySchemaText } from '../../lib/study/schema.js';
import { formatPath, parsePath, parseStudy, studyFromObject } from '../../lib/study/study-file.js';
import { LICL_STUDY } from './licl-study.js';

const parse = (text: string, sets: string[] = []) => parseStudy(text, { file: 'study.yaml', directory: '/nowhere', sets });

const MINIMAL = `study: test
seed: 7
model: li-y-cl-br
structure: start.xyz
stages:
  - name: one
    run: 1 ps
    ensemble: nvt
    temperature: 300 K
`;

function failure(text: string, sets: string[] = []): IonclayError {
  try {
    parse(text, sets);
  } catch (error) {
    expect(error).toBeInstanceOf(IonclayError);
    return error as IonclayError;
  }
  throw new Error('nothing was refused');
}

test('quantities arrive in the units of the package', () => {
  const { study } = parse(LICL_STUDY);
  expect(study.checkpoint).toBe(0.05e15);
  expect(study.stages[0]).toMatchObject({ run: 100, temperature: [300, 600], sample: { thermo: 10, trajectory: 20 } });
  expect(study.stages[1]!.thermostat).toEqual({ langevin: { friction: 0.001 } });
  expect(study.seed).toBe('7');
});

test.each([
  // [what, text to replace, replacement, code, line, words of message or hint]
  [
    'a wrong dimension',
    'temperature: 300 K',
    'temperature: 300 ps',
    'WRONG_DIMENSION',
    9,
    ['stages[0].temperature: "300 ps" is a time', '300 K'],
  ],
  ['an unknown unit', 'run: 1 ps', 'run: 1 parsec', 'UNKNOWN_UNIT', 7, ['stages[0].run', 'parsec']],
  [
    'an unknown key',
    'model: li-y-cl-br',
    'modle: li-y-cl-br',
    'UNKNOWN_KEY',
    3,
    ['unknown key "modle"', 'did you mean "model"?'],
  ],
  ['an unknown key of a stage', 'run: 1 ps', 'rum: 1 ps', 'UNKNOWN_KEY', 7, ['stages[0].rum', 'did you mean "run"?']],
  ['an unknown ensemble', 'ensemble: nvt', 'ensemble: nvtt', 'BAD_VALUE', 8, ['stages[0].ensemble', 'did you mean "nvt"?']],
  ['a negative temperature', 'temperature: 300 K', 'temperature: -3 K', 'BAD_VALUE', 9, ['above 0']],
  [
    'a temperature that is a map',
    'temperature: 300 K',
    'temperature: { a: 1 }',
    'BAD_VALUE',
    9,
    ['expected a temperature such as 300 K'],
  ],
  ['a ramp of three', 'temperature: 300 K', 'temperature: [1 K, 2 K, 3 K]', 'BAD_VALUE', 9, ['stages[0].temperature']],
  [
    'a wrong dimension in a ramp',
    'temperature: 300 K',
    'temperature: [300 K, 1 GPa]',
    'WRONG_DIMENSION',
    9,
    ['stages[0].temperature[1]', 'stress'],
  ],
  ['no name', 'study: test\n', '', 'MISSING_KEY', 1, ['study: missing', 'mg-clay-300K']],
  ['no structure', 'structure: start.xyz\n', '', 'MISSING_KEY', 1, ['structure']],
  ['a name that is no folder', 'study: test', 'study: a/b', 'BAD_VALUE', 1, ['letters, digits']],
  ['a seed that is no number', 'seed: 7', 'seed: seven', 'BAD_VALUE', 2, ['seed']],
  ['a seed too large', 'seed: 7', "seed: '18446744073709551616'", 'BAD_VALUE', 2, ['2^64']],
  ['stages that are no list', 'stages:\n  - name', 'stages:\n    name', 'BAD_VALUE', 5, ['expected a list of stages']],
  ['broken YAML', 'seed: 7', 'seed: [7', 'STUDY_SYNTAX', undefined, ['study.yaml', 'YAML']],
  ['a key given twice', 'seed: 7', 'seed: 7\nseed: 8', 'STUDY_SYNTAX', undefined, ['study.yaml']],
])('%s is refused with its line', (_what, from, to, code, line, words) => {
  expect(MINIMAL).toContain(from);
  const error = failure(MINIMAL.replace(from, to));
  expect(error.code).toBe(code);
  if (line !== undefined) expect(error.line).toBe(line);
  expect(error.message).toMatch(/^study\.yaml(:\d+)?: /);
  for (const word of words) expect(`${error.message} ${error.hint ?? ''}`).toContain(word);
  expect(error.kind).toBe('request');
});

test('what is no map, and aliases that multiply without end, are refused with the file', () => {
  for (const text of ['', '- a\n- b\n', 'words\n']) {
    const error = failure(text);
    expect(error.message).toMatch(/^study\.yaml: .*expected a study/);
    expect(error.file).toBe('study.yaml');
  }
  const levels = ['b', 'c', 'd', 'e', 'f'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcde'[i]}`).join(',')}]`);
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${levels.join('\n')}\n`;
  expect(failure(bomb)).toMatchObject({ code: 'STUDY_SYNTAX', kind: 'request', file: 'study.yaml' });
  expect(failure('study: *nothing\n').code).toBe('STUDY_SYNTAX');
  expect(failure(MINIMAL.replace('seed: 7', 'seed: 7\nseed: 8')).message).toBe(
    'study.yaml:3: this is not valid YAML: Map keys must be unique',
  );
});

const stage = (text: string) => MINIMAL.replace('    temperature: 300 K', `    temperature: 300 K\n    ${text}`);
const top = (text: string) => `${text}\n${MINIMAL}`;

test.each([
  ['stages[0].ensemble', MINIMAL.replace('ensemble: nvt', 'ensemble: npt')],
  ['stages[0].ensemble', MINIMAL.replace('ensemble: nvt', 'ensemble: nph')],
  ['stages[0].thermostat.csvr', stage('thermostat: { csvr: { damping: 0.1 ps } }')],
  ['stages[0].minimize', stage('minimize: { cell: triclinic }')],
  ['stages[0].barostat', stage('barostat: { mtk: { damping: { xx: 1 ps } } }')],
  ['stages[0].stress', stage('stress: { xx: [0 GPa, 1 GPa], xz: 50 MPa }')],
  ['stages[0].pressure', stage('pressure: 1 GPa')],
  ['stages[0].strain-rate', stage('strain-rate: { yz: 1e9 /s, kind: true }'.replace('true', "'true'"))],
  ['stages[0].cell', stage('cell: { mean-of: one, last: 1 ns }')],
  ['stages[0].limit-displacement', stage('limit-displacement: 0.1 A')],
  [
    'stages[0].stress-pulses',
    MINIMAL.replace(/ {2}- name: one[\s\S]*/, '  - stress-pulses: { component: yz, stress: 50 MPa }\n'),
  ],
  ['structure.clay', MINIMAL.replace('start.xyz', '{ clay: { salts: [MgCl2, GaF3] } }')],
  ['structure.then', MINIMAL.replace('start.xyz', '{ crystal: { name: LiCl }, then: [ { rattle: 0.05 A } ] }')],
  ['structure.crystal.occupancy', MINIMAL.replace('start.xyz', '{ crystal: { name: LiCl, occupancy: { seed: 1 } } }')],
  ['potential.overlay', MINIMAL.replace('model: li-y-cl-br', 'potential: { model: li-y-cl-br, overlay: [ { form: zbl } ] }')],
  ['barostat', top('barostat: { mtk: { damping: 1 ps } }')],
  ['sweep', top('sweep: { temperature: [300 K, 400 K] }')],
])('what is not built yet is refused by name: %s', (key, text) => {
  const error = failure(text);
  expect({ code: error.code, key: error.key }).toEqual({ code: 'NOT_AVAILABLE', key });
  expect(error.message).toContain('is not available in this version');
  expect(error.line).toBeGreaterThan(0);
});

test('a malformed value of a later feature is malformed first', () => {
  expect(failure(stage('pressure: 300 K')).code).toBe('WRONG_DIMENSION');
});

describe('--set', () => {
  test('replaces and adds values, in YAML', () => {
    const { study, source } = parse(MINIMAL, ['stages[0].temperature=600 K', 'stages[0].sample={ thermo: 5 fs }', 'skin = 2 A']);
    expect(study.stages[0]).toMatchObject({ temperature: 600, sample: { thermo: 5 } });
    expect(study.skin).toBe(2);
    expect(source.text).toContain('600 K');
  });

  test.each([
    [['stages[0].temperature=300 ps'], 'WRONG_DIMENSION', '--set stages[0].temperature'],
    [['stages[0].temprature=300 K'], 'UNKNOWN_KEY', 'did you mean "temperature"?'],
    [['nonsense'], 'BAD_OPTION', 'key=value'],
    [['study.name.first=1'], 'BAD_OPTION', 'study.name.first'],
  ])('%j is refused', (sets, code, words) => {
    const error = failure(MINIMAL, sets);
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.hint ?? ''}`).toContain(words);
  });
});

test('an object of a script may use camelCase; names of species and pairs stay as they are', () => {
  const { study } = studyFromObject({
    study: 'test',
    selOverflow: 'stop',
    potential: { pairs: [{ atCutoff: 'shift', parameters: { 'Li-Cl': {} } }] },
    structure: { crystal: { name: 'LiCl' } },
    stages: [{ run: '1 ps', ensemble: 'nvt', temperature: 300, thermostat: { noseHoover: { damping: '0.1 ps' } } }],
  });
  expect(study['sel-overflow']).toBe('stop');
  expect(study.stages[0]!.thermostat).toEqual({ 'nose-hoover': { damping: 100 } });
  expect(study.potential).toEqual({ pairs: [{ 'at-cutoff': 'shift', parameters: { 'Li-Cl': {} } }] });
});

test('paths of keys, both ways', () => {
  for (const key of ['stages[2].temperature', 'a', 'analyses[0].rdf.pairs[1]']) expect(formatPath(parsePath(key))).toBe(key);
});

describe('the JSON Schema', () => {
  test('that the package publishes is the one of the grammar', () => {
    expect(readFileSync(join(__dirname, '..', '..', 'schema', 'study.json'), 'utf8')).toBe(studySchemaText());
  });

  test('knows every key of the grammar and refuses others', () => {
    const schema = studyJsonSchema() as {
      additionalProperties: boolean;
      required: string[];
      properties: Record<string, { items?: { properties: object } }>;
    };
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(['study', 'structure', 'stages']);
    for (const key of ['model', 'potential', 'thermostat', 'analyses', 'sel-overflow'])
      expect(schema.properties).toHaveProperty([key]);
    for (const key of ['run', 'strain-rate', 'velocities', 'sample', 'minimize'])
      expect(schema.properties.stages!.items!.properties).toHaveProperty([key]);
  });
});
