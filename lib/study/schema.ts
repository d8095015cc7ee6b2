/**
 * The grammar of a study file (interface.md 3, 3.1, 3.2): one source of the TypeScript types, of the checks and of the JSON Schema. It
 * knows everything that the contract names; what this version does not build is refused by availability.ts.
 */
import { z } from 'zod';
import { anything, block, choice, flag, listOf, mapOf, number, quantity, text, whole } from './fields.js';

const temperature = quantity('temperature', '300 K', { above: 0 });
const time = quantity('time', '1 ps', { above: 0 });
const stress = quantity('stress', '10 MPa');
const rate = quantity('rate', '1e9 /s');

const temperatureTarget = z
  .union([temperature, z.tuple([temperature, temperature])])
  .meta({ description: 'a temperature, or [from, to] for a ramp that is linear in the step' });

const thermostat = block('one of nose-hoover, langevin, csvr', {
  'nose-hoover': block('a map such as { damping: 0.2 ps }', {
    damping: quantity('time', '0.2 ps', { above: 0 }).optional(),
    chain: whole(1).optional(),
    weights: z.literal([1, 3, 5, 7], { error: () => 'expected 1, 3, 5 or 7' }).optional(),
    substeps: whole(1).optional(),
  }).optional(),
  langevin: block('a map such as { friction: 1 /ps }', { friction: quantity('rate', '1 /ps', { above: 0 }) }).optional(),
  csvr: block('a map such as { damping: 0.1 ps }', { damping: time.optional() }).optional(),
}).meta({ description: 'default for nvt and npt: nose-hoover with damping 0.2 ps' });

const components = ['xx', 'yy', 'zz', 'yz', 'xz', 'xy'] as const;
const byComponent = <T extends z.ZodType>(value: T) =>
  Object.fromEntries(components.map((name) => [name, value.optional()])) as Record<(typeof components)[number], z.ZodOptional<T>>;

const barostat = block('one of mtk, langevin, rescale', {
  mtk: block('a map such as { damping: 1 ps }', {
    damping: z.union([time, block('a map by component', byComponent(time))]).optional(),
    chain: whole(1).optional(),
  }).optional(),
  langevin: block('a map such as { friction: 5 /ps, damping: 1 ps }', {
    friction: rate.optional(),
    damping: time.optional(),
  }).optional(),
  rescale: block('a map such as { damping: 1 ps }', { damping: time.optional() }).optional(),
}).meta({ description: 'default for npt and nph: mtk with damping 1 ps' });

const stressTarget = z.union([stress, z.tuple([stress, stress])]);

const fixed = block('{ species: [Y] }, { atoms: [0, 1] } or { tag: substrate }', {
  species: listOf(text('an element'), 'elements, such as [Y]').optional(),
  atoms: listOf(whole(0), 'atom numbers from 0').optional(),
  tag: text('the name of a tag').optional(),
}).meta({ description: 'atoms that do not move' });

const sample = block('a map such as { thermo: 10 fs, trajectory: 1 ps }', {
  thermo: time.optional().meta({ description: 'interval of thermo.csv (default 100 fs)' }),
  trajectory: time.optional().meta({ description: 'interval of trajectory.nc; without it no trajectory is written' }),
  precision: choice(['single', 'double']).optional(),
  velocities: flag().optional(),
});

const velocities = z
  .union([choice(['maxwell', 'file', 'zero']), block('maxwell, file, zero or { temperature: 600 K }', { temperature })])
  .meta({
    description:
      "start velocities: drawn at the stage's first temperature, those of the structure, zero, or drawn at a temperature",
  });

const minimize = block('a map such as { cell: fixed, force-tolerance: 0.01 eV/A }', {
  cell: choice(['fixed', 'iso', 'ortho', 'triclinic']).optional(),
  'force-tolerance': quantity('force', '0.01 eV/A', { above: 0 }).optional(),
  'stress-tolerance': quantity('stress', '0.01 GPa', { above: 0 }).optional(),
  steps: whole(1).optional(),
  method: choice(['fire', 'lbfgs']).optional(),
  accept: flag().optional(),
});

/** Named groups of stages (interface.md 3.1, last point). */
export const PROTOCOLS = [
  'stress-pulses',
  'strain-rate-shear',
  'melt-quench',
  'anneal',
  'glass-transition',
  'elastic',
  'equation-of-state',
  'quench-snapshots',
  'doas',
] as const;

const protocols = Object.fromEntries(PROTOCOLS.map((name) => [name, anything(`the options of ${name}`).optional()])) as Record<
  (typeof PROTOCOLS)[number],
  z.ZodOptional<ReturnType<typeof anything>>
>;

const stage = block('a stage such as { name: mix, run: 50 ps, ensemble: nvt, temperature: 900 K }', {
  name: z
    .string({ error: () => 'expected a name of letters, digits, - and _' })
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, {
      error: () => 'expected a name of letters, digits, - and _ (it becomes a folder)',
    })
    .optional(),
  run: time.optional().meta({ description: 'duration of the stage; or give steps' }),
  steps: whole(1).optional(),
  ensemble: choice(['nve', 'nvt', 'npt', 'nph']).optional(),
  temperature: temperatureTarget.optional(),
  velocities: velocities.optional(),
  timestep: time.optional(),
  thermostat: thermostat.optional(),
  barostat: barostat.optional(),
  stress: z.union([stress, block('a stress or a map by component', byComponent(stressTarget))]).optional(),
  pressure: stress.optional(),
  measure: choice(['cauchy', 'pk2']).optional(),
  couple: choice(['none', 'xy', 'xz', 'yz', 'xyz']).optional(),
  'strain-rate': block('a map such as { yz: 1e9 /s }', {
    ...byComponent(rate),
    kind: choice(['engineering', 'true']).optional(),
  }).optional(),
  fixed: fixed.optional(),
  sample: sample.optional(),
  'limit-displacement': quantity('length', '0.1 A', { above: 0 }).optional(),
  minimize: minimize.optional(),
  'stop-above': quantity('force', '0.5 eV/A', { above: 0 }).optional().meta({
    description:
      'a force, such as 0.5 eV/A: at a row of thermo.csv where the force deviation of a committee of models is larger, the stage ends',
  }),
  cell: block('a map such as { mean-of: equilibrate, last: 1 ns }', {
    'mean-of': text('the name of a stage'),
    last: time.optional(),
  }).optional(),
  from: text('the name of an earlier stage')
    .optional()
    .meta({ description: "start from an earlier stage's end (default: the stage before)" }),
  ...protocols,
});

const integerRow = z.tuple([z.int(), z.int(), z.int()], { error: () => 'expected three whole numbers' });

const integerMatrix = z.tuple([integerRow, integerRow, integerRow], {
  error: () => 'expected three rows of three whole numbers',
});

const crystal = block('a map such as { name: MgCl2, supercell: [4, 4, 2] }', {
  file: text('the name of a bundled crystal or a path').optional(),
  name: text('a formula').optional(),
  supercell: z
    .union([
      integerRow,
      integerMatrix,
      block('a map such as { matrix: [[1, 1, 0], [-1, 1, 0], [0, 0, 1]] }', { matrix: integerMatrix }),
    ])
    .optional(),
  'allow-charged': flag().optional(),
  occupancy: anything('a map such as { seed: 1, method: random }').optional(),
});

/** Builders of the `structure:` block besides `crystal` (interface.md 4). */
export const LATER_BUILDERS = ['slab', 'interface', 'particle', 'clay', 'polycrystal', 'pack'] as const;

const laterBuilders = Object.fromEntries(
  LATER_BUILDERS.map((name) => [name, anything(`the options of ${name}`).optional()]),
) as Record<(typeof LATER_BUILDERS)[number], z.ZodOptional<ReturnType<typeof anything>>>;

const structure = z
  .union([
    text('the path of a structure file'),
    block('a path or a builder such as { crystal: {...} }', {
      crystal: crystal.optional(),
      ...laterBuilders,
      // biome-ignore lint/suspicious/noThenProperty: the word of the study file; nothing awaits this object
      then: listOf(anything('one change, such as { rattle: 0.05 A }'), 'changes').optional(),
    }),
  ])
  .meta({ description: 'a path, or a builder with its parameters' });

const seed = z
  .union([whole(0), z.string().regex(/^\d{1,20}$/, { error: () => 'expected a whole number, such as 7' })], {
    error: () => 'expected a whole number, such as 7',
  })
  .transform((value, context) => {
    const wide = BigInt(value);
    if (wide < 1n << 64n) return wide.toString();
    context.addIssue({ code: 'custom', message: 'expected a whole number below 2^64' });
    return z.NEVER;
  })
  .meta({ description: 'seed of all random numbers of the study: a whole number below 2^64' });

export const studySchema = block('a study: a map with the keys study, model, structure, stages ...', {
  study: z.string({ error: () => 'expected a name such as mg-clay-300K' }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
    error: () => 'expected a name of letters, digits, ., - and _ (it becomes a folder)',
  }),
  seed: seed.optional(),
  model: z
    .union([text('a bundled name or a path'), listOf(text('a bundled name or a path'), 'models').min(1)])
    .optional()
    .meta({ description: 'bundled name or path; a list is a committee, the first drives' }),
  potential: anything('the options of a pair potential').optional().meta({ description: 'pair terms instead of a model' }),
  types: mapOf(z.union([z.string(), whole(0)]), 'a map such as { O: A, H: 1 }')
    .optional()
    .meta({ description: 'species to type names or numbers of the model' }),
  fparam: listOf(number(), 'numbers, such as [0.1, 0.2]')
    .min(1, { error: () => 'expected at least one number' })
    .optional()
    .meta({ description: 'frame parameters of models that were trained with them' }),
  aparam: text('the path of a text file')
    .optional()
    .meta({ description: 'atom parameters: a text file with one row an atom, numbers separated by blanks' }),
  precision: choice(['double', 'mixed'])
    .optional()
    .meta({ description: 'mixed: nets and tables in float32, all sums and the dynamics in double' }),
  compression: choice(['none', 'auto'])
    .optional()
    .meta({ description: 'auto: embedding nets are evaluated by tables with a measured error' }),
  'sel-overflow': choice(['truncate', 'grow', 'stop']).optional(),
  skin: quantity('length', '1 A', { least: 0 }).optional(),
  structure,
  timestep: time.optional(),
  thermostat: thermostat.optional(),
  barostat: barostat.optional(),
  checkpoint: quantity('time', '60 s', { above: 0 })
    .optional()
    .meta({ description: 'wall time between checkpoints (default 60 s)' }),
  stages: listOf(stage, 'stages').min(1, { error: () => 'expected at least one stage' }),
  analyses: listOf(
    mapOf(
      z.looseObject({ stage: text('the name of a stage').optional() }, { error: () => 'expected a map of options' }),
      'one observable with its options',
    ),
    'analyses, such as - diffusion: { stage: production }',
  ).optional(),
  sweep: anything('the parameters of a sweep').optional(),
});

/** A study as the grammar reads it: quantities are numbers in the package's units, names are kebab-case. */
export type Study = z.output<typeof studySchema>;
export type StudyInput = z.input<typeof studySchema>;
export type StudyStage = Study['stages'][number];

/** The JSON Schema (2020-12) that editors use to complete and check study files. */
export function studyJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(studySchema, { io: 'input', target: 'draft-2020-12', reused: 'inline' }) as Record<
    string,
    unknown
  >;
  return {
    ...schema,
    title: 'ionclay study',
    description: 'A complete, replayable description of a simulation: structure, model, stages, analyses.',
  };
}

/** Text of schema/study.json. */
export const studySchemaText = () => `${JSON.stringify(studyJsonSchema(), null, 2)}\n`;
