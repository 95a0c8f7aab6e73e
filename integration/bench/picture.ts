/** The spans of a start as an SVG: a line for each, in the order in which they begin. */
import type { Span } from "../harness/trace.ts";

const SCALE = 1.6;
const LINE = 18;
const LEFT = 330;
const TOP = 46;
const COLOURS: Readonly<Record<string, string>> = { daemon: "#59a14f", delete: "#b07aa1" };

export function picture(spans: readonly Span[], guestMs: number): string {
  const lines = spans.toSorted((one, other) => one.begin - other.begin);
  const end = Math.max(...lines.map(({ begin, length }) => begin + length));
  const [width, height] = [LEFT + end * SCALE + 80, TOP + lines.length * LINE + 20];
  const title = `A start of ${end.toFixed(0)} ms, of which the guest's processor ran ${guestMs.toFixed(0)} ms`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width.toFixed(0)}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="10" y="20" font-size="15">${title}</text>`,
    ...grid(end, height),
    ...lines.flatMap(bar),
    "</svg>\n",
  ].join("\n");
}

function grid(end: number, height: number): string[] {
  const marks = Array.from({ length: Math.floor(end / 50) + 1 }, (_, index) => index * 50);
  return marks.flatMap((ms) => {
    const x = (LEFT + ms * SCALE).toFixed(1);
    return [
      `<line x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${height}" stroke="#ddd"/>`,
      `<text x="${x}" y="${TOP - 12}" fill="#888" text-anchor="middle">${ms}</text>`,
    ];
  });
}

function bar({ name, process, begin, length }: Span, index: number): string[] {
  const y = TOP + index * LINE;
  const x = LEFT + begin * SCALE;
  const colour = COLOURS[process] ?? "#999";
  const text = `${process}: ${name}`.slice(0, 52).replace(/[<&]/g, "?");
  return [
    `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${text}</text>`,
    `<rect x="${x.toFixed(1)}" y="${y + 2}" width="${Math.max(length * SCALE, 1).toFixed(1)}" height="${LINE - 5}" fill="${colour}"/>`,
    `<text x="${(x + length * SCALE + 4).toFixed(1)}" y="${y + 12}" fill="#555">${length.toFixed(0)}</text>`,
  ];
}
