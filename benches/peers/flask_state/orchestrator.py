"""The program that the first plan of this project describes: tasks one at a time by subprocess, all state in one JSON file.

Written for the comparison as somebody would write it in an evening who follows that plan, and no slower on purpose: the
state is saved when a task begins, when it ends and when a gate opens; nothing is synced to the disk.
"""

import json
import logging
import os
import re
import subprocess
import threading
import urllib.request
from datetime import datetime

LOGGING = "[%(asctime)s] %(levelname)s: %(message)s"


class Orchestrator:
    def __init__(self, folder, command, approval_mode, notify_url, timeout=300):
        self.folder = folder
        self.command = command
        self.approval_mode = approval_mode
        self.notify_url = notify_url
        self.timeout = timeout
        self.state_file = os.path.join(folder, "state.json")
        self.logs = os.path.join(folder, "orchestrator_logs")
        os.makedirs(self.logs, exist_ok=True)
        self.lock = threading.Lock()
        self.wake = threading.Event()
        self.state = self.load_state()
        self.log = logging.getLogger("orchestrator")
        handler = logging.FileHandler(os.path.join(self.logs, f"{datetime.now():%Y-%m-%d}.log"))
        handler.setFormatter(logging.Formatter(LOGGING))
        self.log.addHandler(handler)
        self.log.setLevel(logging.INFO)
        threading.Thread(target=self.work, daemon=True).start()

    def load_state(self):
        try:
            with open(self.state_file) as file:
                return json.load(file)
        except (OSError, json.JSONDecodeError):
            return {"status": "idle", "tasks": [], "current_task_index": 0}

    def save_state(self):
        self.state["last_activity"] = datetime.now().isoformat()
        with open(self.state_file, "w") as file:
            json.dump(self.state, file, indent=2)

    def load_tasks(self, name):
        with open(os.path.join(self.folder, "orchestrator_tasks", name)) as file:
            text = file.read()
        parts = re.split(r"^## Task (\d+): (.*)$", text, flags=re.MULTILINE)[1:]
        tasks = []
        for number, title, body in zip(parts[::3], parts[1::3], parts[2::3]):
            kind = re.search(r"\*\*Type:\*\* (.*)", body)
            instruction = body.partition("**Claude Instruction:**")[2].strip()
            tasks.append({
                "id": int(number), "title": title, "type": kind.group(1) if kind else "general",
                "status": "pending", "instruction": instruction,
            })
        return tasks

    def start(self, name):
        with self.lock:
            tasks = self.load_tasks(name)
            self.state = {
                "session_id": f"{datetime.now():%Y%m%d-%H%M%S}", "task_file": name, "current_task_index": 0,
                "status": "running" if self.approval_mode == "auto" else "waiting_approval", "tasks": tasks,
                "started_at": datetime.now().isoformat(), "paused_at": None,
            }
            self.save_state()
        self.wake.set()
        return f"Found {len(tasks)} tasks"

    def approve(self):
        with self.lock:
            if self.state["status"] != "waiting_approval":
                return None
            self.state["status"] = "running"
            self.save_state()
            number = self.state["current_task_index"] + 1
        self.wake.set()
        return f"Executing task {number}"

    def get_status(self):
        with self.lock:
            state = self.state
            tasks = state["tasks"]
            completed = sum(task["status"] == "completed" for task in tasks)
            return {
                "status": state["status"], "task": state["current_task_index"] + 1, "total": len(tasks),
                "completed": completed, "progress": 100 * completed // max(len(tasks), 1),
                "session": state.get("session_id"), "task_file": state.get("task_file"),
                "tasks": [{key: task.get(key) for key in ("id", "title", "type", "status")} for task in tasks],
            }

    def work(self):
        while True:
            self.wake.wait()
            self.wake.clear()
            while self.state["status"] == "running":
                self.execute_current_task()

    def execute_current_task(self):
        with self.lock:
            index = self.state["current_task_index"]
            task = self.state["tasks"][index]
            task["status"] = "running"
            task["started_at"] = datetime.now().isoformat()
            self.save_state()
        self.log.info("Task %d started", task["id"])
        self.notify(f"Task {task['id']} started", "info")
        result = subprocess.run(
            self.command, input=task["instruction"], capture_output=True, text=True, timeout=self.timeout
        )
        output = os.path.join(self.logs, f"task-{task['id']}-output.log")
        with open(output, "w") as file:
            file.write(result.stdout)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        ended = next((line for line in reversed(lines) if line["type"] == "result"), {"is_error": True})
        with self.lock:
            task["status"] = "failed" if ended["is_error"] else "completed"
            task["completed_at"] = datetime.now().isoformat()
            task["result"] = ended.get("result")
            task["output_log"] = output
            self.next_task(index)
            self.save_state()
        self.log.info("Task %d %s", task["id"], task["status"])
        self.notify(f"Task {task['id']} {task['status']}", "success")

    def next_task(self, index):
        if index + 1 == len(self.state["tasks"]):
            self.state["status"] = "completed"
            return
        self.state["current_task_index"] = index + 1
        if self.approval_mode != "auto":
            self.state["status"] = "waiting_approval"

    def notify(self, message, kind):
        if not self.notify_url:
            return
        body = json.dumps({"message": message, "type": kind}).encode()
        request = urllib.request.Request(self.notify_url, body, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=10).read()
        except OSError as error:
            self.log.error("Failed to notify: %s", error)
