"""The runner of guides itself: a guide that tells the truth passes, and one that lies fails, whatever it lies about."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.guides import Guide
from support.pages import Page, Unreadable
from support.shown import difference
from support.waiting import eventually


def guide_of(folder: Path, text: str, **steps: object) -> Guide:
    """A page with this text. `~~~` stands for a fence."""
    document = folder / "page.md"
    document.write_text(text.replace("~~~", "```"))
    return Guide(document, {"COLOUR": "green"}, {"their-file": "our-file"}, steps)  # type: ignore[arg-type]


def test_a_guide_that_tells_the_truth_passes(tmp_path: Path) -> None:
    guide_of(tmp_path, """
# A page
Words.

~~~sh
word=apple
cd /tmp
~~~

~~~sh
echo "$word $COLOUR"; pwd
~~~

It prints:

~~~text
apple green
/tmp
~~~

~~~console
$ echo one; echo two >&2
one
two
$ echo three \\
>   four
three four
$ true
~~~

    echo "indented blocks are commands too"
""").follow()


@pytest.mark.parametrize(("text", "words"), [
    ("~~~sh\necho apple\n~~~\n~~~text\npear\n~~~", "nothing that was printed fits this line of the page: pear"),
    ("~~~console\n$ echo apple\npear\n~~~", "nothing that was printed fits this line of the page: pear"),
    ("~~~console\n$ printf 'apple\\npear\\n'\napple\n~~~", "more was printed than the page shows"),
    ("~~~console\n$ echo apple\n~~~", "more was printed than the page shows"),
    ("~~~console\n$ true\napple\n~~~", "nothing that was printed fits this line of the page: apple"),
    ("~~~sh\nfalse\necho never\n~~~", "page.md:1: ended with 1, not 0"),
    ("~~~sh\nfalse | true\n~~~", "ended with 1, not 0"),
    ("~~~sh\necho $NOBODY_SET_THIS\n~~~", "unbound variable"),
    ("~~~console\n$ exit 3\n~~~", "ended with 3, not 0"),
    ("<!-- run: exit: 2 -->\n~~~sh\ntrue\n~~~", "ended with 0, not 2"),
    ("<!-- run: exit: 2 -->\n~~~console\n$ true\n$ true\n~~~", "an exit code is that of one command, and here are 2"),
    ("<!-- run: after: rain -->\n~~~sh\ntrue\n~~~", "the test has no step 'rain'"),
    ("    false", "ended with 1, not 0"),
])
def test_a_guide_that_lies_fails(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AssertionError, match=words.replace("(", r"\(")):
        guide_of(tmp_path, text).follow()


@pytest.mark.parametrize(("text", "words"), [
    ("<!-- run: nothere: x -->\n~~~sh\ntrue\n~~~", "no marker 'nothere'"),
    ("<!-- run: not-here -->\n~~~sh\ntrue\n~~~", "not-here needs a value"),
    ("<!-- run: exit: one -->\n~~~sh\ntrue\n~~~", "exit takes a number, not one"),
    ("<!-- run not-here: x -->\n~~~sh\ntrue\n~~~", "a marker has a line of its own, and a colon"),
    ("Words. <!-- run: not-here: x -->\n~~~sh\ntrue\n~~~", "a marker has a line of its own"),
    ("<!-- run: not-here: x -->\nWords.\n~~~sh\ntrue\n~~~", "text between a marker and its block"),
    ("<!-- run: not-here: x -->\n~~~yaml\na: b\n~~~", "a marker before a block that is none of commands"),
    ("~~~sh\ntrue\n~~~\n<!-- run: not-here: x -->", "a marker at the end, with no block after it"),
    ("<!-- run: page: exit: 1 -->\n~~~sh\ntrue\n~~~", "a whole page takes not-here or by, not exit"),
    ("~~~bash\ntrue\n~~~", "write ```sh and not ```bash"),
    ("~~~sh\ntrue", "a block without an end"),
    ("~~~console\ntrue\n~~~", "begins with a command"),
    ("~~~sh\n\n~~~", "a block without a command"),
    ("~~~text\napple\n~~~", "a ```text block is what the ```sh block before it prints"),
    ("~~~sh\ntrue\n~~~\n# Other\n~~~text\napple\n~~~", "and there is none"),
    ("~~~console\n$ true\n~~~\n~~~text\napple\n~~~", "and there is none"),
])
def test_a_page_that_nobody_can_run_is_refused_before_anything_runs(tmp_path: Path, text: str, words: str) -> None:
    witness = tmp_path / "ran"
    with pytest.raises(Unreadable, match=words):
        guide_of(tmp_path, f"~~~sh\ntouch {witness}\n~~~\n\n## Then\n{text}").follow()
    assert not witness.exists()


def test_what_is_marked_is_not_run_and_what_fails_as_told_is_no_failure(tmp_path: Path) -> None:
    rained = []
    guide = guide_of(tmp_path, """
<!-- run: not-here: needs minikube -->
~~~sh
touch RAN
~~~

<!-- run: exit: 3 -->
~~~console
$ echo wrong; exit 3
wrong
~~~

<!-- run: after: rain -->
~~~sh
test -e WET
~~~
""".replace("RAN", str(tmp_path / "ran")).replace("WET", str(tmp_path / "wet")),
                     rain=lambda: (rained.append(1), (tmp_path / "wet").touch()))
    guide.follow()
    assert rained == [1]
    assert not (tmp_path / "ran").exists()


def test_what_a_block_leaves_in_the_background_ends_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    guide_of(tmp_path, f"~~~sh\nsleep 600 &\necho $! >{pid}\n~~~").follow()
    state = Path(f"/proc/{pid.read_text().strip()}/stat")

    def ended() -> bool:
        try:
            # One that nobody has waited for yet is a process still.
            return state.read_text().split()[2] == "Z"
        except OSError:
            return True

    eventually(ended, "the process to end")


def test_only_what_stands_under_a_heading_is_followed(tmp_path: Path) -> None:
    text = "# A\n~~~sh\nfalse\n~~~\n## B\n~~~sh\ntrue\n~~~\n### C\n~~~sh\ntrue\n~~~\n## D\n~~~sh\nfalse\n~~~\n"
    guide = guide_of(tmp_path, text)
    guide.follow("B")
    assert [block.headings for block in guide.page.under("B")] == [("A", "B"), ("A", "B", "C")]
    with pytest.raises(Unreadable, match="no commands under a heading 'E'"):
        guide.follow("E")
    with pytest.raises(AssertionError, match="ended with 1"):
        guide.run("D")


def test_readers_names_become_ours_in_commands_and_in_what_they_print(tmp_path: Path) -> None:
    guide_of(tmp_path, "~~~console\n$ echo their-file\ntheir-file\n~~~\n\n~~~sh\n[ their-file = our-file ]\n~~~").follow()


def test_a_marker_of_a_page_is_that_of_each_block_without_its_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- run: page: by: tests/a.py -->\n\n```sh\na\n```\n\n<!-- run: not-here: x -->\n```sh\nb\n```\n")
    first, second = Page(page).blocks
    assert (first.marked("by"), first.marked("not-here")) == ("tests/a.py", None)
    assert (second.marked("by"), second.marked("not-here")) == (None, "x")


def test_lists_hold_no_indented_blocks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("- one\n\n    goes on\n\nWords:\n\n    ls\n\n    ls -l\n")
    assert [block.script for block in Page(page).blocks] == ["ls\n\nls -l"]


@pytest.mark.parametrize(("shown", "printed"), [
    ("NAME  AGE\ntodo  <age>", "NAME   AGE\ntodo   2m5s\n"),
    ("pod/todo-backend-<hash>-<hash> created", "pod/todo-backend-7c9d8f5b6-x2x4q created"),
    ("first\n...\nlast", "first\nsecond\nthird\nlast"),
    ("first\n...\nlast", "first\nlast"),
    ("first ...", "first and what not"),
    ("at <time>, <number> of <any> at <ip>", "at 2026-01-31T12:00:00Z, 3 of them at 10.0.0.1"),
    ("took <seconds> s, <version>", "took 12.3 s, v1.34.1"),
    ("<none>", "<none>"),
    ("a\n\nb  ", "a\nb"),
])
def test_what_varies_is_alike(shown: str, printed: str) -> None:
    assert difference(shown, printed) == ""


@pytest.mark.parametrize(("shown", "printed"), [
    ("todo  <age>", "todo   soon"),
    ("todo-<hash>", "todo-X"),
    ("<none>", "something"),
    ("<pod>", "todo"),
    ("first\n...\nlast", "first\nsecond"),
    ("a.c", "abc"),
    ("a b", "ab"),
    ("... last", "the last"),
])
def test_what_is_different_stays_different(shown: str, printed: str) -> None:
    assert difference(shown, printed) != ""
