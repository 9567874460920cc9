# libdeflate as a peer of the bench: lines `BYTES FILE` in, `ok` out, BYTES being what FILE,
# a zlib stream, decompresses to.
import ctypes
import sys

ROUNDS = 5  # inflateRounds in inflate.go

lib = ctypes.CDLL('libdeflate.so.0')
lib.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
lib.libdeflate_zlib_decompress.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
decompressor = lib.libdeflate_alloc_decompressor()
name, data, out = '', b'', None

for line in sys.stdin:
    size, file = line.split()
    if file != name:
        name, data, out = file, open(file, 'rb').read(), ctypes.create_string_buffer(int(size))
    for _ in range(ROUNDS):
        # Without room for a count it fails unless all of out is filled.
        status = lib.libdeflate_zlib_decompress(decompressor, data, len(data), out, int(size), None)
    print('ok' if status == 0 else 'status %d' % status, flush=True)
