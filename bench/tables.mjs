// The results of bench/run.mjs as Markdown tables: `node bench/tables.mjs FILE` prints those of a saved run.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIB = 2 ** 20;

const digits = (value, n = 3) => {
  if (value === null || value === undefined || !Number.isFinite(value)) return '';
  const decimals = Math.max(0, n - 1 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString('en-US', {
    minimumFractionDigits: Math.min(decimals, 4),
    maximumFractionDigits: Math.min(decimals, 4),
  });
};
const range = (values) => (values.length > 1 ? ` (${digits(Math.min(...values))} to ${digits(Math.max(...values))})` : '');
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const memory = (bytes) => (bytes ? `${digits(bytes / MIB)} MiB` : '');

function table(head, rows) {
  // A bar in a label would begin another column.
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Ratio of two variants round by round; one that was measured once is compared with every round of the other. */
function ratios(slow, fast) {
  if (!slow?.times || !fast?.times) return null;
  return fast.times.map((time, k) => (slow.times[k] ?? slow.times.at(-1)) / time);
}

function comparison(rows, peak) {
  const named = (name) => rows.find((row) => row.name === name);
  const references = ['DeePMD-kit double compressed', 'DeePMD-kit float32 compressed', 'DeePMD-kit double plain'].filter(
    (name) => named(name)?.times,
  );
  const head = [
    'program',
    'us/atom/step',
    ...references.map((name) => `against ${name.replace('DeePMD-kit ', '')}`),
    'peak memory',
    'of the peak',
  ];
  const body = rows.map((row) => {
    if (row.refused) return [row.name, `refused: ${row.refused}`, ...references.map(() => ''), '', ''];
    const against = references.map((name) => {
      if (name === row.name) return '1';
      const values = ratios(named(name), row);
      return values ? `${digits(median(values))}${range(values)}` : '';
    });
    return [
      row.name,
      `${digits(row.usPerAtomStep)}${range(row.times)}`,
      ...against,
      memory(row.memoryBytes),
      fraction(row, peak),
    ];
  });
  return table(head, body);
}

/** Multiply-adds that the model needs with tables, over what the core could have done in the time. */
function fraction(row, peak) {
  if (!peak || !row.multiplyAdds || !/auto|tables/.test(row.name)) return '';
  const rate = /mixed/.test(row.name) ? peak.float : peak.double;
  return percent((2 * row.multiplyAdds) / (row.usPerAtomStep * 1e-6) / (rate * 1e9));
}

function split(rows) {
  const measured = rows.filter((row) => row.phasesUsPerAtom);
  if (measured.length === 0) return '';
  const phases = Object.keys(measured[0].phasesUsPerAtom);
  const rest = (row) => row.usPerAtomStep - phases.reduce((sum, phase) => sum + row.phasesUsPerAtom[phase], 0);
  return table(
    ['us/atom', ...phases, 'the rest'],
    measured.map((row) => [row.name, ...phases.map((phase) => digits(row.phasesUsPerAtom[phase])), digits(rest(row))]),
  );
}

export function tables(results) {
  const { machine, settings, peak } = results;
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, Node ${machine.node}; medians of ${settings.rounds} rounds in turn` +
      `${settings.pinned ? ', each process pinned to one core' : ''}` +
      `${settings.clock === 'processor' ? '; times of one thread are processor time, since the machine was in use' : ''}.`,
  ];
  if (peak) parts.push(`Measured peak of a core: ${digits(peak.double)} GFLOP/s double, ${digits(peak.float)} GFLOP/s float.`);
  const section = (title, ...texts) => parts.push(`### ${title}`, ...texts.filter(Boolean));
  if (results.paper?.rows) {
    const { rows } = results.paper;
    const known = rows.find((row) => row.neighbours);
    const size = known ? `, ${known.natoms.toLocaleString('en-US')} atoms, ${digits(known.neighbours)} neighbours` : '';
    const need = known?.multiplyAdds
      ? `With tables the model needs ${digits(known.multiplyAdds / 1e6)} million multiply-adds an atom.`
      : '';
    section(`Paper-size model, clay${size}`, comparison(rows, peak), need, split(rows));
  } else if (results.paper) {
    section('Paper-size model', `Not measured: ${results.paper.missing}.`);
  }
  for (const { model, label, rows } of results.bundled ?? []) {
    const known = rows.find((row) => row.neighbours);
    const size = known ? `, ${known.natoms.toLocaleString('en-US')} atoms, ${digits(known.neighbours)} neighbours` : '';
    section(`\`${model}\`, ${label}${size}`, comparison(rows, peak), split(rows));
  }
  for (const { model, label, rows } of results.isa ?? []) {
    section(
      `Instruction sets: \`${model}\`, ${label}`,
      table(
        ['set', 'precision', 'compression', 'us/atom/step'],
        rows.map((row) => [row.isa, row.precision, row.compression, digits(row.usPerAtomStep)]),
      ),
    );
  }
  if (results.threads) {
    const { threads, systems } = results.threads;
    const body = systems
      .filter(({ rows }) => rows.every((row) => row.times))
      .map(({ label, precision, rows: [one, many] }) => {
        const values = ratios(one, many);
        return [
          label,
          precision,
          digits(one.usPerAtomStep),
          digits(many.usPerAtomStep),
          `${digits(median(values))}${range(values)}`,
        ];
      });
    section(`${threads} threads`, table(['system', 'precision', '1 thread', `${threads} threads`, 'ratio'], body));
  }
  if (results.small?.length > 0) {
    section(
      `A cell of ${results.small[0].natoms} atoms, 1 thread`,
      table(
        ['precision', 'compression', 'us/atom/step', 'in the kernel', 'beyond it'],
        results.small.map((row) => [
          row.precision,
          row.compression,
          digits(row.usPerAtomStep),
          digits(row.kernelUsPerAtom),
          percent(row.overhead),
        ]),
      ),
    );
  }
  if (results.list?.length > 0) {
    section(
      'Neighbour list, built at every evaluation, 1 thread',
      table(
        ['system', 'atoms', 'neighbours', 'us/atom'],
        results.list
          .filter((row) => !row.refused)
          .map((row) => [row.label, row.natoms, digits(row.neighbours), digits(row.usPerAtom)]),
      ),
    );
  }
  for (const { label, precision, compression, rows, exponent } of results.growth?.series ?? []) {
    section(
      `Growth: ${label}, ${precision}, ${compression}, 1 thread`,
      table(
        ['atoms', 'us/atom/step', 'peak memory', 'bytes an atom'],
        rows.map((row) => [
          row.natoms.toLocaleString('en-US'),
          digits(row.usPerAtomStep),
          memory(row.memoryBytes),
          row.memoryBytes ? Math.round(row.memoryBytes / row.natoms).toLocaleString('en-US') : '',
        ]),
      ),
      exponent === null
        ? ''
        : `From a thousand atoms on, time grows as the number of atoms to the power ${exponent.toFixed(3)} (least squares).`,
    );
  }
  const million = results.growth?.million;
  if (million) {
    section(
      'A million atoms of clay, paper-size model, mixed',
      `${million.natoms.toLocaleString('en-US')} atoms: ${digits(million.usPerAtomStep)} us/atom/step on one thread, ${memory(million.memoryBytes)} at most, all of Node included; ` +
        `${digits(million.prepareSeconds)} s to the first forces.`,
    );
  }
  return parts.join('\n\n');
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) {
  console.log(tables(JSON.parse(readFileSync(process.argv[2], 'utf8'))));
}
