"""One version for all static files: it follows their content, and a page is told everything that its script will import."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.errors import NotFound
from server.pages import web_root
from server.static_files import load_static_files

SCENES = sorted((web_root() / "static/js/scenes").glob("*.js"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "js/a.js": 'import { b } from "./deep/b.js";\nconst later = () => import("./late.js");\nexport { c } from "./c.js";\n',
        "js/deep/b.js": '/** @type {import("../typed.js").T} */\nimport "../c.js";\nimport {\n  d,\n} from "../../vendor/d.js";\n',
        "js/c.js": 'import { a } from "./a.js";\n',
        "js/late.js": "",
        "js/typed.js": "",
        "vendor/d.js": "export const d = 1;\n",
        "icon.svg": "<svg/>",
    }
    for name, text in files.items():
        (tmp_path / "static" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "static" / name).write_text(text)
    (tmp_path / "secret").write_text("not ours to give")
    return tmp_path / "static"


def test_the_version_follows_content_and_names_and_nothing_else(folder: Path) -> None:
    first = load_static_files(folder).build
    assert load_static_files(folder).build == first
    assert re.fullmatch("[0-9a-f]{12}", first)

    (folder / "icon.svg").write_text("<svg />")
    changed = load_static_files(folder).build
    (folder / "icon.svg").rename(folder / "picture.svg")

    assert len({first, changed, load_static_files(folder).build}) == 3


def test_a_script_comes_with_all_that_it_imports_at_once(folder: Path) -> None:
    static = load_static_files(folder)

    names = [url.removeprefix(f"/static/{static.build}/") for url in static.modules("js/a.js")]

    assert names == ["js/a.js", "js/deep/b.js", "js/c.js", "vendor/d.js"]
    assert static.modules("js/a.js", "js/late.js", "js/c.js")[4:] == [static.url("js/late.js")]


@pytest.mark.parametrize("scene", SCENES, ids=lambda path: path.stem)
def test_everything_that_our_scripts_import_is_there(scene: Path) -> None:
    static = load_static_files(web_root() / "static")

    urls = static.modules(f"js/scenes/{scene.name}")

    assert len(urls) == len(set(urls))
    written = {name for url in urls for name in re.findall(r'from "[./]*([^"]+)"', _text(static.folder, url))}
    assert not [name for name in written if not any(url.endswith(name) for url in urls)]


def _text(folder: Path, url: str) -> str:
    return (folder / url.split("/", 3)[3]).read_text("utf-8")


@pytest.mark.parametrize("name", ["../secret", "js", "js/none.js", "js/out.js"])
def test_nothing_outside_and_no_directory(folder: Path, name: str) -> None:
    (folder / "js/out.js").symlink_to(folder.parent / "secret")
    static = load_static_files(folder)

    with pytest.raises(NotFound):
        static.file(name)


def test_a_page_cannot_name_what_is_not_there(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_static_files(folder).url("js/none.js")
