/** A structure's report as a document with units in its keys, and as text. */
import type { StructureReport } from '../builders/checks.js';
import type { SymmetryAnalysis } from '../io/symmetry-library.js';

/** What `inspect` knows beside the report. */
export interface Inspected {
  readonly file: string;
  readonly format: string;
  readonly frames: number;
  /** 0-based. */
  readonly frame: number;
  readonly report: StructureReport;
  readonly symmetry: SymmetryAnalysis | null;
  /** Why there is no symmetry. */
  readonly symmetryReason: string | null;
}

/** The document of `ionclay inspect --json`. */
export function inspectDocument({
  file,
  format,
  frames,
  frame,
  report,
  symmetry,
  symmetryReason,
}: Inspected): Record<string, unknown> {
  const { cell } = report;
  return {
    file,
    format,
    frames,
    frame,
    natoms: report.atoms,
    composition: report.composition,
    formula: report.formula,
    formula_units: report.formulaUnits,
    formal_charge_e: report.charge,
    formal_charge_source: report.chargeSource,
    periodic: report.periodic,
    cell: cell && {
      a_A: cell.lengths[0],
      b_A: cell.lengths[1],
      c_A: cell.lengths[2],
      alpha_deg: cell.angles[0],
      beta_deg: cell.angles[1],
      gamma_deg: cell.angles[2],
      face_distances_A: cell.faceDistances,
    },
    volume_A3: report.volume,
    volume_per_formula_unit_A3: report.volumePerFormulaUnit,
    density_g_per_cm3: report.density,
    symmetry: symmetry && {
      space_group: symmetry.hermannMauguin,
      space_group_number: symmetry.number,
      pearson_symbol: symmetry.pearson,
      operators: symmetry.operators.length,
      tolerance_A: symmetry.tolerance,
    },
    symmetry_reason: symmetryReason,
    shortest_distances: report.shortestDistances.map(({ pair, distance, floor, atoms }) => ({
      pair,
      distance_A: distance,
      floor_A: floor,
      atoms,
    })),
    warnings: report.warnings,
    sha256: report.contentHash,
  };
}

/** The page of `ionclay inspect`. */
export function inspectText(inspected: Inspected): string {
  const { file, format, frames, frame, report, symmetry, symmetryReason } = inspected;
  const rows: [string, string][] = [];
  const shown = frames > 1 ? `${format}, ${frames} frames (this is frame ${frame})` : format;
  const composition = Object.entries(report.composition).map(([symbol, count]) => `${count} ${symbol}`);
  rows.push(['atoms', `${report.atoms}: ${composition.join(', ')}`]);
  rows.push(['formula', `${report.formula}${report.formulaUnits > 1 ? `, ${report.formulaUnits} units` : ''}`]);
  rows.push(['charge', chargeText(report)]);
  if (report.cell) {
    const [a, b, c] = report.cell.lengths.map((x) => x.toFixed(4));
    const angles = report.cell.angles.map((x) => degrees(x)).join(', ');
    rows.push(['cell', `a ${a}, b ${b}, c ${c} A; alpha, beta, gamma ${angles} degrees`]);
    rows.push(['face distances', `${report.cell.faceDistances.map((x) => x.toFixed(3)).join(', ')} A`]);
    rows.push(['periodic', periodicText(report.periodic)]);
    rows.push([
      'volume',
      `${report.volume!.toFixed(3)} A^3${report.volumePerFormulaUnit ? `, ${report.volumePerFormulaUnit.toFixed(3)} a formula unit` : ''}`,
    ]);
    if (report.density !== null) rows.push(['density', `${report.density.toFixed(4)} g/cm3`]);
  } else rows.push(['cell', 'none: an isolated structure']);
  rows.push(['symmetry', symmetry ? symmetryText(symmetry) : symmetryReason!]);

  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = [`${file}  (${shown})`, '', ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
  const pairWidth = Math.max(...report.shortestDistances.map(({ pair }) => pair.length));
  lines.push('', '  shortest distances');
  for (const { pair, distance, floor } of report.shortestDistances) {
    if (distance === null) continue;
    const low = floor !== null && distance < floor ? `   short: usually at least ${floor.toFixed(2)} A` : '';
    lines.push(`    ${pair.padEnd(pairWidth)}  ${distance.toFixed(3).padStart(7)} A${low}`);
  }
  if (report.warnings.length > 0)
    lines.push('', ...report.warnings.map(({ message, line }) => `  note: ${message}${line ? ` (line ${line})` : ''}`));
  return lines.join('\n');
}

function chargeText({ charge, chargeSource }: StructureReport): string {
  if (charge === null) return 'unknown';
  const value = Math.abs(charge) < 1e-6 ? 'neutral' : `${charge > 0 ? '+' : ''}${Number(charge.toFixed(6))} e`;
  return `${value} (${chargeSource === 'structure' ? 'charges of the file' : 'usual charges of the elements'})`;
}

function degrees(angle: number): string {
  return String(Number(angle.toFixed(4)));
}

function periodicText(periodic: readonly boolean[]): string {
  const along = ['a', 'b', 'c'].filter((_, k) => periodic[k]);
  return along.length === 0 ? 'in no direction' : `along ${along.join(', ')}`;
}

function symmetryText({ hermannMauguin, number, pearson, tolerance }: SymmetryAnalysis): string {
  return `${hermannMauguin} (no. ${number}, ${pearson}) within ${tolerance} A`;
}
