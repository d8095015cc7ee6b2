/** The report of a run: one self-contained HTML page (interface.md 3.3). It asks the network and other files for nothing. */
import { rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chargeFigures, conductivityFigure } from './conductivity-figure.js';
import { estimatesOf, estimateTable } from './estimates.js';
import { type Figure, figureHtml } from './figure.js';
import { headline } from './headline.js';
import { type Content, Html, html } from './html.js';
import { motionFigures } from './motion-figures.js';
import { filesSection, provenanceSection, warningsSection } from './notes.js';
import { readRun } from './read-run.js';
import type { ReportData } from './run-data.js';
import { setupSection } from './setup.js';
import { coordinationFigures, distributionFigures } from './structure-figures.js';
import { STYLE } from './style.js';
import { thermoFigures } from './thermo-figures.js';

export type { ReportData } from './run-data.js';

function section(id: string, title: string, ...content: Content[]): Content {
  const shown = content.filter(
    (part) => part !== null && part !== undefined && part !== false && !(Array.isArray(part) && part.length === 0),
  );
  return shown.length === 0
    ? null
    : html`<section id="${id}" aria-labelledby="h-${id}"><h2 id="h-${id}">${title}</h2>${shown}</section>\n`;
}

const gallery = (figures: readonly Content[]): Content => {
  const drawn = figures.filter((figure) => figure !== null);
  return drawn.length === 0 ? null : html`<div class="figures">${drawn}</div>`;
};

const drawAll = (figures: readonly Figure[]): Content[] => figures.map(figureHtml);

/** The page of a run, a function of `data` alone: the same data give the same bytes. */
export function renderReport(data: ReportData): string {
  const estimates = estimatesOf(data.analyses);
  const names = data.stages.map((stage) => stage.name);
  const sections: [id: string, title: string, content: Content][] = [
    ['setup', 'What was run', setupSection(data)],
    [
      'motion',
      'How the ions move',
      section(
        'motion',
        'How the ions move',
        gallery(
          names.flatMap((name) => [
            ...drawAll(motionFigures(data, name, estimates)),
            conductivityFigure(name, estimates),
            ...drawAll(chargeFigures(data, name)),
          ]),
        ),
      ),
    ],
    ['estimates', 'All estimates', section('estimates', 'All estimates', estimates.length > 0 && estimateTable(estimates))],
    [
      'structure',
      'Structure',
      section(
        'structure',
        'Structure',
        gallery(names.flatMap((name) => drawAll([...distributionFigures(data, name), ...coordinationFigures(data, name)]))),
      ),
    ],
    ['course', 'Course of the run', section('course', 'Course of the run', gallery(drawAll(thermoFigures(data))))],
    ['warnings', 'Warnings', warningsSection(data)],
    ['provenance', 'Provenance', provenanceSection(data)],
    ['files', 'Data', filesSection(data)],
  ];
  const present = sections.filter(([, , content]) => content !== null);
  const navigation = html`<nav aria-label="Sections">${present.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}</nav>`;
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="generator" content="ionclay">
<title>${data.name} · ionclay report</title>
<link rel="icon" href="data:,">
<style>${new Html(STYLE)}</style>
</head>
<body><main>
${headline(data, estimates)}
${navigation}
${present.map(([, , content]) => content)}
</main></body>
</html>
`;
  return page.text;
}

/**
 * Makes `report.html` in a run directory from what is there, whatever state the run is in.
 * @returns the path of the page. Throws `NOT_A_RUN` where the directory is not that of a run.
 */
export async function writeReport(runDirectory: string): Promise<string> {
  const directory = resolve(runDirectory);
  const page = renderReport(await readRun(directory));
  const path = join(directory, 'report.html');
  // Whole or not at all: a reader may have the old page open, and a full disk must not leave half a page.
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, page);
  await rename(temporary, path);
  return path;
}
