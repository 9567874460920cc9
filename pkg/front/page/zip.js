// A ZIP archive of files as they are, without compression: pictures are compressed
// already. The format is PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.

const table = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

// fields packs numbers of 2 or 4 bytes, given as [bytes, value], little-endian.
function fields(...list) {
  const v = new DataView(new ArrayBuffer(list.reduce((n, f) => n + f[0], 0)));
  let at = 0;
  for (const [n, value] of list) {
    if (n === 2) v.setUint16(at, value, true); else v.setUint32(at, value, true);
    at += n;
  }
  return new Uint8Array(v.buffer);
}

// unique gives each file of an archive a name of its own.
export function unique(names) {
  const seen = new Set();
  return names.map((name) => {
    const dot = name.lastIndexOf(".") > 0 ? name.lastIndexOf(".") : name.length;
    let one = name;
    for (let n = 1; seen.has(one.toLowerCase()); n++) one = `${name.slice(0, dot)}-${n}${name.slice(dot)}`;
    seen.add(one.toLowerCase());
    return one;
  });
}

// zip returns a Blob of files {name, blob}.
export async function zip(files) {
  const parts = [], central = [];
  const names = unique(files.map((f) => f.name));
  const now = new Date();
  const time = now.getHours() << 11 | now.getMinutes() << 5 | now.getSeconds() >> 1;
  const date = now.getFullYear() - 1980 << 9 | now.getMonth() + 1 << 5 | now.getDate();
  let at = 0, directory = 0;
  for (let i = 0; i < files.length; i++) {
    const name = new TextEncoder().encode(names[i]);
    const size = files[i].blob.size;
    const crc = crc32(new Uint8Array(await files[i].blob.arrayBuffer()));
    // Version 2.0, names in UTF-8 (bit 11), stored.
    const common = [[2, 20], [2, 0x800], [2, 0], [2, time], [2, date], [4, crc], [4, size], [4, size], [2, name.length], [2, 0]];
    const head = fields([4, 0x04034b50], ...common);
    const entry = fields([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]);
    parts.push(head, name, files[i].blob);
    central.push(entry, name);
    at += head.length + name.length + size;
    directory += entry.length + name.length;
  }
  const n = files.length;
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, n], [2, n], [4, directory], [4, at], [2, 0]);
  return new Blob([...parts, ...central, end], { type: "application/zip" });
}
