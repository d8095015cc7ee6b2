/**
 * From a file or an object to a checked study. Errors name file, line and key, what was expected, and the nearest known name; they come
 * from the grammar (schema.ts) or, through {@link StudySource.explain}, from any room that names a key.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  parse as parseYaml,
  stringify,
} from 'yaml';
import type { z } from 'zod';
import { IonclayError, StudyError } from '../errors.js';
import { refuseWhatIsNotBuilt } from './availability.js';
import type { IssueParams } from './fields.js';
import { type Study, studySchema } from './schema.js';

export type KeyPath = readonly (string | number)[];

/** Where a study came from, so that errors can point into it. */
export interface StudySource {
  /** Null for an object of a script. */
  readonly file: string | null;
  /** The study as YAML, overrides included. */
  readonly text: string;
  readonly sha256: string;
  /** Paths in the study are relative to this folder. */
  readonly directory: string;
  /** 1-based line of a key, or of the nearest block around it. */
  line(path: KeyPath): number | undefined;
  /** The same error with file and line of its key in front. */
  explain(error: unknown): unknown;
}

export interface CheckedStudy {
  readonly study: Study;
  readonly source: StudySource;
}

/** `['stages', 2, 'temperature']` -> `stages[2].temperature`. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>(
    (out, part) => (typeof part === 'number' ? `${out}[${part}]` : out === '' ? part : `${out}.${part}`),
    '',
  );
}

/** The way back. */
export function parsePath(key: string): (string | number)[] {
  return [...key.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) => (match[1] === undefined ? match[0] : Number(match[1])));
}

/** Reads and checks a study file; `sets` are `key=value` overrides of the command line, values in YAML. */
export async function readStudyFile(file: string, sets: readonly string[] = []): Promise<CheckedStudy> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'this is a directory' : (cause as Error).message;
    throw new StudyError('STUDY_UNREADABLE', `${file}: cannot read the study: ${reason}`, { file, cause });
  }
  return parseStudy(text, { file, directory: dirname(resolve(file)), sets });
}

/** A study given as plain data, keys in kebab-case or camelCase; paths are relative to `directory`. */
export function studyFromObject(object: object, directory = process.cwd()): CheckedStudy {
  return parseStudy(stringify(kebabKeys(object)), { file: null, directory: resolve(directory), sets: [] });
}

export interface ParseOptions {
  readonly file: string | null;
  readonly directory: string;
  readonly sets?: readonly string[];
}

export function parseStudy(text: string, options: ParseOptions): CheckedStudy {
  const { file, sets = [] } = options;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const problem = document.errors[0];
  if (problem) {
    const line = problem.linePos?.[0].line;
    const place = file ? `${file}${line ? `:${line}` : ''}: ` : '';
    throw new StudyError('STUDY_SYNTAX', `${place}this is not valid YAML: ${yamlSentence(problem)}`, {
      ...(file ? { file } : {}),
      line,
    });
  }
  const overridden = sets.map((set) => applySet(document, set));
  const source = makeSource(document, lines, text, options, overridden);
  try {
    const raw = plainData(document, file);
    const parsed = studySchema.safeParse(raw, { reportInput: true });
    if (!parsed.success) throw issueError(parsed.error.issues[0]!, raw, file);
    refuseWhatIsNotBuilt(parsed.data);
    return { study: parsed.data, source };
  } catch (error) {
    throw source.explain(error);
  }
}

/** What the parser found, without the position and the excerpt that it appends. */
export function yamlSentence(problem: { readonly message: string }): string {
  return problem.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

/** The content of a document; aliases that multiply into a document of another size (or point nowhere) are refused. */
export function plainData(document: Document, file: string | null): unknown {
  try {
    return document.toJS({ maxAliasCount: 1000 });
  } catch (cause) {
    throw new StudyError(
      'STUDY_SYNTAX',
      `${file ? `${file}: ` : ''}aliases (*name) cannot be resolved: ${(cause as Error).message}`,
      {
        ...(file ? { file } : {}),
        hint: 'write out what the aliases stand for',
        cause,
      },
    );
  }
}

function makeSource(
  document: Document,
  lines: LineCounter,
  text: string,
  { file, directory }: ParseOptions,
  overridden: readonly string[],
): StudySource {
  const stored = overridden.length > 0 ? document.toString() : text;
  const line = (path: KeyPath) => {
    const offset = offsetOf(document, path);
    return offset === undefined ? undefined : lines.linePos(offset).line;
  };
  return {
    file,
    text: stored,
    sha256: createHash('sha256').update(stored).digest('hex'),
    directory,
    line,
    explain(error) {
      if (!(error instanceof IonclayError) || error.key === undefined || error.line !== undefined) return error;
      const { key } = error;
      if (error.file !== undefined && error.file !== file) return error;
      const bySet = overridden.some((name) => key === name || key.startsWith(`${name}.`) || key.startsWith(`${name}[`));
      const at = bySet ? undefined : line(parsePath(key));
      const place = bySet ? '--set ' : file ? `${file}${at ? `:${at}` : ''}: ` : '';
      const named = error.message.includes(key) ? error.message : `${key}: ${error.message}`;
      const where = bySet || !file ? {} : { file, line: at };
      const Class = error.constructor as new (...args: ConstructorParameters<typeof IonclayError>) => IonclayError;
      return new Class(error.code, place + named, {
        ...error.details,
        ...where,
        key,
        atom: error.atom,
        hint: error.hint,
        cause: error,
      });
    },
  };
}

/** Offset in the text of the key at `path`; of the deepest block that is there where the path is not. */
function offsetOf(document: Document, path: KeyPath): number | undefined {
  let node: unknown = document.contents;
  let offset = (node as Node | null)?.range?.[0];
  for (const part of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      const item = node.items[part] as Node | undefined;
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

/** `stages[0].run=1 ps`; returns the key. */
function applySet(document: Document, set: string): string {
  const match = /^([^=]+?)\s*=\s*([\s\S]*)$/.exec(set);
  if (!match) {
    throw new StudyError('BAD_OPTION', `--set: "${set}" is not key=value`, {
      key: '--set',
      hint: "such as --set 'stages[0].temperature=600 K'",
    });
  }
  const path = parsePath(match[1]!);
  let value: unknown;
  try {
    value = parseYaml(match[2]!);
  } catch (cause) {
    throw new StudyError('BAD_OPTION', `--set ${match[1]}: "${match[2]}" is not a YAML value`, { key: match[1], cause });
  }
  try {
    document.setIn(path, document.createNode(value));
  } catch (cause) {
    throw new StudyError('BAD_OPTION', `--set ${match[1]}: the study has no such place`, {
      key: match[1],
      hint: 'lists are counted from 0: stages[0] is the first stage',
      cause,
    });
  }
  return formatPath(path);
}

/** The first problem that zod found, as our error. */
function issueError(issue: z.core.$ZodIssue, raw: unknown, file: string | null): StudyError {
  const { issue: deepest, path } = bestIssue(issue, []);
  const params = ((deepest as { params?: IssueParams }).params ?? {}) as IssueParams;
  const unknown = deepest.code === 'unrecognized_keys';
  const full = unknown ? [...path, deepest.keys[0]!] : path;
  const key = formatPath(full);
  const [sentence, hint] = deepest.message.split('\n');
  const value = valueAt(raw, path);
  let text = sentence!;
  let code = params.code ?? (unknown ? 'UNKNOWN_KEY' : 'BAD_VALUE');
  if (!unknown && deepest.code !== 'custom') {
    if (value === undefined || value === null) {
      text = `missing, ${text}`;
      code = 'MISSING_KEY';
    } else {
      text = `${JSON.stringify(value).slice(0, 60)} will not do, ${text}`;
    }
  }
  if (key === '') {
    return new StudyError(code, `${file ?? 'the study'}: ${text}`, { ...(file ? { file } : {}), hint: params.hint ?? hint });
  }
  return new StudyError(code, `${key}: ${text}`, {
    key,
    hint: params.hint ?? hint,
  });
}

/** Of a union, the branch that came furthest: its complaint is about what the user meant. */
function bestIssue(issue: z.core.$ZodIssue, parent: KeyPath): { issue: z.core.$ZodIssue; path: KeyPath } {
  const path = [...parent, ...(issue.path as (string | number)[])];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { issue, path };
  const candidates = issue.errors.filter((list) => list.length > 0).map((list) => bestIssue(list[0]!, path));
  const rank = (candidate: { issue: z.core.$ZodIssue; path: KeyPath }) =>
    10 * candidate.path.length + (candidate.issue.code === 'invalid_type' || candidate.issue.code === 'invalid_union' ? 0 : 1);
  const best = candidates.sort((a, b) => rank(b) - rank(a))[0];
  if (!best) return { issue, path };
  const blind = best.path.length === path.length && (best.issue.code === 'invalid_type' || best.issue.code === 'invalid_union');
  if (!blind) return best;
  // All branches failed by type alone: say what all of them wanted.
  const wanted = [...new Set([issue.message, ...candidates.map((candidate) => candidate.issue.message)])].filter((m) =>
    m.startsWith('expected'),
  );
  const message = wanted.map((text, i) => (i === 0 ? text : text.replace(/^expected /, 'or '))).join(', ');
  return { issue: { ...issue, message: message || issue.message }, path };
}

function valueAt(raw: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], raw);
}

/** Keys of the contract with a hyphen; only these are turned from camelCase, so that names of species and pairs stay. */
const HYPHENATED = [
  'sel-overflow',
  'nose-hoover',
  'strain-rate',
  'limit-displacement',
  'force-tolerance',
  'stress-tolerance',
  'stop-above',
  'mean-of',
  'at-cutoff',
  'missing-pairs',
  'taper-from',
  'damped-shifted-force',
  'dispersion-tail',
  'accept-approximation',
  'site-distance',
  'allow-charged',
] as const;
const KEBAB = new Map(
  HYPHENATED.map((name) => [name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()), name as string]),
);

function kebabKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(kebabKeys);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .map(([key, entry]) => [KEBAB.get(key) ?? key, kebabKeys(entry)]),
  );
}
