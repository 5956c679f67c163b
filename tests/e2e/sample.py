"""The sample app in a region of its own, delivered as its README says: by its pipeline."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.request

from conftest import Region, wait_until

ROOT = pathlib.Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "fullstack"
IGNORED = shutil.ignore_patterns(*(SAMPLE / ".gitignore").read_text(encoding="utf-8").split())
NAME = "fullstack-dev"
EXPAND = "backend/database/migrations/2026_02_14_090000_add_author_to_messages.php"
TFVARS = """
app_key     = "base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
db_password = "%s"
"""


class Sample:
    """A region, a repository with the sample's sources, and what its Terraform files describe."""

    def __init__(self):
        # Not pytest's own temporary folder: root inside the glass must be able to reach it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="terrarium-sample-"))
        os.chmod(self.folder, 0o755)
        self.sources = self.folder / "sources"
        self.region = Region(self.folder / "home")
        self.outputs = {}

    # ---- the environment ----

    def up(self):
        return self.region.run("up")

    def terraform(self, *arguments, timeout=300):
        return self.region.run(f"-chdir={self.sources / 'terraform'}", *arguments, timeout=timeout)

    def apply(self):
        shutil.copytree(SAMPLE, self.sources, ignore=IGNORED)
        (self.sources / "terraform" / "terraform.tfvars").write_text(TFVARS % os.urandom(16).hex(), encoding="utf-8")
        for arguments in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"]):
            done = self.terraform(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr
        values = json.loads(self.terraform("output", "-json").stdout)
        self.outputs = {name: value["value"] for name, value in values.items()}

    def url(self, path="/"):
        return f"http://{self.outputs['alb_dns_name']}{path}"

    def get(self, path="/", data=None):
        """The body of an answer of status 2xx."""
        host = self.outputs["alb_dns_name"]
        port = host.rpartition(":")[2] if ":" in host else "80"
        headers = {"Host": host, **({"Content-Type": "application/json"} if data else {})}
        body = json.dumps(data).encode() if data else None
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as response:
            return response.read().decode()

    def exec(self, service, *command):
        return self.region.run("exec", service, "--", *command, timeout=30)

    # ---- the sources ----

    def git(self, *arguments):
        settings = ("-c", "user.name=A developer", "-c", "user.email=developer@localhost")
        done = subprocess.run(
            ["git", *settings, *arguments], cwd=self.sources, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message):
        if not (self.sources / ".git").is_dir():
            self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, path, old, new):
        file = self.sources / path
        text = file.read_text(encoding="utf-8")
        assert old in text, path
        file.write_text(text.replace(old, new), encoding="utf-8")

    def push(self):
        done = self.region.run("push", "--repository", self.outputs["repository_id"], str(self.sources))
        assert done.returncode == 0, done.stderr

    # ---- the pipeline ----

    def runs(self):
        """Its executions, the newest first."""
        client = self.region.client("codepipeline")
        return client.list_pipeline_executions(pipelineName=NAME)["pipelineExecutionSummaries"]

    def run_of(self, commit, seconds=30):
        """The execution that a push of the commit started."""

        def find():
            return next(
                (r for r in self.runs() if any(s.get("revisionId") == commit for s in r.get("sourceRevisions", []))),
                None,
            )

        return wait_until(find, f"a run of the pipeline for {commit}", seconds)

    def ended(self, run, seconds):
        def look():
            now = next(r for r in self.runs() if r["pipelineExecutionId"] == run["pipelineExecutionId"])
            return now["status"] not in ("InProgress", "Stopping") and now

        return wait_until(look, "the pipeline's run has ended", seconds)

    def actions(self, run):
        """{action: (status, message)} of an execution."""
        client = self.region.client("codepipeline")
        details = client.list_action_executions(
            pipelineName=NAME, filter={"pipelineExecutionId": run["pipelineExecutionId"]}
        )["actionExecutionDetails"]
        return {
            each["actionName"]: (
                each["status"],
                each.get("output", {}).get("executionResult", {}).get("externalExecutionSummary", ""),
            )
            for each in details
        }

    def tell(self, run):
        """All that is known of a run, for a test that fails."""
        status = self.region.run("pipeline", "status", NAME, "--execution", run["pipelineExecutionId"])
        logs = self.region.run("pipeline", "logs", NAME, "--execution", run["pipelineExecutionId"])
        return f"{status.stdout}{status.stderr}\n{logs.stdout[-8000:]}{logs.stderr}"

    def tasks(self):
        ecs = self.region.client("ecs")
        return {
            service: set(ecs.list_tasks(cluster=NAME, serviceName=service)["taskArns"])
            for service in ("frontend", "backend")
        }

    def stopped(self, tasks):
        arns = [arn for service in tasks.values() for arn in service]
        ended = self.region.client("ecs").describe_tasks(cluster=NAME, tasks=arns)["tasks"]
        return all(task["lastStatus"] == "STOPPED" for task in ended)

    # ---- its end ----

    def close(self):
        down = self.region.run("down", "--purge")
        shutil.rmtree(self.folder, ignore_errors=True)
        return down
