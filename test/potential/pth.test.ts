/** TorchScript models: archives and pickles that are right, damaged, foreign or hostile. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PotentialError } from '../../lib/errors';
import { readPickle } from '../../lib/potential/formats/pickle';
import { crc32, ZipArchive } from '../../lib/potential/formats/zip';
import { parseModel } from '../../lib/potential/model-file';
import { Leaf, nativeModel, type Tree } from '../oracle/native-trees';
import { Call, Instance, View, writePth, writeZip } from '../oracle/pickle-writer';
import { nativePth, torchModel } from '../oracle/pth-writer';

const tree = nativeModel('se_e2_a, one-sided');
const good = nativePth(tree);
const text = (s: string) => new TextEncoder().encode(s);
const parse = (bytes: Uint8Array, name = 'm.pth') => parseModel(bytes, name);

function error(code: string, message: string | RegExp) {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

/** The model with attributes at paths (`atomic_model.descriptor.sea.mean`) changed. */
function withAttributes(changes: { [path: string]: unknown }, of: Tree = tree): Uint8Array {
  const change = (object: Instance, path: string[], value: unknown): Instance => {
    const [key, ...rest] = path as [string, ...string[]];
    const attributes = { ...object.attributes };
    if (rest.length > 0) attributes[key] = change(attributes[key] as Instance, rest, value);
    else if (value === undefined) delete attributes[key];
    else attributes[key] = value;
    return new Instance(object.className, attributes);
  };
  const root = Object.entries(changes).reduce((at, [path, value]) => change(at, path.split('.'), value), torchModel(of));
  return writePth(root);
}

/** The object at a path of attributes under another class. */
function withClass(path: string, className: string): Uint8Array {
  const old = path.split('.').reduce((at, key) => at.attributes[key] as Instance, torchModel(tree));
  return withAttributes({ [path]: new Instance(className, old.attributes) });
}

describe('what is read', () => {
  test('says where it came from', () => {
    const p = parse(good);
    expect(p).toMatchObject({
      format: 'pth',
      family: 'native',
      typeNames: ['A', 'B'],
      minNeighbourDistance: 0.75,
      precision: 'float64',
    });
    expect(p.version).toMatch(/PyTorch/);
  });

  test('tensors are views of storages by offset and strides', () => {
    // davg and dstd of [2, 13, 4] from one storage: one contiguous at its end, one with the rows of a type repeated by a stride of 0.
    const { davg, dstd } = (((tree.model as Tree).descriptor as Tree)['@variables'] ?? {}) as { davg: Leaf; dstd: Leaf };
    const storage = new Leaf([108], [...dstd.values.subarray(0, 4), ...davg.values]);
    const view = (offset: number, strides: number[]) => new View(storage, offset, [2, 13, 4], strides);
    const read = parse(
      withAttributes({
        'atomic_model.descriptor.sea.mean': view(4, [52, 4, 1]),
        'atomic_model.descriptor.sea.stddev': view(0, [0, 0, 1]),
      }),
    );
    const expected = parse(good).descriptors[0]!;
    expect(read.descriptors[0]!.davg).toEqual(expected.davg);
    expect([...read.descriptors[0]!.dstd]).toEqual([...dstd.values.subarray(0, 4), ...dstd.values.subarray(0, 4)]);
  });

  test('archives with a directory of the old form are read too', () => {
    // Without the 64-bit record: the end record alone.
    const zip = new ZipArchive(good);
    const plain = writeZip(zip.names().map((name) => [name, zip.read(name)] as const));
    const end = plain.length - 22;
    const old = Uint8Array.from([...plain.subarray(0, end - 76), ...plain.subarray(end)]);
    expect(parse(old).descriptors).toEqual(parse(good).descriptors);
  });

  test('entries of code are never read', () => {
    // A CRC that is wrong is found only in what is read.
    const bytes = good.slice();
    const at = Buffer.from(bytes).indexOf('raise SystemExit');
    bytes[at]! ^= 1;
    expect(parse(bytes).descriptors).toEqual(parse(good).descriptors);
  });

  test('an output layer without a function is linear', () => {
    expect(parse(good).fitting[0]!.layers.at(-1)!.activation.name).toBe('linear');
  });
});

describe('hostile pickles are refused, and nothing of them is run', () => {
  const marker = 'ionclayWasHere';
  const touched = join(tmpdir(), `ionclay-${process.pid}-was-here`);
  const globals = globalThis as { [key: string]: unknown };
  afterEach(() => {
    expect(globals[marker]).toBeUndefined();
    expect(({} as { [key: string]: unknown })[marker]).toBeUndefined();
  });

  test.each([
    ['os', 'system', [`touch ${touched}`]],
    ['posix', 'system', [`touch ${touched}`]],
    ['builtins', 'eval', [`globalThis.${marker} = 1`]],
    ['builtins', 'exec', ['import os']],
    ['__builtin__', 'getattr', []],
    ['subprocess', 'Popen', [['true']]],
    ['torch', 'load', ['x']],
    ['torch', 'device', ['cpu']],
    ['torch.jit._pickle', 'build_tensor_from_id', [0]],
    ['torch.serialization', '_get_layout', ['x']],
    ['torch._utils', '_rebuild_parameter', []],
    ['collections', 'namedtuple', []],
    ['__torch__ import os', 'system', []],
    ['__torchx__', 'Model', []],
    ['numpy.core.multiarray', '_reconstruct', []],
    ['constructor', 'prototype', []],
  ])('%s.%s', (module, name, args) => {
    expect(() => parse(writePth(new Call(module, name, args)))).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        message: expect.stringContaining(`the model uses ${module}.${name}:`),
      }),
    );
    expect(existsSync(touched)).toBe(false);
  });

  /** Bytes, and text as it is. */
  const pickle = (...parts: (number | string)[]) =>
    Uint8Array.from([0x80, 2, ...parts.flatMap((part) => (typeof part === 'number' ? [part] : [...text(part)]))]);

  test.each<[string, Uint8Array]>([
    ['an instance by the old opcode', pickle('(ios\nsystem\n.')],
    ['an object by the old opcode', pickle('(c__torch__\nM\no.')],
    ['a registered extension', pickle(0x82, 1, '.')],
    ['a name from the stack', pickle(0x58, 2, 0, 0, 0, 'os', 0x58, 6, 0, 0, 0, 'system', 0x93, '.')],
    ['an object with keywords', pickle('c__torch__\nM\n)}', 0x92, '.')],
    ['a text of the old form', pickle("S'x'\n.")],
    ['bytes out of band', pickle(0x97, '.')],
  ])('%s', (_, bytes) => {
    expect(() => parse(writePth(null, { pickle: bytes }))).toThrow(error('MODEL_UNSUPPORTED', 'pickle opcode 0x'));
  });

  test.each<[string, Uint8Array]>([
    ['a call of a class', pickle('c__torch__\nM\n)R.')],
    ['a call of a storage', pickle('ctorch\nDoubleStorage\n)R.')],
    ['an object of a function', pickle('ctorch._utils\n_rebuild_tensor_v2\n)', 0x81, '.')],
    ['attributes of a list', pickle(']}b.')],
    ['attributes that are no dictionary', pickle('c__torch__\nM\n)', 0x81, 'Nb.')],
    ['a storage that is none', pickle('(K', 1, 'tQ.')],
    ['keys that are no text', pickle('}]Ns.')],
    ['an odd number of items', pickle('}(Nu.')],
    ['items of a list', pickle('](NNu.')],
    ['values of a dictionary', pickle('}(Ne.')],
    ['a mark that is missing', pickle('t.')],
    ['a memo that is empty', pickle('h', 7, '.')],
    ['an empty stack', pickle('.')],
    ['values that are left', pickle('NN.')],
    ['a mark that is left', pickle('(N.')],
    ['a text longer than the file', pickle('X', 255, 255, 255, 127, 'a.')],
    ['no end', pickle('N')],
    ['protocol 0', Uint8Array.of(0x80, 0, 0x4e, 0x2e)],
    ['a name that does not end', pickle('c', 'x'.repeat(5000))],
    ['200,000 marks', pickle('('.repeat(200_000))],
    ['200,000 values', pickle('N'.repeat(200_000))],
  ])('%s', (_, bytes) => {
    expect(() => readPickle(bytes)).toThrow(PotentialError);
  });

  test('names of the language are ordinary keys', () => {
    const entry = (key: string) => [0x58, key.length, 0, 0, 0, key] as (number | string)[];
    const value = readPickle(
      pickle('}(', ...entry('__proto__'), '}(', ...entry(marker), 'K', 1, 'u', ...entry('constructor'), 'N', 'u.'),
    );
    expect(value).toBeInstanceOf(Map);
    expect([...(value as Map<string, unknown>).keys()]).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Map.prototype);
  });

  test('a list that holds itself does no harm', () => {
    expect(() => parse(writePth(null, { pickle: pickle(']q', 0, 'h', 0, 'a.') }))).toThrow(
      error('MODEL_CORRUPT', 'no object "model"'),
    );
  });

  test('a hybrid of itself ends', () => {
    const hybrid = nativeModel('hybrid');
    const root = torchModel(hybrid);
    const descriptor = (root.attributes.atomic_model as Instance).attributes.descriptor as Instance;
    const list = (descriptor.attributes.descrpt_list as Instance).attributes as { [key: string]: unknown };
    // 63 levels of two references to the next one each: 2^63 parts if they were followed.
    const part = list['0'];
    let inner = part;
    for (let level = 0; level < 63; level++)
      inner = new Instance(descriptor.className, {
        descrpt_list: new Instance('__torch__.ModuleList', { 0: inner, 1: inner, 2: part }),
      });
    list['0'] = inner;
    expect(() => parse(writePth(root))).toThrow(error('MODEL_SHAPE', 'at most 64 parts'));
  });

  test('shared parts are read once', () => {
    // 3000 nets, all the same one, of 3000 layers, all the same one: 9 million layers if they were counted out.
    const list = (member: unknown) =>
      new Instance('__torch__.ModuleList', Object.fromEntries(Array.from({ length: 3000 }, (_, k) => [String(k), member])));
    const square = new Leaf([4, 4], new Float64Array(16));
    const layer = new Instance('__torch__.MLPLayer', {
      matrix: square,
      bias: null,
      idt: null,
      resnet: true,
      activate_name: 'tanh',
    });
    const net = new Instance('__torch__.EN', { layers: list(layer) });
    const start = performance.now();
    expect(() => parse(withAttributes({ 'atomic_model.descriptor.sea.filter_layers.networks': list(net) }))).toThrow(
      error('MODEL_SHAPE', 'a list of 2 nets'),
    );
    // Milliseconds; the bound leaves room for a busy machine.
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('views that pretend to be large take no memory', () => {
    const one = new Leaf([1], [1]);
    const wide = new View(one, 0, [2, 2 ** 30, 4], [0, 0, 0]);
    expect(() => parse(withAttributes({ 'atomic_model.descriptor.sea.mean': wide }))).toThrow(
      error('MODEL_SHAPE', 'not much larger than the file'),
    );
    const outside = new View(one, 0, [2, 13, 4], [52, 4, 1]);
    expect(() => parse(withAttributes({ 'atomic_model.descriptor.sea.mean': outside }))).toThrow(
      error('MODEL_CORRUPT', 'ends at element 103 of a storage of 1'),
    );
    const offset = new View(one, 5, [1], [1]);
    expect(() => parse(withAttributes({ 'atomic_model.out_bias': offset }))).toThrow(error('MODEL_CORRUPT', 'element 5'));
  });
});

describe('archives that are damaged or something else', () => {
  const zip = new ZipArchive(good);
  const entries = () => zip.names().map((name) => [name, zip.read(name)] as [string, Uint8Array]);
  const directory = new DataView(good.buffer).getUint32(good.length - 6, true);

  test('the checksum of every entry that is read', () => {
    // The check value of the polynomial.
    expect(crc32(text('123456789'))).toBe(0xcbf43926);
    const at = Buffer.from(good).indexOf('DescrptSeA');
    const bytes = good.slice();
    bytes[at]! ^= 1;
    expect(() => parse(bytes)).toThrow(error('MODEL_CORRUPT', /model\/data\.pkl" has CRC/));
  });

  test.each([1, 22, 23, 76, 98, 99, 500])('cut by %i bytes', (cut) => {
    expect(() => parse(good.subarray(0, good.length - cut))).toThrow(PotentialError);
  });

  test.each<[string, string, (view: DataView) => void]>([
    ['an encrypted entry', 'encrypted', (v) => patchAll(v, (at) => v.setUint16(at + 8, 0x0809, true))],
    ['a deflated entry', 'method 8', (v) => patchAll(v, (at) => v.setUint16(at + 10, 8, true))],
    ['sizes that differ', 'compressed', (v) => patchAll(v, (at) => v.setUint32(at + 20, 1, true))],
    [
      'sizes beyond the file',
      'the file ends',
      (v) => patchAll(v, (at) => [20, 24].map((f) => v.setUint32(at + f, 0x7fffffff, true))),
    ],
    ['headers elsewhere', 'no local header', (v) => patchAll(v, (at) => v.setUint32(at + 42, 0xfffffff0, true))],
    ['64-bit sizes that are not there', '64-bit sizes', (v) => patchAll(v, (at) => v.setUint32(at + 24, 0xffffffff, true))],
    ['too many entries', 'too short for', (v) => v.setUint16(v.byteLength - 12, 60_000, true)],
    ['a directory beyond the end', 'does not end before', (v) => v.setUint32(v.byteLength - 10, 0x7fffffff, true)],
    [
      'a 64-bit record beyond the end',
      'points to byte',
      (v) => {
        v.setUint16(v.byteLength - 12, 0xffff, true);
        v.setUint32(v.byteLength - 22 - 20 + 8, 0x7fffffff, true);
      },
    ],
  ])('%s', (_, word, patch) => {
    const bytes = good.slice();
    patch(new DataView(bytes.buffer));
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ message: expect.stringContaining(word) }));
  });

  /** Changes every entry of the directory. */
  function patchAll(view: DataView, patch: (at: number) => void): void {
    for (let at = directory; view.getUint32(at, true) === 0x02014b50; at += 46 + view.getUint16(at + 28, true)) patch(at);
  }

  test('two entries of one name', () => {
    expect(() => parse(writeZip([...entries(), entries()[0]!]))).toThrow(error('MODEL_CORRUPT', 'two entries'));
  });

  test('64-bit sizes in extra fields and the 64-bit record are read', () => {
    // Sizes of all ones in the directory, the true ones in field 1 of the extra part.
    const stored = entries();
    const bytes = writeZip(stored);
    const view = new DataView(bytes.buffer);
    const start = view.getUint32(bytes.length - 6, true);
    const out: number[] = [...bytes.subarray(0, start)];
    let at = start;
    for (const [name, content] of stored) {
      const length = 46 + text(name).length;
      const entry = bytes.slice(at, at + length);
      const fields = new DataView(entry.buffer);
      fields.setUint32(20, 0xffffffff, true);
      fields.setUint32(24, 0xffffffff, true);
      fields.setUint16(30, 20, true);
      const extra = new DataView(new ArrayBuffer(20));
      extra.setUint16(0, 1, true);
      extra.setUint16(2, 16, true);
      extra.setBigUint64(4, BigInt(content.length), true);
      extra.setBigUint64(12, BigInt(content.length), true);
      out.push(...entry, ...new Uint8Array(extra.buffer));
      at += length;
    }
    const size = out.length - start;
    const record = out.length;
    out.push(...bytes.subarray(at));
    const wide = Uint8Array.from(out);
    const tail = new DataView(wide.buffer);
    tail.setBigUint64(record + 40, BigInt(size), true);
    tail.setBigUint64(record + 56 + 8, BigInt(record), true);
    // All ones here: the record alone tells.
    tail.setUint32(wide.length - 10, 0xffffffff, true);
    tail.setUint32(wide.length - 6, 0xffffffff, true);
    tail.setUint16(wide.length - 12, 0xffff, true);
    expect(parse(wide).descriptors).toEqual(parse(good).descriptors);
  });

  test.each<[string, string, string, () => Uint8Array]>([
    ['m.pt2', 'MODEL_UNSUPPORTED', 'pt2', () => good],
    ['m.pte', 'MODEL_UNSUPPORTED', 'pte', () => good],
    ['M.PTE', 'MODEL_UNSUPPORTED', 'pte', () => Uint8Array.of(1, 2, 3)],
    ['m.pdiparams', 'MODEL_UNSUPPORTED', 'paddle', () => Uint8Array.of(1, 2, 3)],
    ['m.json', 'MODEL_UNSUPPORTED', 'paddle', () => text('{"base_code":{"magic":"pir","version":1},"program":{}}')],
    ['compiled', 'MODEL_UNSUPPORTED', 'pt2', () => writeZip([['m/data/aotinductor/model/x.so', text('x')]])],
    ['compiled, newer', 'MODEL_UNSUPPORTED', 'pt2', () => writeZip([['m/archive_format', text('pt2')]])],
    ['m.pt', 'MODEL_UNSUPPORTED', 'checkpoint', () => nativePth(tree, { entries: { 'model/constants.pkl': null } })],
    ['a document', 'MODEL_FORMAT_UNKNOWN', 'word/document.xml', () => writeZip([['word/document.xml', text('x')]])],
    ['an empty archive', 'MODEL_FORMAT_UNKNOWN', 'nothing', () => Uint8Array.from([0x50, 0x4b, 3, 4, ...writeZip([])])],
    ['two models', 'MODEL_FORMAT_UNKNOWN', '2 entries', () => nativePth(tree, { entries: { 'other/data.pkl': text('N.') } })],
    ['big-endian', 'MODEL_UNSUPPORTED', 'byteorder', () => nativePth(tree, { entries: { 'model/byteorder': text('big') } })],
    ['no storage', 'MODEL_MISSING_TENSOR', 'model/data/3', () => nativePth(tree, { entries: { 'model/data/3': null } })],
    ['a short storage', 'MODEL_SHAPE', 'model/data/3', () => nativePth(tree, { entries: { 'model/data/3': text('short') } })],
  ])('%s: %s, %s', (name, code, word, bytes) => {
    expect(() => parse(bytes(), name)).toThrow(error(code, word));
  });
});

describe('classes that are not evaluated are refused by name', () => {
  const descriptors = '__torch__.deepmd.pt.model.descriptor';
  const descriptor = 'atomic_model.descriptor';
  test.each<[string, () => Uint8Array]>([
    ['dpa2', () => withClass(descriptor, `${descriptors}.dpa2.DescrptDPA2`)],
    ['dpa3', () => withClass(descriptor, `${descriptors}.dpa3.___torch_mangle_4.DescrptDPA3`)],
    ['se_e3', () => withClass(descriptor, `${descriptors}.se_t.DescrptSeT`)],
    ['se_t_tebd', () => withClass(descriptor, `${descriptors}.se_t_tebd.DescrptSeTTebd`)],
    ['DescrptNew', () => withClass(descriptor, `${descriptors}.new.DescrptNew`)],
    ['dipole', () => withClass('atomic_model.fitting_net', '__torch__.deepmd.pt.model.task.dipole.DipoleFittingNet')],
    ['property', () => withClass('atomic_model.fitting_net', '__torch__.deepmd.pt.model.task.property.PropertyFittingNet')],
    ['DPPolarAtomicModel', () => withClass('atomic_model', '__torch__.deepmd.pt.model.atomic_model.x.DPPolarAtomicModel')],
    ['spin_ener', () => writePth(torchModel(tree, '__torch__.deepmd.pt.model.model.spin_model.SpinEnergyModel'))],
    ['linear', () => writePth(torchModel(tree, '__torch__.deepmd.pt.model.model.dp_linear_model.LinearEnergyModel'))],
    ['frozen', () => writePth(torchModel(tree, '__torch__.deepmd.pt.model.model.frozen.FrozenModel'))],
    ['Sequential', () => writePth(new Instance('__torch__.torch.nn.modules.container.Sequential', {}))],
    ['use_aparam_as_mask', () => withAttributes({ 'atomic_model.fitting_net.use_aparam_as_mask': true })],
    ['old_impl', () => withAttributes({ [`${descriptor}.sea.old_impl`]: true })],
    ['bfloat16', () => withAttributes({ [`${descriptor}.sea.precision`]: 'bfloat16' })],
    ['attention', () => withAttributes({ [`${descriptor}.se_atten.attn_layer`]: 2 }, nativeModel('dpa1, concat'))],
  ])('%s', (word, bytes) => {
    expect(() => parse(bytes())).toThrow(error('MODEL_UNSUPPORTED', word));
  });

  test('a missing attribute is named by its path', () => {
    expect(() => parse(withAttributes({ [`${descriptor}.sea.filter_layers`]: undefined }))).toThrow(
      error('MODEL_MISSING_TENSOR', /model\.atomic_model\.descriptor\.sea\.filter_layers/),
    );
    expect(() => parse(withAttributes({ [`${descriptor}.sea.stddev`]: 3 }))).toThrow(
      error('MODEL_CORRUPT', 'a tensor is expected'),
    );
  });
});
