"""The public items of a package with all features, from rustdoc's JSON."""

import json
import os
import subprocess
from pathlib import Path


def documented(package, root="."):
    """Returns rustdoc's JSON of a package in the workspace at `root`."""
    target = Path("target/external-types").resolve()
    command = ["cargo", "rustdoc", "--quiet", "--lib", "-p", package, "--all-features", "--"]
    command += ["-Z", "unstable-options", "--output-format", "json"]
    environment = dict(os.environ, RUSTC_BOOTSTRAP="1", CARGO_TARGET_DIR=str(target))
    subprocess.run(command, cwd=root, check=True, env=environment)
    return json.loads((target / "doc" / f"{package.replace('-', '_')}.json").read_text())


def is_public(index, identity):
    return index.get(str(identity), {}).get("visibility") == "public"


def reached(crate):
    """Yields (kind, item, inner) of each type, trait and function that a user can name."""
    index, seen, left = crate["index"], set(), [crate["root"]]
    while left:
        identity = left.pop()
        item = index.get(str(identity))
        if item is None or identity in seen:
            continue
        seen.add(identity)
        (kind, inner), = item["inner"].items()
        if kind == "use":
            left.append(inner["id"])
        elif kind == "module":
            left += [child for child in inner["items"] if is_public(index, child)]
        elif kind in ("struct", "enum", "union", "trait", "function") and item["crate_id"] == 0:
            yield kind, item, inner


def methods(crate, inner):
    """Yields the public methods of a type, or the methods of a trait."""
    index = crate["index"]
    for identity in inner.get("impls", []):
        implementation = index.get(str(identity), {}).get("inner", {}).get("impl", {})
        if implementation.get("trait") is None:
            for method in implementation.get("items", []):
                if is_public(index, method) and "function" in index[str(method)]["inner"]:
                    yield index[str(method)]
    for member in inner.get("items", []):
        item = index.get(str(member), {})
        if "function" in item.get("inner", {}):
            yield item


def functions(crate):
    """Yields (name, item) of each function and method: `detect`, `Watchdog::arm`."""
    for kind, item, inner in reached(crate):
        if kind == "function":
            yield item["name"], item
        else:
            for method in methods(crate, inner):
                yield f"{item['name']}::{method['name']}", method
