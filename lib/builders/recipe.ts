/** Recipes: the `structure:` block of a study and the file of `ionclay build` (interface.md 4), as plain data. */
import { notAvailable, StructureError, unknownKey } from '../errors.js';
import type { Structure } from '../structure.js';
import { type CrystalOptions, crystal, type RecipeContext } from './crystal.js';

/** Builders that the contract names; all but the first are not built yet. */
const BUILDERS = ['crystal', 'slab', 'interface', 'particle', 'clay', 'polycrystal', 'pack'];

/**
 * Structure from a recipe `{ crystal: {...} }` with kebab-case keys. `context.key` is the path of the recipe (`structure` in a study).
 * Errors: those of the builder, `UNKNOWN_KEY`, `NOT_AVAILABLE`, `E_RECIPE`.
 */
export async function buildRecipe(recipe: unknown, context: RecipeContext = {}): Promise<Structure> {
  const base = context.key ?? 'structure';
  if (!isMap(recipe)) {
    throw new StructureError('E_RECIPE', `${base}: expected a builder with its options, got ${JSON.stringify(recipe)}`, {
      key: base,
      hint: 'crystal: { name: MgCl2, supercell: [4, 4, 2] }',
    });
  }
  for (const name of Object.keys(recipe)) {
    const known = [...BUILDERS, 'then'];
    if (!known.includes(name)) throw unknownKey(`${base}.${name}`, name, known);
  }
  const builders = Object.keys(recipe).filter((name) => BUILDERS.includes(name));
  if (builders.length !== 1) {
    throw new StructureError(
      'E_RECIPE',
      `${base}: expected one builder, found ${builders.length === 0 ? 'none' : builders.join(' and ')}`,
      {
        key: base,
        hint: `one of ${BUILDERS.join(', ')}`,
      },
    );
  }
  const [builder] = builders as [string];
  if (builder !== 'crystal')
    throw notAvailable(`${base}.${builder}`, `the builder ${builder}`, 'crystal, and any structure file, are');
  if (recipe.then !== undefined) throw notAvailable(`${base}.then`, 'changing a built structure in steps (then)', 'leave it out');
  const key = `${base}.crystal`;
  if (!isMap(recipe.crystal)) {
    throw new StructureError(
      'E_RECIPE',
      `${key}: expected options such as { name: MgCl2 }, got ${JSON.stringify(recipe.crystal)}`,
      { key },
    );
  }
  return crystal(camelCased(recipe.crystal, key) as CrystalOptions, { ...context, key });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys of files are kebab-case, those of the library camelCase; each in its place. */
function camelCased(options: Record<string, unknown>, key: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (/[A-Z]/.test(name)) {
      const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw unknownKey(`${key}.${name}`, name, [kebab]);
    }
    out[name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())] = value;
  }
  return out;
}
