/** The commands in the order of the help page; each file registers itself (see command.ts). */
import type { Register } from './command.js';

export const COMMANDS: readonly Register[] = [];
