/** `ionclay doctor`: what is installed and whether it works; says what is wrong and what to do. */
import type { Command } from 'commander';
import type { Context } from '../command.js';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly hint?: string;
}

export function register(program: Command, context: Context): void {
  context
    .command(program, 'doctor', 'what is installed here: Node, addon, instruction sets, threads, models; says what is wrong')
    .action(
      context.action(async (session) => {
        const checks = await runChecks();
        const failed = checks.filter((check) => !check.ok);
        session.result({ ok: failed.length === 0, checks }, () => textOf(checks));
        if (failed.length > 0) session.exit(1);
      }),
    );
}

async function runChecks(): Promise<Check[]> {
  const checks: Check[] = [];
  const attempt = async (name: string, hint: string, look: () => Promise<string> | string) => {
    try {
      checks.push({ name, ok: true, found: await look() });
    } catch (error) {
      checks.push({ name, ok: false, found: (error as Error).message, hint: (error as { hint?: string }).hint ?? hint });
    }
  };
  const major = Number(process.versions.node.split('.')[0]);
  checks.push({
    name: 'node',
    ok: major >= 20,
    found: `${process.versions.node} (Node-API ${process.versions.napi}), ${process.platform} ${process.arch}`,
    hint: major >= 20 ? undefined : 'install Node 20 or newer',
  });
  const { addonPath, chooseIsa, nativeAddon } = require('../../native/loader.js') as typeof import('../../native/loader.js');
  const build = 'build it: node scripts/build-native.mjs in the package folder';
  await attempt('addon', build, () => `${nativeAddon().info().compiler}, ${addonPath()}`);
  await attempt('instruction sets', build, () => `${nativeAddon().info().available.join(', ')}; used: ${chooseIsa()}`);
  const { availableParallelism } = require('node:os') as typeof import('node:os');
  await attempt(
    'threads',
    build,
    () => `${availableParallelism()} available to this process, ${nativeAddon().info().hardwareThreads} in the machine`,
  );
  const { bundledModels } = require('../../potential/bundled.js') as typeof import('../../potential/bundled.js');
  const { loadPotential } = require('../../potential/load.js') as typeof import('../../potential/load.js');
  await attempt('models', 'install ionclay again', () => `${bundledModels().length} bundled`);
  for (const { name } of checks.at(-1)?.ok ? bundledModels() : []) {
    // Loading compares the SHA-256 with the recorded one and builds the native tables.
    await attempt(`model ${name}`, 'install ionclay again', async () => {
      const potential = await loadPotential(name);
      return `${potential.species.join(' ')}, cutoff ${potential.cutoff} A`;
    });
  }
  const { listCrystals } = require('../../builders/crystal.js') as typeof import('../../builders/crystal.js');
  await attempt('crystals', 'install ionclay again', async () => `${(await listCrystals()).length} bundled`);
  return checks;
}

function textOf(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap((check) => [
    `${check.ok ? 'ok  ' : 'BAD '} ${check.name.padEnd(width)}  ${check.found}`,
    ...(check.hint ? [`     ${' '.repeat(width)}  ${check.hint}`] : []),
  ]);
  const failed = checks.filter((check) => !check.ok).length;
  lines.push('', failed === 0 ? 'Everything is in order.' : `${failed} of ${checks.length} checks failed.`);
  return lines.join('\n');
}
