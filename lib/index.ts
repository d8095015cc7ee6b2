/**
 * ionclay: molecular dynamics and transport analysis of solid-state ionic conductors. What this file exports is the library; the
 * command line is made of the same functions.
 */

// Analysis
export { conductivity } from './analysis/conductivity.js';
export { coordination } from './analysis/coordination.js';
export { describe } from './analysis/describe.js';
export { diffusion } from './analysis/diffusion.js';
export { msd } from './analysis/msd.js';
export { rdf } from './analysis/rdf.js';
export { report } from './builders/checks.js';
// Builders
export { clay } from './builders/clay.js';
export { type CrystalOptions, crystal, listCrystals } from './builders/crystal.js';
export { minimumEdge, nearCubicSupercell, orthogonalSupercell, supercell } from './builders/supercell.js';
export { cellFromLengthsAndAngles, lengthsAndAngles, perpendicularWidths, restrictedForm, type Vec3 } from './cell.js';
export type { Progress, Thermo } from './dynamics/engine.js';
export { type Ensemble, nph, npt, nve, nvt } from './dynamics/ensembles.js';
export type { Frame } from './dynamics/frame.js';
export type { Integrator, SavedValues, StepContext } from './dynamics/integrator.js';
// Dynamics
export { minimize } from './dynamics/minimize.js';
export { fillNormals, normalPair, philox4x32, uniformPair } from './dynamics/random.js';
export { Simulation, type SimulationOptions } from './dynamics/simulation.js';
export type { SystemState } from './dynamics/state.js';
export { type ErrorDetails, IonclayError, PotentialError, SimulationError, StructureError, StudyError } from './errors.js';
export { type Estimate, type EstimateStatus, estimateToJson, type ReasonCode } from './estimate.js';
export { AmberNetcdfReader, AmberNetcdfWriter } from './io/amber-netcdf.js';
export { formatCif, parseCif, readCifStructure } from './io/cif.js';
export { formatExtxyz, parseExtxyz } from './io/extxyz.js';
export { formatPoscar, parsePoscar } from './io/poscar.js';
// Files
export { type ReadOptions, readFrames, readStructure, readTrajectory, writeFrames, writeStructure } from './io/read.js';
// Potentials
export { bundledModels } from './potential/bundled.js';
export { Committee } from './potential/committee.js';
export { type LoadPotentialOptions, loadPotential } from './potential/load.js';
export { type PairPotentialOptions, pairCurve, pairPotential } from './potential/pair-potential.js';
export type { Deviation, Evaluation, ForceField, Potential, PotentialInfo, SelOverflow } from './potential/potential.js';
export { writeReport } from './report/report.js';
// Studies
export { checkStudy, resumeStudy, runStudy, studyStatus } from './report/run-study.js';
export {
  distinctSymbols,
  type JsonValue,
  makeStructure,
  massesOf,
  type Structure,
  type StructureInput,
  symbolsOf,
  type Tag,
  volumeOf,
  type Warning,
} from './structure.js';
// Units, errors, structures
export * from './units.js';
