// A small server of sharp, as a peer of imgd's pictures by URL: GET /NAME[?quality=N] is
// the picture at a quarter of its width. Arguments: the folder and the port.
const sharp = require('sharp');
const path = require('path');
sharp.concurrency(1);
sharp.cache(false);
const [dir, port] = process.argv.slice(1);
require('http').createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  try {
    const image = sharp(path.join(dir, path.basename(url.pathname)));
    const { width } = await image.metadata();
    const quality = +url.searchParams.get('quality') || 80;
    const out = await image.resize(Math.round(width / 4)).jpeg({ quality }).toBuffer();
    response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': out.length });
    response.end(out);
  } catch (e) {
    response.writeHead(500);
    response.end(String(e));
  }
}).listen(+port, '127.0.0.1');
