/** Reads the CSV tables of a run directory (interface.md 3.3): numbers with a header, the last row perhaps still being written. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { IonclayError } from '../errors.js';

/** Calls `row` for each complete row; `columns` are the wanted columns of the header, missing ones and empty cells give NaN. */
export async function scanTable(
  path: string,
  columns: readonly string[],
  row: (values: Float64Array) => void,
): Promise<{ header: string[]; rows: number }> {
  const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
  let header: string[] | null = null;
  let places: number[] = [];
  let rows = 0;
  const values = new Float64Array(columns.length);
  for await (const line of lines) {
    if (header === null) {
      header = line.split(',').map((name) => name.trim());
      places = columns.map((name) => header!.indexOf(name));
      continue;
    }
    const cells = line.split(',');
    // A row with fewer cells is one that a running or killed process had not finished.
    if (cells.length !== header.length) continue;
    for (let c = 0; c < columns.length; c++) values[c] = cellNumber(cells[places[c]!]);
    row(values);
    rows++;
  }
  if (header === null) throw new IonclayError('E_TABLE', `${path}: the table is empty, expected a header`, { file: path });
  return { header, rows };
}

function cellNumber(cell: string | undefined): number {
  return cell === undefined || cell.trim() === '' ? Number.NaN : Number(cell);
}

export interface Table {
  readonly header: readonly string[];
  readonly rows: number;
  /** Values of a column, NaN where a cell is empty; undefined where there is no such column. */
  column(name: string): Float64Array | undefined;
}

/** A whole table in memory (curves over lag or distance: some thousand rows). */
export async function readTable(path: string): Promise<Table> {
  const first = await headerOf(path);
  const columns: number[][] = first.map(() => []);
  const { rows } = await scanTable(path, first, (values) => {
    for (let c = 0; c < first.length; c++) columns[c]!.push(values[c]!);
  });
  const arrays = columns.map((column) => Float64Array.from(column));
  return {
    header: first,
    rows,
    column: (name) => {
      const place = first.indexOf(name);
      return place < 0 ? undefined : arrays[place];
    },
  };
}

export async function headerOf(path: string): Promise<string[]> {
  const { header } = await scanTable(path, [], () => undefined);
  return header;
}
