"""Holds the manifests that the tests of adapters/src/seda/ write against the official schemas of SEDA.

The schemas come with the Python package cubicweb-seda, and lxml validates: both are installed, at pinned
versions, in a folder of the build."""

import importlib.util
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / "target" / "peers" / "seda"
PACKAGES = ["lxml==6.0.2"]
SCHEMAS = "cubicweb-seda==2.4.1"


def install():
    """Makes the environment, unless it is there; says which Python runs in it."""
    python = HOME / "venv" / "bin" / "python"
    if not (HOME / "done").exists():
        venv.create(HOME / "venv", with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run(pip + PACKAGES, check=True)
        # Its own dependencies are a web framework, which a schema does without.
        subprocess.run(pip + ["--no-deps", SCHEMAS], check=True)
        (HOME / "done").touch()
    return python


def validate():
    from lxml import etree

    # Found without being imported: it would want the framework.
    package = importlib.util.find_spec("cubicweb_seda").submodule_search_locations[0]
    schemas = pathlib.Path(package) / "xsd"
    sound = True
    snapshots = sorted((ROOT / "adapters/src/seda/snapshots").glob("*transfer_*.snap"))
    for snapshot in snapshots:
        version = snapshot.stem.rsplit("_", 1)[1]
        manifest = snapshot.read_text().split("---\n", 2)[2]
        schema = etree.XMLSchema(etree.parse(schemas / f"seda-{version}-main.xsd"))
        valid = schema.validate(etree.fromstring(manifest.encode()))
        sound &= valid
        print(f"SEDA {version}: {'valid' if valid else schema.error_log}")
    return sound and len(snapshots) == 3


if __name__ == "__main__":
    if sys.argv[1:] == ["--installed"]:
        sys.exit(0 if validate() else 1)
    sys.exit(subprocess.run([install(), __file__, "--installed"]).returncode)
