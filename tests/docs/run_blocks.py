"""Runs the blocks in tasks.json, in the folder where they stand; what each prints goes to outputs.json."""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())
    printed = []
    for task in json.loads(Path("tasks.json").read_text(encoding="utf-8")):
        stream = io.StringIO()
        try:
            if task["kind"] == "file":
                Path(task["name"]).write_text(task["text"], encoding="utf-8")
            elif task["kind"] == "python":
                # Saved, so that what reads the source of a function finds it.
                source = Path(f"block_{task['line']}.py")
                source.write_text(task["text"], encoding="utf-8")
                with contextlib.redirect_stdout(stream):
                    exec(compile(task["text"], str(source.resolve()), "exec"), globals())
            else:
                for command in task["commands"]:
                    done = subprocess.run(
                        ["bash", "-c", command["text"]], capture_output=True, text=True, check=False, timeout=900
                    )
                    stream.write(done.stdout)
                    if done.returncode != command["code"]:
                        sys.exit(
                            f"line {task['line']}: {command['text']}\nexit code {done.returncode}, not "
                            f"{command['code']}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
                        )
        except Exception as error:
            error.add_note(f"in the block at line {task['line']} of the page")
            raise
        printed.append(stream.getvalue())
    Path("outputs.json").write_text(json.dumps(printed), encoding="utf-8")
