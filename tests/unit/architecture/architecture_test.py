#!/usr/bin/env python3
"""Shows that each rule of architecture.py can fail: on a small tree, good at first, with one thing made bad."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
from architecture import check  # noqa: E402

HEAD = "// What it is.\n#pragma once\n"
GOOD = {
    "controller/main.cpp": '#include "operator/loop.hpp"\n',
    "controller/base/time.hpp": HEAD,
    "controller/base/time.cpp": '#include "base/time.hpp"\n#include <fmt/format.h>\n',
    "controller/kube/model/object.hpp": HEAD + '#include "base/time.hpp"\n',
    "controller/kube/transport.hpp": HEAD + '#include "kube/model/object.hpp"\n#include <boost/asio/io_context.hpp>\n',
    "controller/kube/kubeconfig.hpp": HEAD,
    "controller/kube/rest_transport.cpp": '#include "kube/transport.hpp"\n#include <cpprest/http_client.h>\n',
    "controller/todoapp/plan.hpp": HEAD + '#include "kube/model/object.hpp"\n// not std::chrono::steady_clock::now()\n',
    "controller/todoapp/plan.cpp": '#include "todoapp/plan.hpp"\n#include <nlohmann/json.hpp>\n',
    "controller/operator/loop.hpp": HEAD + '#include "todoapp/plan.hpp"\n#include "kube/transport.hpp"\n',
    "controller/operator/loop.cpp": "auto start = clock::now();\n",
    "controller/operator/loop.metrics.cpp": "void f() {\n}\n",
    "controller/kubectl/main.cpp": '#include "todoapp/plan.hpp"\n#include "kube/transport.hpp"\n',
    "tests/unit/base/time_test.cpp": "",
    "tests/unit/todoapp/plan_test.cpp": "",
    "tests/unit/operator/loop_test.cpp": "",
    "docker/backend/src/text.hpp": HEAD,
    "docker/backend/src/text.cpp": '#include "text.hpp"\n',
    "tests/unit/backend/text_test.cpp": "",
}
UNTESTED = {"kube/rest_transport.cpp": "needs a peer"}


def including(what):
    return f"#include {what}\n"


def long_function(lines):
    return "int f(int a,\n      int b) {\n" + "  g();\n" * (lines - 3) + "}\n"


# What is bad, the file, its text, and the words of the only complaint.
BAD = [
    ("base sees kube", "base/time.cpp", including('"kube/transport.hpp"'), "base cannot see kube"),
    ("base sees the model", "base/time.cpp", including('"kube/model/object.hpp"'), "base cannot see kube/model"),
    ("the model sees kube", "kube/model/object.hpp", HEAD + including('"kube/transport.hpp"'), "model cannot see kube"),
    ("kube sees todoapp", "kube/transport.hpp", HEAD + including('"todoapp/plan.hpp"'), "kube cannot see todoapp"),
    ("todoapp sees kube's I/O", "todoapp/plan.cpp", including('"kube/transport.hpp"'), "todoapp cannot see kube"),
    ("todoapp sees the operator", "todoapp/plan.cpp", including('"operator/loop.hpp"'), "todoapp cannot see operator"),
    ("the plugin sees the operator", "kubectl/main.cpp", including('"operator/loop.hpp"'), "cannot see operator"),
    ("an indented include", "todoapp/plan.cpp", "  #  include \"kube/transport.hpp\"\n", "todoapp cannot see kube"),
    ("written from elsewhere", "todoapp/plan.cpp", including('"plan.hpp"'), "not under controller/"),
    ("cpprest elsewhere", "operator/loop.cpp", including("<cpprest/json.h>"), "only kube/rest_transport.cpp"),
    ("pplx elsewhere", "operator/loop.cpp", including("<pplx/pplxtasks.h>"), "only kube/rest_transport.cpp"),
    ("json in a header", "operator/loop.hpp", HEAD + including("<nlohmann/json.hpp>"), "json_fwd.hpp"),
    ("Asio in the core", "todoapp/plan.cpp", including("<boost/asio.hpp>"), "it is pure"),
    ("spdlog in the core", "todoapp/plan.cpp", including("<spdlog/spdlog.h>"), "it is pure"),
    ("a program started elsewhere", "operator/loop.cpp", "void f() { ::execvp (name, args); }\n", "only kube/exec_plugin.cpp"),
    ("a kubeconfig read elsewhere", "operator/loop.cpp", including('"kube/kubeconfig.hpp"'), "and of no other"),
    ("files in the core", "todoapp/plan.cpp", including("<fstream>"), "it is pure"),
    ("threads in the core", "todoapp/plan.cpp", including("<thread>"), "it is pure"),
    ("a mutex in base", "base/time.cpp", including("<mutex>"), "it is pure"),
    ("the time in the core", "todoapp/plan.cpp", "auto t = std::chrono::system_clock::now();\n", "says ::now("),
    ("dice in the core", "todoapp/plan.cpp", "std::random_device seed;\n", "says random_device"),
    ("C's dice in the core", "todoapp/plan.cpp", "int i = rand();\n", "says rand("),
    ("the time in a model", "kube/model/object.hpp", HEAD + "auto t = clock::now();\n", "says ::now("),
    ("a header without an opening", "operator/loop.hpp", "#pragma once\n\n#pragma once\n", "open with a comment"),
    ("a header without a guard", "operator/loop.hpp", "// What it is.\n", "lacks #pragma once"),
    ("a long file", "operator/loop.cpp", "\n" * 401, "has 401 lines"),
    ("a long function", "operator/loop.cpp", long_function(71), "a function of 71 lines at line 1"),
    ("a source without a test", "operator/observe.cpp", "", "has no test: tests/unit/operator/observe_test.cpp"),
    ("an exception not needed", "base/time.cpp", "", "has a test: take it out"),
]


class Rules(unittest.TestCase):
    def complaints(self, changes, untested=None):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **changes}.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check(Path(folder), UNTESTED if untested is None else untested)

    def test_a_good_tree_passes(self):
        self.assertEqual(self.complaints({}), [])

    def test_what_is_just_within_the_limits_passes(self):
        self.assertEqual(self.complaints({"controller/operator/loop.cpp": "\n" * 400}), [])
        self.assertEqual(self.complaints({"controller/operator/loop.cpp": long_function(70) * 2}), [])

    def test_each_bad_thing_is_one_complaint(self):
        for what, name, text, words in BAD:
            with self.subTest(what):
                untested = {**UNTESTED, name: "no reason"} if what == "an exception not needed" else None
                found = self.complaints({"controller/" + name: text}, untested)
                self.assertEqual(len(found), 1, found)
                self.assertIn("controller/" + name, found[0])
                self.assertIn(words, found[0])

    def test_machines_of_kube_are_pure(self):
        name = "controller/kube/watch_machine.hpp"
        found = self.complaints({name: HEAD + including("<boost/asio.hpp>")})
        self.assertEqual(found, [f"{name} includes <boost/asio.hpp>: it is pure"])

    def test_the_backend_is_held_to_the_rules_that_are_not_about_layers(self):
        name = "docker/backend/src/text.cpp"
        found = self.complaints({name: long_function(71), "docker/backend/src/new.cpp": ""})
        self.assertEqual(found, ["docker/backend/src/new.cpp has no test: tests/unit/backend/new_test.cpp",
                                 f"{name} has a function of 71 lines at line 1, more than 70"])

    def test_a_long_test_is_a_complaint(self):
        found = self.complaints({"tests/unit/base/time_test.cpp": "\n" * 401})
        self.assertEqual(found, ["tests/unit/base/time_test.cpp has 401 lines, more than 400"])

    def test_an_exception_for_a_file_that_is_gone_is_a_complaint(self):
        found = self.complaints({}, {**UNTESTED, "base/gone.cpp": "?"})
        self.assertEqual(found, ["the list of untested files names base/gone.cpp, which is gone"])

    def test_an_empty_tree_is_a_complaint(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(check(Path(folder), {}), ["there is nothing under controller/"])


if __name__ == "__main__":
    unittest.main()
