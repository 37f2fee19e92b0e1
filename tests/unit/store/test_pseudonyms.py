from __future__ import annotations

import hashlib
import hmac
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scipy import stats

from nevus.store.pseudonyms import PatientKeyError, Pseudonyms, PseudonymSecretError, secret_file

SECRET = bytes(range(32))


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(SECRET)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_patient_is_known_by_hmac_sha256_of_the_key_for_this_purpose(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.patient("P-17") == hmac.new(SECRET, b"patient:4:P-17", hashlib.sha256).hexdigest()


def test_another_process_gives_the_same(tmp_path: Path) -> None:
    here = Pseudonyms.open(tmp_path)
    program = (
        "import sys; from pathlib import Path; from nevus.store.pseudonyms import Pseudonyms;"
        "p = Pseudonyms.open(Path(sys.argv[1])); print(p.patient('Ä'), p.lesion('Ä', '1'), p.share('x'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert said.split() == [here.patient("Ä"), here.lesion("Ä", "1"), str(here.share("x"))]


def test_another_secret_gives_another(tmp_path: Path) -> None:
    one, other = Pseudonyms.open(tmp_path / "a"), Pseudonyms.open(tmp_path / "b")
    assert one.patient("P") != other.patient("P")
    assert one.lesion("P", "1") != other.lesion("P", "1")
    assert one.share("P") != other.share("P")


def test_purposes_and_divisions_are_kept_apart(pseudonyms: Pseudonyms) -> None:
    made = [
        pseudonyms.patient("a"),
        pseudonyms.lesion(None, "a"),
        pseudonyms.lesion("a", "a"),
        pseudonyms.lesion("aa", "a"),
        pseudonyms.lesion("a", "aa"),
        pseudonyms.lesion("a", "1:a"),
        pseudonyms.lesion(None, "1:a1:a"),
    ]
    assert len(set(made)) == len(made)


def test_what_cannot_be_seen_does_not_count(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.patient(" Mu\u0308ller\n") == pseudonyms.patient("M\u00fcller")
    assert pseudonyms.patient("p-1") != pseudonyms.patient("P-1")


@pytest.mark.parametrize("key", ["", "  ", "\n"])
def test_an_empty_key_is_refused(pseudonyms: Pseudonyms, key: str) -> None:
    with pytest.raises(PatientKeyError):
        pseudonyms.patient(key)


def test_shares_are_uniform(pseudonyms: Pseudonyms) -> None:
    shares = [pseudonyms.share(f"patient-{number}") for number in range(20_000)]
    assert 0 <= min(shares) < max(shares) < 1
    assert stats.kstest(shares, "uniform").pvalue > 0.01
    assert sum(share < 0.1 for share in shares) == pytest.approx(2000, abs=130)


def test_a_share_stays(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.share("P-17") == Pseudonyms(SECRET).share("P-17")
    expected = hmac.new(SECRET, b"arm:4:P-17", hashlib.sha256).digest()
    assert pseudonyms.share("P-17") == pytest.approx(int.from_bytes(expected[:8], "big") / 2**64, abs=1e-12)


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Pseudonyms.open(home)
    file = secret_file(home)
    text = file.read_text()
    Pseudonyms.open(home)
    assert file.read_text() == text
    assert len(bytes.fromhex(text.strip())) == 32
    assert (mode(file), mode(file.parent), mode(home)) == (0o600, 0o700, 0o700)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_many_that_come_first_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: Pseudonyms.open(tmp_path).patient("P"), range(64)))
    assert len(set(made)) == 1


def test_a_file_that_is_named_is_used_and_nothing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET.hex().upper() + "\n")
    named = Pseudonyms.open(tmp_path / "home", file)
    assert named.patient("P") == Pseudonyms(SECRET).patient("P")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("content", [None, "", "short", "0" * 62, "z" * 64, "ä" * 64])
def test_a_file_without_a_secret_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "named.key"
    if content is not None:
        file.write_text(content)
    with pytest.raises(PseudonymSecretError, match=r"named\.key") as refused:
        Pseudonyms.open(tmp_path, file)
    assert not content or content not in str(refused.value)


def test_a_home_that_cannot_hold_a_secret_is_said(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file in the folder's place")
    with pytest.raises(PseudonymSecretError, match="can't be made"):
        Pseudonyms.open(tmp_path)


def test_the_secret_is_not_shown(pseudonyms: Pseudonyms) -> None:
    assert SECRET.hex() not in repr(pseudonyms) + str(vars(Pseudonyms))
