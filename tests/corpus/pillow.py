# Reads a path a line, and answers with a line of JSON and, if it says so, the pixels of
# the first frame as RGBA, turned upright.
import json, sys, warnings
from PIL import Image, ImageOps, ImageFile

warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = 250_000_000
out = sys.stdout.buffer
for line in sys.stdin.buffer:
    answer, pixels = {}, b""
    try:
        with Image.open(line.rstrip(b"\n").decode("utf-8", "surrogateescape")) as im:
            answer["frames"] = getattr(im, "n_frames", 1)
            answer["profile"] = bool(im.info.get("icc_profile"))
            answer["orientation"] = im.getexif().get(0x0112, 1)
            mode = im.mode
            im = ImageOps.exif_transpose(im)
            if mode in ("I;16", "I;16B", "I;16L", "I"):
                im = im.convert("I").point(lambda v: v / 257).convert("L")
            im = im.convert("RGBA")
            answer["width"], answer["height"] = im.size
            pixels = im.tobytes()
    except BaseException as e:
        answer = {"error": (str(e) or type(e).__name__).split("\n")[0][:100]}
        pixels = b""
    answer["bytes"] = len(pixels)
    out.write(json.dumps(answer).encode() + b"\n" + pixels)
    out.flush()
