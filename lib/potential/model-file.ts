/** Model files of any kind to parameters; the format is found by content (deep-potential.md 2.1). */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { IonclayError, PotentialError } from '../errors.js';
import { bundledModels, resolveModel } from './bundled.js';
import type { DeepPotentialParameters } from './deep-potential-parameters.js';
import { parseFrozenGraph } from './formats/frozen-graph.js';
import { parseNativeHdf5 } from './formats/native-hdf5.js';
import { parseNativeText } from './formats/native-text.js';
import { parseTorchScript } from './formats/pth.js';
import { unsupported } from './formats/refusal.js';

export interface ModelFile {
  readonly parameters: DeepPotentialParameters;
  /** Of the bytes of the file, hexadecimal. */
  readonly sha256: string;
  readonly file: string;
  /** Bundled name, else the file's name. */
  readonly name: string;
}

function startsWith(bytes: Uint8Array, ...head: number[]): boolean {
  return head.every((byte, k) => bytes[k] === byte);
}

/**
 * Parameters of a model given as the bytes of its file. Errors: PotentialError with code MODEL_UNSUPPORTED, MODEL_CORRUPT,
 * MODEL_TRUNCATED, MODEL_MISSING_TENSOR, MODEL_SHAPE, MODEL_NONFINITE or MODEL_FORMAT_UNKNOWN, with `file` set.
 */
export function parseModel(bytes: Uint8Array, fileName: string): DeepPotentialParameters {
  try {
    return dispatch(bytes, fileName);
  } catch (error) {
    if (error instanceof IonclayError) {
      const { hint, line, column, key } = error;
      throw new PotentialError(error.code, `${fileName}: ${error.message}`, {
        ...error.details,
        hint,
        line,
        column,
        key,
        file: fileName,
        cause: error.cause,
      });
    }
    throw error;
  }
}

function dispatch(bytes: Uint8Array, fileName: string): DeepPotentialParameters {
  if (bytes.length === 0) throw unknownFormat('the file is empty');
  if (startsWith(bytes, 0x50, 0x4b, 0x03, 0x04)) return parseTorchScript(bytes, fileName);
  if (startsWith(bytes, 0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)) return parseNativeHdf5(bytes);
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 4096)).replace(/^\u00ef\u00bb\u00bf/, '');
  if (/^\s*(#[^\n]*\n\s*)*node\s*\{/.test(head)) {
    throw unsupported(
      'pbtxt',
      'the text form of a graph is not read',
      'convert it to the binary form: dp convert-from pbtxt -i model.pbtxt -o model.pb',
    );
  }
  // A graph begins with a node (field 1) or, rarely, with its library or version; none of these bytes begins a YAML mapping.
  if (bytes[0] === 0x0a && looksLikeGraph(bytes)) return parseFrozenGraph(bytes);
  if (bytes[0] === 0x80 && fileName.toLowerCase().endsWith('.pt'))
    throw unsupported('pt', 'a PyTorch checkpoint holds no frozen model', 'freeze it first: dp --pt freeze');
  if (/"base_code"\s*:/.test(head) && /"pir"/.test(head)) throw paddle();
  refuseByName(fileName);
  if (looksLikeText(bytes)) return parseNativeText(bytes, head);
  throw unknownFormat(`its first bytes are ${Buffer.from(bytes.subarray(0, 8)).toString('hex')}`);
}

function paddle(): PotentialError {
  return unsupported('paddle', 'programs of PaddlePaddle are not read', 'convert it: dp convert-backend model.json model.dp');
}

/** Files of other programs that no content tells apart. */
function refuseByName(fileName: string): void {
  const extension = /\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase();
  if (extension === 'pte')
    throw unsupported('pte', 'an exported program instead of a net', 'freeze the model as .pth, or convert it to .dp');
  if (extension !== undefined && ['pd', 'pdmodel', 'pdparams', 'pdiparams'].includes(extension)) throw paddle();
}

/** A text file may begin with a line feed too: the first field of a graph is a node, which begins with its name (or its op). */
function looksLikeGraph(bytes: Uint8Array): boolean {
  let k = 1;
  while (k < 6 && bytes[k]! >= 128) k++;
  const first = bytes[k + 1];
  return bytes.length < k + 2 || first === 0x0a || first === 0x12 || first === 0x1a;
}

function looksLikeText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 4096);
  return head.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32);
}

function unknownFormat(why: string): PotentialError {
  return new PotentialError('MODEL_FORMAT_UNKNOWN', `not a model file that ionclay knows: ${why}`, {
    hint: 'known are frozen graphs (.pb), native models (.dp, .yaml and the same tree as .json) and TorchScript models (.pth)',
  });
}

/** Reads a model given by bundled name or path. A bundled file is compared with its recorded SHA-256. */
export async function readModel(nameOrPath: string): Promise<ModelFile> {
  const file = resolveModel(nameOrPath);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EISDIR')
      throw unsupported('SavedModel', `${nameOrPath} is a folder`, 'give the frozen model file (.pb, .pth, .dp, .yaml)');
    throw new PotentialError(
      'MODEL_NOT_FOUND',
      `${nameOrPath}: the model file cannot be read (${code ?? (cause as Error).message})`,
      { file: nameOrPath, cause, hint: 'check the path and its permissions' },
    );
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const bundled = bundledModels().find((model) => model.path === file);
  if (bundled && bundled.sha256 !== sha256) {
    throw new PotentialError(
      'MODEL_CORRUPT',
      `${file}: the bundled model "${bundled.name}" has SHA-256 ${sha256}, its index says ${bundled.sha256}`,
      {
        file,
        hint: 'the installation is damaged: install ionclay again',
      },
    );
  }
  return { parameters: parseModel(bytes, basename(file)), sha256, file, name: bundled?.name ?? basename(file) };
}
