/** TorchScript archives (deep-potential.md 2.5): the object tree of data.pkl, and the numbers of its tensors. */
import { PotentialError } from '../../errors.js';
import type { NativeArray } from './native-networks.js';
import { type PickleObject, type PickleStorage, type PickleTensor, type PickleValue, readPickle } from './pickle.js';
import { unsupported, wrongShape } from './refusal.js';
import { ZipArchive } from './zip.js';

interface Numbers {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

const storages = new Map<string, Numbers>([
  ['DoubleStorage', { bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
  ['FloatStorage', { bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
  ['LongStorage', { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) }],
  ['IntStorage', { bytes: 4, read: (view, at) => view.getInt32(at, true) }],
  ['ShortStorage', { bytes: 2, read: (view, at) => view.getInt16(at, true) }],
  ['CharStorage', { bytes: 1, read: (view, at) => view.getInt8(at) }],
  ['ByteStorage', { bytes: 1, read: (view, at) => view.getUint8(at) }],
  ['BoolStorage', { bytes: 1, read: (view, at) => view.getUint8(at) }],
]);

export class TorchArchive {
  readonly root: PickleValue;
  private readonly zip: ZipArchive;
  private readonly folder: string;
  private readonly contents = new Map<string, Uint8Array>();
  private readonly arrays = new Map<PickleTensor, NativeArray>();
  /** Tensors by the text that stands for them in a tree. */
  private readonly leaves = new Map<string, PickleTensor>();
  private readonly leafOf = new Map<PickleTensor, string>();
  /** Parts of the tree that were made of an object. */
  readonly made = new Map<PickleObject, object>();
  /** Numbers that may still be read: views of one storage, each small in the file, must not add up to more memory than a model needs. */
  private budget: number;

  constructor(bytes: Uint8Array, fileName: string) {
    this.zip = openArchive(bytes, fileName);
    this.folder = modelFolder(this.zip);
    const order = this.zip.has(`${this.folder}/byteorder`) ? text(this.zip.read(`${this.folder}/byteorder`)).trim() : 'little';
    if (order !== 'little') throw unsupported('byteorder', `the numbers of the archive are stored as "${order.slice(0, 40)}"`);
    const pickle = this.zip.read(`${this.folder}/data.pkl`);
    if (pickle.length > 2 ** 26) throw wrongShape('data.pkl', 'at most 64 MB of structure', `${pickle.length} bytes`);
    this.root = readPickle(pickle);
    this.budget = bytes.length / 2 + 4096;
  }

  leaf(tensor: PickleTensor): string {
    const known = this.leafOf.get(tensor);
    if (known !== undefined) return known;
    const name = `/tensor_${this.leaves.size}`;
    this.leaves.set(name, tensor);
    this.leafOf.set(tensor, name);
    return name;
  }

  /** The numbers of a leaf. */
  read(leaf: unknown, path: string): NativeArray {
    const tensor = typeof leaf === 'string' ? this.leaves.get(leaf) : undefined;
    if (tensor) return this.array(tensor, path);
    throw new PotentialError('MODEL_CORRUPT', `${path}: a tensor is expected`, { key: path });
  }

  array(tensor: PickleTensor, path: string): NativeArray {
    const known = this.arrays.get(tensor);
    if (known) return known;
    const { storage, offset, shape, strides } = tensor;
    const numbers = storages.get(storage.type);
    if (!numbers) {
      const precision =
        storage.type === 'HalfStorage' ? 'float16' : storage.type === 'BFloat16Storage' ? 'bfloat16' : storage.type;
      throw unsupported(
        `precision ${precision}`,
        `${path} is stored as ${storage.type}`,
        'models of float32 or float64 are read',
      );
    }
    let count = 1;
    for (const n of shape) count *= n;
    this.budget -= count;
    if (this.budget < 0) throw wrongShape(path, 'tensors that together are not much larger than the file', 'more');
    const content = this.content(storage, numbers.bytes, path);
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    const values = new Float64Array(count);
    // Row-major order of the shape; the strides lie within the storage, which the pickle reader checked.
    const index = new Array<number>(shape.length).fill(0);
    let element = offset;
    for (let k = 0; k < count; k++) {
      values[k] = numbers.read(view, element * numbers.bytes);
      for (let d = shape.length - 1; d >= 0; d--) {
        index[d]!++;
        element += strides[d]!;
        if (index[d]! < shape[d]!) break;
        element -= shape[d]! * strides[d]!;
        index[d] = 0;
      }
    }
    const array = { single: storage.type === 'FloatStorage', shape, values };
    this.arrays.set(tensor, array);
    return array;
  }

  private content(storage: PickleStorage, width: number, path: string): Uint8Array {
    const name = `${this.folder}/data/${storage.key}`;
    const content = this.contents.get(name) ?? this.zip.read(name);
    this.contents.set(name, content);
    if (content.length < storage.count * width)
      throw wrongShape(`${path} (${name})`, `${storage.count} numbers of ${width} bytes`, `${content.length} bytes`);
    return content;
  }
}

/** The archive; what else comes as ZIP is refused by its name. */
function openArchive(bytes: Uint8Array, fileName: string): ZipArchive {
  const exported = (word: string) =>
    unsupported(word, 'an exported program instead of a net', 'freeze the model as .pth, or convert it to .dp');
  const extension = /\.(pt2|pte)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (extension) throw exported(extension);
  const zip = new ZipArchive(bytes);
  if (zip.names().some((name) => /aotinductor|(^|\/)archive_format$/.test(name))) throw exported('pt2');
  return zip;
}

/** First part of all paths. */
function modelFolder(zip: ZipArchive): string {
  const pickles = zip.names().filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new PotentialError(
      'MODEL_FORMAT_UNKNOWN',
      `a ZIP archive with ${pickles.length} entries NAME/data.pkl, where a TorchScript model has one; it holds ${
        zip.names().slice(0, 5).join(', ').slice(0, 200) || 'nothing'
      }`,
      { hint: 'give a model that dp --pt freeze wrote (.pth)' },
    );
  }
  const folder = pickles[0]!.slice(0, -'/data.pkl'.length);
  if (!zip.has(`${folder}/constants.pkl`))
    throw unsupported('pt', 'a PyTorch checkpoint holds no frozen model', 'freeze it first: dp --pt freeze');
  return folder;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
