import os

import pytest

from nevus.pipeline.artefacts import describe, problem_with


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "one").write_text("1")
    (tmp_path / "a" / "deep" / "two").write_text("22")
    return tmp_path


def test_a_folder_is_known_by_the_names_and_bytes_of_its_files(folder):
    artefact = describe(folder, "a")
    assert (artefact.kind, artefact.size, artefact.files) == ("folder", 3, 2)
    assert problem_with(folder, artefact) is None
    (folder / "a" / "one").rename(folder / "a" / "uno")
    assert describe(folder, "a").sha256 != artefact.sha256


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: (a / "one").unlink(), "changed"),
        (lambda a: (a / "one").write_text("11"), "changed"),
        (lambda a: (a / "three").touch(), "changed"),
        (lambda a: [(a / "one").unlink(), (a / "deep" / "two").unlink(), (a / "deep").rmdir(), a.rmdir()], "missing"),
    ],
)
def test_what_became_of_a_folder_is_said(folder, change, said):
    artefact = describe(folder, "a")
    change(folder / "a")
    assert said in problem_with(folder, artefact)


def test_other_bytes_of_the_same_length_are_noticed_and_a_mere_touch_is_not(folder):
    artefact = describe(folder, "a")
    os.utime(folder / "a" / "one", ns=(1, artefact.changed_ns + 10**9))
    assert problem_with(folder, artefact) is None
    (folder / "a" / "one").write_text("7")
    os.utime(folder / "a" / "one", ns=(1, artefact.changed_ns + 10**9))
    assert "changed" in problem_with(folder, artefact)


def test_a_file_in_the_place_of_a_folder_is_said(folder):
    (folder / "b").write_text("x")
    artefact = describe(folder, "b").model_copy(update={"path": "a"})
    assert problem_with(folder, artefact) == "a is no longer a file"


def test_nothing_there_cannot_be_described(folder):
    with pytest.raises(FileNotFoundError):
        describe(folder, "none")
