/** Protobuf of frozen graphs in the plainest form: fields, tensors, nodes (deep-potential.md 2.2). */

export function varintBytes(value: number | bigint): number[] {
  let v = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  do {
    out.push(Number(v & 127n) | (v > 127n ? 128 : 0));
    v >>= 7n;
  } while (v > 0n);
  return out;
}

export type Piece = Uint8Array | number[];

export function join(pieces: Piece[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

export function bytesField(number: number, content: Piece | string): Uint8Array {
  const body = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return join([varintBytes(number * 8 + 2), varintBytes(body.length), body]);
}

export function varintField(number: number, value: number): Uint8Array {
  return join([varintBytes(number * 8), varintBytes(value)]);
}

export function float32Field(number: number, value: number): Uint8Array {
  const body = new Uint8Array(4);
  new DataView(body.buffer).setFloat32(0, value, true);
  return join([[number * 8 + 5], body]);
}

export type Encoding = 'content' | 'list' | 'unpacked' | 'splat' | 'float32';

/** TensorProto. `splat` lists the first value only: right where all are equal. */
export function tensor(
  shape: number[],
  values: ArrayLike<number>,
  kind: 'float64' | 'int32' = 'float64',
  encoding: Encoding = 'content',
): Uint8Array {
  const single = encoding === 'float32' && kind === 'float64';
  const dims = shape.map((n) => bytesField(2, varintField(1, n)));
  const head = [varintField(1, kind === 'int32' ? 3 : single ? 1 : 2), bytesField(2, join(dims))];
  const count = encoding === 'splat' ? Math.min(1, values.length) : values.length;
  if (kind === 'int32') {
    const list = Array.from({ length: count }, (_, k) => values[k]!);
    if (encoding === 'unpacked') return join([...head, ...list.map((v) => varintField(7, v))]);
    return join([
      ...head,
      bytesField(
        7,
        list.flatMap((v) => varintBytes(v)),
      ),
    ]);
  }
  const size = single ? 4 : 8;
  const body = new Uint8Array(size * count);
  const view = new DataView(body.buffer);
  for (let k = 0; k < count; k++) single ? view.setFloat32(4 * k, values[k]!, true) : view.setFloat64(8 * k, values[k]!, true);
  if (encoding === 'content' || single) return join([...head, bytesField(4, body)]);
  if (encoding === 'unpacked')
    return join([...head, ...Array.from({ length: count }, (_, k) => join([[6 * 8 + 1], body.subarray(8 * k, 8 * k + 8)]))]);
  return join([...head, bytesField(6, body)]);
}

export function stringTensor(value: string): Uint8Array {
  return join([varintField(1, 7), bytesField(2, []), bytesField(8, value)]);
}

export function node(name: string, op: string, inputs: string[] = [], attributes: Record<string, Uint8Array> = {}): Uint8Array {
  const attrs = Object.entries(attributes).map(([key, value]) => bytesField(5, join([bytesField(1, key), bytesField(2, value)])));
  return bytesField(1, join([bytesField(1, name), bytesField(2, op), ...inputs.map((input) => bytesField(3, input)), ...attrs]));
}

export function constant(name: string, value: Uint8Array): Uint8Array {
  return node(name, 'Const', [], { value: bytesField(8, value) });
}
