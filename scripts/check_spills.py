#!/usr/bin/env python3
"""Prints registers, shared memory and spills of every CUDA kernel in a build, as ptxas reported them.

    check_spills.py BUILD        e.g. build/cuda, compiled by nvcc

Exit status 1: a kernel spills and cuda/kernels/spills.txt does not allow it. Exit status 2: there is nothing to read.
"""

import pathlib
import re
import subprocess
import sys

ALLOWED = pathlib.Path(__file__).parent.parent / "cuda/kernels/spills.txt"
ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(\S+)'")
FUNCTION = re.compile(r"Function properties for (\S+)")
SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


def read_reports(build):
    """One dictionary for each function and architecture."""
    functions = []
    arch = "?"
    for path in sorted(build.rglob("*.ptxas")):
        for line in path.read_text().splitlines():
            if match := ENTRY.search(line):
                arch = match[2]
            elif match := FUNCTION.search(line):
                functions.append({"name": match[1], "arch": arch, "registers": 0, "shared": 0, "spills": 0})
            elif match := SPILLS.search(line):
                functions[-1]["spills"] = int(match[1]) + int(match[2])
            elif match := REGISTERS.search(line):
                functions[-1]["registers"] = int(match[1])
                shared = SHARED.search(line)
                functions[-1]["shared"] = int(shared[1]) if shared else 0
    # Subroutines of the kernels have no registers of their own.
    return [function for function in functions if function["registers"] or function["spills"]]


def demangle(functions):
    names = "\n".join(function["name"] for function in functions)
    output = subprocess.run(["c++filt"], input=names, capture_output=True, text=True, check=True).stdout
    for function, name in zip(functions, output.splitlines(), strict=True):
        # Without return type, namespaces and parameters: the kernel and its template arguments.
        name = re.sub(r"\(anonymous namespace\)::|lacuna::(cuda::)?", "", name)
        function["name"] = re.sub(r"^void |\(.*$", "", name)


def read_allowed():
    """Lines "pattern arch bytes reason"; the pattern is a regular expression for the whole name."""
    lines = [line.split(maxsplit=3) for line in ALLOWED.read_text().splitlines() if line and line[0] != "#"]
    for words in lines:
        if len(words) != 4:
            sys.exit(f"{ALLOWED}: not \"pattern arch bytes reason\": {' '.join(words)}")
    return [{"pattern": pattern, "arch": arch, "bytes": int(size)} for pattern, arch, size, _ in lines]


def allows(entry, function):
    known = entry["arch"] == function["arch"] and re.fullmatch(entry["pattern"], function["name"])
    return known and function["spills"] <= entry["bytes"]


def main():
    functions = read_reports(pathlib.Path(sys.argv[1]))
    if not functions:
        print(f"{sys.argv[1]}: no *.ptxas: nothing here was compiled by nvcc", file=sys.stderr)
        return 2
    demangle(functions)
    allowed = read_allowed()
    print(f"{'kernel':<72} {'arch':<6} {'registers':>9} {'shared, B':>9} {'spills, B':>9}")
    faults = []
    for function in sorted(functions, key=lambda f: (f["name"], f["arch"])):
        print(f"{function['name']:<72} {function['arch']:<6} {function['registers']:>9} {function['shared']:>9}"
              f" {function['spills']:>9}")
        if function["spills"] and not any(allows(entry, function) for entry in allowed):
            faults.append(f"{function['name']} spills {function['spills']} bytes on {function['arch']}")
    for fault in faults:
        print(f"check_spills.py: {fault}: mend the kernel or {ALLOWED.name}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main() if len(sys.argv) == 2 else __doc__)
