/** Pickles and archives in the form in which PyTorch writes TorchScript models: protocol 2, stored entries, data descriptors. */
import { crc32 } from '../../lib/potential/formats/zip';
import { Leaf } from './native-trees';

/** An object of a class; `attributes` in order. */
export class Instance {
  constructor(
    readonly className: string,
    readonly attributes: { readonly [key: string]: unknown },
  ) {}
}

/** A list that says its type, as PyTorch writes lists of numbers and of text. */
export class TypedList {
  constructor(
    readonly items: readonly (number | string)[],
    readonly builder: 'build_intlist' | 'build_doublelist' | 'restore_type_tag',
  ) {}
}

/** Any call of any name, for files that must be refused. */
export class Call {
  constructor(
    readonly module: string,
    readonly name: string,
    readonly args: readonly unknown[],
  ) {}
}

/** A tensor that is a view of the numbers of an array. */
export class View {
  constructor(
    readonly array: Leaf,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  /** All of them, in row-major order. */
  static whole(array: Leaf): View {
    let stride = array.values.length;
    const strides = array.shape.map((n) => {
      stride /= n || 1;
      return stride;
    });
    return new View(array, 0, array.shape, strides);
  }
}

class PickleWriter {
  readonly out: number[] = [0x80, 2];
  readonly storages: Uint8Array[] = [];
  private keys = new Map<Leaf, string>();
  private memo = new Map<unknown, number>();
  private text = new TextEncoder();

  constructor(private readonly single: boolean) {}

  private u32(value: number): void {
    this.out.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255);
  }

  /** Fetches what is known, else writes it and remembers it. */
  private memoized(key: unknown, write: () => void): void {
    const known = this.memo.get(key);
    if (known !== undefined) {
      if (known < 256) this.out.push(0x68, known);
      else {
        this.out.push(0x6a);
        this.u32(known);
      }
      return;
    }
    write();
    const index = this.memo.size;
    this.memo.set(key, index);
    if (index < 256) this.out.push(0x71, index);
    else {
      this.out.push(0x72);
      this.u32(index);
    }
  }

  private string(value: string): void {
    this.memoized(`text ${value}`, () => {
      const bytes = this.text.encode(value);
      this.out.push(0x58);
      this.u32(bytes.length);
      this.out.push(...bytes);
    });
  }

  private global(module: string, name: string): void {
    this.memoized(`global ${module} ${name}`, () => this.out.push(0x63, ...this.text.encode(`${module}\n${name}\n`)));
  }

  private number(value: number): void {
    if (!Number.isInteger(value) || Object.is(value, -0) || Math.abs(value) >= 2 ** 31) {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, value, false);
      this.out.push(0x47, ...new Uint8Array(view.buffer));
    } else if (value >= 0 && value < 256) this.out.push(0x4b, value);
    else if (value >= 0 && value < 65536) this.out.push(0x4d, value & 255, value >> 8);
    else {
      this.out.push(0x4a);
      this.u32(value);
    }
  }

  private items(values: readonly unknown[]): void {
    this.out.push(0x28);
    for (const value of values) this.value(value);
  }

  /** Key of the storage of an array: one file of the archive each, however many tensors are views of it. */
  private storage(array: Leaf): string {
    const known = this.keys.get(array);
    if (known !== undefined) return known;
    const width = this.single ? 4 : 8;
    const view = new DataView(new ArrayBuffer(width * array.values.length));
    for (const [k, x] of array.values.entries()) {
      if (this.single) view.setFloat32(4 * k, x, true);
      else view.setFloat64(8 * k, x, true);
    }
    const key = String(this.storages.push(new Uint8Array(view.buffer)) - 1);
    this.keys.set(array, key);
    return key;
  }

  private tensor({ array, offset, shape, strides }: View): void {
    this.global('torch._utils', '_rebuild_tensor_v2');
    this.out.push(0x28, 0x28);
    this.string('storage');
    this.global('torch', this.single ? 'FloatStorage' : 'DoubleStorage');
    this.string(this.storage(array));
    this.string('cpu');
    this.number(array.values.length);
    this.out.push(0x74, 0x51);
    this.number(offset);
    this.items(shape);
    this.out.push(0x74);
    this.items(strides);
    this.out.push(0x74, 0x89);
    this.global('collections', 'OrderedDict');
    this.out.push(0x29, 0x52, 0x74, 0x52);
  }

  value(value: unknown): void {
    if (value === null || value === undefined) this.out.push(0x4e);
    else if (value === true) this.out.push(0x88);
    else if (value === false) this.out.push(0x89);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'string') this.string(value);
    else if (value instanceof View) this.memoized(value, () => this.tensor(value));
    else if (value instanceof Leaf) this.memoized(value, () => this.tensor(View.whole(value)));
    else if (value instanceof Instance) {
      this.memoized(value, () => {
        const at = value.className.lastIndexOf('.');
        this.global(value.className.slice(0, at), value.className.slice(at + 1));
        this.out.push(0x29, 0x81, 0x7d, 0x28);
        for (const [key, entry] of Object.entries(value.attributes)) {
          this.string(key);
          this.value(entry);
        }
        this.out.push(0x75, 0x62);
      });
    } else if (value instanceof TypedList) {
      this.global('torch.jit._pickle', value.builder);
      this.out.push(...(value.builder === 'restore_type_tag' ? [] : [0x28]), 0x5d);
      this.items(value.items);
      this.out.push(0x65);
      if (value.builder === 'restore_type_tag') {
        this.string('List[str]');
        this.out.push(0x86, 0x52);
      } else this.out.push(0x74, 0x52);
    } else if (value instanceof Call) {
      this.global(value.module, value.name);
      this.items(value.args);
      this.out.push(0x74, 0x52);
    } else if (Array.isArray(value)) {
      this.out.push(0x5d);
      this.items(value);
      this.out.push(0x65);
    } else throw new Error(`no pickle of ${typeof value}`);
  }
}

export interface PthOptions {
  /** Tensors as float32. */
  readonly single?: boolean;
  /** Entries beside those that a model has, or instead of them. */
  readonly entries?: { readonly [name: string]: Uint8Array | null };
  /** Instead of data.pkl. */
  readonly pickle?: Uint8Array;
}

/** An archive with the object as its root. */
export function writePth(root: unknown, { single = false, entries = {}, pickle }: PthOptions = {}): Uint8Array {
  const writer = new PickleWriter(single);
  writer.value(root);
  writer.out.push(0x2e);
  const text = (s: string) => new TextEncoder().encode(s);
  const all: { [name: string]: Uint8Array | null } = {};
  for (const [k, bytes] of writer.storages.entries()) all[`model/data/${k}`] = bytes;
  all['model/data.pkl'] = pickle ?? Uint8Array.from(writer.out);
  all['model/code/__torch__/never_read.py'] = text('raise SystemExit\n');
  all['model/constants.pkl'] = Uint8Array.of(0x80, 2, 0x29, 0x2e);
  all['model/byteorder'] = text('little');
  all['model/version'] = text('3\n');
  Object.assign(all, entries);
  return writeZip(Object.entries(all).filter((entry): entry is [string, Uint8Array] => entry[1] !== null));
}

/** Stored entries; sizes stand in descriptors behind the data and in the directory, which has its 64-bit end record too. */
export function writeZip(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const out: number[] = [];
  const u16 = (v: number) => out.push(v & 255, (v >> 8) & 255);
  const u32 = (v: number) => out.push(v & 255, (v >>> 8) & 255, (v >>> 16) & 255, (v >>> 24) & 255);
  const u64 = (v: number) => {
    u32(v);
    u32(Math.floor(v / 2 ** 32));
  };
  const zeros = (n: number) => {
    for (let k = 0; k < n; k++) out.push(0);
  };
  const encode = (s: string) => new TextEncoder().encode(s);
  const offsets: number[] = [];
  for (const [name, bytes] of entries) {
    const label = encode(name);
    offsets.push(out.length);
    u32(0x04034b50);
    u16(0);
    u16(0x0808);
    zeros(18);
    u16(label.length);
    // Numbers begin at whole multiples of 64, by an extra field.
    const extra = (64 - ((out.length + 2 + label.length + 4) % 64)) % 64;
    u16(4 + extra);
    out.push(...label, 0x46, 0x42);
    u16(extra);
    for (let k = 0; k < extra; k++) out.push(0x5a);
    for (const byte of bytes) out.push(byte);
    u32(0x08074b50);
    u32(crc32(bytes));
    u32(bytes.length);
    u32(bytes.length);
  }
  const directory = out.length;
  for (const [k, [name, bytes]] of entries.entries()) {
    const label = encode(name);
    u32(0x02014b50);
    u16(0);
    u16(0);
    u16(0x0808);
    zeros(6);
    u32(crc32(bytes));
    u32(bytes.length);
    u32(bytes.length);
    u16(label.length);
    zeros(12);
    u32(offsets[k]!);
    out.push(...label);
  }
  const size = out.length - directory;
  const record = out.length;
  u32(0x06064b50);
  u64(44);
  zeros(12);
  u64(entries.length);
  u64(entries.length);
  u64(size);
  u64(directory);
  u32(0x07064b50);
  u32(0);
  u64(record);
  u32(1);
  u32(0x06054b50);
  u32(0);
  u16(entries.length);
  u16(entries.length);
  u32(size);
  u32(directory);
  u16(0);
  return Uint8Array.from(out);
}
