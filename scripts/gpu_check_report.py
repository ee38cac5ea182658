"""Puts together what gpu_check.sh found.

  gpu_check_report.py device DEVICES.json   facts about the GPU as tab-separated lines; exit status 2 where there is none
  gpu_check_report.py report WORK OUT       OUT/gpu_check.json and OUT/gpu_check.txt from the files in WORK

WORK holds stages.tsv (name, status, seconds, note), facts.tsv (name, value), and what stages left: bench_device.json,
bench_kernels.json, bench_step_cuda.json, peers.json, programs.json, training.json. The exit status of the report is 1 if a stage failed or a bar was missed.
"""

import json
import math
import sys
from pathlib import Path

GIB = 2**30
# Ways to write the step, how many times Lacuna's they must take, and what they are called.
PEER_BARS = [(["torch eager", "torch eager-fused"], 30, "PyTorch eager"),
             (["torch compile"], 12, "torch.compile(max-autotune)"),
             (["torch graph", "torch compile-graph"], 8, "PyTorch's CUDA graph"),
             (["jax"], 4, "JAX lax.scan")]


def read_json(path):
    """None where a stage did not get so far. Of a benchmark that was stopped, the cases that it had finished."""
    try:
        text = path.read_text()
    except OSError:
        return None
    for whole in (text, text[:text.rfind("}") + 1] + "]}"):
        try:
            return json.loads(whole)
        except ValueError:
            pass
    return None


def finite(value):
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_table(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def benchmarks(found):
    """The cases that ran, and those that did not with the reason; a name ends where its settings begin."""
    cases = found["benchmarks"] if found else []
    for case in cases:
        case["name"] = case["name"].split("/iterations:")[0]
    return ([case for case in cases if not case.get("error_occurred")],
            [case for case in cases if case.get("error_occurred")])


def bar(what, wanted, measured=None, holds=None):
    status = "not measured" if holds is None else "held" if holds else "missed"
    return {"what": what, "bar": wanted, "measured": measured or "", "status": status}


def bandwidth_bar(cases):
    """Memory-bound kernels beyond a gibibyte of operands; the copy is what they are held against."""
    what, wanted = "slowest kernel at 1 GiB of operands or more", ">= 80 % of copy bandwidth"
    large = [case for case in cases if case["operand_bytes"] >= GIB and not case["name"].startswith("copy/")]
    if not large:
        return bar(what, wanted)
    slowest = min(large, key=lambda case: case["percent_of_copy"])
    below = sum(not case["percent_of_copy"] >= 80 for case in large)
    return bar(what, wanted, f"{slowest['percent_of_copy']:.1f} % ({slowest['name']}; {below} of {len(large)} below)",
               below == 0)


def step_of(cases, size, engine, precision):
    return next((case for case in cases if case["name"] == f"training_step/{size}/{engine}/{precision}"), None)


def step_time_bar(cases, engine, most):
    what, wanted = f"step 784-196-784, batch 100, fp32, {engine} engine", f"<= {most} us"
    case = step_of(cases, "100x196", engine, "fp32")
    if not case:
        return bar(what, wanted)
    return bar(what, wanted, f"{1e3 * case['step_ms']:.2f} us", 1e3 * case["step_ms"] <= most)


def products_bar(cases):
    """The faster engine of those that ran; each is held against products that took turns with it."""
    what, wanted = "step 784-500-784, batch 1200, tf32, against its five products in one graph", "<= 1.5 x"
    ran = [case for engine in ("graph", "resident") if (case := step_of(cases, "1200x500", engine, "tf32"))]
    if not ran:
        return bar(what, wanted)
    best = min(ran, key=lambda case: case["step_ms"])
    return bar(what, wanted, f"{best['ratio']:.3f} x ({best['name'].split('/')[2]})", best["ratio"] <= 1.5)


def programs_bars(programs, steps):
    """Of whole programs; that of a sweep's models is of their steps alone, in the faster engine."""
    epochs = (programs or {}).get("epochs", {})
    sweeps = [case for case in steps if case["name"].startswith("models_at_once/8/100x64/")]
    sweep = min(sweeps, key=lambda case: case["step_ms"], default=None)
    bars = [bar("sweep of 8 models 784-64-784, batch 100, fp32", "<= 2 us per model and step"),
            bar("100 epochs of MNIST, batch 100: training", "<= 1.0 s"),
            bar("100 epochs of MNIST, batch 100: whole program", "<= 1.5 s")]
    found = [(1e3 * sweep["step_ms"] if sweep else None, "us", 2.0), (epochs.get("training_seconds"), "s", 1.0),
             (epochs.get("seconds"), "s", 1.5)]
    return [bar(b["what"], b["bar"], f"{value:.3f} {unit}", value <= most) if value is not None else b
            for b, (value, unit, most) in zip(bars, found)]


def peer_bar(peers, names, times, title):
    """Against the fastest of the ways in `names`; ours is the faster engine."""
    what, wanted = f"step 784-196-784, batch 100, against {title}", f">= {times} x"
    main = next((result for result in peers or [] if (result["batch"], result["hidden"]) == (100, 196)), None)
    found = {name: main["peers"][name]["over_lacuna"] for name in names if name in main["peers"]} if main else {}
    if not found:
        return bar(what, wanted)
    fastest = min(found, key=found.get)
    return bar(what, wanted, f"{found[fastest]:.2f} x ({fastest})", found[fastest] >= times)


def training_bars(training):
    bits, loss = "same seed twice", "test loss, GPU against CPU"
    if not training:
        return [bar(bits, "same bits"), bar(loss, "within 0.5 %")]
    gpu, cpu = (training[device]["test_loss"] for device in ("cuda", "cpu"))
    off = abs(gpu / cpu - 1) if gpu and cpu else math.nan  # null: not a number
    return [bar(bits, "same bits", "same" if training["same_bits"] else "other bits", training["same_bits"]),
            bar(loss, "within 0.5 %", f"{100 * off:.4f} %", off <= 0.005)]


def parity_bar(stages):
    tests = [stage for stage in stages if stage["name"].startswith("test_cuda_")]
    return bar("error against the reference, operations and runs", "<= 1e-5",
               ", ".join(f"{stage['name']} {stage['status']}" for stage in tests),
               bool(tests) and all(stage["status"] == "passed" for stage in tests))


def columns(rows):
    """Rows of text as lines of a table."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def kernel_lines(found):
    ran, skipped = benchmarks(found)
    rows = [("kernel", "us", "MB moved", "GB/s", "% of copy", "operands")]
    rows += [(case["name"], f"{case['us']:.2f}", f"{case['bytes'] / 1e6:.2f}", f"{case['GB_per_s']:.0f}",
              f"{case['percent_of_copy']:.1f}", case["label"]) for case in ran]
    copy = found["context"].get("copy_GB_per_s", "?")
    return [f"Kernels; a copy on the device moves {copy} GB/s, bytes read and bytes written", *columns(rows),
            *(f"{case['name']}: {case['error_message']}" for case in skipped)]


def device_lines(found):
    ran, skipped = benchmarks(found)
    units = (("GB_per_s", "GB/s"), ("TFLOP_per_s", "TFLOP/s"), ("us", "us"), ("blocks", "blocks"))
    rows = [(case["name"], ", ".join(f"{case[key]:.4g} {unit}" for key, unit in units if key in case)) for case in ran]
    return ["The device", *columns(rows or [("nothing", "")]),
            *(f"{case['name']}: {case['error_message']}" for case in skipped)]


def program_lines(programs):
    rows = [(name, "; ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                             for key, value in figures.items())) for name, figures in programs.items()]
    return ["Whole programs", *columns(rows or [("nothing", "")])]


def step_lines(found):
    ran, skipped = benchmarks(found)
    rows = [("step", "ms", "bare GEMMs ms", "ratio", "samples/s")]
    rows += [(case["name"], f"{case['step_ms']:.4f}", f"{case['floor_ms']:.4f}", f"{case['ratio']:.3f}",
              f"{case['samples_per_second']:.0f}") for case in ran if "floor_ms" in case]
    products = [("products", "measured ms", "default ms", "ratio", "not cuBLAS's own")]
    products += [(case["name"], f"{case['step_ms']:.4f}", f"{case['default_ms']:.4f}", f"{case['ratio']:.3f}",
                  case.get("label", "")) for case in ran if "default_ms" in case]
    return ["Training steps", *columns(rows), *(columns(products) if len(products) > 1 else []),
            *(f"{case['name']}: {case['error_message']}" for case in skipped)]


def peer_lines(peers):
    rows = [("batch x hidden", "peer", "ms", "times Lacuna's")]
    for result in peers:
        size = f"{result['batch']} x {result['hidden']}"
        rows += [(size, f"{name} {found['version']}", f"{found['step_ms']:.4f}", f"{found['over_lacuna']:.2f}")
                 for name, found in result["peers"].items()]
        rows += [(size, name, kind, why.splitlines()[0]) for kind in ("failed", "unfinished")
                 for name, why in result[kind].items()]
    return ["Peers", *columns(rows)]


def text_of(report):
    facts = columns([(name, value) for name, value in report["facts"].items()])
    stages = columns([("stage", "result", "s", "")] +
                     [(s["name"], s["status"], str(s["seconds"]), s["note"]) for s in report["stages"]])
    bars = columns([("bar", "wanted", "measured", "")] +
                   [(b["what"], b["bar"], b["measured"], b["status"]) for b in report["bars"]])
    parts = [facts]
    for name, lines_of in (("bench_device", device_lines), ("bench_kernels", kernel_lines),
                           ("bench_step_cuda", step_lines), ("programs", program_lines), ("peers", peer_lines)):
        if report[name]:
            parts.append(lines_of(report[name]))
    parts += [stages, bars, [f"gpu_check: {'passed' if report['passed'] else 'FAILED'}"]]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def make_report(work):
    stages = [{"name": name, "status": status, "seconds": int(seconds), "note": note}
              for name, status, seconds, note in read_table(work / "stages.tsv")]
    report = {"facts": dict(read_table(work / "facts.tsv")), "stages": stages}
    for name in ("bench_device", "bench_kernels", "bench_step_cuda", "peers", "programs", "training"):
        report[name] = read_json(work / f"{name}.json")
    steps = benchmarks(report["bench_step_cuda"])[0]
    report["bars"] = [parity_bar(stages), bandwidth_bar(benchmarks(report["bench_kernels"])[0]),
                      step_time_bar(steps, "graph", 30), step_time_bar(steps, "resident", 15),
                      *(peer_bar(report["peers"], names, times, title) for names, times, title in PEER_BARS),
                      products_bar(steps), *programs_bars(report["programs"], steps), *training_bars(report["training"])]
    report["passed"] = (all(stage["status"] != "failed" for stage in stages) and
                        all(bar["status"] != "missed" for bar in report["bars"]))
    return report


def report_command(work, out):
    report = make_report(Path(work))
    Path(out, "gpu_check.json").write_text(json.dumps(finite(report), indent=1, allow_nan=False) + "\n")
    text = text_of(report)
    Path(out, "gpu_check.txt").write_text(text)
    print("\n" + text, end="")
    return 0 if report["passed"] else 1


def device_command(path):
    listed = json.loads(Path(path).read_text())
    device = next((device for device in listed["devices"] if device["kind"] == "cuda"), None)
    if device is None:
        why = next((line for line in listed["missing"] if line.startswith("cuda")), "cuda: this build is without CUDA")
        print(f"gpu_check.sh: there is no GPU to check: {why}", file=sys.stderr)
        return 2
    print(f"device\t{device['name']}")
    for name, value in device.items():
        if name not in ("kind", "name"):
            print(f"{name}\t{value}")
    return 0


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    sys.exit({"device": device_command, "report": report_command}[command](*arguments))
