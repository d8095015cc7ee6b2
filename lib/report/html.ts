/** Safe HTML text: everything that is put into a page goes through {@link html}, which escapes it unless it is HTML already. */

/** A fragment of HTML that is known to be safe. */
export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

export type Content = Html | string | number | null | undefined | false | readonly Content[];

/**
 * Characters that XML and HTML forbid even when escaped (C0 and C1 controls, lone surrogates, non-characters), and the
 * direction overrides with which a hostile name could reorder the text around it.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be removed
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Cs}/gu;
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Html) return content.text;
  if (Array.isArray(content)) return content.map(render).join('');
  return escapeHtml(String(content));
}

/** Template tag: html`<p>${text}</p>` escapes `text`. Arrays are joined, null, undefined and false give nothing. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  let out = strings[0]!;
  for (let i = 0; i < values.length; i++) out += render(values[i]) + strings[i + 1]!;
  return new Html(out);
}

/** A relative link inside the run directory: each part percent-encoded, so that no name can become a scheme or leave the folder. */
export function relativeLink(...parts: string[]): string {
  return `./${parts.map(encodeURIComponent).join('/')}`;
}
