/** Arrays taken out of a YAML text are those that a parser of the whole language finds. */
import { parse } from 'yaml';
import { extractArrays } from '../../lib/potential/formats/yaml-arrays';
import { parseModel } from '../../lib/potential/model-file';
import { writeYaml } from '../oracle/native-writer';
import { randomModel } from '../oracle/random-model';

const taken: [string, string][] = [
  ['a vector', 'value:\n- 1.5\n- -2e-3\n- 0\n'],
  ['a matrix', 'value:\n- - 1\n  - 2\n- - 3\n  - 4\n'],
  [
    'three levels',
    'a:\n  value:\n  - - - 1\n      - 2\n    - - 3\n      - 4\n  - - - 5\n      - 6\n    - - 7\n      - 8\n  other: 3\n',
  ],
  ['deeper than its key', 'value:\n  - - 1.0e-05\n    - 2\n  - - 3\n    - 4\nnext: 1\n'],
  ['lists of different lengths', 'value:\n- - 1\n- - 2\n  - 3\n'],
];

test.each(taken)('%s', (_, text) => {
  const { text: rest, arrays } = extractArrays(text, '@');
  expect(arrays).toHaveLength(1);
  expect(rest.split('\n')).toHaveLength(text.split('\n').length);
  const whole = parse(text);
  const value = whole.value ?? whole.a.value;
  expect(arrays[0]).toEqual(value);
  const [a, b] = [parse(rest), whole];
  expect((a.a ?? a).value).toBe('@0');
  expect((a.a ?? a).other).toBe((b.a ?? b).other);
});

test.each([
  ['numbers that are none', 'value:\n- 1\n- .nan\n'],
  ['texts', 'value:\n- a\n'],
  ['flow lists', 'value: [1, 2]\n'],
  ['crooked lists', 'value:\n- - 1\n   - 2\n'],
])('%s are left to the parser', (_, text) => {
  expect(extractArrays(text, '@')).toEqual({ text, arrays: [] });
});

test('a value that is not a number is found in its array', () => {
  const bytes = writeYaml(randomModel({ family: 'native' }));
  const text = new TextDecoder().decode(bytes);
  // The first number of the first weights.
  const broken = text.replace(/(w:\n(?: +'?"?@?\w+'?"?: .*\n)* +value:\n +- - )\S+/, '$1.nan');
  expect(broken).not.toBe(text);
  expect(() => parseModel(new TextEncoder().encode(broken), 'm.yaml')).toThrow(
    expect.objectContaining({ code: 'MODEL_NONFINITE' }),
  );
});
