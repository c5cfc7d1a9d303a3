#!/usr/bin/env python3
"""Reads the sources and says where they break the rules of docs/architecture.md.

Usage: architecture.py REPOSITORY

Law: a rule is a function from a file to complaints; an exception stands in a table with its reason, and an exception
that is not needed any more is a complaint too.
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

# Folder -> what its files may include. The longest matching folder counts; the rest is main's.
PURE = {"base", "kube/model", "todoapp"}
LAYERS = {
    "base": {"base"},
    "kube/model": {"base", "kube/model"},
    "kube": {"base", "kube/model", "kube"},
    "todoapp": {"base", "kube/model", "todoapp"},
    "operator": {"base", "kube/model", "kube", "todoapp", "operator"},
    "kubectl": {"base", "kube/model", "kube", "todoapp", "kubectl"},
    "": {"base", "kube/model", "kube", "todoapp", "operator", "kubectl", ""},
}

# Files of `kube` that decide and do not act: held to the rules of the pure folders.
PURE_FILES = re.compile(r"kube/(\w+_machine|work_queue|request|response|store|line_splitter)\.[ch]pp")

PURE_HEADERS = re.compile(
    r"(boost/(asio|beast)|spdlog|cpprest|prometheus|fstream|iostream|thread|mutex|shared_mutex|condition_variable"
    r"|future|random|sys|unistd\.h|ctime)\b"
)
PURE_WORDS = re.compile(r"::now\(|\brandom_device\b|\bs?rand\(|\bgetenv\(|\bstd::time\(|\bRAND_bytes\(")

CPPREST = re.compile(r"(cpprest|pplx)/")
CPPREST_FILE = "kube/rest_transport.cpp"

# What comes from the API names no program and no connection: only the files that a user starts a program with do.
STARTS_PROGRAMS = re.compile(r"\b(?:posix_spawnp?|v?fork|exec[lv]p?e?|execve?at|popen|system)\s*\(")
PROGRAM_FILE = "kube/exec_plugin.cpp"
KUBECONFIG = "kube/kubeconfig.hpp"
KUBECONFIG_READERS = {"kube/kubeconfig.cpp", "operator/process.cpp", "kubectl/main.cpp", "kubectl/complete_command.cpp"}

# A program of its own, held to the rules that are not about layers; its tests are in tests/unit/backend.
BACKEND = "docker/backend/src"

LINES_MOST = 400
FUNCTION_LINES_MOST = 70

CONFORMANCE = "needs a peer: tests/integration/transport"
# Sources without a test of their own name, and why.
UNTESTED = {
    "base/result.cpp": "two tables of words, seen wherever a test compares an error",
    "kube/transport.cpp": "five words, seen in the lines that request_test compares",
    "kube/model/resource.cpp": "a table, seen in the paths that request_test compares",
    "kube/asio_transport.cpp": CONFORMANCE,
    "kube/rest_transport.cpp": CONFORMANCE,
    "kube/connection.cpp": CONFORMANCE,
    "kube/http_channel.cpp": CONFORMANCE,
    "kube/socket_bio.cpp": CONFORMANCE,
    "kube/dispatcher.cpp": CONFORMANCE,
    "kube/tls_context.cpp": CONFORMANCE,
    "kube/exec_plugin.cpp": "runs other programs: credentials_test and the conformance suite run real ones",
    "kube/model/json_reader.cpp": "the private half of decode.cpp, read byte by byte in decode_malformed_test",
    "todoapp/app_object.cpp": "what observe_test looks at",
    "kubectl/client.cpp": "needs a server: tests/integration/kubectl",
    "kubectl/commands.cpp": "asks, then prints what the tested parts say: tests/integration/kubectl",
    "kubectl/complete_command.cpp": "asks for what completion_test gives: tests/integration/kubectl",
    "kubectl/diff_command.cpp": "asks, then prints what the tested parts say: tests/integration/kubectl",
    "kubectl/following.cpp": "needs a server: tests/integration/kubectl",
    "kubectl/preview.cpp": "asks for what forecast and differences are given: tests/integration/kubectl",
    "kubectl/terminal.cpp": "needs a terminal: tests/integration/kubectl has one",
    "kubectl/waiting.cpp": "needs a server: tests/integration/kubectl",
    "operator/process.cpp": "wiring, signals and the end of the process: tests/integration/operator",
    "backend/database.cpp": "transactions, tried with a real database in schema_test and migrate_test",
    "backend/http_connection.cpp": "the private half of http_server.cpp, whose test talks to it",
    "backend/postgresql.cpp": "needs a server: tests/backend; what needs none is in postgresql_url_test",
    "backend/process_metrics.cpp": "seen in metrics_test",
    "backend/serve.cpp": "wiring, signals and the end of the process: tests/backend",
    "todoapp/codec_reader.cpp": "the private half of codec.cpp, walked field by field in codec_test",
    "todoapp/desired/config.cpp": "one object, compared whole in body_test and in the goldens",
    "todoapp/desired/environment.cpp": "private to content.cpp and migration.cpp, whose tests compare it",
    "todoapp/desired/pod.cpp": "private to content.cpp and migration.cpp, whose tests compare it",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")', re.DOTALL)


@dataclass
class Source:
    """One file under controller/, named from there."""

    name: str
    text: str
    code: str = field(init=False)  # without comments

    def __post_init__(self):
        self.code = COMMENT.sub(lambda match: match.group(1) or "", self.text)

    @property
    def is_header(self):
        return self.name.endswith(".hpp")

    @property
    def is_pure(self):
        return layer_of(self.name) in PURE or PURE_FILES.fullmatch(self.name) is not None

    def own_includes(self):
        return [quoted for quoted, _ in INCLUDE.findall(self.code) if quoted]

    def library_includes(self):
        return [angled for _, angled in INCLUDE.findall(self.code) if angled]


def layer_of(name):
    fitting = [layer for layer in LAYERS if layer == "" or name.startswith(layer + "/")]
    return max(fitting, key=len)


def check_directions(source, names):
    layer = layer_of(source.name)
    for quoted in source.own_includes():
        if quoted not in names:
            yield f'includes "{quoted}", which is not under controller/'
        elif layer_of(quoted) not in LAYERS[layer]:
            yield f'includes "{quoted}": {layer or "main"} cannot see {layer_of(quoted) or "main"}'


def check_libraries(source):
    for angled in source.library_includes():
        if CPPREST.match(angled) and source.name != CPPREST_FILE:
            yield f"includes <{angled}>: only {CPPREST_FILE} knows cpprestsdk"
        if angled == "nlohmann/json.hpp" and source.is_header:
            yield "includes <nlohmann/json.hpp>: headers include <nlohmann/json_fwd.hpp>"
        if source.is_pure and PURE_HEADERS.match(angled):
            yield f"includes <{angled}>: it is pure"


def check_purity(source):
    if source.is_pure:
        for word in PURE_WORDS.findall(source.code):
            yield f"says {word}: time and randomness are arguments"


def check_programs(source):
    if source.name != PROGRAM_FILE:
        for word in STARTS_PROGRAMS.findall(source.code):
            yield f"says {word}: only {PROGRAM_FILE} starts programs"
    if KUBECONFIG in source.own_includes() and source.name not in KUBECONFIG_READERS:
        yield f'includes "{KUBECONFIG}": an exec plugin is run of a file that the process was started with, and of no other'


def check_header(source):
    if source.is_header:
        if not source.text.startswith("//"):
            yield "does not open with a comment that says what it is"
        if "\n#pragma once\n" not in source.text:
            yield "lacks #pragma once"


def check_length(text):
    count = text.count("\n")
    if count > LINES_MOST:
        yield f"has {count} lines, more than {LINES_MOST}"


def check_functions(source):
    """Leans on clang-format: a function outside a class begins and ends in the first column."""
    start = None
    for number, line in enumerate(source.text.splitlines(), 1):
        if not line or line[0] in " \t#/":
            continue
        if line == "}" and start and number - start + 1 > FUNCTION_LINES_MOST:
            yield f"has a function of {number - start + 1} lines at line {start}, more than {FUNCTION_LINES_MOST}"
        start = None if line.startswith(("}", "namespace", "class", "struct", "enum", "template")) else number


def tests_of(name):
    """Where the tests of controller/NAME may be; a part `a.b.cpp` may be tested with its whole, `a.cpp`."""
    path = Path(name)
    stems = {path.stem.replace(".", "_"), path.stem.split(".")[0]}
    return [str(path.parent / f"{stem}_test.cpp") for stem in sorted(stems)]


def check_mirror(name, tests, untested):
    if not name.endswith(".cpp") or Path(name).name == "main.cpp":
        return
    tested = any(test in tests for test in tests_of(name))
    if not tested and name not in untested:
        yield "has no test: " + " or ".join(f"tests/unit/{test}" for test in tests_of(name))
    if tested and name in untested:
        yield "has a test: take it out of the list of untested files"


def files_under(folder):
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".hpp", ".cpp"):
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def check(repository, untested=None):
    """All complaints about a repository, in order of file names."""
    untested = UNTESTED if untested is None else untested
    sources = [Source(name, text) for name, text in files_under(repository / "controller")]
    tests = dict(files_under(repository / "tests" / "unit"))
    names = {source.name for source in sources}
    complaints = []
    for source in sources:
        found = [
            *check_directions(source, names),
            *check_libraries(source),
            *check_purity(source),
            *check_programs(source),
            *check_header(source),
            *check_length(source.text),
            *check_functions(source),
            *check_mirror(source.name, tests, untested),
        ]
        complaints += [f"controller/{source.name} {what}" for what in found]
    for name, text in files_under(repository / BACKEND):
        source = Source(name, text)
        names.add(f"backend/{name}")
        found = [
            *check_header(source),
            *check_length(source.text),
            *check_functions(source),
            *check_mirror(f"backend/{name}", tests, untested),
        ]
        complaints += [f"{BACKEND}/{name} {what}" for what in found]
    complaints += [f"tests/unit/{name} {what}" for name, text in tests.items() for what in check_length(text)]
    complaints += [f"the list of untested files names {name}, which is gone" for name in untested if name not in names]
    if not sources:
        complaints.append("there is nothing under controller/")
    return complaints


def main():
    complaints = check(Path(sys.argv[1]))
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
