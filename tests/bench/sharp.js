// sharp as a peer of the bench: lines `KIND WIDTH HEIGHT IN OUT` in, `ok` out.
const sharp = require('sharp');
sharp.concurrency(1);
sharp.cache(false);
async function work(line) {
  const [kind, w, h, from, to] = line.split(' ');
  let image = sharp(from);
  if (kind !== 'gray') image = image.resize(+w, +h, { fit: 'fill', kernel: 'lanczos3' });
  if (kind !== 'scale') image = image.grayscale().toColourspace('b-w');
  image = to.endsWith('.png') ? image.png() : image.jpeg({ quality: 85 });
  await image.toFile(to);
}
(async () => {
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    try {
      await work(line);
      console.log('ok');
    } catch (e) {
      console.log(String(e).replace(/\n/g, ' '));
    }
  }
})();
