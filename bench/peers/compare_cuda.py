"""Times Lacuna's training step on a GPU beside PyTorch's and JAX's, by turns, and prints a table.

Before a figure of a peer counts, it must have had the losses of `lacuna train` from the same weights on the same batches.
What fails or does not end in time is named, and the rest goes on; the exit status is 1 where something failed, or there was
no time for any. Needs numpy and safetensors; peers whose packages are missing are named and left out.
"""

import argparse
import datetime
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import workload
from programs import Failed, OutOfTime, run, say

HERE = Path(__file__).resolve().parent
# The quick ones first: compiling takes longest, and time may run out.
PEERS = ["torch eager", "torch eager-fused", "torch graph", "jax", "torch compile", "torch compile-graph"]
TOLERANCE = 1e-4


class Deadline:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        left = self.end - time.monotonic()
        if left < 5:
            raise OutOfTime("no time left")
        return left


def size_of(text):
    batch, hidden = text.split("x")
    return int(batch), int(hidden)


def write_inputs(directory, hidden, samples):
    import numpy as np
    from safetensors.numpy import save_file

    images = Path(directory, "images.npy")
    if not images.exists():
        np.save(images, workload.images(samples))
    save_file(workload.initial_parameters(hidden), f"{directory}/init.safetensors")


def lacuna_losses(options, directory, batch, hidden, deadline):
    """Of a run of the checked steps, and of the first batch after it."""
    images, out = f"npy:{directory}/images.npy", f"{directory}/run"
    device = ["--device", options.device]
    run([options.lacuna, "train", "--data", images, "--limit", workload.checked_steps(batch, options.samples) * batch,
         "--hidden", hidden, "--batch", batch, "--epochs", 1, "--shuffle", "off", "--init",
         f"{directory}/init.safetensors", "--out", out, "--force", *device], deadline.left())
    metrics = json.loads(Path(out, "metrics.jsonl").read_text().splitlines()[-1])
    evaluated = json.loads(run([options.lacuna, "eval", out, "--data", images, "--limit", batch, *device],
                               deadline.left()))
    return {"mean_loss": metrics["loss"], "loss_after": evaluated["loss"]}


def lacuna_step(options, batch, hidden, deadline):
    """Of the faster engine."""
    found = json.loads(run([options.bench_step, "--benchmark_format=json",
                            f"--benchmark_filter=^training_step/{batch}x{hidden}/[a-z]*/fp32/"],
                           deadline.left()))["benchmarks"]
    ran = [case for case in found if "error_message" not in case]
    if not ran:
        raise Failed("; ".join(case["error_message"] for case in found) or f"{options.bench_step} has no such step")
    best = min(ran, key=lambda case: case["step_ms"])
    return {key: best[key] for key in ("step_ms", "floor_ms", "ratio")} | {"engine": best["name"].split("/")[2]}


def peer(name, options, directory, batch, hidden, check, deadline):
    script, _, variant = name.partition(" ")
    command = [sys.executable, HERE / ("torch_cuda_step.py" if script == "torch" else "jax_step.py"), "--data", directory,
               "--batch", batch, "--hidden", hidden, "--device", options.device, "--seconds",
               0 if options.check_only else options.seconds]
    command += ["--variant", variant] if variant else []
    command += ["--check"] if check else []
    return json.loads(run(command, deadline.left()).splitlines()[-1])


def check(options, directory, size, deadline, result):
    """Only whether each peer has Lacuna's losses."""
    batch, hidden = size
    write_inputs(directory, hidden, options.samples)
    losses = lacuna_losses(options, directory, batch, hidden, deadline)
    for name in options.peers:
        try:
            theirs = peer(name, options, directory, batch, hidden, True, deadline)
            worst = disagreement({key: theirs[key] for key in losses}, losses)
        except Failed as failure:
            note_failure(result, name, failure)
            say(f"{batch}x{hidden}: {name}: {failure}")
            continue
        result["checked"][name] = worst
        print(f"{batch}x{hidden}: {name} {theirs['version']} has Lacuna's losses within {worst:.1e}", flush=True)


def note_failure(result, name, failure):
    key = "unfinished" if isinstance(failure, OutOfTime) else "failed"
    result[key][name] = str(failure)


def disagreement(theirs, ours):
    worst = max(abs(theirs[key] / ours[key] - 1) for key in ours)
    if not worst <= TOLERANCE:
        raise Failed(f"its losses are {theirs}, but Lacuna's {ours}")
    return worst


def compare(options, directory, size, deadline, result, save):
    batch, hidden = size
    write_inputs(directory, hidden, options.samples)
    losses = lacuna_losses(options, directory, batch, hidden, deadline)
    times, ours, floors = {}, [], []
    for number in range(options.rounds):
        for name in options.peers:
            if name in result["failed"] or name in result["unfinished"]:
                continue
            try:
                step = lacuna_step(options, batch, hidden, deadline)
                ours.append(step["step_ms"])
                floors.append(step["floor_ms"])
                result["lacuna_ms"], result["floor_ms"] = statistics.median(ours), statistics.median(floors)
                result["engine"] = step["engine"]
                theirs = peer(name, options, directory, batch, hidden, number == 0, deadline)
                if number == 0:
                    worst = disagreement({key: theirs[key] for key in losses}, losses)
                    result["disagreement"] = max(result["disagreement"], worst)
            except Failed as failure:
                note_failure(result, name, failure)
                save()
                say(f"{batch}x{hidden}: {name}: {failure}")
                continue
            entry = times.setdefault(name, {"version": theirs["version"], "step_ms": [], "over_lacuna": []})
            entry["step_ms"].append(theirs["step_ms"])
            entry["over_lacuna"].append(theirs["step_ms"] / step["step_ms"])
            say(f"{batch}x{hidden}: {name} {theirs['step_ms']:.4f} ms, Lacuna {step['step_ms']:.4f} ms")
            result["peers"] = {key: value | {field: statistics.median(value[field])
                                             for field in ("step_ms", "over_lacuna")} for key, value in times.items()}
            save()


def table(results, rounds):
    names = [name for name in PEERS if any(name in result["peers"] for result in results)]
    lines = [f"# One training step on a GPU, {datetime.date.today()}", "",
             f"Milliseconds, medians of {rounds} round{'s' if rounds > 1 else ''}, float32 without TF32; in brackets how many "
             "times Lacuna's step of the same round.", "",
             "| batch × input × hidden | Lacuna | bare GEMMs |" + "".join(f" {name} |" for name in names),
             "|---|--:|--:|" + "--:|" * len(names)]
    for result in results:
        if "lacuna_ms" not in result:
            continue
        cells = []
        for name in names:
            found = result["peers"].get(name)
            cells.append(f"{found['step_ms']:.4f} ({found['over_lacuna']:.2f}×)" if found else "—")
        lines.append(f"| {result['batch']} × {workload.FEATURES} × {result['hidden']} | {result['lacuna_ms']:.4f} "
                     f"| {result['floor_ms']:.4f} |" + "".join(f" {cell} |" for cell in cells))
    versions = sorted({f"{name.split()[0]} {found['version']}" for result in results
                       for name, found in result["peers"].items()})
    worst = max((result["disagreement"] for result in results), default=0)
    lines += ["", f"Peers: {', '.join(versions) or 'none'}. Losses agree within {worst:.1e}."]
    lines += [f"{result['batch']}x{result['hidden']}, {name}: {why.splitlines()[0]}"
              for result in results for name, why in (result["failed"] | result["unfinished"]).items()]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lacuna", type=Path, required=True, help="the program, built with CUDA")
    parser.add_argument("--bench-step", type=Path, help="bench_step_cuda; needed unless --check-only")
    parser.add_argument("--check-only", action="store_true", help="compare the losses and measure nothing")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script where there is no GPU")
    parser.add_argument("--sizes", type=size_of, nargs="+", default=[(100, 196), (1000, 200), (1200, 500)],
                        metavar="BATCHxHIDDEN")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--samples", type=int, default=60000, help="in the data set; bench_step_cuda has 60000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each peer is measured")
    parser.add_argument("--time", type=float, default=3600, help="seconds that all of it may take")
    parser.add_argument("--json", type=Path, help="also write the figures here, as they come in")
    options = parser.parse_args()
    if not (options.bench_step or options.check_only):
        parser.error("--bench-step is needed to measure")
    deadline, results = Deadline(options.time), []
    absent = [script for script in ("torch", "jax") if importlib.util.find_spec(script) is None]
    options.peers = [name for name in options.peers if name.split()[0] not in absent]

    def save():
        if options.json:
            options.json.write_text(json.dumps(results, indent=1))

    with tempfile.TemporaryDirectory() as directory:
        for batch, hidden in options.sizes:
            results.append({"batch": batch, "hidden": hidden, "peers": {}, "checked": {}, "failed": {}, "unfinished": {},
                            "disagreement": 0.0})
            try:
                if options.check_only:
                    check(options, directory, (batch, hidden), deadline, results[-1])
                else:
                    compare(options, directory, (batch, hidden), deadline, results[-1], save)
            except Failed as failure:
                note_failure(results[-1], "lacuna", failure)
                say(f"{batch}x{hidden}: {failure}")
            save()
    if not options.check_only:
        print(table(results, options.rounds))
    for script in absent:
        print(f"{sys.executable} has no {script}.")
    if any(result["failed"] for result in results) or not any(result["peers"] or result["checked"] for result in results):
        sys.exit(1)


main()
