/** What the contract names and this version does not build is refused by its key, never ignored (interface.md 1). */
import { notAvailable } from '../errors.js';
import { LATER_BUILDERS, PROTOCOLS, type Study, type StudyStage } from './schema.js';

type Refusal = readonly [key: string, given: boolean, what: string, hint?: string];

const FIXED_CELL = 'this version runs nve and nvt at fixed cell';

/** Throws NOT_AVAILABLE for the first key whose feature is not built. */
export function refuseWhatIsNotBuilt(study: Study): void {
  refuse([
    ['sweep', study.sweep !== undefined, 'a sweep', 'run the study once for each value, with --set'],
    ['barostat', study.barostat !== undefined, 'a barostat', FIXED_CELL],
    ['thermostat.csvr', study.thermostat?.csvr !== undefined, 'the thermostat csvr', 'use nose-hoover or langevin'],
    ...potential(study),
    ...structure(study),
  ]);
  study.stages.forEach((stage, index) => {
    refuse(ofStage(stage, `stages[${index}]`));
  });
}

function refuse(refusals: readonly Refusal[]): void {
  for (const [key, given, what, hint] of refusals) if (given) throw notAvailable(key, what, hint);
}

function potential({ potential: block }: Study): Refusal[] {
  const given = (name: string) => block?.[name] !== undefined;
  return [
    ['potential.overlay', given('overlay'), 'an overlay on a model', 'use the model alone, with model:'],
    ['potential.model', given('model'), 'a model inside potential', 'name it as model:'],
  ];
}

function structure({ structure: block }: Study): Refusal[] {
  if (typeof block === 'string') return [];
  return [
    ...LATER_BUILDERS.map(
      (name): Refusal => [
        `structure.${name}`,
        block[name] !== undefined,
        `the builder ${name}`,
        'build a crystal, or give the path of a structure file',
      ],
    ),
    [
      'structure.crystal.occupancy',
      block.crystal?.occupancy !== undefined,
      'resolving partial occupancies',
      'give a structure whose sites are full',
    ],
    ['structure.then', block.then !== undefined, 'changes after building', 'change the structure in a file of its own'],
  ];
}

function ofStage(stage: StudyStage, at: string): Refusal[] {
  const given = (name: keyof StudyStage, what: string, hint?: string): Refusal => [
    `${at}.${name}`,
    stage[name] !== undefined,
    what,
    hint,
  ];
  const { ensemble } = stage;
  return [
    ...PROTOCOLS.map((name) => given(name, `the protocol ${name}`, 'write its stages one by one')),
    given('minimize', 'relaxation', 'start from a relaxed structure, or equilibrate with nvt'),
    [`${at}.ensemble`, ensemble === 'npt' || ensemble === 'nph', `the ensemble ${ensemble}`, FIXED_CELL],
    [`${at}.thermostat.csvr`, stage.thermostat?.csvr !== undefined, 'the thermostat csvr', 'use nose-hoover or langevin'],
    given('barostat', 'a barostat', FIXED_CELL),
    given('stress', 'a stress target', FIXED_CELL),
    given('pressure', 'a pressure target', FIXED_CELL),
    given('measure', 'the choice of the stress measure', FIXED_CELL),
    given('couple', 'coupling of cell components', FIXED_CELL),
    given('strain-rate', 'deformation', FIXED_CELL),
    given('cell', 'running at a mean cell', FIXED_CELL),
    given('limit-displacement', 'limiting displacements', 'start from a structure without overlaps'),
  ];
}
