"""scripts/record-failed-upgrade.py, which makes the picture in the README: it still runs, and the picture that is there shows
what happens today.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

from conftest import forget

from support.control_plane import REPOSITORY, run
from support.real_node import RealCluster

RECORDER = REPOSITORY / "scripts" / "record-failed-upgrade.py"
PICTURE = REPOSITORY / "docs" / "images" / "failed-upgrade.svg"
RECORD_SECONDS = 480


def last_screen(picture: str) -> str:
    """What those see who do not play it."""
    groups = re.findall(r'<g visibility="visible">.*?<text [^>]*>(.*?)</text></g>', picture)
    return "\n".join(html.unescape(re.sub(r"<[^>]+>", "", group)) for group in groups)


def explained(picture: str) -> list[str]:
    """What `explain` says there, without what is another at each run."""
    _, found, text = last_screen(picture).partition("$ kubectl todoapp explain")
    assert found, picture[:400]
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    text = re.sub(r"todo-backend-[0-9a-z]+-[0-9a-z]{5}\b", "POD", re.sub(r"restarts\s+\d", "restarts N", text))
    return [line for line in text.splitlines() if not re.fullmatch(r"[\d.]+ s", line)]


def test_the_picture_of_the_readme_is_what_a_terminal_shows(cluster: RealCluster, installed: None, tmp_path: Path,
                                                            variables: Mapping[str, str]) -> None:
    forget(cluster, "shop")
    settings = [f"{name}={value}" for name, value in variables.items()]
    new, text = tmp_path / "new.svg", tmp_path / "new.txt"
    run(["env", *settings, str(RECORDER), "--picture", str(new), "--text", str(text)], seconds=RECORD_SECONDS)
    forget(cluster, "shop")
    said = text.read_text()
    there = PICTURE.read_text()
    for words in ("todo: RolledBack (namespace shop)", "revision 3: active, last good; Succeeded; rollback to revision 1",
                  "  reason     CrashLoopBackOff", "  exit code  3", "  | stand-in: ending with exit code 3, as told"):
        assert words in said, said
        assert words in last_screen(there), "run scripts/record-failed-upgrade.py anew"
    for picture in (new.read_text(), there):
        assert not re.search(r"\[\d*[A-Z]", last_screen(picture)), "an order of a terminal that the recorder does not know"
    assert explained(new.read_text()) == explained(there), "run scripts/record-failed-upgrade.py anew"
    # It plays: the rollout on its way is in it, too.
    assert "RollingBackend 0/1" in new.read_text() and "RollingBackend 0/1" in there
    assert 'src="docs/images/failed-upgrade.svg"' in (REPOSITORY / "README.md").read_text()
