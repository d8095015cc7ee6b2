/** Finds and loads the native addon: a build of this checkout first, else the prebuilt binary of the package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { types } from 'node:util';
import { IonclayError } from '../errors.js';
import type { Isa, NativeAddon } from './addon.js';

let loaded: NativeAddon | undefined;

/** Folder that holds package.json: the parent of lib/ or dist/, wherever this file was compiled to. */
export function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'native', 'sources.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new IonclayError('PACKAGE_INCOMPLETE', `no package.json above ${__dirname}`, { hint: 'install ionclay again' });
    folder = parent;
  }
  return folder;
}

/** Where the addon was loaded from, for `doctor`. */
export function addonPath(): string | null {
  try {
    return (require('node-gyp-build') as { resolve(root: string): string }).resolve(packageRoot());
  } catch {
    return null;
  }
}

/**
 * The addon, loaded once. Throws `NATIVE_NOT_FOUND` or `NATIVE_NOT_LOADED`, saying what was looked for, on which platform, and the
 * one command that fixes it.
 */
export function nativeAddon(): NativeAddon {
  if (loaded) return loaded;
  const root = packageRoot();
  const here = `${process.platform}-${process.arch}, Node ${process.versions.node} (Node-API ${process.versions.napi})`;
  if (Number(process.versions.napi) < 8) {
    throw new IonclayError('NATIVE_NOT_LOADED', `this Node is too old: Node-API 8 is needed (${here})`, {
      hint: 'use Node 20 or newer',
    });
  }
  const path = addonPath();
  if (!path) {
    throw new IonclayError(
      'NATIVE_NOT_FOUND',
      `the native addon was found neither in ${join(root, 'build')} nor in ${join(root, 'prebuilds')} (${here})`,
      {
        hint: 'build it: node scripts/build-native.mjs in the package folder (needs a C++20 compiler, make and Python 3)',
      },
    );
  }
  try {
    loaded = require(path) as NativeAddon;
  } catch (cause) {
    throw new IonclayError('NATIVE_NOT_LOADED', `${path} could not be loaded (${here}): ${(cause as Error).message}`, {
      cause,
      hint: 'build it for this machine: node scripts/build-native.mjs in the package folder',
    });
  }
  return loaded;
}

/** The instruction set asked for, or the best (`IONCLAY_ISA` overrides). Throws `ISA_UNAVAILABLE` with those that there are. */
export function chooseIsa(requested?: string): Isa {
  const info = native(() => nativeAddon().info());
  const isa = requested ?? info.isa;
  if (!info.available.includes(isa as Isa)) {
    throw new IonclayError('ISA_UNAVAILABLE', `instruction set "${isa}" is not available here`, {
      hint: `available: ${info.available.join(', ')}`,
    });
  }
  return isa as Isa;
}

/** Runs a native call and turns its error {code, message, atom, details} into an IonclayError. */
export function native<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}

export function fromNative(error: unknown): Error {
  const { code, message, atom, details } = error as {
    code?: string;
    message?: string;
    atom?: number;
    details?: Record<string, unknown>;
  };
  // Not instanceof Error: the addon's errors may belong to another realm than this file (vm contexts, test runners).
  if (!types.isNativeError(error) || error instanceof IonclayError || typeof code !== 'string') return error as Error;
  return new IonclayError(code, message ?? code, { ...details, atom, cause: error });
}
