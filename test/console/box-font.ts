/**
 * A font in which every sign is the same box and a space is empty, as bytes of TrueType. Written in it, a page is laid out and drawn alike on every
 * machine, whatever fonts that has: what a picture is compared by.
 */
export function boxFont(): Buffer {
  const tables: [tag: string, bytes: Buffer][] = [
    ['OS/2', os2()],
    ['cmap', cmap()],
    ['glyf', Buffer.concat([BOX, BOX])],
    ['head', head()],
    ['hhea', hhea()],
    ['hmtx', u16(ADVANCE, 0, ADVANCE, 0, ADVANCE, 0)],
    // Halves of the offsets; the last sign is empty.
    ['loca', u16(0, BOX.length / 2, BOX.length, BOX.length)],
    ['maxp', Buffer.concat([u32(0x10000), u16(GLYPHS, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)])],
    ['name', name()],
    ['post', Buffer.concat([u32(0x30000, 0), u16(0, 0), u32(0, 0, 0, 0, 0)])],
  ];
  let offset = 12 + 16 * tables.length;
  const directory: Buffer[] = [Buffer.concat([u32(0x10000), u16(tables.length, 128, 3, 16 * tables.length - 128)])];
  const contents: Buffer[] = [];
  for (const [tag, bytes] of tables) {
    const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
    directory.push(Buffer.from(tag), u32(sumOf(padded), offset, bytes.length));
    contents.push(padded);
    offset += padded.length;
  }
  return Buffer.concat([...directory, ...contents]);
}

const EM = 1_000;
const ADVANCE = 520;
const [ASCENT, DESCENT] = [950, 250];
/** What is missing, the box, the space. */
const GLYPHS = 3;
const SPACES = [0x20, 0xa0, 0x200b, 0x202f];

const u16 = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from([(value >> 8) & 0xff, value & 0xff])));
const u32 = (...values: number[]) => Buffer.concat(values.map((value) => u16(value >>> 16, value & 0xffff)));

function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 4) sum = (sum + bytes.readUInt32BE(i)) >>> 0;
  return sum;
}

/** One contour of four points, each on the curve: x steps, then y steps. */
const BOX = Buffer.concat([u16(1, 60, 0, 460, 520), u16(3, 0), Buffer.from([1, 1, 1, 1]), u16(60, 0, 400, 0), u16(0, 520, 0, -520), Buffer.alloc(2)]);

/** Format 13: whole ranges of signs are one glyph. */
function cmap(): Buffer {
  const groups: number[][] = [];
  let next = 0x21;
  for (const space of SPACES) {
    if (space > next) groups.push([next, space - 1, 1]);
    groups.push([space, space, 2]);
    next = Math.max(next, space + 1);
  }
  groups.push([next, 0x10ffff, 1]);
  groups.sort(([a = 0], [b = 0]) => a - b);
  const body = u32(...groups.flat());
  return Buffer.concat([u16(0, 1, 3, 10), u32(12), u16(13, 0), u32(16 + body.length, 0, groups.length), body]);
}

const head = () => Buffer.concat([u32(0x10000, 0x10000, 0, 0x5f0f3cf5), u16(0, EM), Buffer.alloc(16), u16(0, -DESCENT, ADVANCE, ASCENT, 0, 8, 2, 0, 0)]);
const hhea = () => Buffer.concat([u32(0x10000), u16(ASCENT, -DESCENT, 0, ADVANCE, 0, 0, 460, 1, 0, 0, 0, 0, 0, 0, 0, GLYPHS)]);

function os2(): Buffer {
  const sizes = u16(4, ADVANCE, 400, 5, 0, 500, 500, 0, 0, 500, 500, 0, 0, 50, 250, 0);
  const classes = Buffer.alloc(10 + 16);
  const last = u16(0x40, 0x20, 0xffff, ASCENT, -DESCENT, 0, ASCENT, DESCENT);
  return Buffer.concat([sizes, classes, Buffer.from('none'), last, u32(1, 0), u16(500, 520, 0, 0x20, 1)]);
}

function name(): Buffer {
  const text = Buffer.from('Boxes', 'utf16le').swap16();
  const records = [1, 2, 4, 6].map((id) => u16(3, 1, 0x409, id, text.length, 0));
  return Buffer.concat([u16(0, records.length, 6 + 12 * records.length), ...records, text]);
}
