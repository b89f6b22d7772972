"""A service of container jobs in this process: each job is a real process that runs the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from model_governance.orchestration.job_status import JobStatus

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


class ProcessService:
    """Implements `RemoteJobs`; itself in the place of its class, because the jobs must outlive each use.

    `crashes` is how many of the next jobs are killed before they measure; `polls` how many polls find a job running although
    its process has ended; `removed` are the jobs that were discarded.
    """

    hook = "model_governance.orchestration"
    provider = "tests"
    message_file = "/container/message"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen] = {}
        self.submitted: list[str] = []
        self.removed: list[str] = []
        self.crashes = 0
        self.polls = 0

    def __call__(self, spec):
        self.spec = spec
        return self

    def submit(self, job):
        if job.name in self.processes:
            return
        self.submitted.append(job.name)
        program, *arguments = job.command
        assert program == "model-governance"
        arguments[arguments.index(self.message_file)] = str(self.folder / f"{job.name}.message")
        command = [sys.executable, "-m", "model_governance", *arguments]
        if self.crashes:
            self.crashes -= 1
            command = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
        # A container has nothing of the worker's surroundings and folders.
        surroundings = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PLUGINS), "OMP_NUM_THREADS": "1"}
        self.processes[job.name] = subprocess.Popen(command, cwd="/", env=surroundings)

    def poll(self, name):
        process = self.processes.get(name)
        if process is None:
            return JobStatus(state="absent")
        code = process.poll()
        if code is None or self.polls:
            self.polls = max(0, self.polls - 1)
            return JobStatus(state="running")
        message = self.folder / f"{name}.message"
        return JobStatus(
            state="failed" if code else "succeeded", message=message.read_text() if message.exists() else "",
            reason=f"exit code {code}",
        )  # fmt: skip

    def discard(self, name):
        process = self.processes.pop(name, None)
        if process is not None:
            self.removed.append(name)
            process.kill()
            process.wait()
