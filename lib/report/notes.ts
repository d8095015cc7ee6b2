/** The end of the page: warnings, provenance, files. */
import { type Content, html, relativeLink } from './html.js';
import { numberText, unitText } from './quote.js';
import { isObject, type Json, type JsonObject, type ReportData } from './run-data.js';
import { factTable } from './setup.js';
import { observableWords } from './words.js';

/** Warnings of the run and of each analysis, and files that could not be read. */
export function warningsSection(data: ReportData): Content {
  const own = data.provenance['warnings'];
  const warnings: string[] = Array.isArray(own) ? own.map((w) => (typeof w === 'string' ? w : JSON.stringify(w))) : [];
  for (const document of data.analyses) {
    for (const warning of document.warnings)
      warnings.push(`${observableWords(document.observable)}${document.stage ? `, stage ${document.stage}` : ''}: ${warning}`);
  }
  const all = [...new Set([...warnings, ...data.problems])];
  return html`<section id="warnings" aria-labelledby="h-warnings"><h2 id="h-warnings">Warnings</h2>${
    all.length === 0 ? html`<p>None.</p>` : html`<ul class="warnings">${all.map((warning) => html`<li>${warning}</li>\n`)}</ul>`
  }</section>`;
}

const KEY_WORDS: Readonly<Record<string, string>> = {
  isa: 'Instruction set',
  sha256: 'SHA-256',
  started: 'Started',
  ended: 'Ended',
  start: 'Started',
  end: 'Ended',
};

/** `sel_overflow` -> `Sel overflow`, `skin_A` -> `Skin (Å)`; paths are joined by a middle dot, names of files stay as they are. */
function label(path: readonly string[]): string {
  const words = path.map((key) => {
    if (Object.hasOwn(KEY_WORDS, key)) return KEY_WORDS[key]!;
    if (/[./]/.test(key)) return key;
    const [, name, unit] = /^(.*?)(?:_(A|fs|s|K|eV|GPa|eV_per_A|g_per_cm3))?$/.exec(key)!;
    return `${name!.replace(/[_-]/g, ' ')}${unit ? ` (${unitText(unit)})` : ''}`;
  });
  const text = words
    .map((word, i) => (i === 0 || word === 'SHA-256' || /[./]/.test(word) ? word : word.charAt(0).toLowerCase() + word.slice(1)))
    .join(' · ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Every entry of provenance.json, so that nothing that was recorded is lost on the way. */
function flatten(object: JsonObject, path: readonly string[], rows: [string, Content][]): void {
  for (const [key, value] of Object.entries(object)) {
    const here = [...path, key];
    if (isObject(value)) flatten(value, here, rows);
    else if (Array.isArray(value) && value.some(isObject))
      for (const [i, inner] of value.entries()) flatten({ [String(i + 1)]: inner }, here, rows);
    else if (value !== null && !(Array.isArray(value) && value.length === 0)) rows.push([label(here), provenanceValue(value)]);
  }
}

function provenanceValue(value: Json): Content {
  const text = Array.isArray(value)
    ? value.map(String).join(', ')
    : typeof value === 'number' && !Number.isInteger(value)
      ? numberText(value, '', 12)
      : String(value);
  return /^[0-9a-f]{40,}$/.test(text) ? html`<span class="hash">${text}</span>` : text;
}

export function provenanceSection(data: ReportData): Content {
  const rows: [string, Content][] = [];
  // Warnings and defaults have places of their own above.
  const { warnings: _, defaults: __, ...recorded } = data.provenance;
  flatten(recorded, [], rows);
  return html`<section id="provenance" aria-labelledby="h-provenance"><h2 id="h-provenance">Provenance</h2>${
    rows.length === 0 ? html`<p>Nothing is recorded.</p>` : factTable(rows)
  }${data.studyText !== null && html`<details><summary>The study file</summary><pre>${data.studyText}</pre></details>`}</section>`;
}

/** Links to tables and other files by their relative names: they work wherever the whole folder lies. */
export function filesSection(data: ReportData): Content {
  if (data.files.length === 0) return null;
  return html`<section id="files" aria-labelledby="h-files"><h2 id="h-files">Data</h2><p>Every curve above as a table, relative to the folder of this page.</p><ul class="files">${data.files.map(
    (file) => html`<li><a href="${relativeLink(...file.split('/'))}">${file}</a></li>\n`,
  )}</ul></section>`;
}
