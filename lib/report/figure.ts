/** One figure of the page: title, legend, drawing, caption. */
import { type Content, html } from './html.js';
import { drawPlot, legend, type Plot } from './plot.js';

export interface Figure {
  /** Unique in the page; also the anchor. */
  id: string;
  title: string;
  plot: Plot;
  caption: Content;
}

export function figureHtml({ id, title, plot, caption }: Figure): Content {
  return html`<figure id="${id}"><h3>${title}</h3>${legend(plot.series)}${drawPlot(id, plot)}<figcaption>${caption}</figcaption></figure>\n`;
}

/** Ids of HTML and SVG from any name. */
export const idOf = (...parts: readonly (string | number)[]): string =>
  parts.join('-').replace(/[^A-Za-z0-9_-]/g, (c) => `_${c.codePointAt(0)!.toString(16)}`);
