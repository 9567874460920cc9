# Pillow as a peer of the bench: lines `KIND WIDTH HEIGHT QUALITY ENCODER IN OUT` in, `ok` out.
import sys
from PIL import Image

def work(kind, w, h, quality, encoder, src, dst):
    im = Image.open(src)
    size = (int(w), int(h))
    if quality == '0':  # as its users do, with its own filter
        if kind == 'scale':
            im.thumbnail(size)
        else:
            im = im.convert('L')
        im.save(dst)
        return
    im.draft('RGB' if kind == 'scale' else 'L', size)
    if kind != 'scale':
        im = im.convert('L')
    if kind != 'gray':
        im = im.resize(size, Image.LANCZOS)
    im.save(dst, quality=int(quality))

for line in sys.stdin:
    try:
        work(*line.split())
        print('ok', flush=True)
    except Exception as e:
        print(str(e).replace('\n', ' ') or 'failed', flush=True)
