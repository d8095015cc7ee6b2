/**
 * Pickles of TorchScript archives as inert data (deep-potential.md 2.5). A pickle is a program of a small stack machine that may call
 * any function by name; here only the operations that such archives need are known, and only the few names below, each standing for data
 * of this module. Nothing is looked up, called or constructed by name, so a hostile file can at most be refused.
 */
import { PotentialError } from '../../errors.js';
import { unsupported } from './refusal.js';

/** A tuple, told apart from a list because arguments come in tuples. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A name that stands for a class or function; inert. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** An object of a `__torch__` class with its attributes. */
export class PickleObject {
  attributes: ReadonlyMap<PickleKey, PickleValue> = new Map();
  constructor(readonly className: string) {}

  /** Class without module and mangling: `DescrptSeA`. */
  get kind(): string {
    return this.className.slice(this.className.lastIndexOf('.') + 1);
  }
}

export class PickleStorage {
  constructor(
    /** `DoubleStorage`. */
    readonly type: string,
    readonly key: string,
    readonly count: number,
  ) {}
}

export class PickleTensor {
  constructor(
    readonly storage: PickleStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

export type PickleKey = string | number;
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | PickleValue[]
  | Map<PickleKey, PickleValue>
  | PickleTuple
  | PickleGlobal
  | PickleObject
  | PickleStorage
  | PickleTensor;

/** Functions that put a type beside a value, and return the value. */
const typed = new Set(
  ['build_intlist', 'build_tensorlist', 'build_doublelist', 'build_boollist', 'restore_type_tag'].map(
    (n) => `torch.jit._pickle ${n}`,
  ),
);
const rebuildTensor = 'torch._utils _rebuild_tensor_v2';
const orderedDict = 'collections OrderedDict';

function known(module: string, name: string): boolean {
  const full = `${module} ${name}`;
  if (typed.has(full) || full === rebuildTensor || full === orderedDict) return true;
  if (module === 'torch') return /^[A-Z][A-Za-z0-9]*Storage$/.test(name);
  return /^__torch__(\.[A-Za-z0-9_]+)*$/.test(module) && /^[A-Za-z0-9_]+$/.test(name);
}

/** A stack deeper than this, or more values than this, is no model. */
const deepest = 100_000;
const mostMemo = 5_000_000;

/** The one object of a pickle. */
export function readPickle(bytes: Uint8Array): PickleValue {
  return new Interpreter(bytes).run();
}

class Interpreter {
  private readonly view: DataView;
  private at = 0;
  private stack: PickleValue[] = [];
  /** Stacks that wait below a mark. */
  private readonly marks: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickleValue {
    for (;;) {
      const opcode = this.bytes[this.take(1)]!;
      if (opcode === 0x2e) {
        const value = this.pop();
        if (this.stack.length > 0 || this.marks.length > 0) throw this.corrupt('values are left when it stops');
        return value;
      }
      const made = this.operation(opcode);
      if (made !== undefined) this.stack.push(made);
      if (this.stack.length > deepest || this.marks.length > deepest || this.memo.size > mostMemo)
        throw this.corrupt('its stack or memo is larger than that of any model');
    }
  }

  /** What an operation puts on the stack; undefined for those that put nothing. */
  private operation(opcode: number): PickleValue | undefined {
    switch (opcode) {
      case 0x80: {
        const protocol = this.bytes[this.take(1)]!;
        if (protocol < 2 || protocol > 5) throw this.corrupt(`protocol ${protocol}`);
        return undefined;
      }
      case 0x7d: // }
        return new Map();
      case 0x5d: // ]
        return [];
      case 0x29: // )
        return new PickleTuple([]);
      case 0x28: // (
        this.marks.push(this.stack);
        this.stack = [];
        return undefined;
      case 0x63: // c
        return this.global();
      case 0x71: // q
        return this.remember(this.bytes[this.take(1)]!);
      case 0x72: // r
        return this.remember(this.view.getUint32(this.take(4), true));
      case 0x68: // h
        return this.recall(this.bytes[this.take(1)]!);
      case 0x6a: // j
        return this.recall(this.view.getUint32(this.take(4), true));
      case 0x58: // X
        return this.text(this.view.getUint32(this.take(4), true));
      case 0x4b: // K
        return this.bytes[this.take(1)]!;
      case 0x4d: // M
        return this.view.getUint16(this.take(2), true);
      case 0x4a: // J
        return this.view.getInt32(this.take(4), true);
      case 0x8a: // LONG1
        return this.long(this.bytes[this.take(1)]!);
      case 0x47: // G
        return this.view.getFloat64(this.take(8), false);
      case 0x4e: // N
        return null;
      case 0x88:
        return true;
      case 0x89:
        return false;
      case 0x74: // t
        return new PickleTuple(this.popMark());
      case 0x85:
      case 0x86:
      case 0x87: {
        const items: PickleValue[] = [];
        for (let k = opcode - 0x84; k > 0; k--) items.unshift(this.pop());
        return new PickleTuple(items);
      }
      case 0x61: // a
        return this.append([this.pop()]);
      case 0x65: // e
        return this.append(this.popMark());
      case 0x73: {
        // s
        const value = this.pop();
        return this.setItems([this.pop(), value]);
      }
      case 0x75: // u
        return this.setItems(this.popMark());
      case 0x52: // R
        return this.reduce();
      case 0x81: // NEWOBJ
        return this.newObject();
      case 0x62: // b
        return this.build();
      case 0x51: // Q
        return this.persistent();
      default:
        throw unsupported(
          `pickle opcode 0x${opcode.toString(16).padStart(2, '0')}`,
          `byte ${this.at - 1} of data.pkl is an operation that frozen models do not need`,
          'give a model that dp --pt freeze wrote',
        );
    }
  }

  private global(): PickleGlobal {
    const [module, name] = [this.line(), this.line()];
    if (!known(module, name)) {
      throw unsupported(
        `${module}.${name}`.slice(0, 200),
        'data.pkl names something other than tensors and TorchScript classes; it was not looked up, and nothing was run',
        'a frozen model has no need of it: do not trust this file',
      );
    }
    return new PickleGlobal(`${module} ${name}`);
  }

  private reduce(): PickleValue {
    const items = this.tuple(this.pop());
    const callee = this.pop();
    if (!(callee instanceof PickleGlobal)) throw this.corrupt('a call of something that is not a name');
    if (typed.has(callee.name)) {
      if (items.length === 0) throw this.corrupt(`${callee.name} without a value`);
      return items[0]!;
    }
    if (callee.name === orderedDict) {
      if (items.length > 0) throw this.corrupt('an OrderedDict with arguments');
      return new Map();
    }
    if (callee.name === rebuildTensor) return this.tensor(items);
    throw this.corrupt(`a call of ${callee.name}`);
  }

  private tensor(items: readonly PickleValue[]): PickleTensor {
    const [storage, offset, shape, strides] = items;
    const whole = (value: PickleValue | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    const list = (value: PickleValue | undefined): number[] => {
      const entries = value instanceof PickleTuple ? value.items : value;
      if (!Array.isArray(entries) || entries.length > 16 || !entries.every(whole))
        throw this.corrupt('a tensor whose shape or strides are no lists of sizes');
      return entries as number[];
    };
    if (!(storage instanceof PickleStorage) || !whole(offset)) throw this.corrupt('a tensor without a storage');
    const [sizes, steps] = [list(shape), list(strides)];
    if (sizes.length !== steps.length) throw this.corrupt('a tensor with other numbers of sizes and of strides');
    // The farthest element must lie in the storage; an empty tensor has none.
    const farthest = sizes.reduce((sum, n, k) => sum + (n - 1) * steps[k]!, offset);
    if (!sizes.includes(0) && farthest >= storage.count)
      throw this.corrupt(`a tensor that ends at element ${farthest} of a storage of ${storage.count}`);
    return new PickleTensor(storage, offset, sizes, steps);
  }

  private newObject(): PickleObject {
    const items = this.tuple(this.pop());
    const type = this.pop();
    if (!(type instanceof PickleGlobal) || !type.name.startsWith('__torch__'))
      throw this.corrupt('an object of no TorchScript class');
    if (items.length > 0) throw this.corrupt('an object that is made with arguments');
    return new PickleObject(type.name.replace(' ', '.'));
  }

  private build(): undefined {
    const state = this.pop();
    const target = this.top();
    if (!(target instanceof PickleObject) || !(state instanceof Map))
      throw this.corrupt('attributes of something that is no object');
    target.attributes = state;
  }

  private persistent(): PickleStorage {
    const [kind, type, key, , count] = this.tuple(this.pop());
    const valid =
      kind === 'storage' &&
      type instanceof PickleGlobal &&
      type.name.startsWith('torch ') &&
      typeof key === 'string' &&
      Number.isSafeInteger(count) &&
      (count as number) >= 0;
    if (!valid) throw this.corrupt('a reference to something other than a storage');
    return new PickleStorage(type.name.slice('torch '.length), key, count as number);
  }

  private append(values: PickleValue[]): undefined {
    const list = this.top();
    if (!Array.isArray(list)) throw this.corrupt('values appended to something that is no list');
    for (const value of values) list.push(value);
  }

  private setItems(items: PickleValue[]): undefined {
    const map = this.top();
    if (!(map instanceof Map) || items.length % 2 !== 0) throw this.corrupt('items set in something that is no dictionary');
    for (let k = 0; k < items.length; k += 2) {
      const key = items[k]!;
      if (typeof key !== 'string' && typeof key !== 'number')
        throw this.corrupt('a dictionary with keys other than text and numbers');
      map.set(key, items[k + 1]!);
    }
  }

  private remember(index: number): undefined {
    this.memo.set(index, this.top());
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.corrupt(`value ${index} is used before it is made`);
    return value;
  }

  private tuple(value: PickleValue): readonly PickleValue[] {
    if (!(value instanceof PickleTuple)) throw this.corrupt('a tuple is expected');
    return value.items;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.corrupt('its stack is empty');
    return value;
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw this.corrupt('its stack is empty');
    return value;
  }

  private popMark(): PickleValue[] {
    const below = this.marks.pop();
    if (!below) throw this.corrupt('a mark is missing');
    const items = this.stack;
    this.stack = below;
    return items;
  }

  /** Start of the next `count` bytes, which are skipped. */
  private take(count: number): number {
    const start = this.at;
    if (start + count > this.bytes.length) {
      throw new PotentialError('MODEL_TRUNCATED', `data.pkl ends at byte ${this.bytes.length}, in the middle of an operation`, {
        offset: this.bytes.length,
        hint: 'the file is damaged: copy it again and compare its SHA-256 with that of the source',
      });
    }
    this.at = start + count;
    return start;
  }

  private text(length: number): string {
    const start = this.take(length);
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0 || end - this.at > 4096) throw this.corrupt('a name does not end');
    const text = this.text(end - this.at);
    this.take(1);
    return text;
  }

  /** Little-endian two's complement. */
  private long(length: number): number {
    if (length > 8) throw this.corrupt(`an integer of ${length} bytes`);
    const start = this.take(length);
    let value = 0n;
    for (let k = length - 1; k >= 0; k--) value = (value << 8n) | BigInt(this.bytes[start + k]!);
    if (length > 0 && this.bytes[start + length - 1]! >= 128) value -= 1n << BigInt(8 * length);
    return Number(value);
  }

  private corrupt(what: string): PotentialError {
    return new PotentialError('MODEL_CORRUPT', `data.pkl: ${what} (byte ${this.at})`, {
      offset: this.at,
      hint: 'the file is damaged, or no model that dp --pt freeze wrote',
    });
  }
}
