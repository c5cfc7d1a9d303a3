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
    """What those see who do not play it, without what is another at each run."""
    groups = re.findall(r'<g visibility="visible">.*?<text [^>]*>(.*?)</text></g>', picture)
    lines = (html.unescape(re.sub(r"<[^>]+>", "", group)) for group in groups)
    text = "\n".join(line for line in lines if not re.fullmatch(r"[\d.]+ s", line))
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r"todo-backend-[0-9a-z]+-[0-9a-z]{5}\b", "POD", re.sub(r"restarts\s+\d", "restarts N", text))


def test_the_picture_of_the_readme_is_what_a_terminal_shows(cluster: RealCluster, installed: None, tmp_path: Path,
                                                            variables: Mapping[str, str]) -> None:
    forget(cluster.api, "shop")
    settings = [f"{name}={value}" for name, value in variables.items()]
    new, text = tmp_path / "new.svg", tmp_path / "new.txt"
    run(["env", *settings, str(RECORDER), "--picture", str(new), "--text", str(text)], seconds=RECORD_SECONDS)
    forget(cluster.api, "shop")
    said = text.read_text()
    for words in ("todo: RolledBack (namespace shop)", "revision 3: active, last good; Succeeded; rollback to revision 1",
                  "  reason     CrashLoopBackOff", "  exit code  3", "  | stand-in: ending with exit code 3, as told"):
        assert words in said, said
    assert last_screen(new.read_text()) == last_screen(PICTURE.read_text()), "run scripts/record-failed-upgrade.py anew"
    # It plays: the rollout on its way is in it, too.
    assert "RollingBackend 0/1" in new.read_text() and "RollingBackend 0/1" in PICTURE.read_text()
    assert 'src="docs/images/failed-upgrade.svg"' in (REPOSITORY / "README.md").read_text()
