import shutil

import numpy as np
import pytest

from course import data
from course.paths import data_folder


@pytest.mark.parametrize("name", data.available())
def test_every_data_set_loads_and_describes_itself(name):
    loaded = data.load(name)
    n, p = loaded.X.shape
    assert loaded.X.dtype == float
    assert np.isfinite(loaded.X).all()
    assert len(loaded.features) == p
    assert loaded.samples is None or len(loaded.samples) == n
    assert loaded.y is None or loaded.y.shape == (n,)
    assert f"{n} samples" in repr(loaded)
    assert loaded.frame.shape == (n, p)


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(data.DataError, match="did you mean 'usarrests'"):
        data.load("usarests")
    with pytest.raises(data.DataError, match="there are usarrests"):
        data.load("mona lisa")


@pytest.fixture
def copy(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(data_folder(), folder)
    monkeypatch.setenv("COURSE_DATA", str(folder))
    return folder


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda table: table.unlink(), "cannot be read"),
        (lambda table: table.write_bytes(b""), "is empty"),
        (lambda table: table.write_bytes(table.read_bytes()[:-40]), "damaged"),
        (lambda table: table.write_text(table.read_text().replace("13.2", "13.3", 1)), "damaged"),
        (lambda table: (table.parent / "sources.toml").unlink(), "does not vouch"),
        (lambda table: (table.parent / "sources.toml").write_text("nonsense ["), "does not vouch"),
    ],
    ids=["missing", "empty", "cut short", "one digit changed", "no checksums", "broken checksums"],
)
def test_a_harmed_table_is_refused_and_the_mend_is_named(copy, harm, says):
    assert len(data.load("usarrests").X) == 50
    harm(copy / "usarrests.csv")
    with pytest.raises(data.DataError, match=says) as refusal:
        data.load("usarrests")
    assert "git checkout data/usarrests.csv" in str(refusal.value)
