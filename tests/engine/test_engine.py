"""Plans and applies of configurations of terraform_data: what is printed, done and kept."""

import json
import os
import subprocess
import textwrap

import pytest


class Folder:
    def __init__(self, path):
        self.path = path

    def write(self, text, name="main.tf"):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))

    def run(self, *arguments, code=0, **env):
        done = subprocess.run(
            [os.environ["TERRARIUM"], *arguments],
            cwd=self.path,
            env=dict(os.environ, **env),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code in (0, 2) else done.stdout + done.stderr

    def apply(self, *arguments, **env):
        return self.run("apply", "-auto-approve", *arguments, **env)

    def outputs(self):
        return {name: each["value"] for name, each in json.loads(self.run("output", "-json")).items()}

    def state(self):
        return json.loads((self.path / ".terrarium/default/terraform.tfstate").read_text())


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_plan_is_shown(folder):
    folder.write("""
        resource "terraform_data" "a" {
          input = { name = "x", list = [1, 2] }
        }
        output "id" { value = terraform_data.a.id }
        """)
    assert folder.run("plan", "-detailed-exitcode", code=2).startswith(textwrap.dedent("""
        Terrarium used the selected providers to generate the following execution
        plan. Resource actions are indicated with the following symbols:
          + create

        Terrarium will perform the following actions:

          # terraform_data.a will be created
          + resource "terraform_data" "a" {
              + id     = (known after apply)
              + input  = {
                  + list = [
                      + 1,
                      + 2,
                    ]
                  + name = "x"
                }
              + output = (known after apply)
            }

        Plan: 1 to add, 0 to change, 0 to destroy.

        Changes to Outputs:
          + id = (known after apply)
        """))
    assert not (folder.path / ".terrarium/default/terraform.tfstate").exists()


def test_apply_change_and_destroy(folder):
    folder.write("""
        variable "x" { default = "one" }
        resource "terraform_data" "a" { input = var.x }
        output "x" { value = terraform_data.a.output }
        """)
    assert "Apply complete! Resources: 1 added, 0 changed, 0 destroyed." in folder.apply()
    assert folder.outputs() == {"x": "one"}
    assert "No changes." in folder.run("plan", "-detailed-exitcode")
    changed = folder.apply("-var", "x=two")
    assert '~ input  = "one" -> "two"' in changed
    assert '~ output = "one" -> (known after apply)' in changed
    assert "Resources: 0 added, 1 changed, 0 destroyed." in changed
    assert folder.run("output", "-raw", "x") == "two"
    assert "Destroy complete! Resources: 1 destroyed." in folder.run("destroy", "-auto-approve")
    assert folder.state()["resources"] == []
    assert folder.outputs() == {}


def test_repetition(folder):
    config = """
        locals {{ names = {names} }}
        resource "terraform_data" "each" {{
          for_each = toset(local.names)
          input    = upper(each.key)
        }}
        resource "terraform_data" "count" {{
          count = length(local.names)
          input = "${{count.index}}-${{terraform_data.each[local.names[count.index]].output}}"
        }}
        output "all" {{ value = terraform_data.count[*].output }}
        """
    folder.write(config.format(names='["a", "b", "c"]'))
    folder.apply()
    assert folder.outputs() == {"all": ["0-A", "1-B", "2-C"]}
    folder.write(config.format(names='["a", "c"]'))
    shown = folder.apply()
    assert '# (because key ["b"] is not in for_each map)' in shown
    assert "# (because index [2] is out of range for count)" in shown
    assert folder.outputs() == {"all": ["0-A", "1-C"]}
    assert folder.run("state", "list").split() == [
        "terraform_data.count[0]",
        "terraform_data.count[1]",
        'terraform_data.each["a"]',
        'terraform_data.each["c"]',
    ]


@pytest.mark.parametrize(
    ("first", "symbol", "order"),
    [
        ("false", "-/+", ["Destroying", "Destruction", "Creating", "Creation"]),
        ("true", "+/-", ["Creating", "Creation", "Destroying", "Destruction"]),
    ],
)
def test_replacement(folder, first, symbol, order):
    folder.write(f"""
        variable "x" {{}}
        resource "terraform_data" "a" {{
          triggers_replace = var.x
          lifecycle {{ create_before_destroy = {first} }}
        }}
        """)
    folder.apply("-var=x=1")
    shown = folder.apply("-var=x=2")
    assert "# terraform_data.a must be replaced" in shown
    assert f'{symbol} resource "terraform_data" "a" {{' in shown
    assert '~ triggers_replace = "1" -> "2" # forces replacement' in shown
    steps = [line.split(": ")[1].split("...")[0].split(" ")[0] for line in shown.splitlines() if ": " in line]
    assert [step for step in steps if step in order] == order
    assert len(folder.state()["resources"][0]["instances"]) == 1


def test_dependents_go_first(folder):
    folder.write("""
        resource "terraform_data" "a" {}
        resource "terraform_data" "b" { input = terraform_data.a.id }
        resource "terraform_data" "c" { depends_on = [terraform_data.b] }
        """)
    folder.apply()
    shown = folder.run("destroy", "-auto-approve")
    gone = [line.split(":")[0] for line in shown.splitlines() if "Destruction complete" in line]
    assert gone == ["terraform_data.c", "terraform_data.b", "terraform_data.a"]


def test_modules(folder):
    folder.write("""
        module "m" {
          source   = "./m"
          for_each = { x = 1, y = 2 }
          n        = each.value
        }
        output "sum" { value = sum([for m in module.m : m.twice]) }
        """)
    folder.write(
        """
        variable "n" { type = number }
        resource "terraform_data" "d" { input = var.n * 2 }
        output "twice" { value = terraform_data.d.output }
        """,
        "m/main.tf",
    )
    folder.apply()
    assert folder.outputs() == {"sum": 6}
    assert folder.run("state", "list").split() == [
        'module.m["x"].terraform_data.d',
        'module.m["y"].terraform_data.d',
    ]


def test_damaged_plan(folder):
    folder.write("""resource "terraform_data" "a" { input = 1 }""")
    folder.run("plan", "-out=p")
    plan = json.loads((folder.path / "p").read_text())
    del plan["changes"][0]["provider"]
    (folder.path / "p").write_text(json.dumps(plan))
    assert "the plan is damaged" in folder.run("apply", "p", code=1)


def test_saved_plan(folder):
    folder.write("""
        variable "x" { sensitive = true }
        resource "terraform_data" "a" { input = var.x }
        """)
    folder.run("plan", "-out=p", "-var", "x=secret")
    assert "secret" not in folder.run("show", "p")
    assert "Resources: 1 added" in folder.run("apply", "p")
    assert folder.state()["resources"][0]["instances"][0]["attributes"]["output"]["value"] == "secret"
    assert "Saved plan is stale" in folder.run("apply", "p", code=1)


def test_sensitive_values_are_not_shown(folder):
    folder.write("""
        variable "x" { sensitive = true }
        resource "terraform_data" "a" { input = "p:${var.x}" }
        output "x" {
          value     = terraform_data.a.output
          sensitive = true
        }
        """)
    shown = folder.apply("-var", "x=hidden")
    assert "hidden" not in shown
    assert "(sensitive value)" in shown
    assert folder.run("output", "-raw", "x") == "p:hidden"


def test_target(folder):
    folder.write("""
        resource "terraform_data" "a" {}
        resource "terraform_data" "b" { input = terraform_data.a.id }
        resource "terraform_data" "c" {}
        """)
    assert "2 added" in folder.apply("-target=terraform_data.b")
    assert "1 added" in folder.apply()
    assert "2 destroyed" in folder.run("destroy", "-auto-approve", "-target", "terraform_data.a")
    assert folder.run("state", "list").split() == ["terraform_data.c"]


def test_ignore_changes(folder):
    config = """
        resource "terraform_data" "a" {{
          input = "{value}"
          lifecycle {{ ignore_changes = [input] }}
        }}
        """
    folder.write(config.format(value="one"))
    folder.apply()
    folder.write(config.format(value="two"))
    assert "No changes." in folder.run("plan")


def test_prevent_destroy(folder):
    folder.write("""
        resource "terraform_data" "a" {
          lifecycle { prevent_destroy = true }
        }
        """)
    folder.apply()
    assert "Error: Instance cannot be destroyed" in folder.run("destroy", "-auto-approve", code=1)
    assert folder.run("state", "list").split() == ["terraform_data.a"]


def test_moved(folder):
    folder.write('resource "terraform_data" "old" {}')
    folder.apply()
    before = folder.state()["resources"][0]["instances"][0]["attributes"]["id"]
    folder.write("""
        resource "terraform_data" "new" {}
        moved {
          from = terraform_data.old
          to   = terraform_data.new
        }
        """)
    folder.apply()
    (resource,) = folder.state()["resources"]
    assert (resource["name"], resource["instances"][0]["attributes"]["id"]) == ("new", before)


def test_where_variables_come_from(folder):
    folder.write("""
        variable "a" {}
        variable "b" {}
        variable "c" { type = list(number) }
        variable "d" { type = object({ x = optional(string, "filled") }) }
        output "all" { value = [var.a, var.b, var.c, var.d.x] }
        """)
    folder.write('a = "file"\nb = "file"\nd = {}\n', "terraform.tfvars")
    folder.write('b = "auto"\n', "x.auto.tfvars")
    folder.apply("-var", "c=[1, 2]", TF_VAR_a="environment")
    assert folder.outputs() == {"all": ["file", "auto", [1, 2], "filled"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('resource "terraform_data" "a" { inpt = 1 }', 'Did you mean "input"?'),
        ('resource "terraform_dta" "a" {}', "Provider not available|Invalid resource type"),
        ('resource "aws_vpcc" "a" {}', 'Did you mean "aws_vpc"?'),
        ("output \"x\" { value = var.nme }\nvariable \"name\" { default = 1 }", 'Did you mean "name"?'),
        ("output \"x\" { value = terraform_data.a.id }", "Reference to undeclared resource"),
        ('locals {\n  a = local.b\n  b = local.a\n}', "Error: Cycle"),
        ('resource "terraform_data" "a" { count = "x" }', "Incorrect value type"),
        ("variable \"x\" {}\noutput \"x\" { value = var.x }", "No value for required variable"),
        ('resource "terraform_data" "a" {', "Error: "),
    ],
)
def test_errors(folder, text, expected):
    folder.write(text + "\n")
    shown = " ".join(folder.run("plan", code=1).replace("│", " ").split())
    assert any(each in shown for each in expected.split("|")), shown
    assert not (folder.path / ".terrarium/default/terraform.tfstate").exists()


def test_preconditions_and_validation(folder):
    folder.write("""
        variable "n" {
          type = number
          validation {
            condition     = var.n > 0
            error_message = "n must be positive."
          }
        }
        resource "terraform_data" "a" {
          input = var.n
          lifecycle {
            precondition {
              condition     = var.n < 10
              error_message = "n is too large."
            }
          }
        }
        """)
    assert "n must be positive." in folder.run("plan", "-var=n=-1", code=1)
    assert "n is too large." in folder.run("plan", "-var=n=11", code=1)
    folder.run("plan", "-var=n=5")


def test_validate_as_json(folder):
    folder.write('resource "terraform_data" "a" { inpt = 1 }\n')
    report = json.loads(folder.run("validate", "-json", code=1))
    assert (report["valid"], report["error_count"]) == (False, 1)
    assert report["diagnostics"][0]["range"]["start"]["line"] == 1


def test_nobody_approves(folder):
    folder.write('resource "terraform_data" "a" {}')
    shown = folder.run("apply", "-input=false", code=1)
    assert "nobody can approve" in shown


def test_two_at_a_time(folder):
    """Whoever comes second is told who holds the lock."""
    folder.write('resource "terraform_data" "a" {}')
    first = subprocess.Popen(
        [os.environ["TERRARIUM"], "apply"], cwd=folder.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    while "Enter a value" not in first.stdout.readline() and first.poll() is None:
        if (folder.path / ".terrarium/default").exists() and list((folder.path / ".terrarium/default").iterdir()):
            break
    assert "Error acquiring the state lock" in folder.run("apply", "-auto-approve", code=1)
    out, _ = first.communicate("yes\n", timeout=30)
    assert "Apply complete!" in out


def test_fmt(folder):
    folder.write('resource "terraform_data" "a" {\ninput=1\n}\n')
    assert folder.run("fmt", "-check", code=3) == "main.tf\n"
    folder.run("fmt")
    assert (folder.path / "main.tf").read_text() == 'resource "terraform_data" "a" {\n  input = 1\n}\n'
    folder.run("fmt", "-check")


def test_paths_of_modules(folder):
    folder.write('output "root" { value = "${path.module}/a" }\nmodule "part" { source = "./parts/one" }\n'
                 'output "part" { value = module.part.path }')
    folder.write('output "path" { value = "${path.module} ${path.root}" }', "parts/one/main.tf")
    folder.run("init")
    folder.apply()
    assert folder.outputs() == {"root": "./a", "part": "parts/one ."}


def test_removed_is_forgotten_or_destroyed(folder):
    folder.write("""
        resource "terraform_data" "a" { input = 1 }
        resource "terraform_data" "b" { input = 1 }
        """)
    folder.apply()
    folder.write("""
        removed {
          from = terraform_data.a
          lifecycle { destroy = false }
        }
        removed { from = terraform_data.b }
        """)
    shown = folder.apply()
    assert "# terraform_data.a will no longer be managed by Terrarium, but will not be destroyed" in shown
    assert "Some objects will no longer be managed by Terrarium" in shown
    assert "terraform_data.a: Destroying" not in shown
    assert "Resources: 0 added, 0 changed, 1 destroyed." in shown
    assert folder.state()["resources"] == []


def test_checks_warn_and_stop_nothing(folder):
    folder.write("""
        resource "terraform_data" "a" { input = 1 }
        check "size" {
          data "terraform_remote_state" "none" {
            backend = "local"
            config  = { path = "nowhere.tfstate" }
          }
          assert {
            condition     = terraform_data.a.output == 2
            error_message = "It is ${terraform_data.a.output}."
          }
        }
        """)
    shown = folder.apply()
    assert "Warning: Check block assertion failed" in shown
    assert "It is 1." in shown
    assert 'in check "size"' in shown
    assert "Resources: 1 added" in shown


def test_state_is_moved_pushed_and_pulled(folder):
    folder.write("""
        module "m" { source = "./child" }
        """)
    folder.write('resource "terraform_data" "x" {\n  count = 2\n  input = count.index\n}\n', "child/main.tf")
    folder.apply()
    assert "Successfully moved 2 object(s)." in folder.run("state", "mv", "module.m", "module.n")
    assert folder.run("state", "list").split() == [
        "module.n.terraform_data.x[0]",
        "module.n.terraform_data.x[1]",
    ]
    pulled = folder.run("state", "pull")
    (folder.path / "old.tfstate").write_text(pulled)
    assert "Removed module.n.terraform_data.x[0]" in folder.run("state", "rm", "module.n.terraform_data.x[0]")
    assert "with serial" in folder.run("state", "push", "old.tfstate", code=1)
    folder.run("state", "push", "-force", "old.tfstate")
    assert len(folder.run("state", "list").split()) == 2
    stranger = json.loads(pulled)
    stranger["lineage"] = "another"
    (folder.path / "other.tfstate").write_text(json.dumps(stranger))
    assert "unrelated state" in folder.run("state", "push", "other.tfstate", code=1)


def test_workspaces_keep_states_apart(folder):
    folder.write("""
        resource "terraform_data" "a" { input = terraform.workspace }
        output "a" { value = terraform_data.a.output }
        """)
    folder.apply()
    folder.run("workspace", "new", "other")
    assert folder.run("state", "list", code=1)
    folder.apply()
    assert folder.outputs() == {"a": "other"}
    folder.run("workspace", "select", "default")
    assert folder.outputs() == {"a": "default"}
    assert "Workspace is not empty" in folder.run("workspace", "delete", "other", code=1)
    folder.run("workspace", "delete", "-force", "other")
    assert folder.run("workspace", "list") == "* default\n\n"


def test_console(folder):
    folder.write("""
        variable "x" { default = 2 }
        resource "terraform_data" "a" { input = { n = var.x } }
        """)
    folder.apply()
    done = subprocess.run(
        [os.environ["TERRARIUM"], "console"],
        cwd=folder.path,
        input="terraform_data.a.output.n + var.x\nupper(\"x\")\nnope.x\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == '4\n"X"\n'
    assert "Reference to undeclared resource" in done.stderr
    assert done.returncode == 1


def test_questions(folder):
    folder.write("""
        variable "n" {
          type        = number
          description = "How many."
        }
        resource "terraform_data" "a" { input = var.n }
        """)

    def ask(text, *arguments):
        done = subprocess.run(
            [os.environ["TERRARIUM"], *arguments], cwd=folder.path, input=text, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    code, out, _ = ask("5\nyes\n", "apply")
    assert code == 0
    assert out.startswith("var.n\n  How many.\n\n  Enter a value: \n")
    assert "\nDo you want to perform these actions?\n  Terrarium will perform the actions described above.\n" in out
    assert folder.state()["resources"][0]["instances"][0]["attributes"]["input"]["value"] == 5
    code, out, _ = ask("no\n", "apply", "-var", "n=6")
    assert (code, "Apply cancelled." in out) == (1, True)
    code, _, err = ask("", "apply", "-var", "n=6")
    assert (code, "error asking for approval: EOF" in err) == (1, True)
    code, _, err = ask("", "plan", "-input=false")
    assert (code, "No value for required variable" in err) == (1, True)
    code, out, _ = ask("5\nyes\n", "destroy")
    assert (code, "There is no undo. Only 'yes' will be accepted to confirm." in out) == (0, True)


def test_count_comes_and_goes_without_replacement(folder):
    folder.write('resource "terraform_data" "a" { input = "x" }\n')
    folder.apply()
    folder.write('resource "terraform_data" "a" {\n  count = 1\n  input = "x"\n}\n')
    shown = folder.apply()
    assert "# terraform_data.a has moved to terraform_data.a[0]" in shown
    assert "Resources: 0 added, 0 changed, 0 destroyed." in shown
    assert folder.run("state", "list").split() == ["terraform_data.a[0]"]


def test_what_cannot_be_is_said_at_once(folder):
    folder.write('resource "terraform_data" "a" { input = terraform_data.a.id }\n')
    assert "Self-referential block" in folder.run("validate", code=1)
    folder.write('resource "terraform_data" "a" { depends_on = [terraform_data.b] }\n')
    assert "Reference to undeclared resource" in folder.run("validate", code=1)
    folder.write('resource "terraform_data" "a" {}\noutput "x" { value = terraform_data.a.ouput }\n')
    assert 'Did you mean "output"?' in folder.run("validate", code=1)


def test_show_json(folder):
    folder.write("""
        variable "secret" {
          default   = "s"
          sensitive = true
        }
        module "m" {
          source   = "./child"
          for_each = toset(["a.b"])
        }
        resource "terraform_data" "a" { input = { open = 1, password = var.secret } }
        output "x" { value = 1 }
        """)
    folder.write('resource "terraform_data" "x" { input = "x" }\n', "child/main.tf")
    folder.run("plan", "-out", "p")
    plan = json.loads(folder.run("show", "-json", "p"))
    changes = {each["address"]: each["change"] for each in plan["resource_changes"]}
    assert changes["terraform_data.a"]["actions"] == ["create"]
    assert changes["terraform_data.a"]["after"]["input"] == {"open": 1, "password": "s"}
    assert changes["terraform_data.a"]["after_unknown"] == {"id": True, "input": {}, "output": True}
    assert changes["terraform_data.a"]["after_sensitive"] == {"input": {"password": True}}
    assert plan["output_changes"]["x"]["after"] == 1
    folder.run("apply", "p")
    root = json.loads(folder.run("show", "-json"))["values"]["root_module"]
    (a,) = root["resources"]
    assert (a["address"], a["mode"], a["values"]["output"]["open"]) == ("terraform_data.a", "managed", 1)
    (child,) = root["child_modules"]
    assert child["address"] == 'module.m["a.b"]'
    assert child["resources"][0]["address"] == 'module.m["a.b"].terraform_data.x'


def test_errors_tell_the_values(folder):
    """Below the quoted line: the function that was called, and what is referred to."""
    folder.write(
        """
        variable "name" { default = "x" }
        variable "secret" {
          default   = "hidden"
          sensitive = true
        }
        locals {
          sizes = { a = 1, b = [1, 2] }
          many  = tolist(["a", "b"])
        }
        output "o" {
          value = EXPRESSION
        }
        """
    )
    text = (folder.path / "main.tf").read_text()

    def values(expression):
        (folder.path / "main.tf").write_text(text.replace("EXPRESSION", expression))
        return [line.split("│ ")[-1] for line in folder.run("plan", code=1).split("\n") if "    │ " in line]

    assert values("tonumber(var.name)") == ["while calling tonumber(v)", 'var.name is "x"']
    assert values("cidrsubnet(var.name, length(local.many), 2)") == [
        "while calling cidrsubnet(prefix, newbits, netnum)",
        "local.many is list of string with 2 elements",
        'var.name is "x"',
    ]
    assert values("local.sizes.c") == ["local.sizes is object with 2 attributes"]
    assert values("1 + local.sizes.b") == ["local.sizes.b is tuple with 2 elements"]
    assert values("[for each in local.many : each.name]") == []
    assert values("var.secret + 1") == []
    assert values("var.name ? 1 : 2") == ['var.name is "x"']


def test_json_configuration(folder):
    folder.write("""
        {
          "resource": {"terraform_data": {
            "a": {"input": 1},
            "each": {"for_each": {"k": 1}, "input": "${each.key}"}
          }},
          "locals": {"empty": []}
        }
        """, "main.tf.json")
    folder.apply()
    folder.write("""
        {
          "//": "a comment",
          "moved": [
            {"from": "terraform_data.a", "to": "terraform_data.b"},
            {"from": "terraform_data.each[\\"k\\"]", "to": "terraform_data.other[\\"l\\"]"}
          ],
          "import": {"to": "terraform_data.imported[each.key]", "for_each": {"x": "an-id"}, "id": "${each.value}"},
          "resource": {"terraform_data": {
            "b": {"input": 1},
            "other": {"for_each": {"l": 1}, "input": "k"},
            "imported": {"for_each": {"x": 1}},
            "trigger": {"lifecycle": {"replace_triggered_by": ["terraform_data.b"]}}
          }}
        }
        """, "main.tf.json")
    shown = folder.apply()
    assert "terraform_data.a has moved to terraform_data.b" in shown
    assert 'terraform_data.each["k"] has moved to terraform_data.other["l"]' in shown
    assert "Resources: 1 imported, 1 added, 0 changed, 0 destroyed." in shown
    folder.write("""
        {"removed": {"from": "terraform_data.b", "lifecycle": {"destroy": false}}}
        """, "main.tf.json")
    assert "will no longer be managed by Terrarium" in folder.apply()


def test_json_nested_blocks(folder):
    folder.write("""
        {
          "variable": {"content": {"default": {"a.txt": "A", "b.txt": "B"}}},
          "data": {"archive_file": {"x": {
            "type": "zip",
            "output_path": "x.zip",
            "source": [{"content": "first", "filename": "first.txt"}],
            "dynamic": {"source": {
              "for_each": "${var.content}",
              "iterator": "each_source",
              "content": {"content": "${each_source.value}", "filename": "${each_source.key}"}
            }}
          }}},
          "output": {"names": {"value": "${sort(data.archive_file.x.source[*].filename)}"}}
        }
        """, "main.tf.json")
    folder.apply()
    assert folder.outputs() == {"names": ["a.txt", "b.txt", "first.txt"]}


def test_overrides(folder):
    folder.write("""
        provider "local" {}
        terraform {
          backend "s3" { bucket = "x" }
        }
        data "archive_file" "x" {
          type        = "zip"
          output_path = "x.zip"
          source {
            content  = "base"
            filename = "base.txt"
          }
        }
        output "names" { value = data.archive_file.x.source[*].filename }
        """)
    folder.write("""
        data "archive_file" "x" {
          dynamic "source" {
            for_each = ["over.txt", "ride.txt"]
            content {
              content  = source.value
              filename = source.value
            }
          }
        }
        """, "archive_override.tf")
    folder.write('{"output": {"names": {"value": "${sort(data.archive_file.x.source[*].filename)}"}}}', "override.tf.json")
    folder.apply()
    assert folder.outputs() == {"names": ["over.txt", "ride.txt"]}


def with_aws_of(folder, constraint):
    folder.write(f"""
        terraform {{
          required_providers {{
            aws = {{
              source  = "hashicorp/aws"
              version = "{constraint}"
            }}
          }}
        }}
        """)


@pytest.mark.parametrize(
    ("constraint", "told"),
    [("~> 6.0", " v6."), ("~> 5.0", ", and serves ~> 5.0"), (">= 3, < 5", ", and serves >= 3, < 5")],
)
def test_init_tells_which_versions_it_serves(folder, constraint, told):
    with_aws_of(folder, constraint)
    text = folder.run("init")
    assert "- registry.terraform.io/hashicorp/aws" in text
    assert told in text


@pytest.mark.parametrize("command", ["init", "validate", "plan"])
@pytest.mark.parametrize("constraint", ["~> 99", "< 3", ">= 4, < 4"])
def test_versions_that_nothing_serves_are_refused(folder, command, constraint):
    with_aws_of(folder, constraint)
    text = " ".join(folder.run(command, code=1).replace("│", " ").split())
    assert "Error: Failed to query available provider packages" in text
    assert f"no available releases match the given constraints {constraint}" in text
    assert "serves its majors 3 to 6" in text


def test_sensitive_values_are_not_told(folder):
    folder.write("""
        variable "secret" {
          sensitive = true
          validation {
            condition     = var.secret == "x"
            error_message = "It is wrong."
          }
        }
        """)
    text = folder.run("plan", "-var", "secret=hunter2", code=1)
    assert "It is wrong." in text
    assert "hunter2" not in text


def test_replacement_is_triggered_by_the_instance_of_the_same_key(folder):
    configuration = """
        resource "terraform_data" "cause" {{
          count = 2
          input = "{value}-${{count.index}}"
        }}
        resource "terraform_data" "effect" {{
          count = 2
          input = "same"
          lifecycle {{
            replace_triggered_by = [terraform_data.cause[{key}]]
          }}
        }}
        """
    folder.write(configuration.format(value="a", key="count.index"))
    folder.apply()
    other = configuration.replace('"{value}-${{count.index}}"', 'count.index == 0 ? "a-0" : "b"')
    folder.write(other.format(key="count.index"))
    text = folder.run("plan")
    assert "terraform_data.effect[1] will be replaced" in text
    assert "# terraform_data.effect[0]" not in text
    folder.write(configuration.format(value="a", key="7"))
    assert "no change found for terraform_data.cause[7] in the root module" in folder.run("plan", code=1)


def test_a_folder_without_configuration(folder):
    """Terraform's answers: nothing to plan, but there are a console, init, and an end of what the state has."""
    assert "initialized in an empty directory" in folder.run("init")
    assert "The configuration is valid" in folder.run("validate")
    assert "No configuration files" in folder.run("plan", code=1)
    folder.write('resource "terraform_data" "a" {}')
    folder.apply()
    (folder.path / "main.tf").unlink()
    assert "No configuration files" in folder.run("apply", "-auto-approve", code=1)
    assert "terraform_data.a" in folder.run("show")
    assert "1 destroyed" in folder.run("destroy", "-auto-approve")
    assert folder.state()["resources"] == []
