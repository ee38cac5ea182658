#!/usr/bin/env python3
"""Streaming from a dropped page cache beside the same training on a slice that is in memory.

Writes an NPY file of --gigabytes, unless it is there; reads it past the page cache for the disk's rate; then trains, by
turns, on the first --slice samples in memory and on all of the file streamed, and prints samples per second and the
largest resident memory of each run. The slice and the stream see the same network, batch and threads; the slice's rate is
its last epoch's, when all of it has been touched.

    python3 bench/stream.py build/release/src/cli/lacuna /tmp/stream.npy > bench/results/DATE-PROCESSOR-streaming.md
"""

import argparse
import json
import mmap
import os
import random
import struct
import subprocess
import tempfile
import threading
import time

COLUMNS = 784


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lacuna")
    parser.add_argument("file")
    parser.add_argument("--type", choices=["float32", "uint8"], default="float32")
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--slice", type=int, default=200_000)
    parser.add_argument("--slice-epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only-write", action="store_true", help="make the file and measure nothing")
    parser.add_argument("train", nargs="*", help="further options of lacuna train, after --")
    return parser.parse_args()


def write_file(path, type_name, rows):
    """Random values; the same 8192 rows again and again, which no reader can tell."""
    row_bytes = COLUMNS * (4 if type_name == "float32" else 1)
    header = "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }" % (
        "<f4" if type_name == "float32" else "|u1", rows, COLUMNS)
    header = header.ljust(117) + "\n"
    values = random.Random(1).randbytes(8192 * COLUMNS)
    if type_name == "float32":
        table = [struct.pack("<f", v / 255) for v in range(256)]
        values = b"".join(table[v] for v in values)
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        for begin in range(0, rows, 8192):
            file.write(values[: min(8192, rows - begin) * row_bytes])
        file.flush()
        os.fsync(file.fileno())


def drop_cache(path):
    os.sync()
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        with open("/proc/sys/vm/drop_caches", "w") as switch:
            switch.write("3")
    except OSError:
        pass  # of this file alone, then


def disk_rate(path, seconds=5.0, block=512 << 10, readers=4):
    """Bytes a second of blocks here and there, read past the page cache by several threads."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    blocks = os.fstat(descriptor).st_size // block
    done = [0] * readers
    end = time.monotonic() + seconds

    def read(which):
        memory, order = mmap.mmap(-1, block), random.Random(which)
        while time.monotonic() < end:
            done[which] += os.preadv(descriptor, [memory], order.randrange(blocks) * block)

    threads = [threading.Thread(target=read, args=(i,)) for i in range(readers)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(descriptor)
    return sum(done) / (time.monotonic() - start)


def train(arguments, options):
    """Samples per second of the last epoch, and the peak of resident memory in MiB."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "run")
        command = [arguments.lacuna, "train", "--device", "cpu", "--data", "npy:" + arguments.file, "--out", out]
        process = subprocess.Popen(command + options + arguments.train, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        log = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(log)
        with open(os.path.join(out, "metrics.jsonl")) as file:
            last = json.loads(file.read().splitlines()[-1])
        return last["samples_per_second"], usage.ru_maxrss / 1024


def main():
    arguments = parse_arguments()
    row_bytes = COLUMNS * (4 if arguments.type == "float32" else 1)
    rows = int(arguments.gigabytes * 1e9) // row_bytes
    size = 128 + rows * row_bytes
    if not os.path.exists(arguments.file) or os.path.getsize(arguments.file) != size:
        write_file(arguments.file, arguments.type, rows)
    if arguments.only_write:
        return
    drop_cache(arguments.file)
    disk = disk_rate(arguments.file)
    print(f"{rows} samples of {COLUMNS}, {arguments.type}, {size / 1e9:.1f} GB; disk, blocks of 512 KiB here and there: "
          f"{disk / 1e6:.0f} MB/s; options: {' '.join(arguments.train) or 'defaults'}\n")
    print("| round | in memory, samples/s | streamed, samples/s | streamed / in memory | demand | disk / demand "
          "| peak memory, streamed |")
    print("|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    limit = ["--limit", str(arguments.slice), "--epochs", str(arguments.slice_epochs), "--stream", "off"]
    before, _ = train(arguments, limit)
    for number in range(arguments.rounds):
        drop_cache(arguments.file)
        streamed, memory = train(arguments, ["--epochs", "1", "--stream", "on"])
        after, _ = train(arguments, limit)
        beside = (before + after) / 2
        demand = beside * row_bytes
        print(f"| {number + 1} | {before:.0f}, {after:.0f} | {streamed:.0f} | {streamed / beside:.3f} "
              f"| {demand / 1e6:.0f} MB/s | {disk / demand:.1f} | {memory:.0f} MiB |", flush=True)
        before = after


if __name__ == "__main__":
    main()
