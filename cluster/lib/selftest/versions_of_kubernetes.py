"""--kubernetes: which version, and no other one by mistake. Nothing is built for it."""

import json
import os
import re
from pathlib import Path

from localcluster import build, versions

from . import LOCAL, SOURCE, command, require

BUILD = SOURCE / "build"


def refusals(suite, first):
    """`first` was made with the default version."""
    default, *others = versions.known()
    with suite.check("each version has a module that pins it, and all its parts, to one release"):
        require(others, "there is only the default version")
        for minor, group in versions.known().items():
            _assert_pins_one_release(minor, group)
    with suite.check("versions and their programs have places of their own"):
        places = {minor: build.group_cache(build.group_of("kube-apiserver", minor)) for minor in versions.known()}
        require(len(set(places.values())) == len(places), f"places: {places}")
        require(build.group_cache(build.group_of("kube-apiserver")) == places[default], "the default one is elsewhere")
    with suite.check("an unknown version is refused, with those that there are"):
        there = f"there are: {', '.join([f'{default} (default)', *others])}"
        up, built = [LOCAL, "up", "--dir", suite.work / "none-such"], [BUILD]
        for program, wrong, by_option in ((up, "1.2", True), (built, others[0] + ".1", True), (built, "v" + default, False),
                                          (built, "", True), (up, "", False)):
            told = "--kubernetes" if by_option else versions.VARIABLE
            said = command(*program, "--nodes", "none", *([told, wrong] if by_option else []),
                           env={} if by_option else {told: wrong}, expect=1)
            require(there in said and told in said and repr(wrong) in said, said)
        require(not (suite.work / "none-such").exists(), "a directory was made")
    with suite.check("a cluster goes on with the version that it was made with: any other is refused"):
        for arguments, env in ((["--kubernetes", others[0]], {}), ([], {versions.VARIABLE: others[0]})):
            said = first.up(*arguments, env=env, expect=1)
            require(f"was made with --kubernetes {default}, not {others[0]}: take another --dir, or run down first" in said,
                    said)
        if not os.environ.get("KUBEBUILDER_ASSETS"):
            first.up("--kubernetes", default, env={versions.VARIABLE: others[0]})
        first.status()
    with suite.check("programs in KUBEBUILDER_ASSETS are not taken for a version that was asked for"):
        assets = suite.work / "other-assets"
        assets.mkdir()
        (assets / "kube-apiserver").symlink_to("/bin/true")
        said = command(BUILD, "--nodes", "none", "--kubernetes", others[0], env={"KUBEBUILDER_ASSETS": str(assets)}, expect=1)
        require(f"Kubernetes {others[0]} was asked for" in said and "unset it" in said, said)


def _assert_pins_one_release(minor, group):
    version = versions.pinned(group)
    require(re.fullmatch(re.escape(f"v{minor}.") + r"\d+", version), f"{group} pins {version}")
    row = f"| `modules/{group}` ({version[1:]}) |"
    require(row in (SOURCE / "README.md").read_text(), f"README.md has no row {row}")
    text = (build.group_dir(group) / "go.mod").read_text()
    replaced = dict(re.findall(r"^\t(k8s\.io/\S+) => \1 (\S+)$", text, re.M))
    wrong = {name: to for name, to in replaced.items() if to != "v0" + version[2:]}
    require(replaced and not wrong, f"{group}: not of {version}: {wrong}")
    placeholders = re.findall(r"^\t(k8s\.io/\S+) v0\.0\.0 ", text, re.M)
    require(set(placeholders) <= set(replaced), f"{group}: no replace for {set(placeholders) - set(replaced)}")
    require(f"-X k8s.io/component-base/version.gitVersion={version} " in build.linker_flags(group) + " ",
            f"{group} is linked with {build.linker_flags(group)}")


def another(suite):
    """The default version's programs, put where another version's would be: what is tried is which are started."""
    minor = list(versions.known())[1]
    env = {"XDG_CACHE_HOME": str(suite.work / "cache"), "KUBEBUILDER_ASSETS": ""}
    place = suite.work / "cache" / build.group_cache(versions.group(minor)).relative_to(build.cache_dir().parent.parent)
    place.mkdir(parents=True)
    etcd = place.parent / build.group_cache("etcd").name
    etcd.mkdir()
    for program in build.MODE_PROGRAMS["none"]:
        (etcd if program == "etcd" else place).joinpath(program).symlink_to(build.path_of(program))
    fifth = suite.subject("fifth", "none")
    with suite.check("a cluster has the version that it was asked for, and keeps it when asked for none"):
        for arguments in (["--kubernetes", minor], []):
            fifth.up(*arguments, env=env)
            ran = {name: os.readlink(fifth.dir / "bin" / name) for name in build.MODE_PROGRAMS["none"]}
            require(all(Path(path).parent == (etcd if name == "etcd" else place) for name, path in ran.items()), str(ran))
        settings = json.loads((fifth.dir / "cluster.json").read_text())["settings"]
        require(settings["kubernetes"] == minor, str(settings))
    with suite.check("and the default one is refused there"):
        said = fifth.up("--kubernetes", versions.default(), env=env, expect=1)
        require(f"was made with --kubernetes {minor}, not {versions.default()}" in said, said)
        fifth.local("down")
        fifth.assert_nothing_left()
