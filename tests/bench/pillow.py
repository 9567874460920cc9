# Pillow as a peer of the bench: lines `KIND WIDTH HEIGHT IN OUT` in, `ok` out.
import sys
from PIL import Image

def work(kind, w, h, src, dst):
    im = Image.open(src)
    size = (int(w), int(h))
    im.draft('RGB' if kind == 'scale' else 'L', size)
    if kind != 'scale':
        im = im.convert('L')
    if kind != 'gray':
        im = im.resize(size, Image.LANCZOS)
    im.save(dst, quality=85)

for line in sys.stdin:
    try:
        work(*line.split())
        print('ok', flush=True)
    except Exception as e:
        print(str(e).replace('\n', ' ') or 'failed', flush=True)
