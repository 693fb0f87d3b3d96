"""A trainer that learns nothing: it prints how far it is, and writes a file that it was given.

fake_trainer.py PLAN LORA STEPS [fail | stubborn | forever | parent | family]

A parent leaves a stubborn child behind, which holds its output; in a family it stays, too.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

plan_file, lora, steps, *mode = sys.argv[1:]
plan = json.loads(Path(plan_file).read_text("utf-8"))
print("loading", plan["base"], flush=True)
if mode in (["parent"], ["family"]):
    child = subprocess.Popen([sys.executable, __file__, *sys.argv[1:4], "stubborn"])
    Path(plan["output"], "child").write_text(str(child.pid))
if mode == ["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for step in range(1, int(steps) + 1):
    print(json.dumps({"step": step, "total": int(steps), "loss": 1 / step}), flush=True)
if mode == ["fail"]:
    print("there is no such dataset", file=sys.stderr, flush=True)
    sys.exit(3)
shutil.copy(lora, Path(plan["output"]) / f"{plan['name']}.safetensors")
print("written", flush=True)
while mode in (["stubborn"], ["forever"], ["family"]):
    time.sleep(0.05)
