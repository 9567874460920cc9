// sharp as a peer of the bench: lines `KIND WIDTH HEIGHT QUALITY ENCODER IN OUT` in, `ok` out.
const sharp = require('sharp');
sharp.concurrency(1);
sharp.cache(false);
async function work(line) {
  const [kind, w, h, quality, encoder, from, to] = line.split(' ');
  let image = sharp(from);
  if (kind === 'sizes') { // WIDTH is a list
    await Promise.all(w.split(',').map((width) => image.clone().resize({ width: +width }).jpeg().toFile(`${to}-${width}.jpg`)));
    return;
  }
  if (kind !== 'gray') image = image.resize(+w, +h, { fit: 'fill' }); // Lanczos3 is its default
  if (kind !== 'scale') image = image.grayscale().toColourspace('b-w');
  const options = {};
  if (+quality) options.quality = +quality;
  if (encoder === 'mozjpeg') options.mozjpeg = true;
  image = to.endsWith('.png') ? image.png() : to.endsWith('.webp') ? image.webp(options) : image.jpeg(options);
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
